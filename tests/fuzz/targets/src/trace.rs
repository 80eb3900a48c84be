//! Trace headers: X-Ray's, which Lambda hands to the trigger, and `traceparent`, which stands in an envelope.
//! Whatever they hold, a user gets the profile.

use domain::{Timestamp, body};
use serde_json::{Value, json};

use crate::oracles;

/// The trigger's own file, for its type is nobody else's business.
#[path = "../../../../producer-lambda/src/trace.rs"]
mod xray;

/// EventBridge's limit (PutEventsRequestEntry, API reference); SQS's is that of a whole message.
const LONGEST: usize = 500;

/// A header that is taken can be sent as it came, and names the same trace in both spellings. A
/// `traceparent` is kept or dropped, and costs nobody the profile.
pub fn judge(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    if let Some(trace) = xray::TraceContext::parse(text) {
        assert_eq!(trace.header, text);
        assert!(text.len() <= LONGEST && text.chars().all(|c| matches!(c, ' '..='~')), "{text:?} is sent");
        if let Some(traceparent) = &trace.traceparent {
            assert!(oracles::is_traceparent(traceparent), "{traceparent:?}");
            let (trace_id, parent_id) = (&traceparent[3..35], &traceparent[36..52]);
            let said = text.to_ascii_lowercase();
            assert!(said.contains(&format!("root=1-{}-{}", &trace_id[..8], &trace_id[8..])), "{text:?}");
            assert!(said.contains(&format!("parent={parent_id}")), "{text:?}");
            assert!(traceparent.ends_with("-00") || said.contains("sampled=1"), "{text:?}");
            assert_eq!(kept(traceparent).as_ref(), Some(traceparent), "the worker drops the trigger's own");
        }
    }
    if let Some(kept) = kept(text) {
        assert_eq!(kept, text);
        assert!(oracles::is_traceparent(text), "{text:?}");
    }
}

/// What an envelope's `traceparent` is read as.
fn kept(traceparent: &str) -> Option<String> {
    let mut envelope: Value =
        serde_json::from_str(include_str!("../../../../domain/tests/fixtures/events/queue-message-v1.json"))
            .unwrap();
    envelope["traceparent"] = json!(traceparent);
    let received = body::read(&envelope.to_string(), Timestamp::from_epoch_ms(0).unwrap(), |_| true);
    received.expect("a trace cost a user the profile").confirmation.traceparent
}
