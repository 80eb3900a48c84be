//! An engine at the other end of HTTP, behind the worker's own adapters and the real SDK.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use harness::{Capability, Letter, World, engine};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use worker::aws::clients::Clients;
use worker::aws::dynamodb::DynamoDbTable;
use worker::aws::sqs::SqsQueue;
use worker::stats::Stats;

use crate::subject::{OWNER, Sent, Shape, Subject};

/// The engine that was asked for, with a world of its own.
pub(crate) struct Wire {
    world: World,
    clients: Clients,
    queues: OnceLock<Queues>,
}

struct Queues {
    queue: String,
    dead_letter: String,
}

impl Wire {
    async fn create_queue(&self, name: &str, attributes: &[(QueueAttributeName, String)]) -> String {
        let request = self.world.sqs.create_queue().queue_name(name);
        let request = request.set_attributes(Some(attributes.iter().cloned().collect()));
        request.send().await.unwrap().queue_url.unwrap()
    }
}

impl Subject for Wire {
    type Queue = SqsQueue;
    type Table = DynamoDbTable;

    fn engine() -> &'static str {
        engine::chosen()
    }

    fn supports(need: Capability) -> bool {
        engine::supports(need)
    }

    fn runtime() -> std::io::Result<Runtime> {
        Builder::new_current_thread().enable_all().build()
    }

    async fn start(check: &str) -> anyhow::Result<Self> {
        let world = World::bare(check, &[])
            .await
            .context("the engine that WIRE_ENGINE names is not there: install it, or name another")?;
        let clients = Clients::new(&world.access(), &Arc::new(Stats::default()));
        Ok(Self { world, clients, queues: OnceLock::new() })
    }

    async fn make_queue(&self, shape: Shape) {
        // The names that a world deletes at its end.
        let name = self.world.table();
        let dead_letter = self.create_queue(&format!("{name}-dlq"), &[]).await;
        let request = self.world.sqs.get_queue_attributes().queue_url(&dead_letter);
        let answer = request.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
        let arn = &answer.attributes.unwrap()[&QueueAttributeName::QueueArn];
        let redrive = json!({"deadLetterTargetArn": arn, "maxReceiveCount": shape.max_receive_count});
        let attributes = [
            (QueueAttributeName::MessageRetentionPeriod, shape.retention.as_secs().to_string()),
            (QueueAttributeName::RedrivePolicy, redrive.to_string()),
        ];
        let queue = self.create_queue(name, &attributes).await;
        let made = self.queues.set(Queues { queue, dead_letter });
        assert!(made.is_ok(), "a check has one queue");
    }

    async fn queue(&self, visibility: Duration) -> SqsQueue {
        let (queue, dead_letter) = match self.queues.get() {
            Some(queues) => (queues.queue.clone(), Some(queues.dead_letter.clone())),
            None => (self.world.expected_queue_url().await, None),
        };
        /// ReceiveMessage, API reference.
        const LONGEST_WAIT: Duration = Duration::from_secs(20);
        SqsQueue::new(self.clients.clone(), queue, dead_letter, visibility, LONGEST_WAIT)
    }

    async fn send(&self, message: Sent<'_>) -> String {
        let mut request = self.world.sqs.send_message().message_body(message.body);
        request = request.queue_url(&self.queues.get().unwrap().queue);
        if !message.delay.is_zero() {
            request = request.delay_seconds(i32::try_from(message.delay.as_secs()).unwrap());
        }
        if let Some(traceparent) = message.traceparent {
            let value = MessageAttributeValue::builder().data_type("String").string_value(traceparent);
            request = request.message_attributes("traceparent", value.build().unwrap());
        }
        request.send().await.unwrap().message_id.unwrap()
    }

    async fn dead_letters(&self, count: usize) -> Vec<Letter> {
        self.world.take(&self.queues.get().unwrap().dead_letter, count).await
    }

    async fn make_table(&self, key: &[&str]) {
        self.world.create_table(key).await;
    }

    async fn drop_table(&self) {
        self.world.delete_table().await;
    }

    fn table(&self) -> DynamoDbTable {
        DynamoDbTable::new(self.clients.clone(), self.world.table().to_owned(), Some(OWNER.to_owned()))
    }

    async fn items(&self) -> Vec<Value> {
        self.world.items().await
    }

    async fn advance(&self, by: Duration) {
        self.world.advance(by);
    }
}
