//! The `local` program as a person uses it: the demo, and `serve`, `send` and a worker side by side.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use worker::aws::clients::Access;
use worker::cli::{Places, Written};
use worker::pipeline::Stop;
use worker::service;
use worker::telemetry::{Destinations, Telemetry};

fn local() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.env_clear().stdin(Stdio::null());
    command
}

#[test]
fn the_demo_ends_with_exactly_the_expected_table() {
    let output = local().args(["--events", "300", "--output", "json"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let result: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert!(output.status.success(), "{result}");
    assert_eq!(result["exact"], true, "{result}");
    assert_eq!(result["users"], result["items"]);
    let worker = &result["worker"];
    assert_eq!(worker["received"], 300);
    assert_eq!(worker["drained"], true);
    assert_eq!(worker["quarantined"]["not_json"], 1);
    assert!(worker["owner_conflict"].as_u64().unwrap() >= 1);
    assert!(worker["already_present"].as_u64().unwrap() >= 1);
    assert!(result["calls_per_1000"].as_u64().unwrap() > 0);
}

#[test]
fn a_table_for_people_and_usage_for_those_who_mistype() {
    let output = local().args(["--events", "50", "--output", "table"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("the table is") && stdout.contains("exact"), "{stdout}");
    for wrong in [["--events", "3"], ["--evnts", "3"]] {
        assert_eq!(local().args(wrong).output().unwrap().status.code(), Some(64));
    }
}

/// Ends `serve` however the test ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_send_and_a_worker_meet() {
    let mut child = local().arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _serving = Serving(child);
    let variables: BTreeMap<String, String> = lines
        .map(|line| line.unwrap().strip_prefix("export ").unwrap().to_owned())
        .map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
        .take(12)
        .collect();
    for name in ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "AWS_ENDPOINT_URL_S3", "USER_POOL_ID"] {
        assert!(variables.contains_key(name), "{name}");
    }

    let event = |name: &str| {
        let path = format!("{}/../domain/tests/fixtures/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        value.to_string()
    };
    let lines = [
        event("self-sign-up"),
        String::new(),
        event("queue-message-v1"),
        event("username-pool-admin-confirmed"),
        "not json".into(),
        event("console-test-event"),
    ];
    let mut sending = local()
        .args(["send", "-"])
        .envs(&variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    sending.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let sent = sending.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(sent.stdout).unwrap(), String::from_utf8(sent.stderr).unwrap());
    assert_eq!(sent.status.code(), Some(1), "{stdout}{stderr}");
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(result, serde_json::json!({"sent": 3, "ignored": 0, "bad_lines": 2}));
    assert!(stderr.contains("line 5: is not JSON") && stderr.contains("line 6: missing_field"), "{stderr}");
    assert!(!stderr.contains("user@example.com"), "{stderr}");

    let access = Access::local(&variables["AWS_ENDPOINT_URL_SQS"], &variables["AWS_ENDPOINT_URL_DYNAMODB"]);
    let places = Places {
        queue_url: Some(variables["QUEUE_URL"].clone()),
        table_name: Some(variables["TABLE_NAME"].clone()),
        ..Places::default()
    };
    let written = Written { places, admin_addr: Some("off".into()), ..Written::default() };
    let config = worker::config::parse(&written).unwrap();
    let quiet = worker::config::until_empty("500ms").unwrap();
    let telemetry = Telemetry::unpushed(Destinations::new("", "")).unwrap();
    let summary = service::run(&config, &access, &telemetry, Some(quiet), Stop::default()).await.unwrap();
    assert!(summary.drained);
    assert_eq!(summary.counts.outcomes["created"], 2);
    assert_eq!(summary.counts.outcomes["already_present"], 1);
}

#[test]
fn send_never_reaches_for_aws() {
    let output =
        local().args(["send", "-", "--queue-url", "https://sqs.eu-central-1.amazonaws.com/1/q"]).output();
    assert_eq!(output.unwrap().status.code(), Some(64), "an endpoint must be named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_sees_sign_ups_become_profiles_on_the_page_with_one_command() {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut command = local();
    command.args(["serve", "--worker", "--rate", "50", "--page-port", &port]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut serving = Serving(child);
    let address = format!("http://127.0.0.1:{port}/");
    assert!(lines.any(|line| line.unwrap().ends_with(&address)), "the page's address is not printed");

    let get = |path: &str| -> Option<String> {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    };
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let status = get("/status.json").and_then(|text| serde_json::from_str::<Value>(&text).ok());
        // People, some of them twice, and messages that cannot become profiles.
        let seen = |name: &str| status.as_ref().and_then(|status| status[name].as_u64()).unwrap_or_default();
        if seen("created") > 100 && seen("already_present") > 0 && seen("rejected") > 0 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{status:?}");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let page = get("/").unwrap();
    assert!(page.contains("Sign-ups become profiles: "), "{page}");

    // It ends when it is asked to, and with what is in hand.
    let terminated = Command::new("/bin/kill").arg(serving.0.id().to_string()).status().unwrap();
    assert!(terminated.success());
    assert!(serving.0.wait().unwrap().success());
}
