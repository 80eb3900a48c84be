//! The map. A message's way, top to bottom:
//!
//! ```text
//! receive ── permits first; decode each message alone ──► gather ── batch, fold duplicates ──►
//!   write ── insert if absent, retried inside the lease ──► settle ── delete | delay | quarantine
//! ```
//!
//! What comes late may take a turn on the way: verify ── does the user still exist? ──► gather or settle.
//!
//! Three tasks after the receiver, joined by bounded channels. Only the receiver hears the stop
//! signal; every later stage ends when its input closes, so nothing that was received is forgotten.
//! (When its last poll is back it tells the gate, which then keeps nobody waiting for a table that fails.)
//! Beside them the heartbeat extends the leases of all that is in hand, until the last is settled. Permits bound
//! everything: one is taken before a message is asked for and comes back when it is settled.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::decide::decode::Rules;
use crate::delivery::Leases;
use crate::gate::Gate;
use crate::outcome::{Origin, Outcome};
use crate::permits::Permits;
use crate::ports::{ConfirmationQueue, ProfileTable, ReceiptHandle, UserPools};
use crate::receive::Ways;
use crate::stats::Stats;
use crate::telemetry::{Pseudonyms, events};
use crate::verify::Verifier;
use crate::{gather, heartbeat, receive, settle, verify, write};

/// The numbers the stages work by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Deliveries in hand at most; how many there are is found by measuring.
    pub max_in_flight: usize,
    /// Polls in the air at most.
    pub max_receivers: usize,
    /// The long poll.
    pub wait_time: Duration,
    /// What every receive asks for.
    pub visibility_timeout: Duration,
    /// How long a write or a delete may wait for company.
    pub linger: Duration,
    /// How long one write may be tried.
    pub write_deadline: Duration,
    /// How long a message may be held in hand while the table fails.
    pub hold_budget: Duration,
    /// How long stopping may take.
    pub drain_deadline: Duration,
    /// How items get into the table.
    pub write_strategy: WriteStrategy,
}

/// How items get into the table. The table and the outcomes are the same either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteStrategy {
    /// One item by PutItem, several by one BatchExecuteStatement.
    Auto,
    /// Each by a PutItem of its own.
    Put,
    /// All by BatchExecuteStatement, one or many.
    Batch,
}

/// What all stages share.
pub struct Shared<Q, T> {
    /// The queue.
    pub queue: Q,
    /// The table.
    pub table: T,
    /// What is accepted.
    pub rules: Rules,
    /// The numbers.
    pub settings: Settings,
    /// What is counted.
    pub stats: Arc<Stats>,
    /// What is in hand.
    pub leases: Arc<Leases>,
    /// The room there is for it.
    pub permits: Arc<Permits>,
    /// Whether the table takes writes.
    pub gate: Gate,
    /// How users are named in logs.
    pub pseudonyms: Pseudonyms,
    /// Set when the drain's time is nearly up: unwritten work is given back.
    pub give_up: CancellationToken,
}

/// Two ways to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Finish what is in hand, within the drain deadline.
    pub soft: CancellationToken,
    /// Release what is in hand and end.
    pub hard: CancellationToken,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything received was settled.
    Drained,
    /// The drain's time ran out; what was left was released, as far as SQS answered.
    Overrun,
    /// A stage failed. A bug: stages do not panic.
    StageFailed,
}

/// A receiver pauses for up to a linger so that a hand is full; a batch that waited no longer than that would go
/// just before the next hand comes.
const FOR_ANOTHER_HAND: f64 = 1.4;

/// Hands of messages on their way between two stages; more wait for permits, in SQS.
const CHANNEL: usize = 64;

/// The end of the drain that belongs to settling: unwritten work is given back before it.
const SETTLE_RESERVE: Duration = Duration::from_secs(5);

/// The last calls after an overrun drain.
const RELEASE_RESERVE: Duration = Duration::from_secs(2);

/// Runs until a soft stop and everything in hand is settled, until the drain deadline, or until a hard
/// stop.
///
/// With a verifier, late messages are asked after before they are written.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable, P: UserPools>(
    shared: Arc<Shared<Q, T>>,
    verifier: Option<Verifier<P>>,
    stop: Stop,
) -> Ended {
    let (arrivals, arrived) = mpsc::channel(CHANNEL);
    let (batches, batched) = mpsc::channel(CHANNEL);
    let (fates, decided) = mpsc::channel(CHANNEL);

    let mut stages = JoinSet::new();
    let late = verifier.map(|verifier| {
        let (late, came_late) = mpsc::channel(CHANNEL);
        stages.spawn(verify::run(Arc::clone(&shared), verifier, came_late, arrivals.clone(), fates.clone()));
        late
    });
    let ways = Ways { arrivals, late, fates: fates.clone() };
    stages.spawn(receive::run(Arc::clone(&shared), ways, stop.soft.clone()));
    stages.spawn(gather::run(shared.settings.linger.mul_f64(FOR_ANOTHER_HAND), arrived, batches));
    stages.spawn(write::run(Arc::clone(&shared), batched, fates));
    let settled = CancellationToken::new();
    stages.spawn(heartbeat::run(Arc::clone(&shared), settled.clone()));
    let settling = settle::run(Arc::clone(&shared), decided);
    // However settling ends, the heartbeat ends after it and never before.
    let settled = settled.drop_guard();
    stages.spawn(async move {
        settling.await;
        drop(settled);
    });

    tokio::select! {
        // The receiver hears the stop as well and may have ended by now, which is no failure.
        biased;
        () = stop.soft.cancelled() => {}
        Some(ended) = stages.join_next() => {
            // No stage ends before the stop; whatever this is, the others are to drain.
            events::stage_ended_early(&ended);
            stop.soft.cancel();
            drain(&shared, &mut stages, &stop.hard).await;
            return Ended::StageFailed;
        }
    }
    drain(&shared, &mut stages, &stop.hard).await
}

async fn drain<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Arc<Shared<Q, T>>,
    stages: &mut JoinSet<()>,
    hard: &CancellationToken,
) -> Ended {
    let begun = Instant::now();
    let deadline = begun + shared.settings.drain_deadline;
    let reserve = SETTLE_RESERVE.min(shared.settings.drain_deadline / 4);
    events::drain_begins(shared.leases.in_flight(), shared.settings.drain_deadline);

    let mut failed = false;
    let finish = async {
        if join_all(stages, deadline - reserve, &mut failed).await {
            return true;
        }
        shared.give_up.cancel();
        join_all(stages, deadline, &mut failed).await
    };
    let finished = hard.run_until_cancelled(finish).await.unwrap_or(false);
    if !finished {
        shared.leases.freeze();
        stages.shutdown().await;
        let handles = shared.leases.handles();
        release(shared, &handles).await;
    }
    shared.stats.instruments.on_drained(begun.elapsed());
    events::drain_ends(begun.elapsed(), shared.leases.in_flight());
    match (finished, failed) {
        (_, true) => Ended::StageFailed,
        (true, false) => Ended::Drained,
        (false, false) => Ended::Overrun,
    }
}

/// Waits for every stage; answers whether all had ended by `until`.
async fn join_all(stages: &mut JoinSet<()>, until: Instant, failed: &mut bool) -> bool {
    loop {
        match timeout_at(until, stages.join_next()).await {
            Ok(None) => return true,
            Ok(Some(stage)) => {
                events::if_failed(&stage);
                *failed |= stage.is_err();
            }
            Err(_) => return false,
        }
    }
}

/// The last resort: what is in hand is made visible again, for the next worker.
async fn release<Q: ConfirmationQueue, T: ProfileTable>(shared: &Shared<Q, T>, handles: &[ReceiptHandle]) {
    let release_all = async {
        for ten in handles.chunks(settle::BATCH) {
            let entries: Vec<_> = ten.iter().map(|handle| (handle.clone(), Duration::ZERO)).collect();
            // A failure here is final: the visibility timeout does the rest.
            for _ in
                shared.queue.make_visible_after(&entries).await.iter().flatten().filter(|entry| entry.is_ok())
            {
                shared.stats.on_outcome(Instant::now(), Outcome::Released, Origin::Unknown);
            }
        }
    };
    let _ = tokio::time::timeout(RELEASE_RESERVE, release_all).await;
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
