//! What lies in a queue, and in the dead-letter queue, as a test looks at it.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::MessageSystemAttributeName;
use serde_json::Value;

/// A message as it lies in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// SQS's id.
    pub id: String,
    /// The text.
    pub body: String,
    /// When it was sent, in milliseconds.
    pub sent_at: i64,
    /// How often it has been received, the look included.
    pub receives: u32,
    /// The attribute `traceparent`.
    pub traceparent: Option<String>,
    /// Every message attribute by name.
    pub attributes: BTreeMap<String, String>,
}

/// A message in the dead-letter queue.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The text.
    pub body: String,
    /// The JSON of `profile_worker.quarantine`.
    pub note: Value,
    /// The attribute `traceparent`.
    pub traceparent: Option<String>,
}

impl DeadLetter {
    /// Why it is there.
    pub fn reason(&self) -> &str {
        self.note["reason"].as_str().unwrap_or("no reason")
    }
}

impl From<aws_sdk_sqs::types::Message> for Letter {
    fn from(message: aws_sdk_sqs::types::Message) -> Self {
        let system = message.attributes.unwrap_or_default();
        let number = |name| system[&name].parse::<i64>().unwrap();
        let attributes = message.message_attributes.unwrap_or_default();
        let attributes: BTreeMap<_, _> = attributes
            .into_iter()
            .map(|(name, value)| (name, value.string_value.unwrap_or_default()))
            .collect();
        Letter {
            id: message.message_id.unwrap(),
            body: message.body.unwrap(),
            sent_at: number(MessageSystemAttributeName::SentTimestamp),
            receives: u32::try_from(number(MessageSystemAttributeName::ApproximateReceiveCount)).unwrap(),
            traceparent: attributes.get("traceparent").cloned(),
            attributes,
        }
    }
}

impl From<Letter> for DeadLetter {
    fn from(letter: Letter) -> Self {
        let note = letter.attributes.get("profile_worker.quarantine");
        Self {
            note: note.map_or(Value::Null, |note| serde_json::from_str(note).unwrap()),
            body: letter.body,
            traceparent: letter.traceparent,
        }
    }
}
