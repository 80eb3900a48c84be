//! JSON that is not one object a line: what `aws cognito-idp list-users` prints, a list, or objects over several
//! lines. It has to be read as a whole, so it has a limit; what is larger is to be given a line a user.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// The largest document; some hundred thousand users.
pub(super) const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The texts of the single users in a document, with the lines they begin at.
pub(super) struct Document {
    text: String,
    users: Vec<(usize, Range<usize>)>,
    next: usize,
}

/// What `list-users` prints.
#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow, rename = "Users")]
    users: Vec<&'a RawValue>,
}

impl Document {
    /// Takes a document apart.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub(super) fn parse(text: String) -> Result<Self, String> {
        let mut found = Vec::new();
        for value in Deserializer::from_str(&text).into_iter::<&RawValue>() {
            let value = value
                .map_err(|fault| format!("is not JSON at line {} column {}", fault.line(), fault.column()))?;
            if value.get().starts_with('[') {
                found.extend(serde_json::from_str::<Vec<&RawValue>>(value.get()).unwrap_or_default());
            } else if let Ok(listed) = serde_json::from_str::<Listed<'_>>(value.get()) {
                found.extend(listed.users);
            } else {
                found.push(value);
            }
        }
        let begin = text.as_ptr().addr();
        let mut users = Vec::with_capacity(found.len());
        let (mut line, mut counted) = (1, 0);
        for user in found {
            let start = user.get().as_ptr().addr() - begin;
            line += text.get(counted..start).unwrap_or_default().matches('\n').count();
            counted = start;
            users.push((line, start..start + user.get().len()));
        }
        Ok(Self { text, users, next: 0 })
    }

    /// The next user, with the line it begins at.
    pub(super) fn next(&mut self) -> Option<(u64, &str)> {
        let (line, range) = self.users.get(self.next)?;
        self.next += 1;
        Some((u64::try_from(*line).unwrap_or(u64::MAX), self.text.get(range.clone()).unwrap_or_default()))
    }

    /// Where the last one given out ends.
    pub(super) fn offset(&self) -> u64 {
        let last = self.next.checked_sub(1).and_then(|last| self.users.get(last));
        last.map_or(0, |(_, range)| u64::try_from(range.end).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(text: &str) -> Vec<(u64, String)> {
        let mut document = Document::parse(text.to_owned()).unwrap();
        let mut all = Vec::new();
        while let Some((line, user)) = document.next() {
            all.push((line, user.to_owned()));
        }
        all
    }

    #[test]
    fn every_way_to_write_several_users_is_taken_apart() {
        let [a, b] = [r#"{"Username":"a"}"#, "{\n\"Username\":\n\"b\"}"].map(str::to_owned);
        let expected = |lines: [u64; 2]| vec![(lines[0], a.clone()), (lines[1], b.clone())];
        assert_eq!(users(&format!("{{\n\"Users\": [\n{a},\n{b}\n]\n}}\n")), expected([3, 4]));
        assert_eq!(users(&format!("{{\"NextToken\":\"x\",\"Users\":[{a},{b}]}}")), expected([1, 1]));
        assert_eq!(users(&format!("[{a},\n\n{b}]")), expected([1, 3]));
        assert_eq!(users(&format!("{a}\n{b}")), expected([1, 2]));
        assert_eq!(users(&format!("{{\"Users\":[{a}]}}\n{{\"Users\":[{b}]}}")), expected([1, 2]));
        assert!(users("[]").is_empty());
        assert!(users("{\"Users\":[]}").is_empty());
    }

    #[test]
    fn offsets_lead_behind_each_user() {
        let text = "[{\"Username\":\"a\"}, {\"Username\":\"b\"}]";
        let mut document = Document::parse(text.to_owned()).unwrap();
        assert_eq!(document.offset(), 0);
        while let Some((_, user)) = document.next() {
            let user = user.to_owned();
            let end = usize::try_from(document.offset()).unwrap();
            assert!(text[..end].ends_with(&user), "{user}");
        }
    }

    #[test]
    fn one_that_was_cut_short_says_where_and_not_what() {
        let fault = Document::parse("{\n \"Users\": [\n {\"Username\":\"ana\"},\n".to_owned()).err().unwrap();
        assert!(fault.starts_with("is not JSON at line ") && !fault.contains("ana"), "{fault}");
    }
}
