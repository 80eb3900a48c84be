//! X-Ray's trace header as W3C trace context.
//!
//! The profile is written minutes of code away from the sign-up; the trace is what joins the two. A
//! header comes from outside, so a bad one must never cost a user the announcement: it is dropped.

use domain::XRayHeader;

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

    /// Reads the header. `None` where SQS or EventBridge might refuse it.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let printable = header.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if header.len() > Self::MAX_LENGTH || !printable {
            return None;
        }
        let traceparent = XRayHeader::parse(header)?.traceparent().map(|traceparent| traceparent.to_string());
        Some(Self { header: header.to_owned(), traceparent })
    }
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
