//! Whom to ask Cognito about before his item is written. Cognito announces no deletions, so a message that
//! comes late may speak of somebody who has gone since, and writing his item would bring his data back to stay.
//! Must never let a doubt end in a delete: only Cognito's word that there is no such user does.

use std::time::Duration;

use domain::{Timestamp, UserSub};
use tokio::time::Instant;

use super::decode::Write;
use crate::ports::CallError;

/// A message whose confirmation is older than this is late.
pub const AGE: Duration = Duration::from_secs(24 * 3600);

/// Whether the message is old, or told again from an archive.
pub fn is_late(write: &Write, now: Timestamp) -> bool {
    let age_ms = now.epoch_ms() - write.observed_at.epoch_ms();
    write.replayed || u128::try_from(age_ms).is_ok_and(|age| age > AGE.as_millis())
}

/// What Cognito's answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// He is there.
    There,
    /// He has gone, and perhaps another one has his name.
    Gone,
    /// Nobody knows.
    Unknown(CallError),
}

/// `answer` is the sub of the user who has the name now, or `None` when nobody has. A pool that is not there is a
/// failed call: a missing pool is not a missing user.
pub fn judge(answer: Result<Option<UserSub>, CallError>, expected: &UserSub) -> Verdict {
    match answer {
        Ok(Some(sub)) if sub == *expected => Verdict::There,
        // User names are given again, subs never are (Cognito developer guide, "User attributes").
        Ok(_) => Verdict::Gone,
        Err(error) => Verdict::Unknown(error),
    }
}

/// So many questions a second: the quota is shared with the live application. What is above it is not kept
/// waiting here, where it would take the place of fresh messages.
#[derive(Debug)]
pub struct Rate {
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Rate {
    /// A full second's worth at the beginning.
    pub fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, left: per_second, at: now }
    }

    /// Whether one more may be asked now.
    pub fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + elapsed * self.per_second).min(self.per_second);
        self.at = now;
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{ProfileModel, TriggerSource};

    use super::*;
    use crate::decide::decode::{Decoded, Rules};
    use crate::ports::ErrorClass;

    const SUB: &str = "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11";

    fn write(observed_at: &str, replay: &str) -> Box<Write> {
        let rules = Rules {
            model: ProfileModel::default(),
            user_pools: BTreeSet::new(),
            trigger_sources: BTreeSet::from([TriggerSource::ConfirmSignUp]),
        };
        let text = format!(
            r#"{{"detail-type":"UserConfirmed"{replay},"detail":{{"v":1,"kind":"user.confirmed",
                "source":"cognito.trigger","userPoolId":"eu_A1","sub":"{SUB}","username":"ana",
                "observedAt":"{observed_at}"}}}}"#
        );
        let Decoded::Write(write) = rules.decode(&text, time("2026-11-22T20:00:00Z")) else { panic!() };
        write
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn late_is_what_is_older_than_a_day_or_told_again() {
        let now = time("2026-11-22T20:00:00Z");
        assert!(!is_late(&write("2026-11-22T19:59:59Z", ""), now));
        assert!(!is_late(&write("2026-11-21T20:00:00Z", ""), now), "a day to the millisecond");
        assert!(is_late(&write("2026-11-21T19:59:59.999Z", ""), now));
        assert!(!is_late(&write("2026-11-23T20:00:00Z", ""), now), "from a clock that is ahead");
        assert!(is_late(&write("2026-11-22T19:59:59Z", r#","replay-name":"r""#), now));
    }

    #[test]
    fn only_cognitos_word_makes_a_user_gone() {
        let expected = UserSub::parse(SUB).unwrap();
        let other = UserSub::parse("00000000-0000-4000-8000-000000000000").unwrap();
        assert_eq!(judge(Ok(Some(expected.clone())), &expected), Verdict::There);
        assert_eq!(judge(Ok(Some(other)), &expected), Verdict::Gone, "his name was given to another");
        assert_eq!(judge(Ok(None), &expected), Verdict::Gone);
        for class in [ErrorClass::Missing, ErrorClass::Denied, ErrorClass::Throttled, ErrorClass::Refused] {
            let error = CallError::new(class, "Code");
            assert_eq!(judge(Err(error.clone()), &expected), Verdict::Unknown(error));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_gives_a_seconds_worth_at_once_and_saves_no_more_up() {
        let start = Instant::now();
        let mut rate = Rate::new(20, start);
        let take = |rate: &mut Rate, now| (0..100).filter(|_| rate.take(now)).count();
        assert_eq!(take(&mut rate, start), 20);
        assert_eq!(take(&mut rate, start + Duration::from_millis(100)), 2);
        assert_eq!(take(&mut rate, start + Duration::from_secs(60)), 20);
    }
}
