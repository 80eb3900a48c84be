//! What the worker counts about itself: the numbers of the summary, of `/status.json`, of `/metrics` and of the
//! `status` event. Must stay cheap enough for every message and never hold anything about a person.
//!
//! Counting takes no lock and neither does reading, so that whoever looks never keeps a message waiting. (Calls are
//! counted by name under a lock that both sides share and that excludes nobody but the first call of each name;
//! denied permissions under one that is taken only while there are any.)

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use domain::Reason;
use tokio::time::Instant;

use crate::outcome::{Origin, Outcome};
use crate::ports::{Depth, ErrorClass};
use crate::telemetry::Instruments;
use crate::telemetry::names::OBJECTIVE;

mod cells;
mod latency;
mod operation;
mod reading;
mod recent;
mod snapshot;

use cells::{Depths, Failures, Moment};
use latency::Latency;
pub use operation::Operation;
use recent::Largest;
pub use snapshot::{LastError, Percentiles, Snapshot};

/// Counters of one run. Shared by all stages.
pub struct Stats {
    started: Instant,
    /// Where distributions and spans go.
    pub instruments: Instruments,
    received: AtomicU64,
    replayed: AtomicU64,
    answered_receives: AtomicU64,
    outcomes: [[AtomicU64; Origin::ALL.len()]; Outcome::ALL.len()],
    quarantined: [AtomicU64; Reason::ALL.len()],
    errors: [[Failures; ErrorClass::ALL.len()]; Operation::ALL.len()],
    api_calls: RwLock<BTreeMap<String, AtomicU64>>,
    confirmation_to_profile: Latency,
    within_objective: AtomicU64,
    oldest_received: Largest,
    queue: Depths,
    dead_letters: Depths,
    unsettled_deletes: AtomicU64,
    leases_extended: AtomicU64,
    leases_lost: AtomicU64,
    ready: AtomicBool,
    breaker_open: AtomicBool,
    receives_without_attempt: AtomicU64,
    effective_permits: AtomicUsize,
    last_receive: Moment,
    last_progress: Moment,
    last_arrival: Moment,
    /// When a delivery ended, or none was in hand, or the table's state changed: what is in hand since then has not
    /// moved.
    last_movement: Moment,
    /// How long a write may be tried, in milliseconds.
    write_deadline_ms: AtomicU64,
    /// Which operations are denied, and since when; kept until the first profile is answered for.
    denied: Mutex<BTreeMap<Operation, Instant>>,
    any_denied: AtomicBool,
    proven: AtomicBool,
}

impl Default for Stats {
    fn default() -> Self {
        Self::new(Instruments::default())
    }
}

impl Stats {
    /// All at zero. Distributions and spans go to `instruments`.
    pub fn new(instruments: Instruments) -> Self {
        Self {
            started: Instant::now(),
            instruments,
            received: AtomicU64::default(),
            replayed: AtomicU64::default(),
            answered_receives: AtomicU64::default(),
            outcomes: Default::default(),
            quarantined: Default::default(),
            errors: Default::default(),
            api_calls: RwLock::default(),
            confirmation_to_profile: Latency::default(),
            within_objective: AtomicU64::default(),
            oldest_received: Largest::default(),
            queue: Depths::default(),
            dead_letters: Depths::default(),
            unsettled_deletes: AtomicU64::default(),
            leases_extended: AtomicU64::default(),
            leases_lost: AtomicU64::default(),
            ready: AtomicBool::default(),
            breaker_open: AtomicBool::default(),
            receives_without_attempt: AtomicU64::default(),
            effective_permits: AtomicUsize::default(),
            last_receive: Moment::default(),
            last_progress: Moment::default(),
            last_arrival: Moment::default(),
            last_movement: Moment::default(),
            write_deadline_ms: AtomicU64::default(),
            denied: Mutex::default(),
            any_denied: AtomicBool::default(),
            proven: AtomicBool::default(),
        }
    }

    /// A poll begins. `in_vain` while the breaker is open and it was not asked for to probe with.
    pub fn on_poll(&self, now: Instant, in_vain: bool) {
        self.on_progress(now);
        if in_vain {
            self.receives_without_attempt.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The room there is for messages in hand.
    pub fn set_effective_permits(&self, permits: usize) {
        self.effective_permits.store(permits, Ordering::Relaxed);
    }

    /// The receiver is about to poll, or has a reason not to.
    pub fn on_progress(&self, now: Instant) {
        self.last_progress.set(self.uptime(now));
    }

    /// A receive was answered with `messages`, the oldest of which was sent so long ago.
    pub fn on_receive(&self, now: Instant, messages: usize, oldest: Option<Duration>) {
        let uptime = self.uptime(now);
        if self.in_flight() == 0 {
            self.last_movement.set(uptime);
        }
        self.received.fetch_add(messages as u64, Ordering::Relaxed);
        self.answered_receives.fetch_add(1, Ordering::Relaxed);
        self.is_allowed(Operation::Receive);
        self.last_receive.set(uptime);
        if messages > 0 {
            self.last_arrival.set(uptime);
        }
        if let Some(oldest) = oldest {
            self.oldest_received.add(uptime, oldest.as_secs());
        }
    }

    /// A delivery is of an archive's replay.
    pub fn on_replay(&self) {
        self.replayed.fetch_add(1, Ordering::Relaxed);
    }

    /// A delivery ended.
    pub fn on_outcome(&self, now: Instant, outcome: Outcome, origin: Origin) {
        self.on_progress(now);
        self.last_movement.set(self.uptime(now));
        if let Some(counter) =
            self.outcomes.get(outcome as usize).and_then(|origins| origins.get(origin as usize))
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A message reached the dead-letter queue.
    pub fn on_quarantine(&self, reason: Reason) {
        self.is_allowed(Operation::Quarantine);
        if let Some(counter) = self.quarantined.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A call failed.
    pub fn on_error(&self, now: Instant, operation: Operation, class: ErrorClass) {
        if let Some(failures) =
            self.errors.get(operation as usize).and_then(|classes| classes.get(class as usize))
        {
            failures.count.fetch_add(1, Ordering::Relaxed);
            failures.last.set(self.uptime(now));
        }
        if class == ErrorClass::Denied && !self.proven.load(Ordering::Relaxed) {
            self.denied().entry(operation).or_insert(now);
            self.any_denied.store(true, Ordering::Relaxed);
        }
    }

    /// The table answered for a profile: the permissions were right once, what fails from now on is no
    /// fault of the deployment.
    pub fn on_proven(&self) {
        if !self.proven.swap(true, Ordering::Relaxed) {
            self.denied().clear();
        }
    }

    fn is_allowed(&self, operation: Operation) {
        if self.any_denied.load(Ordering::Relaxed) {
            let mut denied = self.denied();
            denied.remove(&operation);
            self.any_denied.store(!denied.is_empty(), Ordering::Relaxed);
        }
    }

    /// A delete failed for good.
    pub fn on_failed_delete(&self) {
        self.unsettled_deletes.fetch_add(1, Ordering::Relaxed);
    }

    /// Leases were extended, by one call.
    pub fn on_leases_extended(&self, leases: usize) {
        self.leases_extended.fetch_add(leases as u64, Ordering::Relaxed);
        self.is_allowed(Operation::Extend);
    }

    /// Leases were lost.
    pub fn on_leases_lost(&self, leases: usize) {
        self.leases_lost.fetch_add(leases as u64, Ordering::Relaxed);
    }

    /// A request is about to leave, first attempt or not.
    pub fn on_api_call(&self, operation: &str) {
        let calls = self.api_calls.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = calls.get(operation) {
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        drop(calls);
        let mut calls = self.api_calls.write().unwrap_or_else(PoisonError::into_inner);
        calls.entry(operation.to_owned()).or_default().fetch_add(1, Ordering::Relaxed);
    }

    /// A confirmation became an item after this long.
    pub fn on_profile(&self, now: Instant, origin: Origin, latency: Duration) {
        self.instruments.on_profile(origin, latency);
        if origin == Origin::Live {
            self.confirmation_to_profile.add(self.uptime(now), latency);
            if latency.as_secs_f64() <= OBJECTIVE {
                self.within_objective.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What the queues were seen to hold; `None` where nobody answered.
    pub fn set_depths(&self, queue: Option<Depth>, dead_letters: Option<Depth>) {
        self.queue.set(queue);
        self.dead_letters.set(dead_letters);
    }

    /// The queue and the table were found and fit.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
        self.set_breaker_open(false);
        self.is_allowed(Operation::Look);
    }

    /// The breaker opened or closed.
    pub fn set_breaker_open(&self, open: bool) {
        self.breaker_open.store(open, Ordering::Relaxed);
        self.last_movement.set(self.uptime(Instant::now()));
    }

    /// Looking for the queue and the table failed.
    pub fn on_not_ready(&self, now: Instant, class: ErrorClass) {
        self.on_error(now, Operation::Look, class);
        // The same state as an outage later on: nothing is asked for.
        self.set_breaker_open(true);
        if class != ErrorClass::Denied {
            self.is_allowed(Operation::Look);
        }
    }

    /// How long writes may be tried.
    pub fn set_write_deadline(&self, deadline: Duration) {
        let ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.write_deadline_ms.store(ms, Ordering::Relaxed);
    }

    fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    fn denied(&self) -> MutexGuard<'_, BTreeMap<Operation, Instant>> {
        // Counters stay usable after a panic elsewhere.
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
