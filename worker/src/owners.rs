//! Whose are the rows that were there first? Asked by writes that were told no more than that a row
//! exists, and answered for all who ask within the linger by one read. Nobody waits for a user's sake:
//! these users have their rows.
//!
//! It must never guess: whose row was not found out is a failure of the asker, whose message comes back.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ProfileKey;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::decide::settlement::{Happened, is_refusal};
use crate::pipeline::Shared;
use crate::ports::{
    CallError, ConfirmationQueue, ErrorClass, MOST_INSERTS, MOST_KEYS, ProfileTable, StoredOwner,
};
use crate::stats::Operation;
use crate::telemetry::events;

/// Where to ask.
pub struct Owners {
    asks: mpsc::Sender<Ask>,
}

/// The other end, for [`run`].
pub struct Asked(mpsc::Receiver<Ask>);

struct Ask {
    keys: Vec<ProfileKey>,
    told: oneshot::Sender<Result<Vec<StoredOwner>, CallError>>,
}

/// Two ends of one pool.
pub fn pool() -> (Owners, Asked) {
    let (asks, asked) = mpsc::channel(MOST_KEYS);
    (Owners { asks }, Asked(asked))
}

impl Owners {
    /// Whose the rows of these keys are, at most [`MOST_INSERTS`], in order; or what it came to by
    /// `deadline`.
    pub async fn of<Q, T>(
        &self,
        shared: &Shared<Q, T>,
        keys: Vec<ProfileKey>,
        deadline: Instant,
    ) -> Result<Vec<StoredOwner>, Happened> {
        // Reads fail when writes do, and would only tell the breaker what it knows.
        if shared.gate.holds_back() {
            return Err(Happened::TurnedAway);
        }
        let (told, telling) = oneshot::channel();
        let answer = async {
            self.asks.send(Ask { keys, told }).await.ok()?;
            telling.await.ok()
        };
        match shared.give_up.run_until_cancelled(timeout_at(deadline, answer)).await {
            None => Err(Happened::Stopped),
            Some(Ok(Some(answer))) => answer.map_err(Happened::Failed),
            Some(_) => Err(Happened::Failed(CallError::new(ErrorClass::Unavailable, "owners_not_read"))),
        }
    }
}

/// Answers until nobody can ask any more.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(shared: Arc<Shared<Q, T>>, asked: Asked) {
    let Asked(mut asked) = asked;
    let mut reads = JoinSet::new();
    while let Some(first) = asked.recv().await {
        let deadline = Instant::now() + shared.settings.linger;
        let mut keys = first.keys.len();
        let mut asks = vec![first];
        // While no write is on its way, nobody will join.
        while keys + MOST_INSERTS <= MOST_KEYS && shared.permits.is_writing() {
            let Ok(Some(ask)) = timeout_at(deadline, asked.recv()).await else { break };
            keys += ask.keys.len();
            asks.push(ask);
        }
        while let Some(read) = reads.try_join_next() {
            events::if_failed(&read);
        }
        reads.spawn(read(Arc::clone(&shared), asks));
    }
    while let Some(read) = reads.join_next().await {
        events::if_failed(&read);
    }
}

/// One read for all of them.
async fn read<Q: ConfirmationQueue, T: ProfileTable>(shared: Arc<Shared<Q, T>>, asks: Vec<Ask>) {
    // BatchGetItem refuses a key that is named twice, and two writes may ask about one user.
    let mut owners: HashMap<&ProfileKey, StoredOwner> =
        asks.iter().flat_map(|ask| &ask.keys).map(|key| (key, StoredOwner::NotTold)).collect();
    let keys: Vec<&ProfileKey> = owners.keys().copied().collect();
    let epoch = shared.gate.epoch();
    let call = shared.table.owners(&keys);
    let result = shared.stats.instruments.asking("BatchGetItem", keys.len(), call, |_| 0).await;
    match &result {
        Ok(found) => owners.extend(keys.into_iter().zip(found.iter().cloned())),
        Err(error) => {
            shared.stats.on_error(Instant::now(), Operation::Owners, error.class);
            if error.class == ErrorClass::Throttled {
                shared.permits.on_throttled(keys.len());
            }
            if !is_refusal(error) {
                shared.gate.on_failure(epoch, error);
            }
        }
    }
    let answers: Vec<_> = asks.iter().map(|ask| answer(&owners, &ask.keys, &result)).collect();
    for (ask, answer) in asks.into_iter().zip(answers) {
        // Who has stopped waiting is not told.
        let _ = ask.told.send(answer);
    }
}

fn answer(
    owners: &HashMap<&ProfileKey, StoredOwner>,
    keys: &[ProfileKey],
    result: &Result<Vec<StoredOwner>, CallError>,
) -> Result<Vec<StoredOwner>, CallError> {
    if let Err(error) = result {
        return Err(error.clone());
    }
    let owner = |key| match owners.get(key) {
        None | Some(StoredOwner::NotTold) => {
            Err(CallError::new(ErrorClass::Unavailable, "no_result_for_item"))
        }
        Some(owner) => Ok(owner.clone()),
    };
    keys.iter().map(owner).collect()
}

#[cfg(test)]
mod tests;
