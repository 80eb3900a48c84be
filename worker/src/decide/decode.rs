//! What is this message? The first decision on a message's way, made for each alone: whatever one
//! message holds, its neighbours do not notice.

use std::collections::BTreeSet;

use domain::body::{self, Received};
use domain::{
    Profile, ProfileModel, Reason, Rejection, Source, Timestamp, TriggerSource, UserPoolId, UserSub, Username,
};

use crate::outcome::Origin;

/// What the worker was told to accept.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How items are made.
    pub model: ProfileModel,
    /// The pools whose users get profiles; empty for any.
    pub user_pools: BTreeSet<UserPoolId>,
    /// The trigger sources that make profiles.
    pub trigger_sources: BTreeSet<TriggerSource>,
}

/// A message that is to become an item.
#[derive(Debug)]
pub struct Write {
    /// The item.
    pub profile: Profile,
    /// When the confirmation was observed.
    pub observed_at: Timestamp,
    /// Who announced it.
    pub source: Source,
    /// Why it was announced.
    pub origin: Origin,
    /// Whether it is told again from an archive.
    pub replayed: bool,
    /// The trace of the announcement, as the body says it.
    pub traceparent: Option<String>,
    /// The user's pool.
    pub user_pool_id: UserPoolId,
    /// The user's immutable id.
    pub sub: UserSub,
    /// The user's name in the pool.
    pub username: Username,
}

/// What to do with a message.
#[derive(Debug)]
pub enum Decoded {
    /// Write its item.
    Write(Box<Write>),
    /// Its trigger source is not wanted: nothing to do.
    Ignore(Origin),
    /// It can never become an item.
    Reject(Rejection),
}

impl Rules {
    /// Decides over one message body.
    pub fn decode(&self, text: &str, sent_at: Timestamp) -> Decoded {
        let wanted = self.model.referenced_attributes();
        let received = match body::read(text, sent_at, |name| wanted.contains(name)) {
            Ok(received) => received,
            Err(rejection) => return Decoded::Reject(rejection),
        };
        let confirmation = &received.confirmation;
        let origin = Origin::of(confirmation.source, received.replayed);
        if !self.user_pools.is_empty() && !self.user_pools.contains(&confirmation.user_pool_id) {
            let detail = "the pool is not in USER_POOL_IDS; add it there and retry, or drop the message";
            return Decoded::Reject(Rejection::new(Reason::PoolNotAllowed, detail));
        }
        // Backfill and reconcile name no trigger: they were asked for.
        if confirmation.trigger.as_ref().is_some_and(|trigger| !self.trigger_sources.contains(trigger)) {
            return Decoded::Ignore(origin);
        }
        match self.model.profile(confirmation) {
            Ok(profile) => {
                let Received { confirmation, replayed } = received;
                Decoded::Write(Box::new(Write {
                    profile,
                    observed_at: confirmation.observed_at,
                    source: confirmation.source,
                    origin,
                    replayed,
                    traceparent: confirmation.traceparent,
                    user_pool_id: confirmation.user_pool_id,
                    sub: confirmation.sub,
                    username: confirmation.username,
                }))
            }
            Err(rejection) => Decoded::Reject(rejection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(pools: &[&str], sources: &[TriggerSource]) -> Rules {
        Rules {
            model: ProfileModel::default(),
            user_pools: pools.iter().map(|pool| UserPoolId::parse(pool).unwrap()).collect(),
            trigger_sources: sources.iter().cloned().collect(),
        }
    }

    fn decode(rules: &Rules, pool: &str, trigger: &str) -> Decoded {
        let text = format!(
            r#"{{"v":1,"kind":"user.confirmed","source":"cognito.trigger"{trigger},"userPoolId":"{pool}",
                "sub":"9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11","username":"ana","observedAt":"2026-11-22T20:05:38.123Z"}}"#
        );
        rules.decode(&text, Timestamp::from_epoch_ms(0).unwrap())
    }

    #[test]
    fn a_pool_that_is_not_allowed_is_rejected_and_an_empty_list_allows_any() {
        let sign_up = [TriggerSource::ConfirmSignUp];
        let listed = rules(&["eu_A1"], &sign_up);
        assert!(matches!(decode(&listed, "eu_A1", ""), Decoded::Write(_)));
        let Decoded::Reject(rejection) = decode(&listed, "eu_B2", "") else { panic!("accepted") };
        assert_eq!(rejection.reason, Reason::PoolNotAllowed);
        assert!(matches!(decode(&rules(&[], &sign_up), "eu_B2", ""), Decoded::Write(_)));
    }

    #[test]
    fn unwanted_trigger_sources_are_ignored_and_messages_without_one_are_not() {
        let rules = rules(&[], &[TriggerSource::ConfirmSignUp]);
        assert!(matches!(
            decode(&rules, "eu_A1", r#","trigger":"PostConfirmation_ConfirmSignUp""#),
            Decoded::Write(_)
        ));
        assert!(matches!(
            decode(&rules, "eu_A1", r#","trigger":"ConfirmForgotPassword""#),
            Decoded::Ignore(Origin::Live)
        ));
        assert!(matches!(
            decode(&rules, "eu_A1", r#","trigger":"PreSignUp_SignUp""#),
            Decoded::Ignore(Origin::Live)
        ));
        assert!(matches!(decode(&rules, "eu_A1", ""), Decoded::Write(_)));
    }
}
