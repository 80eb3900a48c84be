//! The event of the trigger, as it becomes the message: without the network, so that many can be tried.

use std::collections::BTreeSet;

use domain::{Confirmation, Rejection, Timestamp, body, envelope, event};
use serde_json::{Map, Value, json};

use crate::oracles;

/// What `FORWARD_ATTRIBUTES` names here.
pub(crate) const FORWARDED: [&str; 2] = ["custom:tenant", "locale"];

/// The message holds what the contract names and nothing else, survives the queue, and says of the user what
/// the bare event would have said.
pub fn judge(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let Ok(Value::Object(event)) = serde_json::from_str(text) else { return };
    let outcome = read(&event);
    match &outcome {
        Ok(confirmation) => oracles::assert_survives_the_queue(confirmation),
        Err(rejection) => oracles::assert_names_nobody(text, rejection, rejected),
    }
    assert!(outcome == read(&contracted(&event)), "a field that the contract does not name is sent");

    let bare = ["v", "kind", "detail-type"].iter().all(|field| !event.contains_key(*field));
    if let (true, Ok(received)) = (bare, body::read(text, observed_at(), is_forwarded)) {
        assert!(Ok(received.confirmation) == outcome, "the bare event tells of another user");
    }
}

fn read(event: &Map<String, Value>) -> Result<Confirmation, Rejection> {
    event::read(event, observed_at(), is_forwarded)
}

fn rejected(text: &str) -> Option<Rejection> {
    let Ok(Value::Object(event)) = serde_json::from_str(text) else { return None };
    read(&event).err()
}

fn is_forwarded(name: &str) -> bool {
    FORWARDED.contains(&name)
}

fn observed_at() -> Timestamp {
    Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap()
}

/// The event without whatever must make no difference.
fn contracted(event: &Map<String, Value>) -> Map<String, Value> {
    let kept = |from: &Map<String, Value>, names: &BTreeSet<&str>| -> Map<String, Value> {
        let kept = from.iter().filter(|(name, _)| names.contains(name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let mut contracted = kept(event, &["userPoolId", "region", "userName", "triggerSource"].into());
    let attributes = event.get("request").and_then(|request| request.get("userAttributes"));
    if let Some(attributes) = attributes.and_then(Value::as_object) {
        let names = ["sub", "email", "email_verified"].into_iter().chain(FORWARDED).collect();
        contracted.insert("request".into(), json!({ "userAttributes": kept(attributes, &names) }));
    }
    contracted
}

/// Whether the text of `sent` is the contract's message of `event`, its time and its trace apart.
pub(crate) fn assert_announces(sent: &str, event: &Map<String, Value>) {
    let received = body::read(sent, Timestamp::from_epoch_ms(0).unwrap(), |_| true);
    let received = received.unwrap_or_else(|rejection| panic!("the worker rejects it: {rejection}"));
    assert!(received.is_live());
    let mut told = received.confirmation;
    let expected = read(event).unwrap_or_else(|rejection| panic!("announced in spite of {rejection}"));
    told.observed_at = expected.observed_at;
    told.traceparent = None;
    assert!(told == expected, "the message tells of another user: {}", envelope::write(&told));
}
