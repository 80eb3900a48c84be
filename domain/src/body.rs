//! From the text of an SQS message to a confirmation, in whichever accepted form it comes.
//!
//! The queue is a trust boundary: anyone who may send to it can send anything. Whatever the text is,
//! the answer is a confirmation or a rejection with a reason; never a panic, never deep recursion.

use crate::fields;
use crate::json::{Json, Object};
use crate::{Confirmation, Reason, Rejection, Source, Timestamp, envelope, event};

/// The longest accepted body in bytes. A Cognito user has at most 50 custom and some 20 standard
/// attributes of at most 2,048 characters each (Cognito developer guide, "Quotas"), so a real event
/// stays well below it.
pub const MAX_BYTES: usize = 256 * 1024;

/// The deepest accepted nesting. A Cognito event inside an EventBridge envelope nests four deep.
pub const MAX_DEPTH: usize = 32;

/// A confirmation and how it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What the message says.
    pub confirmation: Confirmation,
    /// An EventBridge archive replay (`replay-name` on the EventBridge envelope).
    pub replayed: bool,
}

impl Received {
    /// Whether the message tells of a user who waits for his profile now. Replays, backfills and
    /// reconciliations are outside the latency objective.
    pub fn is_live(&self) -> bool {
        self.confirmation.source == Source::CognitoTrigger && !self.replayed
    }
}

/// Reads a message body: a version 1 envelope, or a bare Cognito PostConfirmation event, each bare or
/// as the `detail` of an EventBridge event.
///
/// `sent_at` is the message's SentTimestamp, the time of a bare Cognito event, which has none. Of the
/// attributes beyond `sub` and e-mail only those `wanted` says yes to are kept.
///
/// # Errors
/// The reason, with a detail that names fields and positions but never a value.
pub fn read(body: &str, sent_at: Timestamp, wanted: impl Fn(&str) -> bool) -> Result<Received, Rejection> {
    if body.len() > MAX_BYTES {
        let detail = format!("the body has {} bytes, more than {MAX_BYTES}", body.len());
        return Err(Rejection::new(Reason::TooLarge, detail));
    }
    if nests_deeper_than(body, MAX_DEPTH) {
        return Err(Rejection::new(Reason::TooDeep, format!("the body nests deeper than {MAX_DEPTH}")));
    }
    let value: Json<'_> = serde_json::from_str(body).map_err(|fault| {
        // serde_json's own message may quote the input; the position cannot.
        Rejection::new(
            Reason::NotJson,
            format!("not JSON at line {} column {}", fault.line(), fault.column()),
        )
    })?;
    let Some(object) = value.as_object() else {
        return Err(Rejection::new(Reason::NotAConfirmation, "the body is JSON but not an object"));
    };
    match eventbridge_detail(object) {
        Some(detail) => {
            let observed_at = match object.get("time") {
                Some(time) => fields::time(time, "time")?,
                None => sent_at,
            };
            let confirmation = read_object(detail, observed_at, wanted)?;
            let replayed = object.get("replay-name").is_some_and(|name| *name != Json::Null);
            Ok(Received { confirmation, replayed })
        }
        None => Ok(Received { confirmation: read_object(object, sent_at, wanted)?, replayed: false }),
    }
}

fn read_object(
    object: &Object<'_>,
    observed_at: Timestamp,
    wanted: impl Fn(&str) -> bool,
) -> Result<Confirmation, Rejection> {
    if envelope::is_envelope(object) {
        envelope::read(object, wanted)
    } else if event::looks_like_event(object) {
        event::read_object(object, observed_at, wanted)
    } else {
        Err(Rejection::new(
            Reason::NotAConfirmation,
            "neither a user.confirmed envelope (v, kind) nor a Cognito event (triggerSource, request)",
        ))
    }
}

fn eventbridge_detail<'a, 'b>(object: &'a Object<'b>) -> Option<&'a Object<'b>> {
    object.get("detail-type")?;
    object.get("detail")?.as_object()
}

/// Counts brackets outside strings. serde_json has a depth limit too, but reports it as a syntax error
/// that only its message text tells apart.
fn nests_deeper_than(json: &str, limit: usize) -> bool {
    // Fewer brackets than that cannot nest so deep: true of every real message, and found out many bytes at a time.
    let opening = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(matches!(byte, b'[' | b'{'))).sum::<u8>();
    if json.as_bytes().chunks(255).map(|chunk| usize::from(opening(chunk))).sum::<usize>() <= limit {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_outside_strings_count_and_closed_ones_no_longer() {
        for (json, depth) in [
            ("[[]]", 2),
            (r#"{"a":[{}]}"#, 3),
            ("[[],[],[[]]]", 3),
            (r#"["[[[{"]"#, 1),
            (r#"["",[]]"#, 2),
            (r#"["\"[[",{}]"#, 2),
            (r#"["\\",[[]]]"#, 3),
            ("]]]][", 1),
        ] {
            assert!(!nests_deeper_than(json, depth), "{json}");
            assert!(nests_deeper_than(json, depth - 1), "{json}");
        }
    }

    #[test]
    fn the_longest_body_is_read_and_no_longer_one() {
        let mut body = r#"{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
            "sub":"9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11","username":"u","observedAt":"2026-11-22T20:05:38.123Z"}"#
            .to_owned();
        body.push_str(&" ".repeat(MAX_BYTES - body.len()));
        let read = |body: &str| read(body, Timestamp::from_epoch_ms(0).unwrap(), |_| false);
        assert!(read(&body).is_ok());
        body.push(' ');
        assert_eq!(read(&body).unwrap_err().reason, Reason::TooLarge);
    }
}
