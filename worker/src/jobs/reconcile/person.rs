//! A user of the pool as a confirmation, and what the table knows him by.

use domain::{Confirmation, Owner, ProfileKey, ProfileModel, Source, Timestamp, UserPoolId};

use super::super::JobError;
use super::super::candidate::{Candidate, Terms};
use crate::ports::User;

/// The confirmation of a user whom no event announced: with the attributes the model refers to, and no others.
pub fn confirmation(
    user: &User,
    pool: &UserPoolId,
    model: &ProfileModel,
    observed_at: Timestamp,
) -> Confirmation {
    let wanted = model.referenced_attributes().into_iter().map(str::to_owned).collect();
    let terms = Terms { source: Source::Reconcile, own_dates: false, wanted };
    Candidate::from(user.clone()).confirmation(pool, &terms, observed_at)
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
