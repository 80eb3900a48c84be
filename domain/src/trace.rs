//! Trace context as it comes with a confirmation, in its two spellings. It comes from outside, and a bad one must
//! never cost a user the profile: it is dropped.

use std::fmt;

/// A W3C `traceparent` of version 00 (Trace Context, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceparent(String);

impl Traceparent {
    /// Reads one. Others than version 00 are not understood here.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 55
            && text.starts_with("00-")
            && text.bytes().enumerate().all(|(i, b)| match i {
                2 | 35 | 52 => b == b'-',
                _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
            });
        (well_formed && text.get(3..35).is_some_and(is_named) && text.get(36..52).is_some_and(is_named))
            .then(|| Self(text.to_owned()))
    }

    /// The trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.0.get(3..35).unwrap_or_default()
    }

    /// The span that sent it: 16 hexadecimal digits.
    pub fn parent_id(&self) -> &str {
        self.0.get(36..52).unwrap_or_default()
    }

    /// The flags; the lowest bit says whether the trace is sampled.
    pub fn flags(&self) -> u8 {
        self.0.get(53..).and_then(|flags| u8::from_str_radix(flags, 16).ok()).unwrap_or_default()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// X-Ray's tracing header, `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0|1>` and whatever else is between the
/// semicolons (X-Ray developer guide, "Tracing header"). SQS carries it as the system attribute `AWSTraceHeader`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XRayHeader {
    trace_id: String,
    parent_id: Option<String>,
    sampled: bool,
}

impl XRayHeader {
    /// Reads one.
    pub fn parse(header: &str) -> Option<Self> {
        let field = |name: &str| {
            header.split(';').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name)
        };
        let (_, root) = field("Root")?;
        let (epoch, unique) = root.strip_prefix("1-")?.split_once('-')?;
        let trace_id = format!("{}{}", hex(epoch, 8)?, hex(unique, 24)?);
        let parent_id = field("Parent").and_then(|(_, id)| hex(id, 16));
        let sampled = field("Sampled").is_some_and(|(_, value)| value == "1");
        Some(Self { trace_id, parent_id, sampled })
    }

    /// The same as a `traceparent`; none where the header names no parent.
    pub fn traceparent(&self) -> Option<Traceparent> {
        let (trace_id, parent_id) = (&self.trace_id, self.parent_id.as_ref()?);
        Traceparent::parse(&format!("00-{trace_id}-{parent_id}-{:02x}", u8::from(self.sampled)))
    }
}

/// All zeros is how W3C spells "no id" (Trace Context, section 3.2.2).
fn is_named(id: &str) -> bool {
    id.bytes().any(|digit| digit != b'0')
}

fn hex(text: &str, length: usize) -> Option<String> {
    let good = text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-69221c520123456789abcdef01234567-0123456789abcdef-01";

    #[test]
    fn only_a_well_formed_traceparent_is_kept() {
        let good = Traceparent::parse(GOOD).unwrap();
        assert_eq!((good.as_str(), good.flags()), (GOOD, 1));
        assert_eq!(
            (good.trace_id(), good.parent_id()),
            ("69221c520123456789abcdef01234567", "0123456789abcdef")
        );
        for bad in [
            "",
            "00-",
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &format!("{GOOD}\n"),
            &format!("01{}", &GOOD[2..]),
            "00-00000000000000000000000000000000-0123456789abcdef-01",
            "00-69221c520123456789abcdef01234567-0000000000000000-01",
        ] {
            assert_eq!(Traceparent::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_header_without_a_parent_is_a_header_and_no_traceparent() {
        let root = "Root=1-69221c52-0123456789abcdef01234567";
        assert_eq!(XRayHeader::parse(root).unwrap().traceparent(), None);
        let whole = XRayHeader::parse(&format!("{root};Parent=0123456789abcdef;Sampled=1")).unwrap();
        assert_eq!(whole.traceparent().unwrap().as_str(), GOOD);
        assert_eq!(XRayHeader::parse("Root=1-69221c52"), None);
    }
}
