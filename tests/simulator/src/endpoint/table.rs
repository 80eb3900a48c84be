//! The table's port over the model.

use std::collections::HashSet;

use domain::{Profile, ProfileKey};
use worker::aws::classify::by_code;
use worker::ports::{CallError, Inserted, MOST_INSERTS, MOST_KEYS, ProfileTable, StoredOwner};

use super::Endpoint;
use crate::model::{Row, Statement};
use crate::trouble::Operation;
use crate::world::{About, State};

impl Endpoint {
    fn about_users<'a>(&self, keys: impl Iterator<Item = &'a ProfileKey>) -> About {
        About::Users(self.world.state().users_of(keys))
    }
}

fn tell_inserted(state: &mut State, worker: usize, profile: &Profile, inserted: &Inserted) {
    let about = About::Users(state.users_of(std::iter::once(&profile.key)));
    let text = if *inserted == Inserted::Created { "  row made" } else { "  the row is there" };
    state.note(Some(worker), about, || text.to_owned());
}

fn stored(row: Option<&Row>) -> StoredOwner {
    match row {
        None => StoredOwner::Gone,
        Some(row) => row.owner.clone().map_or(StoredOwner::Missing, StoredOwner::Is),
    }
}

impl ProfileTable for Endpoint {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        let about = self.about_users(std::iter::once(&profile.key));
        let (profile, worker) = (profile.clone(), self.worker);
        let effect = move |state: &mut State, _| {
            let inserted = match state.table.put_if_absent(&profile)? {
                None => Inserted::Created,
                row => Inserted::Exists(stored(row.as_ref())),
            };
            tell_inserted(state, worker, &profile, &inserted);
            Ok(inserted)
        };
        self.call(Operation::Insert, about, effect).await
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        let (operation, worker) = (Operation::InsertBatch, self.worker);
        let keys: HashSet<_> = profiles.iter().map(|profile| &profile.key).collect();
        if profiles.len() > MOST_INSERTS || keys.len() < profiles.len() {
            self.world.state().violated("a batch that is too large, or with a key twice");
        }
        let about = self.about_users(profiles.iter().map(|profile| &profile.key));
        let profiles: Vec<Profile> = profiles.iter().map(|profile| (*profile).clone()).collect();
        let effect = move |state: &mut State, _| {
            // The call as a whole is refused or not before any statement is looked at.
            state.table.check_batch(profiles.len())?;
            Ok(Self::entries(state, operation, worker, &profiles, |state, profile| {
                let inserted =
                    match state.table.insert_batch(&[profile]).map_err(|code| by_code(Some(code)))?.pop() {
                        Some(Statement::Inserted) => Inserted::Created,
                        Some(Statement::Duplicate) => Inserted::Exists(StoredOwner::NotTold),
                        _ => return Err(by_code(Some("ValidationError"))),
                    };
                tell_inserted(state, worker, profile, &inserted);
                Ok(inserted)
            }))
        };
        self.call(operation, about, effect).await
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        let distinct: HashSet<_> = keys.iter().collect();
        if keys.len() > MOST_KEYS || distinct.len() < keys.len() {
            self.world.state().violated("a read that is too large, or with a key twice");
        }
        let about = self.about_users(keys.iter().copied());
        let keys: Vec<ProfileKey> = keys.iter().map(|key| (*key).clone()).collect();
        let effect = move |state: &mut State, _| {
            let rows = state.table.get_batch(&keys.iter().collect::<Vec<_>>())?;
            Ok(rows.iter().map(|row| stored(row.as_ref())).collect())
        };
        self.call(Operation::Owners, about, effect).await
    }
}
