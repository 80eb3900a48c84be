//! One site: the queue, the table, and what is counted of them while workers are at it. Everything random comes
//! from one seed and is asked for in the order of the calls, so that a plan is one run.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::queue::{Queue, Receipt};
use super::scenario::Plan;
use super::table::Table;
use super::{crowd, queue};
use crate::model::Rules;
use crate::trouble::Operation;

/// Violations that are told.
const MOST_TOLD: usize = 8;

/// The site; clones are the same one.
#[derive(Clone)]
pub struct Site {
    state: Arc<Mutex<State>>,
    begun: Instant,
    /// Something may have become visible.
    pub arrived: Arc<Notify>,
}

/// The parts. Locked for a moment at a time, never across an await.
pub struct State {
    /// SQS.
    pub queue: Queue,
    /// DynamoDB.
    pub table: Table,
    /// Calls made, by operation.
    pub calls: BTreeMap<Operation, u64>,
    /// Entries of these calls: messages received, receipts, items.
    pub entries: BTreeMap<Operation, u64>,
    /// Polls in the air, now and at the most, and when there were more than ever.
    pub polls: usize,
    /// Each time there were more polls in the air than ever before: when, and how many.
    pub grew: Vec<(Duration, usize)>,
    /// Milliseconds from a message's last receive to its deletion, and how many took so long.
    pub settled: BTreeMap<u64, u64>,
    /// When the first message was handed out, and the last deleted.
    pub first_receive: Option<Duration>,
    /// When the last message was deleted.
    pub last_delete: Duration,
    /// Messages that a worker sent to the dead-letter queue.
    pub quarantined: u64,
    /// What must not have happened.
    pub violations: Vec<String>,
    /// Nothing more will be sent.
    pub is_all_sent: bool,
    outage: Option<Range<Duration>>,
    latency: RangeInclusive<u64>,
    dice: fastrand::Rng,
    digest: DefaultHasher,
}

impl Site {
    /// An empty queue and an empty table, as the plan has them.
    pub fn new(plan: &Plan) -> Self {
        let rules = Rules { max_receive_count: Some(plan.max_receive_count), ..Rules::default() };
        let state = State {
            queue: Queue::new(rules, plan.in_flight_quota),
            table: Table::new(plan.provision, plan.hot),
            calls: BTreeMap::new(),
            entries: BTreeMap::new(),
            polls: 0,
            grew: Vec::new(),
            settled: BTreeMap::new(),
            first_receive: None,
            last_delete: Duration::ZERO,
            quarantined: 0,
            violations: Vec::new(),
            is_all_sent: false,
            outage: plan.outage.clone(),
            latency: plan.latency_ms.clone(),
            dice: fastrand::Rng::with_seed(plan.seed),
            digest: DefaultHasher::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), begun: Instant::now(), arrived: Arc::new(Notify::new()) }
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The moment so long after the beginning.
    pub fn at(&self, elapsed: Duration) -> Instant {
        self.begun + elapsed
    }

    /// The parts, for a moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // What panicked with the lock held has failed already; its message is the first one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A call leaves: how long its ways take, there and back.
    pub fn leave(&mut self, operation: Operation) -> (Duration, Duration) {
        *self.calls.entry(operation).or_default() += 1;
        let whole = self.dice.u64(self.latency.clone());
        (Duration::from_millis(whole / 2), Duration::from_millis(whole - whole / 2))
    }

    /// A call has taken effect, for so many entries.
    pub fn on_effect(&mut self, now: Duration, worker: usize, operation: Operation, entries: usize) {
        *self.entries.entry(operation).or_default() += entries as u64;
        (now, worker, operation, entries).hash(&mut self.digest);
    }

    /// Whether the table answers nothing but errors.
    pub fn is_away(&self, now: Duration) -> bool {
        self.outage.as_ref().is_some_and(|outage| outage.contains(&now))
    }

    /// A poll begins.
    pub fn on_poll(&mut self, now: Duration) {
        self.polls += 1;
        if self.grew.last().is_none_or(|(_, most)| *most < self.polls) {
            self.grew.push((now, self.polls));
        }
    }

    /// A receipt is settled by a delete. What became of its message must be durable by now.
    pub fn delete(&mut self, now: Duration, receipt: Receipt) {
        let Some(received_at) = self.queue.delete(receipt) else { return };
        let took = u64::try_from(now.saturating_sub(received_at).as_millis()).unwrap_or(u64::MAX);
        *self.settled.entry(took).or_default() += 1;
        self.last_delete = now;
        if !self.table.has(crowd::user_of(receipt.message)) {
            self.violated(format!("deleted without a durable outcome: message {}", receipt.message));
        }
    }

    /// A receipt may be acted on only while its message is invisible through it.
    pub fn check_lease(&mut self, now: Duration, worker: usize, operation: Operation, receipt: Receipt) {
        if self.queue.has_lapsed(now, receipt) {
            let what = operation.name();
            self.violated(format!(
                "worker {worker}: {what} with a lease that was lost (message {})",
                receipt.message
            ));
        }
    }

    /// Something that must not happen has happened.
    pub fn violated(&mut self, text: impl Into<String>) {
        if self.violations.len() < MOST_TOLD {
            self.violations.push(text.into());
        }
    }

    /// All is settled, or is not.
    pub fn judge(&mut self, messages: u64) {
        let (sent, deleted, expired) = (self.queue.sent(), self.queue.deleted(), self.queue.expired());
        let (rows, users) = (self.table.made(), crowd::users_of(messages));
        let dead = self.queue.dead().len() as u64 + self.quarantined;
        let (edited, still_edited) = self.table.edits();
        let most = self.queue.most_receives();
        let demands = [
            (sent == messages, format!("{sent} of {messages} messages were sent")),
            (deleted == messages, format!("{deleted} of {messages} messages were deleted")),
            (self.queue.is_empty(), "messages are still in the queue".to_owned()),
            (expired == 0, format!("{expired} messages have expired")),
            (dead == 0, format!("{dead} messages are in the dead-letter queue")),
            (rows == users, format!("{rows} rows of {users} users")),
            (edited == still_edited, format!("{edited} rows were edited, {still_edited} are")),
            (most < 100, format!("a message was received {most} times")),
            (
                self.queue.most_in_flight() <= queue::IN_FLIGHT_QUOTA,
                "more in flight than SQS allows".to_owned(),
            ),
        ];
        for (_, text) in demands.into_iter().filter(|(is_met, _)| !is_met) {
            self.violated(text);
        }
    }

    /// One number for all that was done and when.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }
}
