//! The dead-letter queue as the tests of its tools fill it, and the tools themselves as processes.

use aws_sdk_sqs::types::MessageAttributeValue;
use serde_json::{Value, json};

use crate::confirmations::TRACEPARENT;
use crate::eventually::eventually;
use crate::worker_process::Worker;
use crate::world::World;

impl World {
    /// The program with another command line than `run`, on this world.
    pub fn tool(&self, arguments: &[&str]) -> Worker {
        self.worker().arguments(arguments)
    }

    /// A message in the dead-letter queue with this note, or none, as a worker that died before it could delete would
    /// leave it there.
    pub async fn bury(&self, body: &str, note: Option<&Value>) -> String {
        let text = |text: String| {
            MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap()
        };
        let mut request = self
            .sqs
            .send_message()
            .queue_url(&self.dead_letter)
            .message_body(body)
            .message_attributes("traceparent", text(TRACEPARENT.to_owned()));
        if let Some(note) = note {
            request = request.message_attributes("profile_worker.quarantine", text(note.to_string()));
        }
        request.send().await.unwrap().message_id.unwrap()
    }

    /// Waits until the dead-letter queue holds so many, every one of them to be had.
    pub async fn buried(&self, count: u64) {
        eventually(&format!("{count} dead letters are visible"), async || {
            (self.depth(&self.dead_letter).await == (count, 0, 0)).then_some(())
        })
        .await;
    }
}

/// A note as the worker writes one.
pub fn note(reason: &str, message_id: &str) -> Value {
    json!({
        "reason": reason, "detail": "as it was found", "attempts": 2, "firstSeen": "2026-11-20T08:00:00.000Z",
        "lastAttempt": "2026-11-20T09:00:00.000Z", "messageId": message_id, "version": "0.0.1",
    })
}
