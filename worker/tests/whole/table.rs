//! A table in memory that only takes what is not there, with faults.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use domain::{AttributeValue, Item, Profile, ProfileKey};
use worker::ports::{CallError, ErrorClass, Inserted, MOST_INSERTS, MOST_KEYS, ProfileTable, StoredOwner};

use crate::faults::Faults;

/// The rows, and whose they are.
pub(crate) type Rows = HashMap<ProfileKey, (Item, Option<String>)>;

/// A table; clones are the same one.
#[derive(Clone)]
pub(crate) struct Table {
    rows: Arc<Mutex<Rows>>,
    faults: Faults,
}

impl Table {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { rows: Arc::default(), faults }
    }

    /// The same rows, reached with other faults.
    pub(crate) fn again(&self, faults: Faults) -> Self {
        Self { rows: Arc::clone(&self.rows), faults }
    }

    pub(crate) fn rows(&self) -> Rows {
        self.rows.lock().unwrap().clone()
    }

    /// Puts a row there, or in the place of one, as somebody else would.
    pub(crate) fn set(&self, profile: &Profile, owner: Option<String>) {
        self.rows.lock().unwrap().insert(profile.key.clone(), (profile.item.clone(), owner));
    }

    fn insert_one(&self, profile: &Profile, tells: bool) -> Inserted {
        let mut rows = self.rows.lock().unwrap();
        match rows.get(&profile.key) {
            Some((_, owner)) if tells => Inserted::Exists(stored(owner.as_ref())),
            Some(_) => Inserted::Exists(StoredOwner::NotTold),
            None => {
                let owner = owner_of(profile);
                rows.insert(profile.key.clone(), (profile.item.clone(), owner));
                Inserted::Created
            }
        }
    }
}

/// What the built-in model writes into `profileOwner`.
pub(crate) fn owner_of(profile: &Profile) -> Option<String> {
    match profile.item.get("profileOwner") {
        Some(AttributeValue::S(owner)) => Some(owner.clone()),
        _ => None,
    }
}

fn stored(owner: Option<&String>) -> StoredOwner {
    owner.map_or(StoredOwner::Missing, |owner| StoredOwner::Is(owner.clone()))
}

impl ProfileTable for Table {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        self.faults.call("insert").await?;
        let inserted = self.insert_one(profile, true);
        self.faults.answer(inserted).await
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        assert!(profiles.len() <= MOST_INSERTS);
        let keys: HashSet<_> = profiles.iter().map(|profile| &profile.key).collect();
        assert_eq!(keys.len(), profiles.len(), "a key twice in one call");
        self.faults.call("insert_batch").await?;
        let shaky = self.faults.now();
        let mut results: Vec<_> = profiles
            .iter()
            .map(|profile| {
                if shaky && self.faults.chance(0.3) {
                    Err(CallError::new(ErrorClass::Throttled, "ThrottlingError"))
                } else {
                    Ok(self.insert_one(profile, false))
                }
            })
            .collect();
        if shaky && self.faults.chance(0.1) {
            // An answer that says less than it should.
            results.pop();
        }
        self.faults.answer(results).await
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        assert!(keys.len() <= MOST_KEYS);
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "a key twice in one read");
        self.faults.call("owners").await?;
        let rows = self.rows.lock().unwrap().clone();
        let owners = keys
            .iter()
            .map(|key| rows.get(*key).map_or(StoredOwner::Gone, |(_, owner)| stored(owner.as_ref())));
        self.faults.answer(owners.collect()).await
    }
}
