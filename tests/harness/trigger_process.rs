//! `producer-lambda` as a real process behind Lambda's Runtime API, with the test in Cognito's place.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::eventually::PATIENCE;
use crate::executables::executables;
use crate::runtime_api::{Answer, RuntimeApi};

/// X-Ray's header, whose W3C form is [`crate::confirmations::TRACEPARENT`].
const TRACE: &str = "Root=1-69221c52-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1";

/// A function that waits for events.
pub struct Trigger {
    api: RuntimeApi,
    child: Child,
    written: [JoinHandle<String>; 2],
}

impl Trigger {
    /// Starts it with these variables besides Lambda's own.
    pub async fn start(variables: &[(String, String)]) -> Self {
        let (api, address) = RuntimeApi::start().await;
        let mut child = Command::new(&executables().trigger)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "post-confirmation")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("RUST_LOG", "trace")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Read all along: a pipe that is full would stop it.
        let written = [read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap())];
        Self { api, child, written }
    }

    /// Confirms somebody: hands the event over and checks that it comes back as it was.
    pub async fn confirm(&self, event: &str) {
        let answer = timeout(PATIENCE, self.api.invoke(event, Some(TRACE))).await.expect("no answer");
        match answer {
            Answer::Response(echo) => {
                let (echo, event): (Value, Value) =
                    (serde_json::from_str(&echo).unwrap(), serde_json::from_str(event).unwrap());
                assert_eq!(echo, event, "the event did not come back as it was");
            }
            Answer::Error(error) => panic!("the trigger failed: {error}"),
        }
    }

    /// Ends it and gives all it wrote, stdout first.
    pub async fn stop(mut self) -> String {
        self.child.start_kill().unwrap();
        timeout(PATIENCE, self.child.wait()).await.expect("still running").unwrap();
        let [stdout, stderr] = self.written;
        stdout.await.unwrap() + &stderr.await.unwrap()
    }
}

fn read(mut stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    })
}
