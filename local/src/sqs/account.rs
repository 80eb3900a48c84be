//! The queues of this server by name, and what surrounds the state machine of each: its settings, its
//! tags, and the bell that wakes long polls.
//!
//! Exists so that locks are held in one file: one lock per queue, for the length of one step. Must
//! never hold the locks of two queues at once, nor any lock across an await.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::attributes::Settings;
use super::clock::{Clock, Millis, seconds};
use super::letter::Letter;
use super::moves::Tasks;
use super::protocol::{ApiError, Fault, Operation, required};
use super::queue::Queue;
use super::residence::{Residence, Residences};

pub(crate) const ACCOUNT_ID: &str = "000000000000";

/// AWS's quota of messages in flight on a standard queue.
const IN_FLIGHT_LIMIT: usize = 120_000;

/// Above this many arrivals at once it is cheaper to wake every poll than to wake them one by one.
const WAKE_ONE_BY_ONE: usize = 16;

/// No poll is longer, so a deadline further away than this concerns nobody who waits now.
const LONGEST_POLL: Millis = 20_000;

pub(crate) struct Account {
    pub(crate) endpoint: String,
    pub(crate) clock: Clock,
    pub(crate) closing: CancellationToken,
    pub(crate) in_flight_limit: AtomicUsize,
    pub(crate) open_polls: AtomicUsize,
    pub(crate) tasks: Tasks,
    queues: RwLock<BTreeMap<String, Arc<Cell>>>,
    calls: Mutex<BTreeMap<Operation, u64>>,
    residences: Mutex<Residences>,
}

/// One queue with everything that belongs to it.
pub(crate) struct Cell {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) arn: Arc<str>,
    pub(crate) created_at: Millis,
    pub(crate) modified_at: AtomicU64,
    pub(crate) tags: Mutex<BTreeMap<String, String>>,
    pub(crate) deleted: AtomicBool,
    pub(crate) bell: Notify,
    settings: RwLock<Arc<Settings>>,
    queue: Mutex<Queue>,
}

impl Account {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            clock: Clock::new(),
            closing: CancellationToken::new(),
            in_flight_limit: AtomicUsize::new(IN_FLIGHT_LIMIT),
            open_polls: AtomicUsize::new(0),
            tasks: Tasks::default(),
            queues: RwLock::default(),
            calls: Mutex::default(),
            residences: Mutex::default(),
        }
    }

    pub(crate) fn count(&self, operation: Operation) {
        *lock(&self.calls).entry(operation).or_default() += 1;
    }

    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        let calls = lock(&self.calls);
        let named = calls.iter();
        named.map(|(operation, n)| (operation.name().to_owned(), *n)).collect()
    }

    /// A message that was sent at `sent_at` and handed out at `received` has been deleted.
    pub(crate) fn deleted(&self, sent_at: Millis, received: Duration) {
        let deleted = self.clock.running();
        let age = Duration::from_millis(self.clock.now().saturating_sub(sent_at));
        lock(&self.residences).record(Residence { received, deleted, age });
    }

    pub(crate) fn residences(&self) -> Vec<Residence> {
        lock(&self.residences).all()
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT_ID}/{name}", self.endpoint)
    }

    pub(crate) fn by_name(&self, name: &str) -> Result<Arc<Cell>, ApiError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues
            .get(name)
            .cloned()
            .ok_or_else(|| Fault::QueueDoesNotExist.because("The specified queue does not exist."))
    }

    /// Only the path of a queue URL counts: clients behind a tunnel or in a container rewrite hosts.
    pub(crate) fn by_url(&self, url: Option<String>) -> Result<Arc<Cell>, ApiError> {
        let url = required(url, "QueueUrl")?;
        match url.trim_end_matches('/').rsplit_once('/') {
            Some((_, name)) => self.by_name(name),
            None => {
                Err(Fault::InvalidAddress
                    .because(format!("The address {url} is not valid for this endpoint.")))
            }
        }
    }

    pub(crate) fn by_arn(&self, arn: &str) -> Option<Arc<Cell>> {
        let (_, name) = arn.rsplit_once(':')?;
        self.by_name(name).ok().filter(|cell| &*cell.arn == arn)
    }

    /// Queues in order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.values().cloned().collect()
    }

    /// Adds the queue unless one of that name is there; answers with the one that is there then.
    pub(crate) fn add(&self, cell: Cell) -> (Arc<Cell>, bool) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(existing) = queues.get(&cell.name) {
            return (Arc::clone(existing), false);
        }
        let cell = Arc::new(cell);
        queues.insert(cell.name.clone(), Arc::clone(&cell));
        (cell, true)
    }

    pub(crate) fn remove(&self, cell: &Cell) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        if queues.get(&cell.name).is_some_and(|found| found.id == cell.id) {
            queues.remove(&cell.name);
        }
        cell.deleted.store(true, Ordering::Release);
        cell.bell.notify_waiters();
    }

    /// Queues whose redrive policy names this one.
    pub(crate) fn sources_of(&self, arn: &str) -> Vec<Arc<Cell>> {
        let mut sources = self.all();
        sources.retain(|cell| {
            let settings = cell.settings();
            settings.redrive.as_ref().is_some_and(|redrive| redrive.target_arn == arn)
        });
        sources
    }

    pub(crate) fn wake_everybody(&self) {
        for cell in self.all() {
            cell.bell.notify_waiters();
        }
    }
}

impl Cell {
    pub(crate) fn new(name: String, arn: String, settings: Settings, now: Millis) -> Self {
        let id = fastrand::u64(..);
        Self {
            id,
            name,
            arn: arn.into(),
            created_at: now,
            modified_at: AtomicU64::new(now),
            tags: Mutex::default(),
            deleted: AtomicBool::new(false),
            bell: Notify::new(),
            queue: Mutex::new(Queue::new(id, seconds(settings.retention))),
            settings: RwLock::new(Arc::new(settings)),
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&settings)
    }

    pub(crate) fn set_settings(&self, settings: Settings, now: Millis) {
        self.queue().set_retention(seconds(settings.retention));
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.modified_at.store(now, Ordering::Release);
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    /// Takes letters in and wakes polls for those that are visible at once.
    pub(crate) fn put(&self, now: Millis, letters: impl IntoIterator<Item = (Letter, Millis)>) {
        let (mut visible, mut delayed) = (0, false);
        {
            let mut queue = self.queue();
            for (letter, delay) in letters {
                queue.put(now, letter, delay);
                if delay == 0 {
                    visible += 1;
                } else {
                    delayed = delayed || delay <= LONGEST_POLL;
                }
            }
        }
        if delayed {
            self.bell.notify_waiters();
        }
        self.ring(visible);
    }

    /// Wakes as many polls as there is something new for. A poll that hangs up after being woken
    /// passes the call on, so none is lost.
    pub(crate) fn ring(&self, arrivals: usize) {
        if arrivals > WAKE_ONE_BY_ONE {
            self.bell.notify_waiters();
            return;
        }
        for _ in 0..arrivals {
            self.bell.notify_one();
        }
    }

    /// Polls sleep until the earliest deadline they know of; an earlier one must wake them.
    pub(crate) fn hides_for(&self, timeout: Millis) {
        if timeout <= LONGEST_POLL {
            self.bell.notify_waiters();
        }
    }
}

/// A panic under one of these locks cannot leave a half-made change that later steps rely on, so a
/// poisoned lock is taken over in place of spreading the panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_moved_makes_what_is_deleted_older_and_not_longer_out() {
        const JUMP: Duration = Duration::from_secs(900);
        let account = Account::new(String::new());
        let sent_at = account.clock.now();
        account.clock.advance(JUMP);
        account.deleted(sent_at, Duration::ZERO);
        let residences = account.residences();
        assert!(matches!(residences[..], [one] if one.age >= JUMP && one.time() < JUMP), "{residences:?}");
    }
}
