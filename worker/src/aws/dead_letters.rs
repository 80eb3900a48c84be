//! The dead-letter queue as the tools for people see it: messages with all they carry, lent for a time that each
//! receive names. SQS has no way to look without lending; who looks gives back.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use serde_json::{Map, Value, json};

use super::classify::classify;
use super::clients::Clients;
use super::sqs::{SqsQueue, whole_seconds};
use crate::ports::{CallError, ConfirmationQueue, Depth, EntryResults, ReceiptHandle};

/// A message in the dead-letter queue. No `Debug`: the body is a person.
#[derive(Clone)]
pub struct DeadLetter {
    /// SQS's id.
    pub id: String,
    /// To settle this receipt with.
    pub handle: ReceiptHandle,
    /// The text.
    pub body: String,
    /// SQS's SentTimestamp: of a message that SQS moved, when it was sent to its first queue.
    pub sent_at: Timestamp,
    /// SQS itself moved it here (DeadLetterQueueSourceArn).
    pub moved_by_sqs: bool,
    /// Every message attribute.
    pub attributes: BTreeMap<String, MessageAttributeValue>,
}

impl DeadLetter {
    /// The text of an attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.string_value.as_deref()
    }

    /// Bytes as SQS counts them: the body, and names, types and values of attributes (SQS developer guide,
    /// "Amazon SQS message metadata").
    pub fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| {
            let text = attribute.string_value.as_ref().map_or(0, String::len);
            let bytes = attribute.binary_value.as_ref().map_or(0, |blob| blob.as_ref().len());
            name.len() + attribute.data_type.len() + text + bytes
        });
        self.body.len() + attributes.sum::<usize>()
    }

    /// The attributes in the form of SQS's API, so that a backup can be sent by any tool.
    pub fn attributes_json(&self) -> Value {
        let one = |attribute: &MessageAttributeValue| {
            let mut fields = Map::from_iter([("DataType".to_owned(), json!(attribute.data_type))]);
            if let Some(text) = &attribute.string_value {
                fields.insert("StringValue".to_owned(), json!(text));
            }
            if let Some(blob) = &attribute.binary_value {
                fields.insert("BinaryValue".to_owned(), json!(STANDARD.encode(blob)));
            }
            Value::Object(fields)
        };
        self.attributes.iter().map(|(name, attribute)| (name.clone(), one(attribute))).collect()
    }
}

/// One dead-letter queue.
pub struct DeadLetterQueue {
    client: aws_sdk_sqs::Client,
    url: String,
    settling: SqsQueue,
}

impl DeadLetterQueue {
    /// The one at `url`.
    pub fn new(clients: &Clients, url: String) -> Self {
        // No loop of ours tries again here.
        let calm = Clients { sqs: clients.sqs_calm.clone(), ..clients.clone() };
        let settling = SqsQueue::new(calm, url.clone(), None, Duration::ZERO, Duration::ZERO);
        Self { client: clients.sqs_calm.clone(), url, settling }
    }

    /// Waits at most `wait` for at most ten messages, and holds them for `visibility`.
    pub async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<DeadLetter>, CallError> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(whole_seconds(wait))
            .visibility_timeout(whole_seconds(visibility))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(dead_letter).collect())
    }

    /// Makes at most ten receipts visible after their delays. An `Ok` is one result per entry.
    pub async fn visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        self.settling.make_visible_after(entries).await
    }

    /// Deletes at most ten receipts. An `Ok` is one result per handle, in order.
    pub async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        self.settling.delete(handles).await
    }

    /// What the queue says it holds.
    pub async fn depth(&self) -> Result<Depth, CallError> {
        self.settling.depth().await
    }
}

/// A message without an id or a handle could never be settled; SQS sends none.
fn dead_letter(received: aws_sdk_sqs::types::Message) -> Option<DeadLetter> {
    let system = received.attributes.unwrap_or_default();
    let sent = system.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    let now = jiff::Timestamp::now().as_millisecond();
    Some(DeadLetter {
        id: received.message_id?,
        handle: ReceiptHandle(received.receipt_handle?),
        body: received.body.unwrap_or_default(),
        sent_at: Timestamp::from_epoch_ms(sent.unwrap_or(now)).ok()?,
        moved_by_sqs: system.contains_key(&MessageSystemAttributeName::DeadLetterQueueSourceArn),
        attributes: received.message_attributes.unwrap_or_default().into_iter().collect(),
    })
}
