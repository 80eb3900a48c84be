//! What the worker counts about itself: the numbers of the summary, of `/status.json` and of the
//! `status` event. Must stay cheap enough for every message and never hold anything about a person.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Reason;
use hdrhistogram::Histogram;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::outcome::Outcome;
use crate::ports::ErrorClass;

mod snapshot;

pub use snapshot::{Percentiles, Snapshot};

/// Counters of one run. Shared by all stages.
pub struct Stats {
    started: Instant,
    received: AtomicU64,
    replayed: AtomicU64,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    unsettled_deletes: AtomicU64,
    leases_extended: AtomicU64,
    leases_lost: AtomicU64,
    ready: AtomicBool,
    breaker_open: AtomicBool,
    receives_without_attempt: AtomicU64,
    effective_permits: AtomicUsize,
    rest: Mutex<Rest>,
}

struct Rest {
    quarantined: BTreeMap<Reason, u64>,
    errors: BTreeMap<(&'static str, ErrorClass), u64>,
    api_calls: BTreeMap<String, u64>,
    confirmation_to_profile_ms: Option<Histogram<u64>>,
    last_receive: Option<Instant>,
    last_progress: Instant,
    last_arrival: Option<Instant>,
    /// Which operations are denied, and since when; kept until the first profile is answered for.
    denied: BTreeMap<&'static str, Instant>,
    proven: bool,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            received: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            outcomes: Default::default(),
            unsettled_deletes: AtomicU64::new(0),
            leases_extended: AtomicU64::new(0),
            leases_lost: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            breaker_open: AtomicBool::new(false),
            receives_without_attempt: AtomicU64::new(0),
            effective_permits: AtomicUsize::new(0),
            rest: Mutex::new(Rest {
                quarantined: BTreeMap::new(),
                errors: BTreeMap::new(),
                api_calls: BTreeMap::new(),
                confirmation_to_profile_ms: None,
                last_receive: None,
                last_progress: Instant::now(),
                last_arrival: None,
                denied: BTreeMap::new(),
                proven: false,
            }),
        }
    }
}

/// A day in milliseconds, the longest latency told apart: with two significant digits the histogram
/// takes a few kilobytes, whatever the load.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// The operation of looking for queue and table.
const LOOK: &str = "look";

impl Stats {
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
        self.rest().last_progress = now;
    }

    /// A receive was answered with `messages`.
    pub fn on_receive(&self, now: Instant, messages: usize) {
        self.received.fetch_add(messages as u64, Ordering::Relaxed);
        let mut rest = self.rest();
        rest.denied.remove("receive");
        rest.last_receive = Some(now);
        if messages > 0 {
            rest.last_arrival = Some(now);
        }
    }

    /// A delivery is of an archive's replay.
    pub fn on_replay(&self) {
        self.replayed.fetch_add(1, Ordering::Relaxed);
    }

    /// A delivery ended.
    pub fn on_outcome(&self, now: Instant, outcome: Outcome) {
        self.rest().last_progress = now;
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A message reached the dead-letter queue.
    pub fn on_quarantine(&self, reason: Reason) {
        let mut rest = self.rest();
        rest.denied.remove("quarantine");
        *rest.quarantined.entry(reason).or_default() += 1;
    }

    /// A call failed.
    pub fn on_error(&self, now: Instant, operation: &'static str, class: ErrorClass) {
        let mut rest = self.rest();
        *rest.errors.entry((operation, class)).or_default() += 1;
        if class == ErrorClass::Denied && !rest.proven {
            rest.denied.entry(operation).or_insert(now);
        }
    }

    /// The table answered for a profile: the permissions were right once, what fails from now on is no
    /// fault of the deployment.
    pub fn on_proven(&self) {
        let mut rest = self.rest();
        rest.proven = true;
        rest.denied.clear();
    }

    /// A delete failed for good.
    pub fn on_failed_delete(&self) {
        self.unsettled_deletes.fetch_add(1, Ordering::Relaxed);
    }

    /// Leases were extended, by one call.
    pub fn on_leases_extended(&self, leases: usize) {
        self.leases_extended.fetch_add(leases as u64, Ordering::Relaxed);
        self.rest().denied.remove("extend");
    }

    /// Leases were lost.
    pub fn on_leases_lost(&self, leases: usize) {
        self.leases_lost.fetch_add(leases as u64, Ordering::Relaxed);
    }

    /// A request is about to leave, first attempt or not.
    pub fn on_api_call(&self, operation: &str) {
        let mut rest = self.rest();
        match rest.api_calls.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                rest.api_calls.insert(operation.to_owned(), 1);
            }
        }
    }

    /// A live confirmation became an item after this long.
    pub fn on_profile(&self, latency: Duration) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let mut rest = self.rest();
        // Fails only for bounds that are not these.
        let new = || Histogram::new_with_max(LONGEST_MS, 2).ok();
        if rest.confirmation_to_profile_ms.is_none() {
            rest.confirmation_to_profile_ms = new();
        }
        if let Some(histogram) = &mut rest.confirmation_to_profile_ms {
            histogram.saturating_record(ms);
        }
    }

    /// The queue and the table were found and fit.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
        self.set_breaker_open(false);
        self.rest().denied.remove(LOOK);
    }

    /// The breaker opened or closed.
    pub fn set_breaker_open(&self, open: bool) {
        self.breaker_open.store(open, Ordering::Relaxed);
    }

    /// Looking for the queue and the table failed.
    pub fn on_not_ready(&self, now: Instant, class: ErrorClass) {
        self.on_error(now, LOOK, class);
        // The same state as an outage later on: nothing is asked for.
        self.set_breaker_open(true);
        if class != ErrorClass::Denied {
            self.rest().denied.remove(LOOK);
        }
    }

    /// How long a permission has been denied, before the first success.
    pub fn denied_for(&self, now: Instant) -> Option<Duration> {
        self.rest().denied.values().min().map(|since| now.saturating_duration_since(*since))
    }

    /// Whether the queue and the table were found.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// How long no poll has started and no delivery has ended.
    pub fn stalled_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.rest().last_progress)
    }

    /// How long no message has arrived, counted from the start before the first.
    pub fn idle_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.rest().last_arrival.unwrap_or(self.started))
    }

    /// Deliveries received so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Everything at this moment.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        // The outcomes are read first: a delivery counted there was counted as received before, so
        // the difference is never negative.
        let outcomes: BTreeMap<_, _> = Outcome::ALL
            .into_iter()
            .zip(&self.outcomes)
            .map(|(outcome, counter)| (outcome.name(), counter.load(Ordering::Relaxed)))
            .collect();
        let received = self.received.load(Ordering::Relaxed);
        let settled: u64 = outcomes.values().sum();
        let rest = self.rest();
        Snapshot {
            received,
            replayed: self.replayed.load(Ordering::Relaxed),
            in_flight: received.saturating_sub(settled),
            outcomes,
            quarantined: rest.quarantined.iter().map(|(reason, count)| (reason.code(), *count)).collect(),
            errors: rest
                .errors
                .iter()
                .map(|((operation, class), count)| (format!("{operation}.{}", class.name()), *count))
                .collect(),
            failed_deletes: self.unsettled_deletes.load(Ordering::Relaxed),
            leases_extended: self.leases_extended.load(Ordering::Relaxed),
            leases_lost: self.leases_lost.load(Ordering::Relaxed),
            api_calls: rest.api_calls.clone(),
            confirmation_to_profile_ms: rest.confirmation_to_profile_ms.as_ref().map(|latency| Percentiles {
                p50: latency.value_at_quantile(0.5),
                p99: latency.value_at_quantile(0.99),
                max: latency.max(),
                count: latency.len(),
            }),
            uptime_seconds: now.saturating_duration_since(self.started).as_secs(),
            last_receive_seconds_ago: rest.last_receive.map(|at| now.saturating_duration_since(at).as_secs()),
            ready: self.is_ready(),
            breaker_open: self.breaker_open.load(Ordering::Relaxed),
            receives_without_attempt: self.receives_without_attempt.load(Ordering::Relaxed),
            effective_permits: self.effective_permits.load(Ordering::Relaxed),
            // Outside of a runtime there are none.
            tasks: Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks()),
        }
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        // Counters stay usable after a panic elsewhere.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
