//! A user who may be given a profile, from wherever he was read, and the confirmation that is sent of him. Must
//! never take an attribute along that the model does not name: a user may have an address and a birthday.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Confirmation, Source, Timestamp, UserPoolId, UserSub, Username};

use crate::ports::{User, UserStatus};

/// A user as he was found. No `Debug`: it is a person.
pub(super) struct Candidate {
    pub(super) sub: UserSub,
    pub(super) username: Username,
    /// None where a file does not tell: whoever made it vouches for him.
    pub(super) status: Option<UserStatus>,
    pub(super) enabled: bool,
    pub(super) created_at: Option<Timestamp>,
    pub(super) attributes: BTreeMap<String, String>,
}

impl From<User> for Candidate {
    fn from(user: User) -> Self {
        Self {
            sub: user.sub,
            username: user.username,
            status: Some(user.status),
            enabled: user.enabled,
            created_at: Some(user.created_at),
            attributes: user.attributes,
        }
    }
}

/// What every confirmation of a run has in common.
pub(super) struct Terms {
    pub(super) source: Source,
    /// Whether items say when their users were made, where that is known; else when they were seen.
    pub(super) own_dates: bool,
    /// Attributes that the model refers to.
    pub(super) wanted: BTreeSet<String>,
}

impl Candidate {
    /// What is sent of him, who was seen in `pool` just now.
    pub(super) fn confirmation(
        mut self,
        pool: &UserPoolId,
        terms: &Terms,
        observed_at: Timestamp,
    ) -> Confirmation {
        let email = self.attributes.remove("email").filter(|email| !email.is_empty());
        let verified = self.attributes.remove("email_verified");
        self.attributes
            .retain(|name, value| name != "sub" && !value.is_empty() && terms.wanted.contains(name));
        Confirmation {
            source: terms.source,
            trigger: None,
            user_pool_id: pool.clone(),
            region: Some(pool.region().to_owned()),
            sub: self.sub,
            username: self.username,
            email,
            email_verified: verified.and_then(|text| flag(&text)),
            observed_at,
            created_at: self.created_at.filter(|_| terms.own_dates),
            attributes: self.attributes,
            traceparent: None,
        }
    }
}

/// As much of a user as his key and his owner need, for whoever looks for rows and sends nothing.
pub(super) fn nothing_but(pool: &UserPoolId, sub: &UserSub, username: &Username) -> Option<Confirmation> {
    Some(Confirmation {
        source: Source::Reconcile,
        trigger: None,
        user_pool_id: pool.clone(),
        region: None,
        sub: sub.clone(),
        username: username.clone(),
        email: None,
        email_verified: None,
        observed_at: Timestamp::from_epoch_ms(0).ok()?,
        created_at: None,
        attributes: BTreeMap::new(),
        traceparent: None,
    })
}

/// Cognito writes `true`, its CSV files write `TRUE`.
pub(super) fn flag(text: &str) -> Option<bool> {
    text.trim().to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        let attribute = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Candidate {
            sub: UserSub::parse("9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11").unwrap(),
            username: Username::parse("ana").unwrap(),
            status: Some(UserStatus::Confirmed),
            enabled: true,
            created_at: Some(Timestamp::from_epoch_ms(1_000).unwrap()),
            attributes: [
                ("sub", "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11"),
                ("email", "ana@example.com"),
                ("email_verified", "TRUE"),
                ("birthdate", "01/01/1985"),
                ("custom:tenant", "blue"),
                ("custom:empty", ""),
            ]
            .map(attribute)
            .into(),
        }
    }

    fn terms(own_dates: bool) -> Terms {
        let wanted = ["custom:tenant", "custom:empty", "sub"].map(str::to_owned).into();
        Terms { source: Source::BackfillCognito, own_dates, wanted }
    }

    #[test]
    fn only_what_the_model_names_is_taken_along() {
        let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
        let now = Timestamp::from_epoch_ms(2_000).unwrap();
        let sent = candidate().confirmation(&pool, &terms(false), now);
        assert_eq!(sent.attributes, BTreeMap::from([("custom:tenant".to_owned(), "blue".to_owned())]));
        assert_eq!(sent.email.as_deref(), Some("ana@example.com"));
        assert_eq!(sent.email_verified, Some(true));
        assert_eq!(sent.region.as_deref(), Some("eu-central-1"));
        assert_eq!((sent.observed_at, sent.created_at), (now, None));
        assert!(sent.source == Source::BackfillCognito && sent.trigger.is_none());
    }

    #[test]
    fn the_creation_date_goes_along_on_request() {
        let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
        let now = Timestamp::from_epoch_ms(2_000).unwrap();
        let sent = candidate().confirmation(&pool, &terms(true), now);
        assert_eq!(sent.created_at.map(Timestamp::epoch_ms), Some(1_000));
        assert_eq!(sent.observed_at, now, "when it was seen is another fact");
    }
}
