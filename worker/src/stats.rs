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
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::outcome::{Origin, Outcome};
use crate::ports::{Depth, ErrorClass};
use crate::telemetry::Instruments;
use crate::telemetry::names::OBJECTIVE;

mod latency;
mod operation;
mod recent;
mod snapshot;

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

/// Calls of one kind that failed in one way.
#[derive(Default)]
struct Failures {
    count: AtomicU64,
    last: Moment,
}

/// When something happened last, in milliseconds since the start, counted from one; 0 for never.
#[derive(Default)]
struct Moment(AtomicU64);

impl Moment {
    fn set(&self, uptime: Duration) {
        let ms = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX - 1);
        self.0.fetch_max(ms + 1, Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        self.0.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_millis)
    }
}

/// What a queue was last seen to hold, a field at a time.
#[derive(Default)]
struct Depths {
    known: AtomicBool,
    visible: AtomicU64,
    in_flight: AtomicU64,
    delayed: AtomicU64,
}

impl Depths {
    fn set(&self, depth: Option<Depth>) {
        if let Some(depth) = depth {
            self.visible.store(depth.visible, Ordering::Relaxed);
            self.in_flight.store(depth.in_flight, Ordering::Relaxed);
            self.delayed.store(depth.delayed, Ordering::Relaxed);
        }
        self.known.store(depth.is_some(), Ordering::Relaxed);
    }

    fn get(&self) -> Option<Depth> {
        self.known.load(Ordering::Relaxed).then(|| Depth {
            visible: self.visible.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            delayed: self.delayed.load(Ordering::Relaxed),
        })
    }
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

    /// How long a permission has been denied, before the first success.
    pub fn denied_for(&self, now: Instant) -> Option<Duration> {
        if !self.any_denied.load(Ordering::Relaxed) {
            return None;
        }
        self.denied().values().min().map(|since| now.saturating_duration_since(*since))
    }

    /// Whether the queue and the table were found.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// How long no poll has started and no delivery has ended.
    pub fn stalled_for(&self, now: Instant) -> Duration {
        self.uptime(now).saturating_sub(self.last_progress.get().unwrap_or_default())
    }

    /// How long writes may be tried.
    pub fn set_write_deadline(&self, deadline: Duration) {
        let ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.write_deadline_ms.store(ms, Ordering::Relaxed);
    }

    /// How much longer than two writes may take messages have been in hand of which none has ended. Nothing, where that
    /// is as it should be: with nothing in hand, or while the table fails and they are held.
    pub fn stuck_for(&self, now: Instant) -> Duration {
        if self.in_flight() == 0 || self.breaker_open.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let since = self.last_movement.get().unwrap_or_default();
        let writes = Duration::from_millis(load(&self.write_deadline_ms).saturating_mul(2));
        self.uptime(now).saturating_sub(since).saturating_sub(writes)
    }

    /// Deliveries neither settled nor given back.
    fn in_flight(&self) -> u64 {
        // The outcomes are read first: a delivery counted there was counted as received before.
        let ended: u64 = self.outcomes.iter().flatten().map(load).sum();
        self.received().saturating_sub(ended)
    }

    /// How long no message has arrived, counted from the start before the first.
    pub fn idle_for(&self, now: Instant) -> Duration {
        self.uptime(now).saturating_sub(self.last_arrival.get().unwrap_or_default())
    }

    /// Deliveries received so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Deliveries that ended so, for this reason.
    pub fn outcomes_of(&self, outcome: Outcome, origin: Origin) -> u64 {
        let origins = self.outcomes.get(outcome as usize);
        origins.and_then(|origins| origins.get(origin as usize)).map_or(0, load)
    }

    /// How many live confirmations became items, by how many milliseconds it took.
    pub fn live_latencies(&self) -> Vec<(u64, u64)> {
        self.confirmation_to_profile.counts()
    }

    /// Failed calls of this operation and class.
    pub fn errors_of(&self, operation: Operation, class: ErrorClass) -> u64 {
        let classes = self.errors.get(operation as usize);
        classes.and_then(|classes| classes.get(class as usize)).map_or(0, |failures| load(&failures.count))
    }

    /// Messages quarantined for this reason.
    pub fn quarantined_for(&self, reason: Reason) -> u64 {
        self.quarantined.get(reason as usize).map_or(0, load)
    }

    /// Everything at this moment.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let uptime = self.uptime(now);
        // The outcomes are read first: a delivery counted there was counted as received before, so
        // the difference is never negative.
        let outcomes: BTreeMap<_, _> = Outcome::ALL
            .into_iter()
            .map(|outcome| {
                let of = Origin::ALL.map(|origin| self.outcomes_of(outcome, origin));
                (outcome.name(), of.into_iter().sum())
            })
            .collect();
        let received = self.received();
        let settled: u64 = outcomes.values().sum();
        let queue = self.queue.get();
        let mut last_errors = self.last_errors(uptime);
        last_errors.sort_by_key(|error| error.seconds_ago);
        Snapshot {
            received,
            replayed: load(&self.replayed),
            in_flight: received.saturating_sub(settled),
            outcomes,
            quarantined: Reason::ALL
                .into_iter()
                .map(|reason| (reason.code(), self.quarantined_for(reason)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            errors: last_errors
                .iter()
                .map(|error| (format!("{}.{}", error.operation, error.class), error.count))
                .collect(),
            last_errors,
            failed_deletes: load(&self.unsettled_deletes),
            leases_extended: load(&self.leases_extended),
            leases_lost: load(&self.leases_lost),
            api_calls: self.api_calls(),
            confirmation_to_profile_ms: self.confirmation_to_profile.since_start(),
            confirmation_to_profile_last_minute_ms: self.confirmation_to_profile.last_minute(uptime),
            live_profiles_within_objective: load(&self.within_objective),
            queue,
            dead_letter_messages: self.dead_letters.get().map(|depth| depth.visible),
            oldest_received_seconds: self.oldest_received.of_the_last_minute(uptime),
            answered_receives: load(&self.answered_receives),
            uptime_seconds: uptime.as_secs(),
            last_receive_seconds_ago: self.last_receive.get().map(|at| uptime.saturating_sub(at).as_secs()),
            ready: self.is_ready(),
            breaker_open: self.breaker_open.load(Ordering::Relaxed),
            receives_without_attempt: load(&self.receives_without_attempt),
            effective_permits: self.effective_permits.load(Ordering::Relaxed),
            // Outside of a runtime there are none.
            tasks: Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks()),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// What the queue was last seen to hold.
    pub fn queue_depth(&self) -> Option<Depth> {
        self.queue.get()
    }

    /// What the dead-letter queue was last seen to hold.
    pub fn dead_letters(&self) -> Option<Depth> {
        self.dead_letters.get()
    }

    fn last_errors(&self, uptime: Duration) -> Vec<LastError> {
        let each = Operation::ALL.into_iter().zip(&self.errors).flat_map(|(operation, classes)| {
            ErrorClass::ALL
                .into_iter()
                .zip(classes)
                .map(move |(class, failures)| (operation, class, failures))
        });
        each.filter_map(|(operation, class, failures)| {
            let last = failures.last.get()?;
            Some(LastError {
                operation: operation.name(),
                class: class.name(),
                count: load(&failures.count),
                seconds_ago: uptime.saturating_sub(last).as_secs(),
            })
        })
        .collect()
    }

    fn api_calls(&self) -> BTreeMap<String, u64> {
        let calls = self.api_calls.read().unwrap_or_else(PoisonError::into_inner);
        calls.iter().map(|(name, count)| (name.clone(), load(count))).collect()
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
