//! A worker's way to a site: both ports over its queue and its table, with a latency there and back and the time
//! that the task's processor takes. The worker behind it is the real one, unchanged.
//!
//! Calls fail only in an outage, by throttling or at a quota; what else can go wrong is [`crate::endpoint`]'s business.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Profile, ProfileKey, Timestamp};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use worker::aws::classify::by_code;
use worker::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, Inserted, Message, ProfileTable, Quarantine,
    ReceiptHandle, StoredOwner,
};

use super::crowd::{sent, user_of_key};
use super::processor::Processor;
use super::queue::{Lent, Receipt};
use super::site::{Site, State};
use super::table::Put;
use crate::endpoint::EPOCH_MS;
use crate::model::owner_of;
use crate::people::profile_of;
use crate::trouble::Operation;

/// What a table that is away answers.
const AWAY: &str = "InternalServerError";
/// What a table that asks for less answers, for a whole call and for one statement (API reference,
/// BatchStatementError).
const THROTTLED: &str = "ThrottlingException";
const STATEMENT_THROTTLED: &str = "ThrottlingError";

/// One worker's connection.
#[derive(Clone)]
pub struct Endpoint {
    site: Site,
    worker: usize,
    visibility: Duration,
    processor: Arc<Mutex<Processor>>,
}

impl Endpoint {
    /// A connection of worker number `worker`, whose receives ask for `visibility`.
    pub fn new(site: Site, worker: usize, visibility: Duration, processor: Arc<Mutex<Processor>>) -> Self {
        Self { site, worker, visibility, processor }
    }

    /// One call: the way there, the effect, the way back, the processor.
    async fn call<A>(
        &self,
        operation: Operation,
        entries: usize,
        effect: impl FnOnce(&mut State, Duration) -> A + Send,
    ) -> A {
        let (there, back) = self.site.state().leave(operation);
        sleep(there).await;
        let answer = {
            let (now, mut state) = (self.site.elapsed(), self.site.state());
            state.on_effect(now, self.worker, operation, entries);
            effect(&mut state, now)
        };
        self.arrive(back, 0).await;
        answer
    }

    /// The answer comes back, and the task takes its time over it.
    async fn arrive(&self, back: Duration, messages: usize) {
        let arrived = Instant::now() + back;
        let ready = self.processor.lock().unwrap_or_else(PoisonError::into_inner).takes(arrived, messages);
        sleep_until(ready).await;
    }

    fn receipts<'a>(
        &self,
        operation: Operation,
        handles: impl Iterator<Item = &'a ReceiptHandle>,
    ) -> Vec<Result<Receipt, CallError>> {
        let (now, mut state) = (self.site.elapsed(), self.site.state());
        let receipt = |handle: &ReceiptHandle| {
            let receipt = handle.0.parse().map_err(|code| by_code(Some(code)))?;
            state.check_lease(now, self.worker, operation, receipt);
            Ok(receipt)
        };
        handles.map(receipt).collect()
    }

    /// ReceiveMessage where SQS is: waits until there is something, or the wait is over.
    async fn poll(&self, max: usize, wait: Duration) -> Result<Vec<Lent>, CallError> {
        let until = Instant::now() + wait;
        loop {
            // Before the look, so that nothing that arrives after it is missed.
            let arrived = self.site.arrived.notified();
            let next = {
                let (now, mut state) = (self.site.elapsed(), self.site.state());
                let lent = state.queue.receive(now, max, self.visibility, !wait.is_zero());
                let lent = lent.map_err(|code| by_code(Some(code)))?;
                // Nothing though there is something is the quota in flight. When SQS answers then is not documented:
                // at once is harder on the one who polls.
                if !lent.is_empty() || Instant::now() >= until || state.queue.depth(now).0 > 0 {
                    if !lent.is_empty() {
                        state.first_receive.get_or_insert(now);
                    }
                    state.on_effect(now, self.worker, Operation::Receive, lent.len());
                    return Ok(lent);
                }
                state.queue.next_visible()
            };
            let next = next.map_or(until, |next| self.site.at(next).min(until));
            let _ = timeout_at(next, arrived).await;
        }
    }

    fn message(lent: Lent) -> Message {
        let time = |since: Duration| {
            let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_epoch_ms(EPOCH_MS.saturating_add(since)).unwrap()
        };
        Message {
            id: lent.receipt.message.to_string(),
            handle: ReceiptHandle(lent.receipt.to_string()),
            body: sent(lent.receipt.message).body(),
            receive_count: lent.receipt.receive,
            sent_at: time(lent.sent_at),
            first_received_at: time(lent.first_received_at),
            traceparent: None,
            earlier_note: None,
        }
    }
}

impl ConfirmationQueue for Endpoint {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        let (there, back) = {
            let (now, mut state) = (self.site.elapsed(), self.site.state());
            state.on_poll(now);
            state.leave(Operation::Receive)
        };
        sleep(there).await;
        let answer = self.poll(max as usize, wait).await;
        self.arrive(back, answer.as_ref().map_or(0, Vec::len)).await;
        self.site.state().polls -= 1;
        Ok(answer?.into_iter().map(Self::message).collect())
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        let receipts = self.receipts(Operation::Delete, handles.iter());
        let effect = |state: &mut State, now| {
            let delete =
                |receipt: Result<Receipt, CallError>| receipt.map(|receipt| state.delete(now, receipt));
            Ok(receipts.into_iter().map(delete).collect())
        };
        self.call(Operation::Delete, handles.len(), effect).await
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        let receipts = self.receipts(Operation::MakeVisible, entries.iter().map(|(handle, _)| handle));
        let effect = |state: &mut State, now| {
            let mut change = |(receipt, after): (Result<Receipt, CallError>, Duration)| {
                state.queue.change_visibility(now, receipt?, after).map_err(|code| by_code(Some(code)))
            };
            let delays = entries.iter().map(|(_, after)| *after);
            receipts.into_iter().zip(delays).map(&mut change).collect()
        };
        let results = self.call(Operation::MakeVisible, entries.len(), effect).await;
        self.site.arrived.notify_waiters();
        Ok(results)
    }

    async fn quarantine(&self, entry: Quarantine<'_>) -> Result<(), CallError> {
        let text = format!("message {} was quarantined: {}", entry.message.id, entry.note);
        let effect = |state: &mut State, _| {
            state.quarantined += 1;
            state.violated(text);
            Ok(())
        };
        self.call(Operation::Quarantine, 1, effect).await
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        sleep(Duration::from_millis(1)).await;
        let (visible, in_flight) = self.site.state().queue.depth(self.site.elapsed());
        Ok(Depth { visible, in_flight, delayed: 0 })
    }
}

fn put(state: &mut State, now: Duration, profile: &Profile, throttled: &str) -> Result<Inserted, CallError> {
    match state.table.put_if_absent(now, profile) {
        Ok(Put::Made) => Ok(Inserted::Created),
        Ok(Put::Present) => Ok(Inserted::Exists(StoredOwner::NotTold)),
        Ok(Put::Throttled) => Err(by_code(Some(throttled))),
        Err(text) => {
            state.violated(text);
            Err(by_code(Some("ValidationException")))
        }
    }
}

fn owner(user: u64) -> StoredOwner {
    owner_of(&profile_of(user)).map_or(StoredOwner::Missing, StoredOwner::Is)
}

impl ProfileTable for Endpoint {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        let effect = |state: &mut State, now| {
            if state.is_away(now) {
                return Err(by_code(Some(AWAY)));
            }
            match put(state, now, profile, THROTTLED)? {
                Inserted::Exists(_) => {
                    Ok(Inserted::Exists(user_of_key(&profile.key).map_or(StoredOwner::Missing, owner)))
                }
                created @ Inserted::Created => Ok(created),
            }
        };
        self.call(Operation::Insert, 1, effect).await
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        let effect = |state: &mut State, now| {
            if state.is_away(now) {
                return Err(by_code(Some(AWAY)));
            }
            Ok(profiles.iter().map(|profile| put(state, now, profile, STATEMENT_THROTTLED)).collect())
        };
        self.call(Operation::InsertBatch, profiles.len(), effect).await
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        let effect = |state: &mut State, now| {
            if state.is_away(now) {
                return Err(by_code(Some(AWAY)));
            }
            let stored = |key: &&ProfileKey| match user_of_key(key) {
                Some(user) if state.table.has(user) => owner(user),
                _ => StoredOwner::Gone,
            };
            Ok(keys.iter().map(stored).collect())
        };
        self.call(Operation::Owners, keys.len(), effect).await
    }
}
