//! Reading what was counted: for health, for whoever looks, and for the meter. Takes no lock that a message waits for.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::Reason;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::cells::Failures;
use super::{LastError, Operation, Snapshot, Stats, load};
use crate::outcome::{Origin, Outcome};
use crate::ports::{Depth, ErrorClass};

impl Stats {
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

    /// How much longer than two writes may take messages have been in hand of which none has ended. Nothing, where that
    /// is as it should be: with nothing in hand, or while the table fails and they are held.
    pub fn stuck_for(&self, now: Instant) -> Duration {
        if self.in_flight() == 0 || self.is_breaker_open() {
            return Duration::ZERO;
        }
        let since = self.last_movement.get().unwrap_or_default();
        let writes = Duration::from_millis(load(&self.write_deadline_ms).saturating_mul(2));
        self.uptime(now).saturating_sub(since).saturating_sub(writes)
    }

    /// Deliveries neither settled nor given back.
    pub fn in_flight(&self) -> u64 {
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
        self.failures(operation, class).map_or(0, |failures| load(&failures.count))
    }

    /// Messages quarantined for this reason.
    pub fn quarantined_for(&self, reason: Reason) -> u64 {
        self.quarantined.get(reason as usize).map_or(0, load)
    }

    /// Leases that were extended.
    pub fn leases_extended(&self) -> u64 {
        load(&self.leases_extended)
    }

    /// Leases that ended before their message did.
    pub fn leases_lost(&self) -> u64 {
        load(&self.leases_lost)
    }

    /// Deletes that SQS refused, or never answered.
    pub fn failed_deletes(&self) -> u64 {
        load(&self.unsettled_deletes)
    }

    /// Polls started while the breaker was open, beyond those it let through.
    pub fn receives_without_attempt(&self) -> u64 {
        load(&self.receives_without_attempt)
    }

    /// How much may be in hand at the moment.
    pub fn effective_permits(&self) -> usize {
        self.effective_permits.load(Ordering::Relaxed)
    }

    /// Whether the table takes no writes, as far as the worker knows.
    pub fn is_breaker_open(&self) -> bool {
        self.breaker_open.load(Ordering::Relaxed)
    }

    /// The age, when it was received, of the oldest message received within the last minute.
    pub fn oldest_received_seconds(&self, now: Instant) -> Option<u64> {
        self.oldest_received.of_the_last_minute(self.uptime(now))
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
            failed_deletes: self.failed_deletes(),
            leases_extended: self.leases_extended(),
            leases_lost: self.leases_lost(),
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
            breaker_open: self.is_breaker_open(),
            receives_without_attempt: self.receives_without_attempt(),
            effective_permits: self.effective_permits(),
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
        let each =
            Operation::ALL.into_iter().flat_map(|operation| ErrorClass::ALL.map(|class| (operation, class)));
        each.filter_map(|(operation, class)| {
            let failures = self.failures(operation, class)?;
            Some(LastError {
                operation: operation.name(),
                class: class.name(),
                count: load(&failures.count),
                seconds_ago: uptime.saturating_sub(failures.last.get()?).as_secs(),
            })
        })
        .collect()
    }

    fn failures(&self, operation: Operation, class: ErrorClass) -> Option<&Failures> {
        self.errors.get(operation as usize)?.get(class as usize)
    }

    fn api_calls(&self) -> BTreeMap<String, u64> {
        let calls = self.api_calls.read().unwrap_or_else(PoisonError::into_inner);
        calls.iter().map(|(name, count)| (name.clone(), load(count))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_failure_is_told_under_its_own_name_the_newest_first() {
        let (stats, start) = (Stats::default(), Instant::now());
        let each =
            Operation::ALL.iter().flat_map(|operation| ErrorClass::ALL.map(|class| (*operation, class)));
        for (second, (operation, class)) in (1..).zip(each.clone()) {
            for _ in 0..second {
                stats.on_error(start + Duration::from_secs(second), operation, class);
            }
        }
        let snapshot = stats.snapshot(start + Duration::from_secs(100));
        let told = snapshot.last_errors.iter().rev();
        for ((second, (operation, class)), told) in (1..).zip(each).zip(told) {
            assert_eq!((told.operation, told.class, told.count), (operation.name(), class.name(), second));
            assert_eq!(told.seconds_ago, 100 - second);
            assert_eq!(snapshot.errors[&format!("{}.{}", told.operation, told.class)], second);
            assert_eq!(stats.errors_of(operation, class), second);
        }
        assert_eq!(snapshot.last_errors.len(), Operation::ALL.len() * ErrorClass::ALL.len());
    }
}
