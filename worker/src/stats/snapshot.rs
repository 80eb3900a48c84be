//! The numbers at one moment, as people and machines get to see them. The names are a contract: of the
//! summary, of `/status.json` and of the `status` event.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::outcome::Outcome;
use crate::ports::Depth;

/// Everything at one moment, as `/status.json` and the summary show it.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    /// Deliveries received.
    pub received: u64,
    /// Those of them that were told again by a replay of an EventBridge archive.
    pub replayed: u64,
    /// Deliveries that ended, by outcome.
    #[serde(flatten)]
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Deliveries neither settled nor given back.
    pub in_flight: u64,
    /// Messages sent to the dead-letter queue, by reason.
    pub quarantined: BTreeMap<&'static str, u64>,
    /// Failed calls, by operation and class.
    pub errors: BTreeMap<String, u64>,
    /// The same, the newest first.
    pub last_errors: Vec<LastError>,
    /// Deletes that failed for good; their messages come back and are found present.
    pub failed_deletes: u64,
    /// Extensions of visibility timeouts that succeeded, each message counted each time.
    pub leases_extended: u64,
    /// Messages whose visibility timeout ran out, or could not be extended any more, while they were
    /// in hand and not yet being settled. They come back by themselves.
    pub leases_lost: u64,
    /// API calls sent, by operation, every attempt counted.
    pub api_calls: BTreeMap<String, u64>,
    /// From the confirmation to the item, live messages only; `null` before the first.
    pub confirmation_to_profile_ms: Option<Percentiles>,
    /// The same over the last minute; `null` without any.
    pub confirmation_to_profile_last_minute_ms: Option<Percentiles>,
    /// Items made of live messages within the objective of 60 seconds.
    pub live_profiles_within_objective: u64,
    /// What the queue holds, as SQS said within the last minute; `null` where it did not.
    pub queue: Option<Depth>,
    /// Messages visible in the dead-letter queue; `null` where SQS did not say, or there is none.
    pub dead_letter_messages: Option<u64>,
    /// Age, when received, of the oldest message received within the last minute; `null` without any.
    pub oldest_received_seconds: Option<u64>,
    /// Receives that were answered, with messages or without.
    pub answered_receives: u64,
    /// Seconds since the run began.
    pub uptime_seconds: u64,
    /// Seconds since the last answer to a receive; `null` before the first.
    pub last_receive_seconds_ago: Option<u64>,
    /// Whether the queue and the table were found.
    pub ready: bool,
    /// Whether polling is suspended because the table cannot be written.
    pub breaker_open: bool,
    /// Polls started while the breaker was open, other than to probe: must stay 0.
    pub receives_without_attempt: u64,
    /// Messages that may be in hand at this load.
    pub effective_permits: usize,
    /// tokio tasks that are alive in this process; one that only grows is a leak.
    pub tasks: usize,
    /// Of the worker.
    pub version: &'static str,
}

impl Snapshot {
    /// The outcomes that occurred, in the order of the contract.
    pub fn ended(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let count = |outcome: Outcome| self.outcomes.get(outcome.name()).copied().unwrap_or_default();
        Outcome::ALL.into_iter().map(move |outcome| (outcome, count(outcome))).filter(|(_, count)| *count > 0)
    }
}

/// Calls that failed in one way.
#[derive(Debug, Clone, Serialize)]
pub struct LastError {
    /// What was tried.
    pub operation: &'static str,
    /// How it failed.
    pub class: &'static str,
    /// How often, since the start.
    pub count: u64,
    /// Since the last time.
    pub seconds_ago: u64,
}

/// Percentiles of a duration in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    /// Half are faster.
    pub p50: u64,
    /// 99 of 100 are faster.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
    /// How many there were.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use crate::stats::Stats;

    #[tokio::test]
    async fn the_tasks_that_live_are_told_and_those_that_ended_are_not() {
        let tasks = || Stats::default().snapshot(Instant::now()).tasks;
        assert_eq!(tasks(), 0);
        let mut living: JoinSet<()> = (0..3).map(|_| pending()).collect();
        assert_eq!(tasks(), 3);
        living.shutdown().await;
        assert_eq!(tasks(), 0);
    }
}
