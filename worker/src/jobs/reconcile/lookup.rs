//! The rows under the users' own keys, by consistent reads of up to a hundred, several in the air. Must never take
//! silence for "no such row".

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Owner, ProfileKey};
use tokio::task::JoinSet;

use super::super::JobError;
use super::super::again::Again;
use super::judge::AtKey;
use crate::ports::{CallError, ErrorClass, MOST_KEYS, ProfileTable, StoredOwner};

const ACTION: &str = "dynamodb:BatchGetItem";

/// Reads in the air at most.
const AT_ONCE: usize = 8;

/// What was asked about, with whose the row is.
pub type Answers<P> = Vec<(P, StoredOwner)>;

/// Questions to the table. `P` is what is asked about.
pub struct Lookups<T, P> {
    table: Arc<T>,
    flying: JoinSet<Result<Answers<P>, JobError>>,
}

impl<T: ProfileTable, P: Send + 'static> Lookups<T, P> {
    /// Without questions.
    pub fn new(table: Arc<T>) -> Self {
        Self { table, flying: JoinSet::new() }
    }

    /// Asks, and hands back an earlier answer when enough are in the air.
    ///
    /// # Errors
    /// A question that got no answer.
    pub async fn ask(&mut self, about: Vec<(ProfileKey, P)>) -> Result<Answers<P>, JobError> {
        let answers =
            if self.flying.len() < AT_ONCE { Vec::new() } else { self.next().await?.unwrap_or_default() };
        if !about.is_empty() {
            self.flying.spawn(answered(Arc::clone(&self.table), about));
        }
        Ok(answers)
    }

    /// The next answer; `None` when nothing is in the air.
    ///
    /// # Errors
    /// A question that got no answer.
    pub async fn next(&mut self) -> Result<Option<Answers<P>>, JobError> {
        let Some(landed) = self.flying.join_next().await else { return Ok(None) };
        let unfinished =
            |_| JobError::call(ACTION, CallError::new(ErrorClass::Unavailable, "task_ended_early"));
        landed.map_err(unfinished).flatten().map(Some)
    }
}

async fn answered<T: ProfileTable, P>(
    table: Arc<T>,
    about: Vec<(ProfileKey, P)>,
) -> Result<Answers<P>, JobError> {
    // DynamoDB refuses a whole call for one key that comes twice.
    let mut places = HashMap::new();
    let mut keys = Vec::new();
    for (key, _) in &about {
        places.entry(key.clone()).or_insert_with(|| {
            keys.push(key.clone());
            keys.len() - 1
        });
    }
    let mut owners = Vec::with_capacity(keys.len());
    for keys in keys.chunks(MOST_KEYS) {
        let keys: Vec<&ProfileKey> = keys.iter().collect();
        let mut again = Again::new(ACTION);
        let told = loop {
            match table.owners(&keys).await {
                Ok(told) => break told,
                Err(error) => again.after(error).await?,
            }
        };
        owners.extend(told);
    }
    let told = |key: &ProfileKey| owners.get(*places.get(key)?).cloned();
    about
        .into_iter()
        .map(|(key, payload)| told(&key).map(|owner| (payload, owner)))
        .collect::<Option<_>>()
        .ok_or_else(|| JobError::call(ACTION, CallError::new(ErrorClass::Unavailable, "answer_missing")))
}

/// What a row's owner says of the user under whose key it stands.
pub fn at_key(stored: &StoredOwner, owner: Option<&Owner>) -> AtKey {
    match (stored, owner) {
        (StoredOwner::Gone, _) => AtKey::Nothing,
        (StoredOwner::Is(stored), Some(owner)) if !owner.is(stored) => AtKey::Anothers,
        _ => AtKey::His,
    }
}
