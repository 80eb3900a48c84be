//! Two invented people, as every model meets them: one of whom Cognito knows everything, one of whom it
//! knows next to nothing. Must never be anybody.

use std::collections::BTreeMap;

use domain::{Confirmation, Source, Timestamp, TriggerSource, UserPoolId, UserSub, Username};

/// With a value for each attribute in `referenced`, and a user name that looks like an owner.
pub(crate) fn known<'a>(referenced: impl IntoIterator<Item = &'a str>) -> Confirmation {
    let attributes =
        referenced.into_iter().zip(["blue", "42", "true", "-7.5", "#", "{sub}"].into_iter().cycle());
    Confirmation {
        source: Source::CognitoTrigger,
        trigger: Some(TriggerSource::ConfirmSignUp),
        region: Some("eu-central-1".into()),
        email: Some("ana@example.com".into()),
        email_verified: Some(true),
        created_at: Some(Timestamp::parse("2020-02-29T00:00:00.001Z").unwrap()),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        traceparent: Some("00-69221c520123456789abcdef01234567-0123456789abcdef-01".into()),
        ..unknown("9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11", "ana::o'brien")
    }
}

/// With nothing beyond what a confirmation cannot be without.
pub(crate) fn unknown(sub: &str, username: &str) -> Confirmation {
    Confirmation {
        source: Source::BackfillFile,
        trigger: None,
        user_pool_id: UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap(),
        region: None,
        sub: UserSub::parse(sub).unwrap(),
        username: Username::parse(username).unwrap(),
        email: None,
        email_verified: None,
        observed_at: Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap(),
        created_at: None,
        attributes: BTreeMap::new(),
        traceparent: None,
    }
}
