//! X-Ray's trace header as W3C trace context.
//!
//! The profile is written minutes of code away from the sign-up; the trace is what joins the two. A
//! header comes from outside, so a bad one must never cost a user the announcement: it is dropped.

/// One invocation's place in a trace, in both spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceContext {
    /// The header as Lambda gave it.
    pub(crate) header: String,
    /// The same as a `traceparent`; absent where the header names no parent.
    pub(crate) traceparent: Option<String>,
}

impl TraceContext {
    /// The longest `TraceHeader` that EventBridge takes (PutEventsRequestEntry, API reference).
    const MAX_LENGTH: usize = 500;

    /// Reads `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0|1>` and whatever else is between the
    /// semicolons. `None` where SQS or EventBridge might refuse it.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let printable = header.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if header.len() > Self::MAX_LENGTH || !printable {
            return None;
        }
        let field = |name: &str| {
            header.split(';').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name)
        };
        let (_, root) = field("Root")?;
        let (epoch, unique) = root.strip_prefix("1-")?.split_once('-')?;
        let (epoch, unique) = (hex(epoch, 8)?, hex(unique, 24)?);
        let trace_id = format!("{epoch}{unique}");
        let sampled = field("Sampled").is_some_and(|(_, value)| value == "1");
        let parent = field("Parent").and_then(|(_, id)| hex(id, 16));
        // All zeros is how W3C spells "no id" (Trace Context, section 3.2.2).
        let named = |id: &str| id.bytes().any(|digit| digit != b'0');
        let traceparent = parent
            .filter(|parent| named(parent) && named(&trace_id))
            .map(|parent| format!("00-{trace_id}-{parent}-{:02x}", u8::from(sampled)));
        Some(Self { header: header.to_owned(), traceparent })
    }
}

fn hex(text: &str, length: usize) -> Option<String> {
    let good = text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Root=1-69221c52-0123456789abcdef01234567";

    fn traceparent(header: &str) -> Option<String> {
        TraceContext::parse(header).and_then(|trace| trace.traceparent)
    }

    #[test]
    fn a_header_of_lambda_becomes_a_traceparent() {
        let written = "00-69221c520123456789abcdef01234567-0123456789abcdef-0";
        for (rest, flags) in [
            (";Parent=0123456789abcdef;Sampled=1", '1'),
            (";Parent=0123456789ABCDEF;Sampled=0", '0'),
            (";Parent=0123456789abcdef", '0'),
            (";Parent=0123456789abcdef;Sampled=?", '0'),
            ("; Parent=0123456789abcdef; Sampled=1;Lineage=a87bd80c:0|68fd508a:5|c512fbe3:2", '1'),
        ] {
            assert_eq!(traceparent(&format!("{ROOT}{rest}")), Some(format!("{written}{flags}")), "{rest}");
        }
    }

    #[test]
    fn without_a_parent_only_the_header_goes_on() {
        for header in [
            ROOT.to_owned(),
            format!("{ROOT};Parent=0;Sampled=1"),
            format!("{ROOT};Parent=0000000000000000;Sampled=1"),
        ] {
            let trace = TraceContext::parse(&header).unwrap();
            assert_eq!(trace, TraceContext { header, traceparent: None });
        }
    }

    #[test]
    fn what_is_no_header_is_dropped() {
        let long = format!("{ROOT};Lineage={}", "a".repeat(500));
        for bad in [
            "",
            "1-69221c52-0123456789abcdef01234567",
            "Root=",
            "Root=1-69221c52",
            "Root=2-69221c52-0123456789abcdef01234567",
            "Root=1-69221c5-0123456789abcdef01234567",
            "Root=1-69221c52-0123456789abcdef0123456g",
            "Root=1-69221c52-0123456789abcdef01234567\n",
            "Root=1-69221c52-0123456789abcdef01234567;Parent=é",
            &long,
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad:?}");
        }
    }
}
