//! The body of an SQS message: an envelope, a Cognito event, either inside an EventBridge event, or anything
//! that somebody who may send to the queue can think of.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use domain::{ProfileModel, Rejection, Timestamp, TriggerSource, body};
use worker::decide::decode::{Decoded, Rules};
use worker::outcome::Origin;

use crate::oracles;

/// The documented model, and one that uses all of the grammar.
static MODELS: LazyLock<[ProfileModel; 2]> = LazyLock::new(|| {
    let all = include_str!("../../corpus/model/every-form.toml");
    [ProfileModel::default(), ProfileModel::from_toml(all).unwrap()]
});

/// The text becomes an item that can be written, of a confirmation that can be sent on, or a reason that
/// names nobody; and the worker decides no other.
pub fn judge(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    for model in &*MODELS {
        judge_with(text, model);
    }
}

fn judge_with(text: &str, model: &ProfileModel) {
    let sent_at = Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap();
    let wanted = model.referenced_attributes();
    let read = |text: &str| body::read(text, sent_at, |name| wanted.contains(name));
    let rejected = |text: &str| match read(text) {
        Ok(received) => model.profile(&received.confirmation).err(),
        Err(rejection) => Some(rejection),
    };
    let outcome = read(text).and_then(|received| {
        oracles::assert_survives_the_queue(&received.confirmation);
        Ok((model.profile(&received.confirmation)?, received))
    });
    match &outcome {
        Ok((profile, received)) => oracles::assert_writable(profile, model, &received.confirmation),
        Err(rejection) => oracles::assert_names_nobody(text, rejection, rejected),
    }

    let rules = Rules {
        model: model.clone(),
        user_pools: BTreeSet::new(),
        trigger_sources: [TriggerSource::ConfirmSignUp, TriggerSource::ConfirmForgotPassword].into(),
    };
    match (rules.decode(text, sent_at), outcome) {
        (Decoded::Write(write), Ok((profile, received))) => {
            assert_eq!(write.profile, profile);
            assert_eq!(write.origin == Origin::Live, received.is_live());
        }
        (Decoded::Reject(decided), Err(rejection)) => assert_eq!(decided, rejection),
        // What is not wanted is not looked at further.
        (Decoded::Ignore(_), _) => {
            let trigger = read(text).ok().and_then(|received| received.confirmation.trigger);
            assert_eq!(trigger, Some(TriggerSource::Other));
        }
        (decided, outcome) => {
            let outcome: Result<_, Rejection> = outcome.map(|_| "an item");
            panic!("the worker decides {decided:?} where the domain says {outcome:?}");
        }
    }
}
