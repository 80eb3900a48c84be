//! One test's world: an engine, a queue with its dead-letter queue, a table, and the eyes to look at
//! them. What a world makes in an engine that outlives the test it deletes again, also after a failure.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use local::stack::{self, Stack};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;
use worker::aws::clients::Access;

use crate::engine::{Capability, Engine};
use crate::eventually::eventually;
use crate::intercept::{Call, Intercept};
use crate::items::{from_json, sorted, to_json};
use crate::letters::{DeadLetter, Letter};
use crate::tcp::{Strike, TcpProxy};
use crate::worker_process::Worker;

/// A queue, a dead-letter queue and a table, nobody else's.
pub struct World {
    engine: Engine,
    /// SQS, without a proxy between.
    pub sqs: aws_sdk_sqs::Client,
    /// DynamoDB, without a proxy between.
    pub dynamodb: aws_sdk_dynamodb::Client,
    name: String,
    hurried: Mutex<Option<Instant>>,
    /// URL of the queue; empty until it is made.
    pub queue: String,
    /// URL of the dead-letter queue; empty until it is made.
    pub dead_letter: String,
}

/// Starts the world of the test it stands in, complete or (`bare`) with nothing made yet; returns from
/// the test where the engine cannot do what is needed.
#[macro_export]
macro_rules! world {
    (bare $($need:ident),*) => {{
        fn here() {}
        match $crate::World::bare(std::any::type_name_of_val(&here), &[$($crate::Capability::$need),*]).await {
            Some(world) => world,
            None => return,
        }
    }};
    ($($need:ident),*) => {{
        let mut world = $crate::world!(bare $($need),*);
        world.create_queues().await;
        world.create_table(&["id"]).await;
        world
    }};
}

impl World {
    /// An engine with nothing made in it, for the test that `here` is a function of.
    pub async fn bare(here: &str, needs: &[Capability]) -> Option<Self> {
        let test = here.split("::").filter(|part| *part != "{{closure}}" && *part != "here");
        let engine = Engine::start(&test.collect::<Vec<_>>().join("::"), needs).await?;
        let access = engine.access();
        Some(Self {
            sqs: aws_sdk_sqs::Client::from_conf(access.sqs().build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build()),
            name: format!("confirmed-{}", Uuid::new_v4().simple()),
            hurried: Mutex::default(),
            engine,
            queue: String::new(),
            dead_letter: String::new(),
        })
    }

    /// Makes the queue and its dead-letter queue as infra would.
    pub async fn create_queues(&mut self) {
        let queues = stack::create_queues(&self.sqs, &self.name).await.unwrap();
        self.queue = queues.queue;
        self.dead_letter = queues.dead_letter;
    }

    /// Makes the queue alone, with no dead-letter queue.
    pub async fn create_lone_queue(&mut self) {
        let made = self.sqs.create_queue().queue_name(&self.name).send().await.unwrap();
        self.queue = made.queue_url.unwrap();
    }

    /// Makes the table with these key attributes and waits until it is there.
    pub async fn create_table(&self, key: &[&str]) {
        stack::create_table(&self.dynamodb, self.table(), key).await.unwrap();
        eventually("the table is active", async || {
            let answer = self.dynamodb.describe_table().table_name(self.table()).send().await.ok()?;
            (answer.table?.table_status? == aws_sdk_dynamodb::types::TableStatus::Active).then_some(())
        })
        .await;
    }

    /// Deletes the table and waits until it has gone.
    pub async fn delete_table(&self) {
        self.dynamodb.delete_table().table_name(self.table()).send().await.unwrap();
        eventually("the table has gone", async || {
            self.dynamodb.describe_table().table_name(self.table()).send().await.is_err().then_some(())
        })
        .await;
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.name
    }

    /// The URL the queue will have, made up before it is made.
    pub async fn expected_queue_url(&self) -> String {
        let probe = format!("{}-probe", self.name);
        let made = self.sqs.create_queue().queue_name(&probe).send().await.unwrap().queue_url.unwrap();
        self.sqs.delete_queue().queue_url(&made).send().await.unwrap();
        made.replace(&probe, &self.name)
    }

    /// Moves the engine's clock, where it has one; see [`Engine::advance`].
    pub fn advance(&self, by: Duration) {
        self.engine.advance(by);
    }

    /// Lets a little of the engine's time go by, at each look of a wait that back-offs are in the way of.
    /// Seldom and little enough that no message reaches its retention or its last receive.
    pub fn hurry(&self) {
        let mut last = self.hurried.lock().unwrap();
        if last.is_none_or(|last| last.elapsed() >= Duration::from_millis(500)) {
            *last = Some(Instant::now());
            self.engine.advance(Duration::from_secs(20));
        }
    }

    /// A proxy in front of the engine.
    pub async fn intercept(&self) -> Intercept {
        let (sqs, dynamodb) = self.engine.endpoints().expect("interception is not among the needs");
        Intercept::start(sqs, dynamodb).await
    }

    /// A wire to the engine, on which `rule` says what breaks.
    pub fn wire(&self, rule: impl FnMut(&Call) -> Option<Strike> + Send + 'static) -> TcpProxy {
        let (sqs, dynamodb) = self.engine.endpoints().expect("interception is not among the needs");
        TcpProxy::start(&sqs, &dynamodb, rule)
    }

    /// How a test's own clients reach the engine.
    pub fn access(&self) -> Access {
        self.engine.access()
    }

    /// The embedded engines: their user pools and buckets can be filled and troubled. A test that asks is to need
    /// `OwnPools`.
    pub fn stack(&self) -> &Stack {
        self.engine.stack().expect("OwnPools is not among the needs")
    }

    /// Whether what a test makes has to be deleted after it.
    pub(crate) fn outlives_the_test(&self) -> bool {
        self.engine.outlives_the_test()
    }

    /// The variables that lead a deployable to this world.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut variables = self.engine.variables();
        variables.push(("QUEUE_URL".to_owned(), self.queue.clone()));
        variables
    }

    /// A worker of this world, with short times so that nothing waits needlessly.
    pub fn worker(&self) -> Worker {
        Worker::new(self.variables())
            .with("TABLE_NAME", self.table())
            .with("WAIT_TIME", "1s")
            .with("VISIBILITY_TIMEOUT", "17s")
            .with("WRITE_DEADLINE", "5s")
            .with("DRAIN_DEADLINE", "60s")
            .with("STOP_TIMEOUT", "90s")
            .with("ADMIN_ADDR", "off")
            .with("LOG_FORMAT", "json")
            .with("RUST_LOG", "worker=debug,info")
    }

    /// A worker whose every call passes the proxy.
    pub fn worker_through(&self, proxy: &Intercept) -> Worker {
        self.worker_at(proxy.endpoint())
    }

    /// A worker that finds both services at one address.
    pub fn worker_at(&self, endpoint: &str) -> Worker {
        self.worker().with("AWS_ENDPOINT_URL_SQS", endpoint).with("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
    }

    /// Sends one message.
    pub async fn send(&self, body: &str) -> String {
        let sent = self.sqs.send_message().queue_url(&self.queue).message_body(body).send().await;
        sent.unwrap().message_id.unwrap()
    }

    /// Sends one message that belongs to a trace.
    pub async fn send_traced(&self, body: &str, traceparent: &str) -> String {
        let value =
            MessageAttributeValue::builder().data_type("String").string_value(traceparent).build().unwrap();
        let request = self.sqs.send_message().queue_url(&self.queue).message_body(body);
        request.message_attributes("traceparent", value).send().await.unwrap().message_id.unwrap()
    }

    /// Sends one message that belongs to a trace, as X-Ray spells it (the system attribute `AWSTraceHeader`).
    pub async fn send_with_trace_header(&self, body: &str, header: &str) -> String {
        let value =
            MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().unwrap();
        let request = self.sqs.send_message().queue_url(&self.queue).message_body(body);
        let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
        request.message_system_attributes(name, value).send().await.unwrap().message_id.unwrap()
    }

    /// Sends all, in batches.
    pub async fn send_all(&self, bodies: impl IntoIterator<Item = String>) {
        let bodies: Vec<_> = bodies.into_iter().collect();
        for ten in bodies.chunks(10) {
            let entries = ten.iter().enumerate().map(|(place, body)| {
                SendMessageBatchRequestEntry::builder()
                    .id(place.to_string())
                    .message_body(body)
                    .build()
                    .unwrap()
            });
            let request = self.sqs.send_message_batch().queue_url(&self.queue);
            let answer = request.set_entries(Some(entries.collect())).send().await.unwrap();
            assert_eq!(answer.failed.len(), 0);
        }
    }

    /// Every item of the table, in DynamoDB's JSON, in an order of their own.
    pub async fn items(&self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut pages =
            self.dynamodb.scan().table_name(self.table()).consistent_read(true).into_paginator().send();
        while let Some(page) = pages.next().await {
            found.extend(page.unwrap().items.unwrap_or_default().iter().map(to_json));
        }
        sorted(found)
    }

    /// The table holds exactly these items, attribute for attribute.
    pub async fn assert_items(&self, expected: impl IntoIterator<Item = Value>) {
        let (expected, found) = (sorted(expected.into_iter().collect()), self.items().await);
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found);
        }
        assert_eq!(expected.len(), found.len(), "the table holds other items than expected");
    }

    /// Waits until the table holds so many items.
    pub async fn has_items(&self, count: usize) {
        eventually(&format!("the table holds {count} items"), async || {
            (self.items().await.len() == count).then_some(())
        })
        .await;
    }

    /// Puts an item as it is.
    pub async fn put(&self, item: &Value) {
        let attributes =
            item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), from_json(value)));
        let request = self.dynamodb.put_item().table_name(self.table());
        request.set_item(Some(attributes.collect())).send().await.unwrap();
    }

    /// What a queue says it holds: visible, in flight, delayed.
    pub async fn depth(&self, url: &str) -> (u64, u64, u64) {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request =
            self.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.clone().into()));
        let attributes = request.send().await.unwrap().attributes.unwrap_or_default();
        let [visible, in_flight, delayed] = names.map(|name| attributes[&name].parse().unwrap());
        (visible, in_flight, delayed)
    }

    /// Waits until the queue holds nothing in any state.
    pub async fn drained(&self) {
        eventually("the queue is empty", async || (self.depth(&self.queue).await == (0, 0, 0)).then_some(()))
            .await;
    }

    /// Waits until so many messages are visible and none in flight.
    pub async fn visible(&self, count: u64) {
        eventually(&format!("{count} messages are visible"), async || {
            (self.depth(&self.queue).await == (count, 0, 0)).then_some(())
        })
        .await;
    }

    /// Receives `count` messages from a queue and leaves them in flight.
    pub async fn take(&self, url: &str, count: usize) -> Vec<Letter> {
        self.receive(url, count).await.into_iter().map(|(letter, _)| letter).collect()
    }

    /// Looks at `count` messages of the queue and makes them visible again.
    pub async fn peek(&self, count: usize) -> Vec<Letter> {
        let received = self.receive(&self.queue, count).await;
        for (_, handle) in &received {
            let request = self.sqs.change_message_visibility().queue_url(&self.queue).receipt_handle(handle);
            request.visibility_timeout(0).send().await.unwrap();
        }
        received.into_iter().map(|(letter, _)| letter).collect()
    }

    /// Waits until the dead-letter queue holds exactly `count` messages, and takes them out.
    pub async fn dead_letters(&self, count: usize) -> Vec<DeadLetter> {
        let letters = self.take(&self.dead_letter, count).await;
        assert_eq!(self.depth(&self.dead_letter).await.0, 0, "more than {count} dead letters");
        letters.into_iter().map(DeadLetter::from).collect()
    }

    async fn receive(&self, url: &str, count: usize) -> Vec<(Letter, String)> {
        let mut found: HashMap<String, (Letter, String)> = HashMap::new();
        eventually(&format!("{count} messages can be received"), async || {
            let request = self
                .sqs
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10)
                .visibility_timeout(3600)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::All);
            if found.len() < count {
                for message in request.send().await.unwrap().messages.unwrap_or_default() {
                    let handle = message.receipt_handle.clone().unwrap();
                    let letter = Letter::from(message);
                    found.insert(letter.id.clone(), (letter, handle));
                }
            }
            (found.len() >= count).then_some(())
        })
        .await;
        assert_eq!(found.len(), count, "more messages than expected");
        found.into_values().collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !self.engine.outlives_the_test() {
            return;
        }
        let (access, name) = (self.engine.access(), self.name.clone());
        // A runtime of its own: this may be a panic's way out of another one.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(clean(&access, &name));
        });
        let _ = cleaning.join();
    }
}

/// Deletes what may be there; what is not is no concern.
async fn clean(access: &Access, name: &str) {
    let sqs = aws_sdk_sqs::Client::from_conf(access.sqs().build());
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build());
    for name in [name.to_owned(), format!("{name}-dlq")] {
        if let Ok(found) = sqs.get_queue_url().queue_name(name).send().await {
            let _ = sqs.delete_queue().queue_url(found.queue_url.unwrap_or_default()).send().await;
        }
    }
    let _ = dynamodb.delete_table().table_name(name).send().await;
}
