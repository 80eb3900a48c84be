//! The command that goes on where this one stopped: what was typed, and `--resume`. Must never repeat a key.

use std::ffi::OsString;

/// Not needed to go on, and not for the screen.
const SECRET: &str = "--log-hash-key";

/// The command line once more.
pub(super) fn again(typed: impl IntoIterator<Item = OsString>) -> String {
    let mut words = Vec::new();
    let mut typed = typed.into_iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = typed.next() {
        if word == SECRET {
            typed.next();
        } else if !word.starts_with("--log-hash-key=") {
            words.push(word);
        }
    }
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// As a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_=./:,@%+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(typed: &[&str]) -> String {
        super::again(typed.iter().map(OsString::from))
    }

    #[test]
    fn what_was_typed_is_told_again_once_and_without_a_key() {
        let typed = ["profile-worker", "backfill", "--from", "cognito", "--rate=2"];
        let expected = "profile-worker backfill --from cognito --rate=2 --resume";
        assert_eq!(again(&typed), expected);
        assert_eq!(again(&[&typed[..], &["--resume"]].concat()), expected);
        assert_eq!(again(&[&typed[..], &["--log-hash-key", "secret"]].concat()), expected);
        assert_eq!(again(&[&typed[..], &["--log-hash-key=secret"]].concat()), expected);
    }

    #[test]
    fn a_shell_reads_the_same_words() {
        assert_eq!(again(&["w", "it's here.csv", ""]), r"w 'it'\''s here.csv' '' --resume");
    }
}
