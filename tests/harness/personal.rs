//! Is somebody in this text? Knows what a message says of a person, and every form in which a value may
//! come to stand in what a program writes. Must never be satisfied with nothing to look for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Everything that was said of people.
#[derive(Debug, Clone, Default)]
pub struct Personal {
    /// With every form they may be found in.
    long: BTreeMap<String, BTreeSet<String>>,
    /// Words such as a colour: only as words of their own.
    short: BTreeSet<String>,
}

/// A value of so many characters is found by chance nowhere.
const LONG: usize = 8;

/// Names whose values say nothing of anybody.
const IMPERSONAL: [&str; 16] = [
    "Name",
    "dateCreated",
    "v",
    "kind",
    "source",
    "trigger",
    "triggerSource",
    "region",
    "userPoolId",
    "version",
    "detail-type",
    "time",
    "observedAt",
    "createdAt",
    "updatedAt",
    "traceparent",
];

/// Values that stand in any log, whoever is concerned.
const ANYBODYS: [&str; 5] = ["true", "false", "null", "CONFIRMED", "UserProfile"];

impl Personal {
    /// What these texts say, as far as they are JSON.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        let mut found = Self::default();
        for text in texts {
            if let Ok(value) = serde_json::from_str::<Value>(text) {
                found.collect(&value, "");
            }
        }
        found
    }

    /// And this.
    pub fn add(&mut self, value: &str) {
        if ANYBODYS.contains(&value) || value.len() < 3 {
            return;
        }
        if value.len() < LONG {
            self.short.insert(value.to_owned());
        } else if !self.long.contains_key(value) {
            self.long.insert(value.to_owned(), forms(value));
        }
    }

    fn collect(&mut self, value: &Value, name: &str) {
        if IMPERSONAL.contains(&name) {
            return;
        }
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.collect(value, name)),
            Value::Array(values) => values.iter().for_each(|value| self.collect(value, name)),
            Value::Number(number) => self.add(&number.to_string()),
            Value::String(text) => {
                self.add(text);
                // `identities` is JSON in a text.
                if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                    self.collect(&inner, "");
                }
            }
            _ => {}
        }
    }

    /// Each value.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.long.keys().chain(&self.short).map(String::as_str)
    }

    /// Nothing of it is in `written`.
    #[track_caller]
    pub fn assert_absent(&self, written: &str, who: &str) {
        assert!(self.long.len() >= 5, "nothing is looked for");
        let lower = written.to_lowercase();
        for (value, forms) in &self.long {
            for form in forms {
                assert!(!lower.contains(form), "{who} wrote {value:?}, as {form}\n{written}");
            }
        }
        for value in &self.short {
            assert!(!has_word(written, value), "{who} wrote {value:?}\n{written}");
        }
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(place, _)| {
        let beside = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        let after = place + word.len();
        !beside(text[..place].chars().next_back()) && !beside(text[after..].chars().next())
    })
}

/// As it is, and as programs write texts into other texts; in lower case, for case is not regarded.
fn forms(value: &str) -> BTreeSet<String> {
    let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    let json = inside(Value::from(value).to_string());
    let debug = inside(format!("{value:?}"));
    let mut forms = BTreeSet::from([
        value.to_owned(),
        inside(Value::from(json.as_str()).to_string()),
        json,
        inside(format!("{debug:?}")),
        inside(Value::from(debug.as_str()).to_string()),
        debug,
        value.escape_default().to_string(),
        ascii_json(value),
        percent(value, "%20"),
        percent(value, "+"),
        hex(value),
    ]);
    // Base64 of a text that has the value in it at any place: the letters at its ends depend on others.
    for shift in 0..3 {
        let shifted = [&vec![0; shift], value.as_bytes()].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&shifted);
            let core = encoded[[0, 2, 3][shift]..].trim_end();
            forms.insert(core[..core.len() - 2].to_owned());
        }
    }
    forms.into_iter().map(|form| form.to_lowercase()).collect()
}

fn ascii_json(value: &str) -> String {
    let mut text = String::new();
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_graphic() || byte == b' ' => text.push(char::from(byte)),
            _ => write!(text, "\\u{unit:04x}").unwrap(),
        }
    }
    text
}

fn percent(value: &str, blank: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            b' ' => text.push_str(blank),
            _ => write!(text, "%{byte:02X}").unwrap(),
        }
    }
    text
}

fn hex(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(value: &str, written: &str) -> bool {
        let mut personal = Personal::default();
        ["a person's text", "another's", "the third's", "the fourth's", "the fifth's"]
            .iter()
            .for_each(|other| personal.add(other));
        personal.add(value);
        std::panic::catch_unwind(|| personal.assert_absent(written, "a test")).is_err()
    }

    #[test]
    fn a_value_is_found_in_every_form() {
        let value = "O'Brien+\"shop\" é\n@example.com";
        let json = Value::from(value).to_string();
        let around = |shift: &str| STANDARD_NO_PAD.encode(format!("{shift}{value}, and more"));
        for written in [
            value.to_uppercase(),
            json.clone(),
            Value::from(json).to_string(),
            format!("{value:?}"),
            format!("{:?}", format!("{value:?}")),
            Value::from(format!("{value:?}")).to_string(),
            percent(value, "+"),
            percent(value, "%20"),
            hex(value),
            around(""),
            around("a"),
            around("ab"),
            around("abc"),
        ] {
            assert!(notices(value, &format!("before {written} after")), "{written}");
        }
        assert!(!notices(value, "O'Brien went shopping at example.com"));
    }

    #[test]
    fn a_short_value_is_found_as_a_word() {
        assert!(notices("blue", r#"{"tenant":"blue"}"#));
        assert!(!notices("blue", "blueprint, ablue, blue2"));
    }
}
