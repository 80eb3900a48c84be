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
    changed: Notify,
    stats: Arc<Stats>,
}

impl Gate {
    /// A closed gate. `probe_patience` is how long a probe may take from its poll to its write.
    pub fn new(probe_patience: Duration, stats: Arc<Stats>) -> Self {
        Self { breaker: Mutex::new(Breaker::new(probe_patience)), changed: Notify::new(), stats }
    }

    /// The table answered.
    pub fn on_answer(&self) {
        if self.breaker().on_answer() {
            self.stats.set_breaker_open(false);
            events::breaker_closed();
            self.changed.notify_waiters();
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
        // A probe that failed has moved the moment of the next one.
        self.changed.notify_waiters();
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

    /// Waits until `until`, or until there is news: then ask [`Self::poll`] again.
    pub async fn wait(&self, until: Instant) {
        let changed = self.changed.notified();
        if !self.is_open() {
            return;
        }
        tokio::select! {
            () = changed => {}
            () = sleep_until(until) => {}
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // A state of a few numbers cannot be left half-changed by a panic elsewhere.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ErrorClass;

    #[tokio::test(start_paused = true)]
    async fn who_waits_hears_of_a_failed_probe_and_of_the_end() {
        let patience = Duration::from_secs(1000);
        let gate = Gate::new(patience, Arc::new(Stats::default()));
        let error = CallError::new(ErrorClass::Unavailable, "timeout");
        for _ in 0..Breaker::LIMIT {
            gate.on_failure(gate.epoch(), &error);
        }
        let Poll::NotBefore(probe) = gate.poll() else { panic!("polls while open") };
        gate.wait(probe).await;
        assert_eq!(gate.poll(), Poll::Probe);
        let Poll::NotBefore(replaced) = gate.poll() else { panic!("two probes at once") };

        let begun = Instant::now();
        tokio::join!(gate.wait(replaced), async { gate.on_failure(gate.epoch(), &error) });
        assert!(begun.elapsed() < patience, "slept through the failure of the probe");
        let Poll::NotBefore(next) = gate.poll() else { panic!("polls while open") };
        assert!(next < replaced);

        tokio::join!(gate.wait(next), async { gate.on_answer() });
        assert_eq!((gate.poll(), begun.elapsed()), (Poll::Full, Duration::ZERO));
    }
}
