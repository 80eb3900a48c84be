//! The TypeScript of the README is run as it stands there, and must say what the function says.

use std::path::Path;
use std::process::Stdio;

use domain::{Timestamp, body};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::aws::Aws;
use crate::function::{Function, QUEUE_URL, TRACE, event};

const CONFIRMATIONS: [&str; 5] = [
    "self-sign-up",
    "password-reset",
    "phone-only-custom-attribute",
    "federated-first-sign-in",
    "username-pool-admin-confirmed",
];

/// The client's place in `node_modules`: prints what would be sent, or fails as told.
const CLIENT: &str = r#"
export class SQSClient {
  async send(command, options) {
    if (!(options.abortSignal instanceof AbortSignal)) throw new Error("no deadline");
    if (process.env.FAIL) throw Object.assign(new Error("about " + command.input.MessageBody), { name: "Refused" });
    console.log(JSON.stringify(command.input));
  }
}
export class SendMessageCommand { constructor(input) { this.input = input; } }
"#;

const CALLER: &str = r#"
import { announceConfirmation } from "./snippet.mjs";
for (const event of JSON.parse(process.argv[2])) await announceConfirmation(event);
"#;

/// The snippet without its types, which older versions of Node cannot read.
fn snippet() -> String {
    let readme = include_str!("../../README.md");
    let after = readme.split("### In TypeScript").nth(1).unwrap();
    let typed = after.split("```ts\n").nth(1).unwrap().split("```").next().unwrap();
    let import = "import type { PostConfirmationTriggerEvent } from \"aws-lambda\";\n";
    let mut plain = typed.to_owned();
    for annotation in [import, ": PostConfirmationTriggerEvent", ": Promise<void>", " as Error"] {
        assert!(plain.contains(annotation), "the snippet changed its types: {annotation}");
        plain = plain.replace(annotation, "");
    }
    plain
}

/// Runs the snippet on `events`. `None` where there is no Node.
async fn node(events: &[Value], variables: &[(&str, &str)]) -> Option<(Vec<Value>, String)> {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("snippet.mjs", &snippet());
    write("caller.mjs", CALLER);
    write("node_modules/@aws-sdk/client-sqs/index.mjs", CLIENT);
    write("node_modules/@aws-sdk/client-sqs/package.json", r#"{"exports":"./index.mjs"}"#);
    let output = Command::new("node")
        .arg("caller.mjs")
        .arg(Value::from(events).to_string())
        .current_dir(folder.path())
        .env("QUEUE_URL", QUEUE_URL)
        .env("_X_AMZN_TRACE_ID", TRACE)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .ok()?;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    Some((stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), stderr))
}

fn parsed(name: &str) -> Value {
    serde_json::from_str(&event(name)).unwrap()
}

fn timeless(envelope: &str) -> Value {
    let never = Timestamp::from_epoch_ms(0).unwrap();
    assert!(body::read(envelope, never, |_| false).unwrap().is_live());
    let mut value: Value = serde_json::from_str(envelope).unwrap();
    value.as_object_mut().unwrap().remove("observedAt").unwrap();
    value
}

#[tokio::test]
async fn the_typescript_sends_what_the_function_sends() {
    let mut events: Vec<_> = CONFIRMATIONS.map(parsed).into();
    events[0]["request"]["userAttributes"]["email"] = json!("odd\u{fffe}\u{ffff}\u{1}\"@example.com");
    events[1]["request"]["userAttributes"]["email_verified"] = json!("perhaps");
    events[2]["request"]["userAttributes"]["email"] = json!("");
    let Some((sent, _)) = node(&events, &[]).await else {
        eprintln!("skipped: there is no node on this machine");
        return;
    };

    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[]).await;
    for event in &events {
        function.invoke(&event.to_string()).await;
    }
    assert_eq!(sent.len(), CONFIRMATIONS.len());
    for (from_node, from_rust) in sent.iter().zip(aws.requests()) {
        let text = from_node["MessageBody"].as_str().unwrap();
        assert!(!text.contains(['\u{fffe}', '\u{ffff}']));
        assert_eq!(timeless(text), timeless(from_rust.body["MessageBody"].as_str().unwrap()));
        for field in ["QueueUrl", "MessageGroupId"] {
            assert_eq!(from_node[field], from_rust.body[field]);
        }
    }
}

#[tokio::test]
async fn the_typescript_never_throws_and_names_nobody() {
    let mut unknown = parsed("self-sign-up");
    unknown["triggerSource"] = json!("PostConfirmation_FromTheFuture");
    let mut without_sub = parsed("self-sign-up");
    without_sub["request"]["userAttributes"]["sub"] = json!("");
    let events = [unknown, parsed("console-test-event"), without_sub, parsed("self-sign-up")];
    let Some((sent, stderr)) = node(&events, &[("FAIL", "1")]).await else {
        eprintln!("skipped: there is no node on this machine");
        return;
    };
    assert_eq!(sent, Vec::<Value>::new());
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = |class: &str| json!({ "level": "ERROR", "message": "enqueue_failed", "class": class });
    assert_eq!(lines, [failed("TypeError"), failed("TypeError"), failed("Refused")]);
}
