//! Keeps what is in hand ours: extends the leases that have run for half of their time, in tens, the one
//! that ends first first. Thin: [`LeaseTable`] decides, this task
//! waits, calls and reports.
//!
//! It must outlive settling, which needs its leases to the end, and must never wait for one call while
//! other leases run out.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::decide::lease::LeaseTable;
use crate::delivery::Leases;
use crate::pipeline::Shared;
use crate::ports::{CallError, ConfirmationQueue, ErrorClass, ProfileTable, ReceiptHandle};
use crate::stats::Operation;
use crate::stats::Stats;
use crate::telemetry::{Messaging, events};

/// Calls on their way at once, of up to ten leases each.
const AT_ONCE: usize = 8;

/// Extends leases until `done`.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(shared: Arc<Shared<Q, T>>, done: CancellationToken) {
    let mut calls = JoinSet::new();
    loop {
        while calls.len() < AT_ONCE {
            let ten = shared.leases.with(LeaseTable::due);
            if ten.is_empty() {
                break;
            }
            calls.spawn(extend(Arc::clone(&shared), ten));
        }
        report_lost(&shared.leases, &shared.stats);
        // With every call in the air there is nothing to do before one of them is answered.
        let deadline = shared.leases.next_deadline().filter(|_| calls.len() < AT_ONCE);
        let timeout = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = done.cancelled() => break,
            () = timeout => {}
            () = shared.leases.sooner() => {}
            // A call that panicked has not answered for its leases: they end when their time is up.
            Some(call) = calls.join_next() => events::if_failed(&call),
        }
    }
    report_lost(&shared.leases, &shared.stats);
}

fn report_lost(leases: &Leases, stats: &Stats) {
    let lost = leases.with(|table, _| table.take_lost());
    if lost > 0 {
        stats.on_leases_lost(lost);
        events::leases_lost(lost);
    }
}

/// One call, and what it says of each entry. There is no second attempt here: the table has them due
/// again, with others.
async fn extend<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    mut ten: Vec<(u64, ReceiptHandle)>,
) {
    let visibility = shared.settings.visibility_timeout;
    // Since they were handed out the process may have stood still, or their messages were settled.
    let asked_at = shared.leases.with(|table, now| {
        ten.retain(|(id, _)| table.is_held(*id, now));
        now
    });
    if ten.is_empty() {
        return;
    }
    let (ids, entries): (Vec<_>, Vec<_>) =
        ten.into_iter().map(|(id, handle)| (id, (handle, visibility))).unzip();
    // A call that fails as a whole, refused or not, has said nothing about any one receipt.
    let call = shared.queue.make_visible_after(&entries);
    // Whose leases these are is not known here; the messages are named where they are settled.
    let call =
        shared.stats.instruments.settling(Messaging::MakeVisible, entries.len(), std::iter::empty(), call);
    let (results, unanswered) = match call.await {
        Ok(results) => (results, CallError::new(ErrorClass::Unavailable, "no_result_for_entry")),
        Err(error) => (Vec::new(), error),
    };
    let mut results = results.into_iter();
    let mut extended = 0;
    let mut failures = Vec::new();
    // One for all: what failed together is tried again together, in one call.
    let chance = fastrand::f64();
    shared.leases.with(|table, now| {
        for id in ids {
            let (error, permanent) = match results.next() {
                Some(Ok(())) => {
                    extended += usize::from(table.on_extended(id, now, asked_at, visibility));
                    continue;
                }
                Some(Err(error)) => {
                    let refused = error.class == ErrorClass::Refused;
                    (error, refused)
                }
                None => (unanswered.clone(), false),
            };
            if table.on_failed(id, now, permanent, chance) {
                failures.push(error);
            }
        }
    });
    for error in &failures {
        shared.stats.on_error(Instant::now(), Operation::Extend, error.class);
    }
    if extended > 0 {
        shared.stats.on_leases_extended(extended);
    }
    if let Some(error) = failures.last() {
        events::extend_failed(error, failures.len());
    }
}

#[cfg(test)]
mod tests;
