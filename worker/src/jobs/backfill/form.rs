//! What kind of file is this? Decided by its beginning alone, before a line of it is used.

use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::error::Category;

/// How much of a file is looked at.
pub(super) const HEAD: usize = 64 * 1024;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object a line.
    Lines,
    /// JSON in one piece, or in pieces of several lines.
    Document,
    /// A header, and a user a row.
    Csv,
}

/// What cannot be read at all: what it is, and what to do.
pub(super) type Unreadable = (&'static str, &'static str);

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What `list-users` prints begins with one of these, whoever sorted its keys.
const LISTED: [&str; 3] = ["\"Users\"", "\"PaginationToken\"", "\"NextToken\""];

/// The beginning of a file without the mark that some programs put before it.
pub(super) fn without_mark(head: &[u8]) -> &[u8] {
    head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head)
}

/// Decides over the first [`HEAD`] bytes, or all there are.
pub(super) fn of(head: &[u8]) -> Result<Form, Unreadable> {
    if head.starts_with(b"\x1f\x8b") {
        return Err(("is compressed", "unpack it: gunzip -c FILE | profile-worker backfill --from -"));
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(("is UTF-16", "write it as UTF-8, with iconv for instance"));
    }
    let text = without_mark(head);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None | Some(b'{') if !spans_lines(text) => Ok(Form::Lines),
        Some(b'{' | b'[') => Ok(Form::Document),
        _ => Ok(Form::Csv),
    }
}

/// Whether the first JSON value is longer than its line, or is a list of users that happens to be in one line. A
/// line that was cut short is followed by another, which cannot be its continuation.
fn spans_lines(text: &[u8]) -> bool {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let text = text.get(start..).unwrap_or_default();
    let first = text.strip_prefix(b"{").unwrap_or_default().trim_ascii_start();
    if LISTED.iter().any(|key| first.starts_with(key.as_bytes())) {
        return true;
    }
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    let value = match values.next() {
        Some(Ok(_)) => text.get(..values.byte_offset()).unwrap_or_default(),
        Some(Err(fault)) if fault.classify() == Category::Eof => text,
        _ => return false,
    };
    value.trim_ascii_end().contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_tells_the_form() {
        let long = format!("{{\"v\":1,\"email\":\"{}", "a".repeat(HEAD));
        for (text, form) in [
            ("", Form::Lines),
            (" \r\n\t\n", Form::Lines),
            ("{\"v\":1}\n{\"v\":1}\n", Form::Lines),
            ("\u{feff}\r\n  {\"v\":1}\r\n", Form::Lines),
            ("{\"v\":1}", Form::Lines),
            // Cut short, and followed by another.
            ("{\"v\":1,\n{\"v\":1}\n{\"v\":1}", Form::Lines),
            ("{\"v\":\"a\n{\"v\":1}", Form::Lines),
            ("{\"v\":", Form::Lines),
            ("{oh dear}\n{\"v\":1}", Form::Lines),
            (&long, Form::Lines),
            ("{\n \"Users\": [\n {\n", Form::Document),
            ("{\n \"Username\": \"a\"\n}\n{\n \"Username\": \"b\"\n}\n", Form::Document),
            ("{\"Users\":[{\"Username\":\"a\"}]}", Form::Document),
            ("{ \"Users\": [", Form::Document),
            ("{\"NextToken\":\"x\",\"Users\":[]}", Form::Document),
            ("{\"PaginationToken\":\"x\",\"Users\":[]}", Form::Document),
            ("[{\"v\":1},\n{\"v\":1}]", Form::Document),
            ("[{\"v\":1}]", Form::Document),
            ("cognito:username,sub\nana,1\n", Form::Csv),
            ("\u{feff}\"sub\"\n", Form::Csv),
        ] {
            assert_eq!(of(text.as_bytes()), Ok(form), "{text:.60}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_it_is() {
        assert_eq!(of(b"\x1f\x8b\x08").unwrap_err().0, "is compressed");
        assert_eq!(of(b"\xff\xfe{\0").unwrap_err().0, "is UTF-16");
    }
}
