//! What a message in the dead-letter queue is: decided from what it carries, without looking anywhere else.

use domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::aws::dead_letters::DeadLetter;
use crate::telemetry::{Cause, Note, QUARANTINE_ATTRIBUTE};

/// Which message this is a copy of. A worker that dies between sending to the dead-letter queue and deleting makes
/// copies; they share the id of the message and its body. The id alone would do, if nobody could make one up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The id it had when it was received first.
    pub message_id: String,
    body: [u8; 32],
}

/// A message in the dead-letter queue, without what it says.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The id SQS knows it by now.
    pub id: String,
    /// Which message it is a copy of.
    pub identity: Identity,
    /// Why it is there.
    pub cause: Cause,
    /// What the worker wrote about it; of an earlier life, if SQS moved it.
    pub note: Option<Note>,
    /// SQS's SentTimestamp.
    pub sent_at: Timestamp,
    /// Bytes, attributes included.
    pub size: usize,
}

impl Letter {
    /// What this message is.
    pub fn of(message: &DeadLetter) -> Self {
        let note = message.text(QUARANTINE_ATTRIBUTE).and_then(Note::parse);
        let cause = match &note {
            Some(note) if !message.moved_by_sqs => note.cause.clone(),
            _ => Cause::MovedBySqs,
        };
        let message_id = note.as_ref().and_then(|note| note.message_id.clone());
        Self {
            id: message.id.clone(),
            identity: Identity {
                message_id: message_id.unwrap_or_else(|| message.id.clone()),
                body: Sha256::digest(&message.body).into(),
            },
            cause,
            note,
            sent_at: message.sent_at,
            size: message.size(),
        }
    }

    /// When a worker received it first, as far as is known.
    pub fn first_seen(&self) -> Timestamp {
        self.note.as_ref().and_then(|note| note.first_seen).unwrap_or(self.sent_at)
    }

    /// When the worker gave it up; not known of what SQS moved.
    pub fn last_attempt(&self) -> Option<Timestamp> {
        if self.cause == Cause::MovedBySqs {
            return None;
        }
        self.note.as_ref()?.last_attempt
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_sqs::types::MessageAttributeValue;

    use super::*;
    use crate::ports::ReceiptHandle;

    pub(crate) fn message(id: &str, body: &str, note: Option<&str>, moved_by_sqs: bool) -> DeadLetter {
        let attribute = |text: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap()
        };
        DeadLetter {
            id: id.into(),
            handle: ReceiptHandle(id.into()),
            body: body.into(),
            sent_at: Timestamp::parse("2026-11-22T12:00:00Z").unwrap(),
            moved_by_sqs,
            attributes: note
                .map(|note| (QUARANTINE_ATTRIBUTE.to_owned(), attribute(note)))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        }
    }

    const NOTE: &str = r#"{"reason":"not_json","detail":"d","attempts":2,"firstSeen":"2026-11-22T10:00:00Z",
        "lastAttempt":"2026-11-22T11:00:00Z","messageId":"first","version":"1"}"#;

    #[test]
    fn the_note_says_why_unless_sqs_moved_it_since() {
        let cause = |note, moved| Letter::of(&message("id", "body", note, moved)).cause.code().to_owned();
        assert_eq!(cause(Some(NOTE), false), "not_json");
        assert_eq!(cause(Some(NOTE), true), "moved_by_sqs");
        assert_eq!(cause(None, false), "moved_by_sqs");
        assert_eq!(cause(None, true), "moved_by_sqs");
        assert_eq!(cause(Some("nonsense"), false), "moved_by_sqs");
        assert_eq!(cause(Some(r#"{"reason":"new_in_2031"}"#), false), "new_in_2031");
    }

    #[test]
    fn times_are_the_notes_or_the_queues() {
        let time = |text: &str| Timestamp::parse(text).unwrap();
        let noted = Letter::of(&message("id", "body", Some(NOTE), false));
        assert_eq!(noted.first_seen(), time("2026-11-22T10:00:00Z"));
        assert_eq!(noted.last_attempt(), Some(time("2026-11-22T11:00:00Z")));
        let moved = Letter::of(&message("id", "body", Some(NOTE), true));
        assert_eq!((moved.first_seen(), moved.last_attempt()), (noted.first_seen(), None));
        let bare = Letter::of(&message("id", "body", None, false));
        assert_eq!((bare.first_seen(), bare.last_attempt()), (time("2026-11-22T12:00:00Z"), None));
    }

    #[test]
    fn copies_share_the_first_id_and_the_body() {
        let identity = |id, body, note| Letter::of(&message(id, body, note, false)).identity;
        assert_eq!(identity("a", "body", Some(NOTE)), identity("b", "body", Some(NOTE)));
        assert_ne!(identity("a", "body", Some(NOTE)), identity("b", "another body", Some(NOTE)));
        assert_ne!(identity("a", "body", None), identity("b", "body", None));
    }
}
