//! What a person meets first: settings, refusals and help, with their exit codes.

use harness::worker_process::{Ended, VARIABLES};
use harness::{Worker, world};
use serde_json::Value;

/// A worker that never comes to need a queue or a table.
fn lonely() -> Worker {
    Worker::new(Vec::new())
}

fn assert_refused(ended: &Ended, named: &[&str]) {
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    assert_eq!(ended.stdout, "");
    for name in named {
        assert!(ended.stderr.contains(name), "{name} is not in {}", ended.stderr);
    }
}

#[tokio::test]
async fn every_problem_is_told_at_once() {
    for command in ["run", "check"] {
        let ended = lonely()
            .arguments(&[command])
            .with("DEAD_LETTER_QUEUE_URL", "nonsense")
            .with("PROFILE_MODEL", "/nowhere/model.toml")
            .with("USER_POOL_IDS", "nowhere")
            .with("AMPLIFY_OUTPUTS", "/nowhere/amplify_outputs.json")
            .with("TRIGGER_SOURCES", "PreSignUp")
            .with("WRITE_STRATEGY", "overwrite")
            .with("MAX_IN_FLIGHT", "0")
            .with("MAX_RECEIVERS", "many")
            .with("WAIT_TIME", "21s")
            .with("VISIBILITY_TIMEOUT", "soon")
            .with("LINGER", "-1")
            .with("WRITE_DEADLINE", "0s")
            .with("HOLD_BUDGET", "12h")
            .with("DRAIN_DEADLINE", "never")
            .with("VERIFY_LATE", "maybe")
            .with("VERIFY_LATE_RATE", "0")
            .with("STOP_TIMEOUT", "x")
            .with("ADMIN_ADDR", "everywhere")
            .with("METRICS_EMF", "yes")
            .with("LOG_FORMAT", "xml")
            .with("RUST_LOG", "=,=")
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example.com")
            .with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318")
            .with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://")
            .with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
            .with("OTEL_TRACES_EXPORTER", "console")
            .with("OTEL_METRICS_EXPORTER", "statsd")
            .with("OTEL_SDK_DISABLED", "perhaps")
            .run()
            .await;
        // Two are what anybody calls them.
        let free = ["LOG_HASH_KEY", "OTEL_SERVICE_NAME"];
        let named: Vec<_> = VARIABLES.into_iter().filter(|name| !free.contains(name)).collect();
        assert_refused(&ended, &named);
    }
}

#[tokio::test]
async fn times_that_do_not_fit_together_are_refused() {
    let times = |name: &str, value: &str| {
        let worker = lonely().with("QUEUE_URL", "http://127.0.0.1:1/1/queue").with("TABLE_NAME", "profiles");
        worker.with(name, value)
    };
    let short = times("VISIBILITY_TIMEOUT", "44s").run().await;
    assert_refused(&short, &["VISIBILITY_TIMEOUT", "WAIT_TIME", "WRITE_DEADLINE", "at least 45s"]);
    let short = times("DRAIN_DEADLINE", "10s").run().await;
    assert_refused(&short, &["DRAIN_DEADLINE", "at least"]);
    let short = times("STOP_TIMEOUT", "60s").run().await;
    assert_refused(&short, &["STOP_TIMEOUT", "DRAIN_DEADLINE", "at least"]);
    let long = times("HOLD_BUDGET", "11h").with("VISIBILITY_TIMEOUT", "1h").run().await;
    assert_refused(&long, &["HOLD_BUDGET", "VISIBILITY_TIMEOUT", "12h", "at most 10h"]);
}

#[tokio::test]
async fn receivers_that_could_not_ask_for_ten_each_are_refused() {
    let worker = lonely().with("QUEUE_URL", "http://127.0.0.1:1/1/queue").with("TABLE_NAME", "profiles");
    let many = worker.with("MAX_IN_FLIGHT", "50").with("MAX_RECEIVERS", "16").run().await;
    assert_refused(&many, &["MAX_IN_FLIGHT", "MAX_RECEIVERS", "at least 160", "at most 5"]);
}

#[tokio::test]
async fn a_fifo_queue_is_refused_with_the_reason() {
    let queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations.fifo";
    let ended = lonely().with("QUEUE_URL", queue).with("TABLE_NAME", "profiles").run().await;
    assert_refused(&ended, &["QUEUE_URL", "FIFO", "standard queue"]);
}

#[tokio::test]
async fn an_address_that_is_taken_is_a_problem_with_a_name() {
    let world = world!();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ended = world.worker().with("ADMIN_ADDR", taken.local_addr().unwrap().to_string()).run().await;
    assert_refused(&ended, &["ADMIN_ADDR", "free address"]);
}

#[tokio::test]
async fn what_is_no_command_is_usage() {
    for arguments in [&["run", "--no-such-flag"][..], &["no-such-command"], &[], &["run", "extra"]] {
        let ended = lonely().arguments(arguments).run().await;
        assert_eq!(ended.code, Some(64), "{arguments:?}: {ended:#?}");
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("Usage"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn help_names_every_setting_and_every_exit_code() {
    for command in ["run", "check", "health"] {
        let help = lonely().arguments(&[command, "--help"]).run().await;
        assert_eq!(help.code, Some(0));
        assert_eq!(help.stderr, "");
        for name in VARIABLES {
            assert!(help.stdout.contains(&format!("[env: {name}")), "{command}: {name}\n{}", help.stdout);
            let flag = match name {
                "RUST_LOG" => "--log-filter".to_owned(),
                name => format!("--{}", name.to_lowercase().replace('_', "-")),
            };
            assert!(help.stdout.contains(&flag), "{flag}");
        }
    }
    let help = lonely().arguments(&["--help"]).run().await;
    assert_eq!(help.code, Some(0));
    for word in ["run", "check", "health", "64", "69", "70", "75", "78"] {
        assert!(help.stdout.contains(word), "{word}");
    }
    assert_eq!(lonely().arguments(&["--version"]).run().await.code, Some(0));
}

#[tokio::test]
async fn help_shows_no_value_of_the_environment() {
    let worker = lonely().with("LOG_HASH_KEY", "secret-key").with("QUEUE_URL", "https://secret/1/queue");
    let help = worker.arguments(&["run", "--help"]).run().await;
    assert!(!help.stdout.contains("secret"), "{}", help.stdout);
}

#[tokio::test]
async fn a_flag_comes_before_its_variable() {
    let world = world!();
    world.send("nonsense").await;
    let worker = world.worker().with("TABLE_NAME", "no-such-table");
    let ended = worker.arguments(&["run", "--until-empty", "1s", "--table-name", world.table()]).run().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("rejected", 1)]);
}

#[tokio::test]
async fn amplify_outputs_stand_for_queue_table_and_pool() {
    let world = world!();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("amplify_outputs.json");
    let outputs = serde_json::json!({
        "auth": {"user_pool_id": harness::confirmations::POOL},
        "custom": {"profileWorker": {
            "queueUrl": world.queue, "deadLetterQueueUrl": world.dead_letter, "tableName": world.table(),
        }},
    });
    std::fs::write(&path, outputs.to_string()).unwrap();
    let person = harness::Person::new("ana");
    let stranger = person.body_with(&serde_json::json!({"userPoolId": "eu-central-1_Other1"}));
    world.send_all([person.body(), stranger]).await;
    let worker = world.worker().with("QUEUE_URL", "").with("TABLE_NAME", "");
    let ended = worker.with("AMPLIFY_OUTPUTS", path.to_str().unwrap()).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("rejected", 1)]);
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn a_table_for_people_holds_what_the_line_for_machines_does() {
    let world = world!();
    world.send(&harness::Person::new("ana").body()).await;
    let worker = world.worker().arguments(&["run", "--until-empty", "1s", "--output", "table"]);
    let ended = worker.run().await;
    assert_eq!(ended.code, Some(0));
    for word in ["received", "created", "drained", "yes"] {
        assert!(ended.stdout.contains(word), "{}", ended.stdout);
    }
    assert!(serde_json::from_str::<Value>(&ended.stdout).is_err());
}
