//! Who is sent, and who is counted as what. Every user and every line is counted as exactly one thing.

use std::collections::BTreeSet;

use domain::{Confirmation, Reason, Source, Timestamp, UserPoolId, body, envelope};

use super::record::Unusable;
use super::report::Counts;
use crate::jobs::candidate::{Candidate, Terms};
use crate::jobs::legacy::Legacy;
use crate::jobs::policy::{Judgement, Policy, SkipReason};

/// Decides over users and lines, and counts them.
pub(super) struct Intake {
    pub(super) policy: Policy,
    pub(super) terms: Terms,
    /// Whose users are accepted; of any pool if it is empty.
    pub(super) pools: BTreeSet<UserPoolId>,
    /// Who has a row under another key.
    pub(super) legacy: Legacy,
    pub(super) counts: Counts,
}

impl Intake {
    /// A user of `pool`, seen `now`: what is to be sent, if he is to have a profile.
    pub(super) fn user(
        &mut self,
        user: Candidate,
        pool: &UserPoolId,
        now: Timestamp,
    ) -> Result<Option<String>, Unusable> {
        self.allowed(pool)?;
        if let Some(status) = &user.status {
            self.counts.status(status);
            match self.policy.judge_status(status, user.enabled) {
                Judgement::Take => {}
                Judgement::Skip(SkipReason::Status) => {
                    self.counts.skipped_status += 1;
                    return Ok(None);
                }
                Judgement::Skip(SkipReason::Disabled) => {
                    self.counts.skipped_disabled += 1;
                    return Ok(None);
                }
            }
        } else if !user.enabled {
            self.counts.skipped_disabled += 1;
            return Ok(None);
        }
        self.confirmed(&user.confirmation(pool, &self.terms, now))
    }

    /// What a file says of one who confirmed. It keeps its times, and is no longer the trigger's.
    pub(super) fn told(&mut self, mut told: Confirmation) -> Result<Option<String>, Unusable> {
        self.allowed(&told.user_pool_id)?;
        told.source = Source::BackfillFile;
        // A trigger source that the worker was told to leave out is asked for here.
        told.trigger = None;
        told.attributes.retain(|name, _| self.terms.wanted.contains(name));
        self.confirmed(&told)
    }

    fn allowed(&self, pool: &UserPoolId) -> Result<(), Unusable> {
        if self.pools.is_empty() || self.pools.contains(pool) {
            return Ok(());
        }
        Err(Unusable::because(Reason::PoolNotAllowed, "of another pool than USER_POOL_ID or USER_POOL_IDS"))
    }

    fn confirmed(&mut self, confirmation: &Confirmation) -> Result<Option<String>, Unusable> {
        if self.legacy.holds(&confirmation.sub, &confirmation.username) {
            self.counts.legacy += 1;
            return Ok(None);
        }
        let body = envelope::write(confirmation);
        if body.len() > body::MAX_BYTES {
            let detail = "what the model needs of this user does not fit into a message";
            return Err(Unusable::because(Reason::TooLarge, detail));
        }
        self.counts.chosen += 1;
        Ok(Some(body))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{TriggerSource, UserSub, Username};
    use serde_json::Value;

    use super::*;
    use crate::ports::UserStatus;

    fn pool(id: &str) -> UserPoolId {
        UserPoolId::parse(id).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T08:00:00Z").unwrap()
    }

    fn intake() -> Intake {
        Intake {
            policy: Policy::parse("CONFIRMED").unwrap(),
            terms: Terms {
                source: Source::BackfillFile,
                own_dates: false,
                wanted: ["custom:tenant".to_owned()].into(),
            },
            pools: [pool("eu_A1")].into(),
            legacy: Legacy::none(),
            counts: Counts::default(),
        }
    }

    fn user(status: Option<UserStatus>, enabled: bool) -> Candidate {
        Candidate {
            sub: UserSub::parse("9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11").unwrap(),
            username: Username::parse("ana").unwrap(),
            status,
            enabled,
            created_at: None,
            attributes: BTreeMap::new(),
        }
    }

    fn confirmation() -> Confirmation {
        Confirmation {
            trigger: Some(TriggerSource::ConfirmForgotPassword),
            created_at: Some(Timestamp::from_epoch_ms(1).unwrap()),
            attributes: [("custom:tenant", "blue"), ("birthdate", "01/01/1985")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..user(None, true).confirmation(
                &pool("eu_A1"),
                &intake().terms,
                Timestamp::from_epoch_ms(2).unwrap(),
            )
        }
    }

    #[test]
    fn each_user_is_counted_as_one_thing() {
        let mut intake = intake();
        for (status, enabled, sent) in [
            (Some(UserStatus::Confirmed), true, true),
            (Some(UserStatus::Confirmed), false, false),
            (Some(UserStatus::Unconfirmed), true, false),
            (Some(UserStatus::Unconfirmed), false, false),
            (None, true, true),
            (None, false, false),
        ] {
            let taken = intake.user(user(status.clone(), enabled), &pool("eu_A1"), now()).unwrap();
            assert_eq!(taken.is_some(), sent, "{status:?} {enabled}");
        }
        let counts = &intake.counts;
        assert_eq!((counts.chosen, counts.skipped_status, counts.skipped_disabled), (2, 2, 2));
        assert_eq!(
            counts.by_status,
            BTreeMap::from([("CONFIRMED".to_owned(), 2), ("UNCONFIRMED".to_owned(), 2)])
        );
    }

    #[test]
    fn an_old_confirmation_keeps_its_times_and_loses_its_trigger() {
        let body = intake().told(confirmation()).unwrap().unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["source"], "backfill.file");
        assert_eq!(body["trigger"], Value::Null);
        assert_eq!(body["observedAt"], "1970-01-01T00:00:00.002Z");
        assert_eq!(body["createdAt"], "1970-01-01T00:00:00.001Z");
        assert_eq!(body["attributes"], serde_json::json!({"custom:tenant": "blue"}));
    }

    #[test]
    fn another_pools_users_are_refused_wherever_they_come_from() {
        let mut intake = intake();
        let told = intake.told(Confirmation { user_pool_id: pool("eu_B2"), ..confirmation() });
        assert_eq!(told.unwrap_err().reason, "pool_not_allowed");
        let found = intake.user(user(None, true), &pool("eu_B2"), now());
        assert_eq!(found.unwrap_err().reason, "pool_not_allowed");
        assert_eq!(intake.counts, Counts::default());
        intake.pools.clear();
        assert!(intake.user(user(None, true), &pool("eu_B2"), now()).unwrap().is_some());
    }

    #[test]
    fn what_no_message_can_hold_is_refused_here() {
        let attributes = BTreeMap::from([("custom:tenant".to_owned(), "x".repeat(body::MAX_BYTES))]);
        let told = intake().told(Confirmation { attributes, ..confirmation() });
        assert_eq!(told.unwrap_err().reason, "too_large");
    }
}
