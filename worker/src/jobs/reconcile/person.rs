//! A user of the pool as a confirmation, and what the table knows him by.

use std::collections::BTreeMap;

use domain::{Confirmation, Owner, ProfileKey, ProfileModel, Source, Timestamp, UserPoolId};

use super::super::JobError;
use crate::ports::User;

/// The confirmation of a user whom no event announced: with the attributes the model refers to, and no others.
pub fn confirmation(
    user: &User,
    pool: &UserPoolId,
    model: &ProfileModel,
    observed_at: Timestamp,
) -> Confirmation {
    let attribute = |name: &str| user.attributes.get(name).cloned();
    let extras = model.referenced_attributes().into_iter();
    let attributes: BTreeMap<_, _> =
        extras.filter_map(|name| Some((name.to_owned(), attribute(name)?))).collect();
    Confirmation {
        source: Source::Reconcile,
        trigger: None,
        user_pool_id: pool.clone(),
        region: Some(pool.region().to_owned()),
        sub: user.sub.clone(),
        username: user.username.clone(),
        email: attribute("email"),
        email_verified: attribute("email_verified").and_then(|flag| flag.parse().ok()),
        observed_at,
        created_at: None,
        attributes,
        traceparent: None,
    }
}

/// What the table knows a user by.
pub struct Identity {
    /// Where his row has to be.
    pub key: ProfileKey,
    /// Whom it has to belong to, if the model says that of rows.
    pub owner: Option<Owner>,
}

impl Identity {
    /// Of this user.
    ///
    /// # Errors
    /// A model whose key nobody can have.
    pub fn of(user: &Confirmation, model: &ProfileModel) -> Result<Self, JobError> {
        let key = model.key(user).map_err(|rejection| {
            JobError::problem("PROFILE_MODEL", rejection.detail, "give the model a key that every user has")
        })?;
        Ok(Self { key, owner: model.owner(user) })
    }
}
