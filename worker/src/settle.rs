//! The end of every message's way: deletes, delays and quarantines, in batches, each entry answered for.
//!
//! Deleting is the one thing that cannot be taken back, so it happens only here and only for what
//! [`settlement::settle`] calls durable. A batch call has a result per entry inside its HTTP 200; an
//! entry that failed is tried again while its lease lasts.

use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, Rejection};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::decide::backoff::Policy;
use crate::decide::settlement::{self, Happened, Settlement};
use crate::delivery::Delivery;
use crate::outcome::Outcome;
use crate::pipeline::Shared;
use crate::ports::{CallError, ConfirmationQueue, EntryResults, ErrorClass, ProfileTable, Quarantine};
use crate::stats::Operation;
use crate::telemetry::{Messaging, events, quarantine_note};

mod buffer;

use buffer::{Action, Buffer, Entry};

/// What happened to one write, and everyone who waited for it.
pub struct Fate {
    /// The leader first.
    pub deliveries: Vec<Delivery>,
    /// What was to be written.
    pub profile: Option<Box<Profile>>,
    /// What happened.
    pub happened: Happened,
}

impl Fate {
    /// The fate of one message that never came to a write.
    pub fn single(delivery: Delivery, happened: Happened) -> Self {
        Self { deliveries: vec![delivery], profile: None, happened }
    }
}

/// Entries in one batch call (SQS API reference).
pub const BATCH: usize = 10;

/// Who is to share a call comes out of the same batch or of one that is answered with it; who waits longer mostly
/// waits for nobody.
const FOR_COMPANY: f64 = 0.2;

/// How long settling one batch is tried, when the lease would allow longer.
const PATIENCE: Duration = Duration::from_secs(20);

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(100),
    multiplier: 2.0,
    max_interval: Duration::from_secs(2),
    max_elapsed_time: Some(PATIENCE),
};

/// Settles until its input closes and every call is done. The last flush is unconditional.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    mut decided: mpsc::Receiver<Fate>,
) {
    let linger = shared.settings.linger.mul_f64(FOR_COMPANY);
    let mut buffers = [Buffer::new(Action::Delete), Buffer::new(Action::MakeVisible)];
    let mut calls = JoinSet::new();
    // Quarantined messages come back, to be deleted with the others or delayed.
    // Every task holds a sender, so the channel closes when the last of them has ended, however it ended.
    let (quarantined, mut from_quarantine) = mpsc::unbounded_channel::<Entry>();
    let mut quarantined = Some(quarantined);
    let mut quarantining = true;
    while quarantined.is_some() || quarantining {
        let deadline = buffers.iter().filter_map(|buffer| buffer.deadline).min();
        let timeout = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let mut entries = Vec::new();
        // In this order, whatever it is: what is due is flushed below, whoever woke this task.
        tokio::select! {
            biased;
            fate = decided.recv(), if quarantined.is_some() => match fate {
                Some(fate) => for (delivery, outcome, settlement) in decide(&shared, fate) {
                    match settlement {
                        Settlement::Delete => entries.push(Entry::delete(delivery, outcome)),
                        Settlement::RetryAfter(delay) => entries.push(Entry::make_visible(delivery, outcome, delay)),
                        Settlement::Release => entries.push(Entry::make_visible(delivery, outcome, Duration::ZERO)),
                        Settlement::LeaveAlone => conclude(&shared, delivery, outcome),
                        // By now another worker may have it, and send it there as well.
                        Settlement::Quarantine(_) if !delivery.lease.is_held(Instant::now()) => {
                            conclude(&shared, delivery, Outcome::LeaseLost);
                        }
                        Settlement::Quarantine(rejection) => {
                            let (shared, back) = (Arc::clone(&shared), quarantined.clone());
                            calls.spawn(async move {
                                let entry = quarantine(&shared, delivery, outcome, &rejection).await;
                                if let Some(back) = back {
                                    drop(back.send(entry));
                                }
                            });
                        }
                    }
                },
                None => quarantined = None,
            },
            entry = from_quarantine.recv(), if quarantining => match entry {
                Some(entry) => entries.push(entry),
                None => quarantining = false,
            },
            () = timeout => {}
        }
        let [deletes, delays] = &mut buffers;
        for entry in entries {
            match entry.action {
                Action::Delete => deletes.push(entry, linger),
                Action::MakeVisible => delays.push(entry, linger),
            }
        }
        let (now, closing) = (Instant::now(), !quarantining);
        for buffer in &mut buffers {
            while let Some(batch) = buffer.pop(now, closing) {
                calls.spawn(settle_batch(Arc::clone(&shared), buffer.action, batch));
            }
        }
        while let Some(call) = calls.try_join_next() {
            events::if_failed(&call);
        }
    }
    while let Some(call) = calls.join_next().await {
        events::if_failed(&call);
    }
}

/// The leader's fate, shared by its followers.
fn decide<Q, T>(shared: &Shared<Q, T>, fate: Fate) -> Vec<(Delivery, Outcome, Settlement)> {
    let Fate { deliveries, profile, happened } = fate;
    let owner = profile.as_ref().and_then(|profile| profile.owner.as_ref());
    let mut decided = Vec::with_capacity(deliveries.len());
    for (place, delivery) in deliveries.into_iter().enumerate() {
        let message = &delivery.message;
        let (outcome, settlement) =
            settlement::settle(&happened, owner, message.receive_count, fastrand::f64());
        let outcome = if place == 0 { outcome } else { outcome.for_follower() };
        let user = || profile.as_ref().map(|profile| shared.pseudonyms.of(&profile.key)).unwrap_or_default();
        events::decided(outcome, &settlement, &happened, message, user);
        decided.push((delivery, outcome, settlement));
    }
    decided
}

/// The delivery's end: counted once; the lease closes and the permit comes back.
fn conclude<Q, T>(shared: &Shared<Q, T>, delivery: Delivery, outcome: Outcome) {
    shared.stats.on_outcome(Instant::now(), outcome, delivery.origin);
    delivery.lease.close();
}

/// Settles up to ten receipts; entries that fail are tried again while their leases last.
async fn settle_batch<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    action: Action,
    mut entries: Vec<Entry>,
) {
    let begun = Instant::now();
    let mut failures = 0;
    loop {
        // A receipt whose visibility ran out may belong to another worker by now.
        let now = Instant::now();
        let (held, lapsed): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.delivery.lease.is_held(now));
        lapsed.into_iter().for_each(|entry| unsettled(&shared, entry));
        entries = held;
        if entries.is_empty() {
            return;
        }
        // An extension in the air would race the call, and be refused once the call succeeded.
        entries.iter().for_each(|entry| entry.delivery.lease.begin_settling());
        let results = call(&shared, action, &entries).await;
        let mut again = Vec::new();
        let mut last_error = None;
        for (entry, result) in entries.into_iter().zip(results) {
            match result {
                Ok(()) => conclude(&shared, entry.delivery, entry.outcome),
                Err(error) => {
                    shared.stats.on_error(Instant::now(), action.operation(), error.class);
                    // A refused receipt stays refused: it was used up, or SQS forgot it.
                    let refused = error.class == ErrorClass::Refused;
                    last_error = Some(error);
                    if refused { unsettled(&shared, entry) } else { again.push(entry) }
                }
            }
        }
        entries = again;
        let Some(error) = last_error else { return };
        failures += 1;
        events::settle_failed(action.name(), &error, failures);
        if entries.is_empty() {
            return;
        }
        if !RETRY.may_continue(begun.elapsed()) {
            entries.into_iter().for_each(|entry| unsettled(&shared, entry));
            return;
        }
        sleep(RETRY.delay(failures, fastrand::f64())).await;
    }
}

/// A receipt that could not be settled: the message comes back by itself. What was written stays
/// written, so the outcome stands; what was not is on its way to another try anyway.
fn unsettled<Q, T>(shared: &Shared<Q, T>, entry: Entry) {
    if entry.action == Action::Delete {
        shared.stats.on_failed_delete();
    }
    conclude(shared, entry.delivery, entry.outcome);
}

/// One batch call. Always one result per entry, in order: an answer that says nothing about an entry
/// is a failure of that entry, never a success.
async fn call<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    action: Action,
    entries: &[Entry],
) -> EntryResults {
    let messages = || entries.iter().map(|entry| &entry.delivery.message);
    let handles = messages().map(|message| message.handle.clone());
    let instruments = &shared.stats.instruments;
    let answer = match action {
        Action::Delete => {
            let handles: Vec<_> = handles.collect();
            instruments
                .settling(Messaging::Delete, entries.len(), messages(), shared.queue.delete(&handles))
                .await
        }
        Action::MakeVisible => {
            let delays: Vec<_> = handles.zip(entries.iter().map(|entry| entry.delay)).collect();
            let call = shared.queue.make_visible_after(&delays);
            instruments.settling(Messaging::MakeVisible, entries.len(), messages(), call).await
        }
    };
    let mut results = answer.unwrap_or_else(|error| vec![Err(error); entries.len()]);
    results
        .resize_with(entries.len(), || Err(CallError::new(ErrorClass::Unavailable, "no_result_for_entry")));
    results
}

/// Sends the message to the dead-letter queue. It is deleted only after that has succeeded.
async fn quarantine<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    delivery: Delivery,
    outcome: Outcome,
    rejection: &Rejection,
) -> Entry {
    let message = &delivery.message;
    let note = quarantine_note(message, rejection);
    let call = shared.queue.quarantine(Quarantine { message, note });
    let about = std::iter::once(message);
    match shared.stats.instruments.settling(Messaging::Quarantine, 1, about, call).await {
        Ok(()) => {
            shared.stats.on_quarantine(rejection.reason);
            Entry::delete(delivery, outcome)
        }
        Err(error) => {
            shared.stats.on_error(Instant::now(), Operation::Quarantine, error.class);
            events::quarantine_failed(&error, rejection.reason);
            let delay = settlement::after_failed_quarantine(message.receive_count, fastrand::f64());
            Entry::make_visible(delivery, Outcome::Retried, delay)
        }
    }
}

#[cfg(test)]
mod tests;
