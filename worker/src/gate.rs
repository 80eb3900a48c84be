//! The breaker where the stages meet it: writes tell it what they saw, the receiver asks it before
//! every poll. Only locking, waking and telling; [`Breaker`] decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::decide::breaker::{Breaker, Poll};
use crate::ports::CallError;
use crate::stats::Stats;
use crate::telemetry::events;

/// One breaker, shared by all stages.
pub struct Gate {
    breaker: Mutex<Breaker>,
    closed: Notify,
    stats: Arc<Stats>,
}

impl Gate {
    /// A closed gate. `probe_patience` is how long a probe may take from its poll to its write.
    pub fn new(probe_patience: Duration, stats: Arc<Stats>) -> Self {
        Self { breaker: Mutex::new(Breaker::new(probe_patience)), closed: Notify::new(), stats }
    }

    /// The table answered.
    pub fn on_answer(&self) {
        if self.breaker().on_answer() {
            self.stats.set_breaker_open(false);
            events::breaker_closed();
            self.closed.notify_waiters();
        }
    }

    /// To be read before a call to the table.
    pub fn epoch(&self) -> u64 {
        self.breaker().epoch()
    }

    /// A call to the table failed that was begun in `epoch`.
    pub fn on_failure(&self, epoch: u64, error: &CallError) {
        if self.breaker().on_failure(Instant::now(), epoch, fastrand::f64()) {
            self.stats.set_breaker_open(true);
            events::breaker_opened(error);
        }
    }

    /// Asked before every poll.
    pub fn poll(&self) -> Poll {
        self.breaker().poll(Instant::now())
    }

    /// The probe brought nothing to try.
    pub fn on_empty_probe(&self) {
        self.breaker().on_empty_probe(Instant::now());
    }

    /// Whether a write would only join those that fail.
    pub fn holds_back(&self) -> bool {
        self.breaker().holds_back()
    }

    /// Whether the table is known to fail.
    pub fn is_open(&self) -> bool {
        self.breaker().is_open()
    }

    /// Waits until `until`, or until the breaker closes.
    pub async fn wait(&self, until: Instant) {
        let closed = self.closed.notified();
        if !self.is_open() {
            return;
        }
        tokio::select! {
            () = closed => {}
            () = sleep_until(until) => {}
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // A state of a few numbers cannot be left half-changed by a panic elsewhere.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
