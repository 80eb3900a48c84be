//! What came of a run: figures for people and for machines. Nothing is judged here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::scenario::Plan;
use super::site::State;
use crate::trouble::Operation;

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Of all dice.
    pub seed: u64,
    /// How many workers.
    pub workers: usize,
    /// Of one task.
    pub vcpus: f64,
    /// Messages sent, a tenth of them repeats.
    pub messages: u64,
    /// From when there was nothing in the way any more (all had come, the table was back) to the last delete.
    pub drained_in_s: f64,
    /// Messages that waited at that moment.
    pub backlog: u64,
    /// Of these, so many a second.
    pub messages_per_s: f64,
    /// Calls, by operation.
    pub calls: BTreeMap<&'static str, u64>,
    /// All of them, for 1,000 messages.
    pub calls_per_1000: f64,
    /// What the tasks' processors would have spent on 1,000 messages, in milliseconds.
    pub cpu_ms_per_1000: f64,
    /// Receives beyond one for each message.
    pub receives_wasted: u64,
    /// The same for each message.
    pub wasted_per_message: f64,
    /// Of the message that was received most often.
    pub most_receives: u32,
    /// Inserts asked for, one for each item of each attempt.
    pub inserts: u64,
    /// Of these, throttled.
    pub throttled: u64,
    /// The same, as a share.
    pub throttled_share: f64,
    /// From a message's last receive to its deletion.
    pub receive_to_delete_p50_ms: u64,
    /// The same, of ninety-nine in a hundred.
    pub receive_to_delete_p99_ms: u64,
    /// Messages in flight at once, at the most.
    pub most_in_flight: usize,
    /// Polls in the air at once, at the most.
    pub most_polls: usize,
    /// From when there was something to receive to the first receive.
    pub first_receive_s: f64,
    /// From then, or from when nothing was in the way any more, to when most polls were in the air.
    pub receivers_grown_s: f64,
    /// Messages in the dead-letter queue.
    pub dead_letters: u64,
    /// Rows that were made.
    pub rows: u64,
    /// Rows that their owners changed, and writes that met such a row and left it.
    pub edits: u64,
    /// Writes that met a changed row and left it.
    pub met_an_edit: u64,
    /// Equal for equal runs.
    pub digest: String,
    /// What must not have happened.
    pub violations: Vec<String>,
    /// What was seen meanwhile.
    pub samples: Vec<Sample>,
}

/// What was seen at one moment. Counts are since the beginning.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Sample {
    /// When.
    pub at_s: f64,
    /// Messages deleted.
    pub deleted: u64,
    /// Inserts asked for.
    pub inserts: u64,
    /// Of these, throttled.
    pub throttled: u64,
    /// Messages that wait.
    pub visible: u64,
    /// Messages in flight.
    pub in_flight: u64,
    /// Polls in the air.
    pub polls: usize,
    /// Effective permits, of all workers together.
    pub permits: usize,
    /// Write units a second that the table takes, if there is a limit.
    pub capacity: Option<f64>,
}

impl Sample {
    /// As it is now.
    pub(super) fn of(state: &mut State, now: Duration, permits: usize) -> Self {
        let (visible, in_flight) = state.queue.depth(now);
        Self {
            at_s: now.as_secs_f64(),
            deleted: state.queue.deleted(),
            inserts: state.table.asked,
            throttled: state.table.throttled,
            visible,
            in_flight,
            polls: state.polls,
            permits,
            capacity: state.table.capacity.units(),
        }
    }
}

impl Report {
    pub(super) fn of(plan: &Plan, state: &State, busy: Duration, samples: Vec<Sample>) -> Self {
        let free = plan.ends();
        let drained_in_s = state.last_delete.saturating_sub(free).as_secs_f64();
        let before = samples.iter().rev().find(|sample| sample.at_s <= free.as_secs_f64());
        let backlog = plan.messages - before.map_or(0, |sample| sample.deleted);
        let (deleted, receives) = (state.queue.deleted(), state.queue.receives());
        let wasted = receives.saturating_sub(deleted);
        let (first_receive_s, receivers_grown_s) = grown(plan, state);
        let percentile = |of: f64| percentile(&state.settled, of);
        Self {
            seed: plan.seed,
            workers: plan.workers,
            vcpus: plan.vcpus,
            messages: plan.messages,
            drained_in_s,
            backlog,
            messages_per_s: backlog as f64 / drained_in_s.max(0.001),
            calls: state.calls.iter().map(|(operation, calls)| (operation.name(), *calls)).collect(),
            calls_per_1000: state.calls.values().sum::<u64>() as f64 * 1000.0 / plan.messages as f64,
            cpu_ms_per_1000: busy.as_secs_f64() * 1e6 / plan.messages as f64,
            receives_wasted: wasted,
            wasted_per_message: wasted as f64 / plan.messages as f64,
            most_receives: state.queue.most_receives(),
            inserts: state.table.asked,
            throttled: state.table.throttled,
            throttled_share: state.table.throttled as f64 / state.table.asked.max(1) as f64,
            receive_to_delete_p50_ms: percentile(0.5),
            receive_to_delete_p99_ms: percentile(0.99),
            most_in_flight: state.queue.most_in_flight(),
            most_polls: state.grew.last().map_or(0, |(_, polls)| *polls),
            first_receive_s,
            receivers_grown_s,
            dead_letters: state.queue.dead().len() as u64 + state.quarantined,
            rows: state.table.made(),
            edits: state.table.edits().0,
            met_an_edit: state.table.met_an_edit,
            digest: format!("{:016x}", state.digest()),
            violations: state.violations.clone(),
            samples,
        }
    }

    /// How often an operation was called.
    pub fn calls_of(&self, operation: Operation) -> u64 {
        self.calls.get(operation.name()).copied().unwrap_or_default()
    }
}

fn grown(plan: &Plan, state: &State) -> (f64, f64) {
    let (begun, first) = (plan.arrive.start, state.first_receive.unwrap_or_default());
    let grown = state.grew.last().map_or(first, |(at, _)| *at);
    let since = first.max(plan.ends());
    (first.saturating_sub(begun).as_secs_f64(), grown.saturating_sub(since).as_secs_f64())
}

/// The smallest value that `share` of all do not exceed.
fn percentile(counts: &BTreeMap<u64, u64>, share: f64) -> u64 {
    let all: u64 = counts.values().sum();
    let rank = (all as f64 * share).ceil() as u64;
    let mut seen = 0;
    let found = counts.iter().find(|(_, count)| {
        seen += **count;
        seen >= rank
    });
    found.map_or(0, |(value, _)| *value)
}
