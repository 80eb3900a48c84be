//! Which messages of the dead-letter queue are meant. A choice only reads what a message carries; must never be
//! taken for another than the one that was typed, so what cannot match anything is refused.

use std::time::Duration;

use domain::{Reason, Timestamp};

use super::Letter;
use crate::cli::jobs::Chosen;
use crate::config::Problem;
use crate::telemetry::{Cause, MOVED_BY_SQS};

/// SQS's own moves take so many a second at most (SQS API reference, StartMessageMoveTask).
const MOST_PER_SECOND: u16 = 500;

/// Messages of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Only those that are there for this reason.
    pub cause: Option<Cause>,
    /// Only those given up at least so long ago.
    pub older_than: Option<Duration>,
    /// Only this one, by either of its ids.
    pub message_id: Option<String>,
}

impl Choice {
    /// Reads the flags.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn parse(chosen: &Chosen) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut problem = |flag: &str, fault: &str, mend: String| {
            problems.push(Problem::new(flag, fault, mend));
        };
        let cause = chosen.reason.as_deref().map(Cause::parse);
        if let Some(Cause::Unknown(_)) = cause {
            let known = Reason::ALL.map(Reason::code).join(", ");
            problem("--reason", "is no reason", format!("write one of {known}, {MOVED_BY_SQS}"));
        }
        let older_than = chosen.older_than.as_deref().map(humantime::parse_duration);
        if let Some(Err(_)) = older_than {
            problem("--older-than", "is no duration", "write one such as 30m, 1h or 2d".to_owned());
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let message_id = chosen.message_id.clone();
        if message_id.as_deref().is_some_and(|id| id.is_empty() || !id.chars().all(fits)) {
            problem("--message-id", "is no message id", "copy one from quarantine show".to_owned());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { cause, older_than: older_than.transpose().ok().flatten(), message_id })
    }

    /// Whether this message is meant.
    pub fn takes(&self, letter: &Letter, now: Timestamp) -> bool {
        let old_enough = |least: &Duration| {
            // When SQS moved a message is not told; when it was sent is, and it was no younger then.
            let given_up = letter.last_attempt().unwrap_or(letter.sent_at).epoch_ms();
            u128::try_from(now.epoch_ms() - given_up).is_ok_and(|age| age >= least.as_millis())
        };
        self.cause.as_ref().is_none_or(|cause| *cause == letter.cause)
            && self.older_than.as_ref().is_none_or(old_enough)
            && self.message_id.as_ref().is_none_or(|id| *id == letter.identity.message_id || *id == letter.id)
    }

    /// Whether every message is meant.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads `--rate`.
///
/// # Errors
/// It is none.
pub fn rate(text: &str) -> Result<u16, Problem> {
    let rate = text.parse().ok().filter(|rate| (1..=MOST_PER_SECOND).contains(rate));
    rate.ok_or_else(|| {
        Problem::new("--rate", format!("is not a number from 1 to {MOST_PER_SECOND}"), "write one such as 50")
    })
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::message;
    use super::*;

    const NOTE: &str =
        r#"{"reason":"not_json","attempts":2,"lastAttempt":"2026-11-22T11:00:00Z","messageId":"first"}"#;

    fn chosen(reason: Option<&str>, message_id: Option<&str>, older_than: Option<&str>) -> Chosen {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Chosen { reason: owned(reason), message_id: owned(message_id), older_than: owned(older_than) }
    }

    fn takes(choice: &Chosen, noted: bool) -> bool {
        let letter = Letter::of(&message("now", "body", noted.then_some(NOTE), !noted));
        let now = Timestamp::parse("2026-11-22T12:30:00Z").unwrap();
        Choice::parse(choice).unwrap().takes(&letter, now)
    }

    #[test]
    fn what_is_asked_for_is_meant_and_nothing_else() {
        for (reason, message_id, older_than, noted, unnoted) in [
            (None, None, None, true, true),
            (Some("not_json"), None, None, true, false),
            (Some("moved_by_sqs"), None, None, false, true),
            (Some("owner_conflict"), None, None, false, false),
            (None, Some("first"), None, true, false),
            (None, Some("now"), None, true, true),
            (None, Some("other"), None, false, false),
            // Given up at eleven, and sent at twelve.
            (None, None, Some("30m"), true, true),
            (None, None, Some("31m"), true, false),
            (None, None, Some("90m"), true, false),
            (None, None, Some("91m"), false, false),
            (Some("not_json"), Some("first"), Some("1h"), true, false),
            (Some("not_json"), Some("other"), Some("1h"), false, false),
        ] {
            let chosen = chosen(reason, message_id, older_than);
            assert_eq!((takes(&chosen, true), takes(&chosen, false)), (noted, unnoted), "{chosen:?}");
        }
    }

    #[test]
    fn a_time_to_come_is_not_old() {
        let letter = Letter::of(&message("now", "body", Some(NOTE), false));
        let before = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let choice = Choice::parse(&chosen(None, None, Some("0s"))).unwrap();
        assert!(!choice.takes(&letter, before));
    }

    #[test]
    fn every_problem_is_told_and_no_value_repeated() {
        let bad = chosen(Some("owner-conflict"), Some("a b"), Some("soon"));
        let problems = Choice::parse(&bad).unwrap_err();
        let told: String = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 3, "{told}");
        for flag in ["--reason", "--message-id", "--older-than", "owner_conflict", "moved_by_sqs"] {
            assert!(told.contains(flag), "{told}");
        }
        for value in ["owner-conflict", "a b", "soon"] {
            assert!(!told.contains(value), "{told}");
        }
        assert!(Choice::parse(&chosen(None, None, None)).unwrap().is_everything());
    }

    #[test]
    fn a_rate_is_one_sqs_takes() {
        assert_eq!((rate("1").ok(), rate("500").ok()), (Some(1), Some(500)));
        for bad in ["0", "501", "-1", "1.5", "many", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
