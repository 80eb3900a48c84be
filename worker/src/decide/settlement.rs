//! From what happened to what becomes of the message. The whole table of fates is here, so that "is
//! anything ever deleted without a durable outcome?" can be answered by reading one file.

use std::time::Duration;

use domain::{Owner, Reason, Rejection};

use super::backoff::Policy;
use crate::outcome::Outcome;
use crate::ports::{CallError, ErrorClass, Inserted, StoredOwner};

/// What happened to a message.
#[derive(Debug, Clone)]
pub enum Happened {
    /// The table answered.
    Inserted(Inserted),
    /// Every attempt of the write failed; the last one like this.
    Failed(CallError),
    /// It was not tried: by then the table was known to fail.
    TurnedAway,
    /// The service refused this one item, while others fare well.
    Refused(CallError),
    /// The message cannot become an item.
    Rejected(Rejection),
    /// Its user no longer exists.
    Gone,
    /// It came late, and nobody could say whether its user still exists.
    Unverified(CallError),
    /// It came late, with more of its kind than may be asked after at a time.
    AboveRate,
    /// Its trigger source is not wanted.
    Unwanted,
    /// It was not written, because the worker stops.
    Stopped,
    /// It was not written, because the table has failed for as long as it may be held in hand.
    HeldTooLong,
    /// Its visibility timeout ran out before it was written.
    Expired,
}

/// What is to be done with one receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The outcome is durable: delete.
    Delete,
    /// Send to the dead-letter queue with the reason, then delete.
    Quarantine(Rejection),
    /// Make visible again after this long.
    RetryAfter(Duration),
    /// Make visible again now.
    Release,
    /// Do nothing: the receipt is no longer ours.
    LeaveAlone,
}

/// Service trouble: the table is asked again soon, then ever more rarely.
const SERVICE: Policy = Policy {
    initial_interval: Duration::from_secs(1),
    multiplier: 2.0,
    max_interval: Duration::from_secs(900),
    max_elapsed_time: None,
};

/// A refusal that is nobody's proven fault: a person has to mend the table, or another item has to be
/// taken. A hundred receives then last for days.
const STUBBORN: Policy = Policy { max_interval: Duration::from_secs(3600), ..SERVICE };

/// A message this worker may never be able to handle: a newer worker, or a person, has to.
const PATIENT: Policy = Policy { initial_interval: Duration::from_secs(30), ..SERVICE };

/// A refused item is tried this often before it is quarantined.
const REFUSALS: u32 = 5;

/// A newer version is waited for this often: with [`PATIENT`] about an hour and a quarter, the time of
/// a slow deployment.
const VERSION_WAITS: u32 = 9;

/// The fate of one delivery.
///
/// `owner` is the owner the message expects, `receive_count` SQS's count from 1, `chance` in 0..1.
pub fn settle(
    happened: &Happened,
    owner: Option<&Owner>,
    receive_count: u32,
    chance: f64,
) -> (Outcome, Settlement) {
    use Settlement::{Delete, LeaveAlone, Quarantine, Release, RetryAfter};
    match happened {
        Happened::Inserted(Inserted::Created) => (Outcome::Created, Delete),
        Happened::Inserted(Inserted::Exists(stored)) => match (stored, owner) {
            (StoredOwner::NotTold | StoredOwner::Gone, _) | (_, None) => (Outcome::AlreadyPresent, Delete),
            (StoredOwner::Missing, Some(_)) => (Outcome::OwnerMissing, Delete),
            (StoredOwner::Is(stored), Some(owner)) if owner.is(stored) => (Outcome::AlreadyPresent, Delete),
            (StoredOwner::Is(_), Some(_)) => {
                let detail = "the row under this user's key belongs to another owner; it was not touched";
                (Outcome::OwnerConflict, Quarantine(Rejection::new(Reason::OwnerConflict, detail)))
            }
        },
        Happened::Failed(error) if is_refusal(error) => {
            (Outcome::Retried, RetryAfter(STUBBORN.delay(receive_count, chance)))
        }
        Happened::Failed(_) | Happened::TurnedAway => {
            (Outcome::Retried, RetryAfter(SERVICE.delay(receive_count, chance)))
        }
        Happened::Refused(error) if receive_count > REFUSALS => {
            let detail = format!("DynamoDB refuses this item: {}", error.code);
            (Outcome::Rejected, Quarantine(Rejection::new(Reason::ServiceRejected, detail)))
        }
        Happened::Refused(_) => (Outcome::Retried, RetryAfter(SERVICE.delay(receive_count, chance))),
        Happened::Rejected(rejection)
            if rejection.reason == Reason::UnsupportedVersion && receive_count <= VERSION_WAITS =>
        {
            (Outcome::Retried, RetryAfter(PATIENT.delay(receive_count, chance)))
        }
        Happened::Rejected(rejection) => (Outcome::Rejected, Quarantine(rejection.clone())),
        Happened::Gone => (Outcome::UserGone, Delete),
        // Nobody waits for it, and hours of others may have to be asked after first.
        Happened::Unverified(_) | Happened::AboveRate => {
            (Outcome::Retried, RetryAfter(STUBBORN.delay(receive_count, chance)))
        }
        Happened::Unwanted => (Outcome::Ignored, Delete),
        Happened::Stopped => (Outcome::Released, Release),
        Happened::HeldTooLong => (Outcome::Released, RetryAfter(SERVICE.max_interval)),
        Happened::Expired => (Outcome::LeaseLost, LeaveAlone),
    }
}

/// How long a message waits that the dead-letter queue would not take: SQS's own redrive is its last
/// way out.
pub fn after_failed_quarantine(receive_count: u32, chance: f64) -> Duration {
    PATIENT.delay(receive_count, chance)
}

/// Whether a failed call is the table's trouble, to be asked again, or a refusal of the item.
pub fn is_refusal(error: &CallError) -> bool {
    error.class == ErrorClass::Refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Profile, ProfileModel, Timestamp, body};

    fn profile() -> Profile {
        let text = r#"{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
            "sub":"9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11","username":"ana","observedAt":"2026-11-22T20:05:38.123Z"}"#;
        let received = body::read(text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
        ProfileModel::default().profile(&received.confirmation).unwrap()
    }

    fn exists(stored: StoredOwner) -> (Outcome, Settlement) {
        let owner = profile().owner;
        settle(&Happened::Inserted(Inserted::Exists(stored)), owner.as_ref(), 1, 0.5)
    }

    fn error(class: ErrorClass) -> CallError {
        CallError::new(class, "Code")
    }

    #[test]
    fn a_row_that_is_there_is_judged_by_its_owner() {
        assert_eq!(exists(StoredOwner::Is("ana".into())), (Outcome::AlreadyPresent, Settlement::Delete));
        assert_eq!(exists(StoredOwner::Gone), (Outcome::AlreadyPresent, Settlement::Delete));
        assert_eq!(exists(StoredOwner::Missing), (Outcome::OwnerMissing, Settlement::Delete));
        let (outcome, settlement) = exists(StoredOwner::Is("eve".into()));
        assert_eq!(outcome, Outcome::OwnerConflict);
        assert!(
            matches!(settlement, Settlement::Quarantine(rejection) if rejection.reason == Reason::OwnerConflict)
        );
        let unowned =
            settle(&Happened::Inserted(Inserted::Exists(StoredOwner::Is("eve".into()))), None, 1, 0.5);
        assert_eq!(unowned, (Outcome::AlreadyPresent, Settlement::Delete));
    }

    #[test]
    fn service_trouble_never_quarantines_and_backs_off_by_receive_count() {
        let mut last = Duration::ZERO;
        for receive_count in 1..=100 {
            let happened = Happened::Failed(error(ErrorClass::Missing));
            let (outcome, settlement) = settle(&happened, None, receive_count, 1.0);
            let Settlement::RetryAfter(delay) = settlement else { panic!("{settlement:?}") };
            assert_eq!(outcome, Outcome::Retried);
            assert!(delay >= last && delay <= Duration::from_secs(900));
            last = delay;
        }
        assert_eq!(last, Duration::from_secs(900));
    }

    #[test]
    fn what_is_refused_without_a_culprit_waits_for_days_before_sqs_gives_up() {
        let refused = Happened::Failed(error(ErrorClass::Refused));
        let waited: Duration = (1..100)
            .map(|count| match settle(&refused, None, count, 0.0).1 {
                Settlement::RetryAfter(delay) => delay,
                other => panic!("{other:?}"),
            })
            .sum();
        assert!(waited > Duration::from_secs(40 * 3600), "{waited:?}");
    }

    #[test]
    fn a_user_who_has_gone_is_an_outcome_and_a_doubt_waits_ever_longer() {
        assert_eq!(settle(&Happened::Gone, None, 1, 0.5), (Outcome::UserGone, Settlement::Delete));
        for happened in [Happened::AboveRate, Happened::Unverified(error(ErrorClass::Denied))] {
            let delays = [1, 2, 100].map(|count| settle(&happened, None, count, 1.0));
            let after = |seconds| (Outcome::Retried, Settlement::RetryAfter(Duration::from_secs(seconds)));
            assert_eq!(delays, [after(1), after(2), after(3600)], "{happened:?}");
        }
    }

    #[test]
    fn what_was_held_through_an_outage_is_given_back_for_the_longest_delay() {
        let (outcome, settlement) = settle(&Happened::HeldTooLong, None, 1, 0.0);
        assert_eq!((outcome, settlement), (Outcome::Released, Settlement::RetryAfter(SERVICE.max_interval)));
    }

    #[test]
    fn what_was_not_tried_is_given_back_at_once_and_what_is_no_longer_ours_is_left_alone() {
        let fate = |happened| settle(&happened, None, 1, 0.5);
        assert_eq!(fate(Happened::Stopped), (Outcome::Released, Settlement::Release));
        assert_eq!(fate(Happened::Expired), (Outcome::LeaseLost, Settlement::LeaveAlone));
        assert_eq!(fate(Happened::Unwanted), (Outcome::Ignored, Settlement::Delete));
    }

    #[test]
    fn what_the_dead_letter_queue_does_not_take_waits_ever_longer() {
        let waits: Vec<u64> =
            [1, 2, 3, 100].map(|count| after_failed_quarantine(count, 1.0).as_secs()).into();
        assert_eq!(waits, [30, 60, 120, 900]);
    }

    #[test]
    fn a_refused_item_is_quarantined_only_after_its_retries() {
        let refused = Happened::Refused(error(ErrorClass::Refused));
        assert_eq!(settle(&refused, None, REFUSALS, 0.0).0, Outcome::Retried);
        let (outcome, settlement) = settle(&refused, None, REFUSALS + 1, 0.0);
        assert_eq!(outcome, Outcome::Rejected);
        assert!(
            matches!(settlement, Settlement::Quarantine(rejection) if rejection.reason == Reason::ServiceRejected)
        );
    }

    #[test]
    fn a_newer_version_is_waited_for_and_then_quarantined() {
        let newer = Happened::Rejected(Rejection::new(Reason::UnsupportedVersion, "v is 2"));
        let waited: Duration = (1..=VERSION_WAITS)
            .map(|count| match settle(&newer, None, count, 1.0).1 {
                Settlement::RetryAfter(delay) => delay,
                other => panic!("{other:?}"),
            })
            .sum();
        assert!(waited > Duration::from_secs(3600), "{waited:?}");
        assert_eq!(settle(&newer, None, VERSION_WAITS + 1, 1.0).0, Outcome::Rejected);
    }

    /// The promise's second pillar, as a table: only a durable outcome deletes.
    #[test]
    fn nothing_is_deleted_that_was_not_settled_for_good() {
        for (happened, deleted) in [
            (Happened::Inserted(Inserted::Created), true),
            (Happened::Unwanted, true),
            (Happened::Gone, true),
            (Happened::Unverified(error(ErrorClass::Missing)), false),
            (Happened::Unverified(error(ErrorClass::Refused)), false),
            (Happened::AboveRate, false),
            (Happened::Failed(error(ErrorClass::Throttled)), false),
            (Happened::Failed(error(ErrorClass::Unavailable)), false),
            (Happened::TurnedAway, false),
            (Happened::Refused(error(ErrorClass::Refused)), false),
            (Happened::Rejected(Rejection::new(Reason::NotJson, "")), false),
            (Happened::Stopped, false),
            (Happened::HeldTooLong, false),
            (Happened::Expired, false),
        ] {
            for receive_count in [1, 5, 6, 1000] {
                let (_, settlement) = settle(&happened, None, receive_count, 0.5);
                assert_eq!(settlement == Settlement::Delete, deleted, "{happened:?} {receive_count}");
            }
        }
    }
}
