//! The local SQS server as its clients see it: every probe goes through the real SDK over HTTP, with
//! retries off, so that nothing is mended on the way.
//!
//! Exists to hold the server to the contract of SQS. Must never sleep to wait for something: time moves
//! by `advance`, conditions are awaited with a deadline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to stop right there"
)]
#![allow(
    clippy::duration_suboptimal_units,
    reason = "SQS counts in seconds, and 60 reads best next to a timeout of 60"
)]

#[path = "sqs/batches.rs"]
mod batches;
#[path = "sqs/fairness_and_load.rs"]
mod fairness_and_load;
#[path = "sqs/messages.rs"]
mod messages;
#[path = "sqs/move_tasks.rs"]
mod move_tasks;
#[path = "sqs/polls.rs"]
mod polls;
#[path = "sqs/protocol.rs"]
mod protocol;
#[path = "sqs/queues.rs"]
mod queues;
#[path = "sqs/redrive.rs"]
mod redrive;
#[path = "sqs/visibility.rs"]
mod visibility;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use local::sqs::SqsServer;

/// Shorter than a long poll of 20 s, so that a poll which merely ran out does not pass for one that
/// was woken.
const DEADLINE: Duration = Duration::from_secs(15);

/// A server, a client of it and a queue to use.
struct Bench {
    server: SqsServer,
    sqs: Client,
    url: String,
}

impl Bench {
    async fn new() -> Self {
        let server = SqsServer::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let sqs = client(&server.endpoint());
        let url = create(&sqs, "work").await;
        Self { server, sqs, url }
    }

    /// A bench whose queue sends to the returned dead-letter queue after `receives`.
    async fn with_dead_letters(receives: u32) -> (Self, String) {
        let bench = Self::new().await;
        let dead = create(&bench.sqs, "dead").await;
        let policy = redrive_policy(&bench.arn(&dead).await, &receives.to_string());
        let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
        set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
        (bench, dead)
    }

    async fn send(&self, body: &str) -> String {
        let sent = self.sqs.send_message().queue_url(&self.url);
        let sent = sent.message_body(body).send().await.unwrap();
        sent.message_id.unwrap()
    }

    /// A receive that asks for everything there is to know; no wait unless added.
    fn receive_from(&self, url: &str) -> ReceiveMessageFluentBuilder {
        let receive = self.sqs.receive_message().queue_url(url);
        receive
            .wait_time_seconds(0)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
    }

    async fn receive(&self) -> Vec<Message> {
        messages_of(self.receive_from(&self.url)).await
    }

    async fn receive_one(&self) -> Message {
        let mut messages = self.receive().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    async fn delete(&self, handle: &str) {
        let delete = self.sqs.delete_message().queue_url(&self.url);
        delete.receipt_handle(handle).send().await.unwrap();
    }

    async fn hold(&self, handle: &str, seconds: i32) {
        let change = self.sqs.change_message_visibility().queue_url(&self.url);
        let change = change.receipt_handle(handle).visibility_timeout(seconds);
        change.send().await.unwrap();
    }

    async fn attribute(&self, url: &str, name: QueueAttributeName) -> String {
        let get = self.sqs.get_queue_attributes().queue_url(url);
        let got = get.attribute_names(name.clone()).send().await.unwrap();
        got.attributes.unwrap().remove(&name).unwrap()
    }

    async fn arn(&self, url: &str) -> String {
        self.attribute(url, QueueAttributeName::QueueArn).await
    }

    /// Visible, in flight, delayed.
    async fn counts(&self, url: &str) -> [String; 3] {
        [
            self.attribute(url, QueueAttributeName::ApproximateNumberOfMessages).await,
            self.attribute(url, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await,
            self.attribute(url, QueueAttributeName::ApproximateNumberOfMessagesDelayed).await,
        ]
    }

    /// Starts a 20 s poll in the background and returns once the server has it waiting.
    async fn poll(&self, url: &str) -> tokio::task::JoinHandle<Vec<Message>> {
        let before = self.server.open_polls();
        let receive = self.receive_from(url).wait_time_seconds(20);
        let poll = tokio::spawn(messages_of(receive));
        eventually(|| self.server.open_polls() > before).await;
        poll
    }
}

fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn create(sqs: &Client, name: &str) -> String {
    let created = sqs.create_queue().queue_name(name).send().await.unwrap();
    created.queue_url.unwrap()
}

fn redrive_policy(arn: &str, receives: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{receives}}}"#)
}

async fn messages_of(receive: ReceiveMessageFluentBuilder) -> Vec<Message> {
    receive.send().await.unwrap().messages.unwrap_or_default()
}

async fn finished<T>(work: tokio::task::JoinHandle<T>) -> T {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.expect("not woken within the deadline").unwrap()
}

async fn eventually(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, met).await.expect("the condition was not met within the deadline");
}

#[expect(clippy::needless_pass_by_value, reason = "a name is a constant at every call")]
fn system(message: &Message, name: MessageSystemAttributeName) -> Option<&str> {
    let attributes = message.attributes.as_ref()?;
    attributes.get(&name).map(String::as_str)
}

fn handle(message: &Message) -> &str {
    message.receipt_handle.as_deref().unwrap()
}

fn body(message: &Message) -> &str {
    message.body.as_deref().unwrap()
}

/// The error code as the service sends it, for errors the SDK has no type for.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> String {
    let error = result.expect_err("the call should be refused");
    error.code().unwrap_or("no code").to_owned()
}
