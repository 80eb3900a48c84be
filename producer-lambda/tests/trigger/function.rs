//! The binary as Lambda would run it: with Lambda's environment and no other.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::runtime_api::{Answer, RuntimeApi};

/// Far beyond anything a test should take; a guard against hanging, not a measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const QUEUE_URL: &str =
    "https://sqs.eu-central-1.amazonaws.com/111122223333/profile-confirmations";
pub(crate) const TRACE: &str =
    "Root=1-69221c52-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1;Lineage=1:a87bd80c:0";
pub(crate) const TRACEPARENT: &str = "00-69221c520123456789abcdef01234567-0123456789abcdef-01";

pub(crate) struct Function {
    pub(crate) api: RuntimeApi,
    child: Child,
}

/// What a function wrote.
pub(crate) struct Output {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Function {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let (api, address) = RuntimeApi::start().await;
        let child = Command::new(env!("CARGO_BIN_EXE_producer-lambda"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "post-confirmation")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-secret")
            .env("AWS_SESSION_TOKEN", "session-token-secret")
            .env("RUST_LOG", "trace")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { api, child }
    }

    /// With a queue behind the endpoint `url`.
    pub(crate) async fn with_queue(url: &str, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("QUEUE_URL", QUEUE_URL), ("AWS_ENDPOINT_URL_SQS", url)];
        all.extend_from_slice(variables);
        Self::start(&all).await
    }

    /// With an event bus behind the endpoint `url`.
    pub(crate) async fn with_bus(url: &str, variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("EVENT_BUS_NAME", "confirmations"), ("AWS_ENDPOINT_URL_EVENTBRIDGE", url)];
        all.extend_from_slice(variables);
        Self::start(&all).await
    }

    pub(crate) async fn invoke(&self, event: &str) -> Answer {
        timeout(PATIENCE, self.api.invoke(event, Some(TRACE))).await.expect("no answer")
    }

    /// Stops the process between two events, as Lambda does.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("the function has ended by itself");
        kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).unwrap();
    }

    /// Ends the function and gives what it wrote.
    pub(crate) async fn stop(mut self) -> Output {
        self.child.start_kill().unwrap();
        self.ended().await
    }

    /// Waits until the function ends by itself.
    pub(crate) async fn ended(self) -> Output {
        let output = timeout(PATIENCE, self.child.wait_with_output()).await.expect("still running").unwrap();
        Output {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Output {
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The names of the metrics, in order.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let name = |line: &Value| {
            let name = line.pointer("/_aws/CloudWatchMetrics/0/Metrics/0/Name")?.as_str()?.to_owned();
            assert_eq!(line[&name], 1);
            assert_eq!(line["function_name"], "post-confirmation");
            Some(name)
        };
        self.lines().iter().filter_map(name).collect()
    }

    /// The classes of the failures, in order.
    pub(crate) fn failure_classes(&self) -> Vec<String> {
        let is_failure = |line: &&Value| line["message"] == "enqueue_failed";
        let class = |line: &Value| line["class"].as_str().unwrap().to_owned();
        self.lines().iter().filter(is_failure).map(class).collect()
    }

    /// Nothing of the person in `event`, nor of the credentials, was written.
    pub(crate) fn assert_impersonal(&self, event: &str) {
        let mut forbidden = vec!["wJalrXUtnFEMI-secret".to_owned(), "session-token-secret".to_owned()];
        if let Ok(event) = serde_json::from_str::<Value>(event) {
            for place in ["/request/userAttributes", "/request/clientMetadata"] {
                let values = event.pointer(place).and_then(Value::as_object).into_iter().flatten();
                forbidden.extend(values.map(|(_, value)| value.as_str().unwrap_or("true").to_owned()));
            }
            forbidden.extend(event["userName"].as_str().map(str::to_owned));
        }
        for value in forbidden {
            for written in [&self.stdout, &self.stderr] {
                assert!(!written.contains(&value), "{value:?} was written: {written}");
            }
        }
        assert_eq!(self.stderr, "");
    }
}

/// The events of the domain's fixtures: name and text.
pub(crate) fn events() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/fixtures/events");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() >= 9, "the fixtures are gone");
    found
}

pub(crate) fn event(name: &str) -> String {
    events().into_iter().find(|(found, _)| found == name).expect("no such fixture").1
}
