//! What must be true of whatever comes out of this crate, whatever went in. Shared by the property tests
//! here and by the fuzz targets (`tests/fuzz`), so that both ask for the same. Must never repair or
//! repeat a decision of the code it judges.

#![allow(dead_code, reason = "each test that includes this file asks for a part of it")]

use domain::{AttributeValue, Confirmation, Profile, ProfileModel, Rejection, Timestamp, body, envelope};
use serde_json::Value;

/// The shortest piece of a value that tells something about somebody.
const TELLING: usize = 8;

/// SendMessage, API reference: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF
pub(crate) fn is_sqs_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

/// `traceparent` of version 00 (W3C Trace Context, section 3.2.2), which knows no id of zeros alone.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace_id, parent_id, flags] = parts[..] else { return false };
    let hex = |id: &str, length: usize| {
        id.len() == length && id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    };
    let named = |id: &str| id.chars().any(|c| c != '0');
    version == "00"
        && hex(trace_id, 32)
        && named(trace_id)
        && hex(parent_id, 16)
        && named(parent_id)
        && hex(flags, 2)
}

/// A confirmation is written as a message that SQS takes and that says the same when it is read.
pub(crate) fn assert_survives_the_queue(confirmation: &Confirmation) {
    let written = envelope::write(confirmation);
    assert!(is_sqs_text(&written), "SQS refuses {written:?}");
    let received = body::read(&written, Timestamp::from_epoch_ms(0).unwrap(), |_| true);
    let received = received.unwrap_or_else(|rejection| panic!("{rejection}: {written}"));
    // Not assert_eq: what a confirmation shows of itself does not tell two apart.
    assert!(received.confirmation == *confirmation, "another confirmation is read from {written}");
    assert!(!received.replayed);
    assert_eq!(envelope::write(&received.confirmation), written);
    if let Some(traceparent) = &confirmation.traceparent {
        assert!(is_traceparent(traceparent), "{traceparent:?} is no traceparent");
    }
}

/// An item can be written, read by its owner, and is the same for every delivery of its message.
pub(crate) fn assert_writable(profile: &Profile, model: &ProfileModel, confirmation: &Confirmation) {
    let Profile { key, owner, item } = profile;
    let names: Vec<&str> = key.iter().map(|(name, _)| name).collect();
    assert_eq!(names, model.key_attributes().collect::<Vec<_>>());
    for (name, value) in key.iter() {
        assert!(!value.is_empty(), "key attribute {name} is empty");
        assert_eq!(item.get(name), Some(&AttributeValue::S(value.to_owned())), "key attribute {name}");
    }
    for (name, value) in item.iter() {
        assert!(!name.is_empty(), "an attribute without a name");
        match value {
            AttributeValue::S(text) => assert!(!text.is_empty(), "{name} is an empty string"),
            AttributeValue::N(number) => assert!(is_dynamodb_number(number), "{name} is no number: {number}"),
            AttributeValue::Bool(_) => {}
        }
    }
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(text("__typename"), model.type_name());
    assert_eq!(text("createdAt"), confirmation.item_time().to_string());
    assert_eq!(text("updatedAt"), text("createdAt"));
    assert!(item.size() <= domain::Item::MAX_BYTES);
    assert_eq!(owner.is_some(), model.owner_attribute().is_some());
    if let (Some(owner), Some(attribute)) = (owner, model.owner_attribute()) {
        assert!(owner.is(&text(attribute)), "the owner of the row is not its owner");
    }
    assert_eq!(model.profile(confirmation).as_ref(), Ok(profile), "the same message, another item");
}

/// Up to 38 digits, no exponent (DynamoDB developer guide, "Naming rules and data types").
fn is_dynamodb_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (1..=38).contains(&digits) && text.parse::<f64>().is_ok() && !text.contains(['e', 'E', '+', ' '])
}

/// A rejection fits beside the body in the dead-letter queue, and into a line of a log.
pub(crate) fn assert_fits(rejection: &Rejection) {
    let detail = &rejection.detail;
    assert!(!detail.is_empty(), "{} without a detail", rejection.reason);
    assert!(detail.chars().count() <= Rejection::MAX_DETAIL, "{} characters", detail.chars().count());
    assert!(is_sqs_text(detail) && !detail.contains(char::is_control), "{detail:?}");
}

/// A rejection fits, and says nothing of what `text` said.
///
/// `again` reads another text the same way. It tells a detail that quotes from one that has words in
/// common with the text: only the one that quotes changes with what it quotes.
pub(crate) fn assert_names_nobody(
    text: &str,
    rejection: &Rejection,
    again: impl Fn(&str) -> Option<Rejection>,
) {
    assert_fits(rejection);
    let detail = &rejection.detail;
    let value = serde_json::from_str::<Value>(text).ok();
    let mut told = Vec::new();
    match &value {
        Some(value) => tell(value, &mut told),
        None => told.push(text.to_owned()),
    }
    for piece in pieces(detail).filter(|piece| told.iter().any(|told| told.contains(piece))) {
        for other in retold(text, value.as_ref(), piece) {
            if let Some(told) = again(&other).filter(|told| told.reason == rejection.reason) {
                assert!(told.detail.contains(piece), "{detail:?} quotes {piece:?}");
            }
        }
    }
}

/// Every string and every number in `value`.
fn tell(value: &Value, told: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| tell(value, told)),
        Value::Array(values) => values.iter().for_each(|value| tell(value, told)),
        Value::String(text) => told.push(text.clone()),
        Value::Number(number) => told.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

fn pieces(detail: &str) -> impl Iterator<Item = &str> {
    let starts = detail.char_indices().map(|(start, _)| start);
    let ends = detail.char_indices().map(|(end, _)| end).chain([detail.len()]).skip(TELLING);
    starts.zip(ends).map(|(start, end)| &detail[start..end])
}

/// `text` once for each value in it that holds `piece`, with other characters in that value.
fn retold(text: &str, value: Option<&Value>, piece: &str) -> Vec<String> {
    let Some(value) = value else { return vec![text.replace(piece, &other(piece))] };
    let mut places = Vec::new();
    places_of(value, piece, String::new(), &mut places);
    let retell = |place: String| {
        let mut value = value.clone();
        let told = value.pointer_mut(&place)?;
        *told = match &*told {
            Value::String(text) => Value::String(other(text)),
            told => serde_json::from_str(&other(&told.to_string())).ok()?,
        };
        Some(value.to_string())
    };
    places.into_iter().filter_map(retell).collect()
}

fn places_of(value: &Value, piece: &str, place: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places_of(value, piece, format!("{place}/{name}"), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                places_of(value, piece, format!("{place}/{index}"), found);
            }
        }
        Value::String(text) if text.contains(piece) => found.push(place),
        Value::Number(number) if number.to_string().contains(piece) => found.push(place),
        _ => {}
    }
}

/// As long and of the same classes, and no character of it the same, zeros and punctuation apart.
fn other(text: &str) -> String {
    let next = |c| match c {
        'a'..='y' | 'A'..='Y' | '1'..='8' => char::from(c as u8 + 1),
        'z' => 'a',
        'Z' => 'A',
        '9' => '1',
        c if c.is_ascii() => c,
        _ => 'x',
    };
    text.chars().map(next).collect()
}
