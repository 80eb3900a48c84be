//! The JSON that a quarantined message carries: why it is there, for the person who finds it.

use domain::Rejection;
use serde::Serialize;

use crate::ports::Message;

/// The name of the SQS message attribute.
pub const QUARANTINE_ATTRIBUTE: &str = "profile_worker.quarantine";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Note<'a> {
    reason: &'static str,
    detail: &'a str,
    attempts: u32,
    first_seen: String,
    last_attempt: String,
    message_id: &'a str,
    version: &'static str,
}

/// The attribute's text. Bounded, and without personal data, as the rejection's detail is.
pub fn quarantine_note(message: &Message, rejection: &Rejection) -> String {
    let now = domain::Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond());
    let note = Note {
        reason: rejection.reason.code(),
        detail: &rejection.detail,
        attempts: message.receive_count,
        first_seen: message.first_received_at.to_string(),
        last_attempt: now.map_or_else(|_| String::new(), |now| now.to_string()),
        message_id: &message.id,
        version: env!("CARGO_PKG_VERSION"),
    };
    // Strings and a number: nothing that serde_json can refuse.
    serde_json::to_string(&note).unwrap_or_default()
}
