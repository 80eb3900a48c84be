//! The JSON that a quarantined message carries: why it is there, for the person who finds it, and how long it has
//! been tried, for the worker that gets it back. Must never hold personal data, and must never trust a note that
//! was read: it came over the network.

use std::fmt;

use domain::{Reason, Rejection, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::ports::Message;

/// The name of the SQS message attribute.
pub const QUARANTINE_ATTRIBUTE: &str = "profile_worker.quarantine";

/// What [`Cause::MovedBySqs`] is called.
pub const MOVED_BY_SQS: &str = "moved_by_sqs";

/// Characters of a reason that this version does not know; of an id, and of a version.
const MOST_CHARACTERS: usize = 64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    reason: &'static str,
    detail: &'a str,
    attempts: u32,
    first_seen: String,
    last_attempt: String,
    message_id: &'a str,
    version: &'static str,
}

/// The attribute's text. Bounded, and without personal data, as the rejection's detail is. What an earlier life
/// of the message was told goes on: who was sent back and died again has been tried as often as both times
/// together, and was first seen the first time.
pub fn quarantine_note(message: &Message, rejection: &Rejection) -> String {
    let now = Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond());
    let earlier = message.earlier_note.as_deref().and_then(Note::parse);
    let attempts = earlier.as_ref().map_or(0, |note| note.attempts);
    let first_seen = earlier.as_ref().and_then(|note| note.first_seen);
    let message_id = earlier.as_ref().and_then(|note| note.message_id.as_deref());
    let written = Written {
        reason: rejection.reason.code(),
        detail: &rejection.detail,
        attempts: attempts.saturating_add(message.receive_count),
        first_seen: first_seen
            .unwrap_or(message.first_received_at)
            .min(message.first_received_at)
            .to_string(),
        last_attempt: now.map_or_else(|_| String::new(), |now| now.to_string()),
        message_id: message_id.unwrap_or(&message.id),
        version: env!("CARGO_PKG_VERSION"),
    };
    // Strings and a number: nothing that serde_json can refuse.
    serde_json::to_string(&written).unwrap_or_default()
}

/// Why a message lies in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The worker put it there.
    Quarantined(Reason),
    /// A worker of another version put it there, for a reason that has no name here.
    Unknown(String),
    /// SQS put it there, after too many receives: it carries no note, or one of an earlier life.
    MovedBySqs,
}

impl Cause {
    /// Reads a name. What has none here is kept as far as it can be shown.
    pub fn parse(text: &str) -> Self {
        if text == MOVED_BY_SQS {
            return Self::MovedBySqs;
        }
        let known = Reason::ALL.into_iter().find(|reason| reason.code() == text);
        known.map_or_else(|| Self::Unknown(plain(text)), Self::Quarantined)
    }

    /// Its name.
    pub fn code(&self) -> &str {
        match self {
            Self::Quarantined(reason) => reason.code(),
            Self::Unknown(text) => text,
            Self::MovedBySqs => MOVED_BY_SQS,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A note that was read. What it does not say, or says in another form, is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Why.
    pub cause: Cause,
    /// More of it.
    pub detail: String,
    /// How often the message was received in all its lives.
    pub attempts: u32,
    /// When it was received first.
    pub first_seen: Option<Timestamp>,
    /// When it was quarantined.
    pub last_attempt: Option<Timestamp>,
    /// The id it had when it was received first: copies of one message share it.
    pub message_id: Option<String>,
    /// The version of the worker.
    pub version: Option<String>,
}

impl Note {
    /// Reads the attribute's text; `None` if it is no note at all.
    pub fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let field = |name: &str| value.get(name).and_then(Value::as_str);
        let time = |name| field(name).and_then(|text| Timestamp::parse(text).ok());
        let name = |name| field(name).map(plain).filter(|text| !text.is_empty());
        let attempts = value.get("attempts").and_then(Value::as_u64).unwrap_or_default();
        Some(Self {
            cause: Cause::parse(field("reason")?),
            detail: Rejection::new(Reason::NotJson, field("detail").unwrap_or_default()).detail,
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            first_seen: time("firstSeen"),
            last_attempt: time("lastAttempt"),
            message_id: name("messageId"),
            version: name("version"),
        })
    }
}

/// Characters that names are made of, and not too many.
fn plain(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().filter(fits).take(MOST_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixture;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn note_of(earlier: Option<&str>) -> Note {
        let mut message = fixture::message(&"second-id", String::new());
        message.receive_count = 3;
        message.first_received_at = time("2026-11-22T20:00:00Z");
        message.earlier_note = earlier.map(str::to_owned);
        Note::parse(&quarantine_note(&message, &Rejection::new(Reason::OwnerConflict, "whose?"))).unwrap()
    }

    #[test]
    fn every_reason_is_read_as_it_was_written() {
        for reason in Reason::ALL {
            let note = quarantine_note(&fixture::message(&"id", String::new()), &Rejection::new(reason, "d"));
            assert_eq!(Note::parse(&note).unwrap().cause, Cause::Quarantined(reason));
            assert_eq!(Cause::parse(reason.code()).code(), reason.code());
        }
    }

    #[test]
    fn a_first_life_begins_with_itself() {
        let note = note_of(None);
        assert_eq!((note.attempts, note.message_id.as_deref()), (3, Some("second-id")));
        assert_eq!(note.first_seen, Some(time("2026-11-22T20:00:00Z")));
        assert_eq!((note.cause.code(), note.detail.as_str()), ("owner_conflict", "whose?"));
        assert!(note.last_attempt.is_some() && note.version.is_some());
    }

    #[test]
    fn an_earlier_life_goes_on_in_the_next() {
        let earlier =
            r#"{"reason":"not_json","attempts":4,"firstSeen":"2026-11-20T00:00:00Z","messageId":"first-id"}"#;
        let note = note_of(Some(earlier));
        assert_eq!((note.attempts, note.message_id.as_deref()), (7, Some("first-id")));
        assert_eq!(note.first_seen, Some(time("2026-11-20T00:00:00Z")));
        assert_eq!(note.cause.code(), "owner_conflict", "the reason is the new one");
    }

    #[test]
    fn a_note_from_the_future_makes_nobody_younger_and_nonsense_changes_nothing() {
        let later = r#"{"reason":"x","attempts":4294967295,"firstSeen":"2030-01-01T00:00:00Z"}"#;
        let note = note_of(Some(later));
        assert_eq!(note.first_seen, Some(time("2026-11-22T20:00:00Z")));
        assert_eq!((note.attempts, note.message_id.as_deref()), (u32::MAX, Some("second-id")));
        for nonsense in ["", "{", "[]", "17", "{\"attempts\":9}"] {
            assert_eq!(note_of(Some(nonsense)).attempts, 3, "{nonsense}");
        }
    }

    #[test]
    fn what_is_not_known_is_shown_within_bounds() {
        let text = serde_json::json!({
            "reason": format!("new\u{1b}[31m reason <{}>", "x".repeat(500)), "detail": "a\nb".repeat(300),
            "attempts": -1, "firstSeen": "yesterday", "messageId": "ana@example.com\n",
        });
        let note = Note::parse(&text.to_string()).unwrap();
        assert!(note.cause.code().starts_with("new31mreasonxx"), "{}", note.cause);
        assert_eq!(note.cause.code().len(), MOST_CHARACTERS);
        assert_eq!(note.detail.chars().count(), Rejection::MAX_DETAIL);
        assert!(!note.detail.contains('\n'));
        assert_eq!((note.attempts, note.first_seen), (0, None));
        assert_eq!(note.message_id.as_deref(), Some("anaexample.com"));
    }
}
