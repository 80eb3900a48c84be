//! The queue's port over the model.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use worker::aws::classify::by_code;
use worker::aws::clients::ATTEMPT;
use worker::ports::{CallError, ConfirmationQueue, Depth, EntryResults, Message, Quarantine, ReceiptHandle};

use super::{Answer, EPOCH_MS, Endpoint};
use crate::model::Lent;
use crate::trouble::{Kind, Operation};
use crate::world::{About, State, World};

impl Endpoint {
    /// A receipt may be acted on only while its message is invisible through it.
    fn check_leases<'a>(
        &self,
        operation: Operation,
        receipts: impl Iterator<Item = &'a ReceiptHandle>,
    ) -> Vec<u64> {
        let mut state = self.world.state();
        let numbers: Vec<u64> = receipts.map(|handle| handle.0.parse().unwrap_or(u64::MAX)).collect();
        let now = Instant::now();
        if !self.line.dead.is_cancelled() {
            for receipt in &numbers {
                if state.queue.has_lapsed(now, *receipt) {
                    let text = format!("{} with a lease that was lost", operation.name());
                    state.violated(format!("worker {}: {text} (receipt {receipt})", self.worker));
                }
            }
        }
        numbers
    }

    fn about(&self, receipts: &[u64]) -> About {
        let state = self.world.state();
        About::Messages(
            receipts.iter().filter_map(|receipt| Some(state.queue.of_receipt(*receipt)?.0)).collect(),
        )
    }

    fn message(lent: Lent, begun: Instant) -> Message {
        // Of one history: what a message says about its time is the same at every receive.
        let time = |at: Instant| {
            let since = i64::try_from(at.saturating_duration_since(begun).as_millis()).unwrap();
            Timestamp::from_epoch_ms(EPOCH_MS + since).unwrap()
        };
        Message {
            id: lent.id.to_string(),
            handle: ReceiptHandle(lent.receipt.to_string()),
            body: lent.body,
            receive_count: lent.receive_count,
            sent_at: time(lent.sent_at),
            first_received_at: time(lent.first_received_at),
            traceparent: lent.traceparent,
            earlier_note: None,
        }
    }
}

impl ConfirmationQueue for Endpoint {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        if max > 1 && self.stats.snapshot(Instant::now()).breaker_open {
            self.world
                .state()
                .violated(format!("worker {}: a full poll while the breaker is open", self.worker));
        }
        let operation = Operation::Receive;
        let (fate, there, back) = self.leave(operation, &About::Users(Vec::new())).await;
        let (tell, told) = oneshot::channel();
        if fate != Some(Kind::Unheard) {
            let (world, worker, line, visibility) =
                (self.world.clone(), self.worker, Arc::clone(&self.line), self.visibility);
            tokio::spawn(async move {
                sleep(there).await;
                let answer = match fate {
                    Some(Kind::Error(code)) => Err(code),
                    _ => poll(&world, worker, max as usize, wait, visibility).await,
                };
                world.state().step((worker, operation, answer.as_ref().map_or(0, Vec::len)));
                line.step().await;
                sleep(back).await;
                // The messages are the worker's by now, whether or not it hears of them.
                if fate != Some(Kind::AnswerLost) {
                    drop(tell.send(answer));
                }
            });
        }
        let answer = self.wait(operation, fate, told, wait + ATTEMPT).await;
        self.line.step().await;
        let begun = self.world.state().begun;
        Ok(answer?.into_iter().map(|lent| Self::message(lent, begun)).collect())
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        let (operation, worker, world) = (Operation::Delete, self.worker, self.world.clone());
        let receipts = self.check_leases(operation, handles.iter());
        let about = self.about(&receipts);
        let effect = move |state: &mut State, _| {
            state.queue.check_batch(receipts.len())?;
            let forgets = state.strikes(operation, worker, |kind| kind == Kind::Forgotten).is_some();
            Ok(Self::entries(state, operation, worker, &receipts, |state, receipt| {
                let Some(id) = state.queue.delete(*receipt).map_err(|code| by_code(Some(code)))? else {
                    return Ok(());
                };
                crate::oracles::on_deleted(state, id);
                state.note(Some(worker), About::Messages(vec![id]), || "  deleted".to_owned());
                if forgets {
                    let (world, later) = (world.clone(), Duration::from_millis(state.roll(60_000)));
                    state.returning += 1;
                    tokio::spawn(async move {
                        sleep(later).await;
                        let mut state = world.state();
                        state.returning -= 1;
                        state.queue.bring_back(Instant::now(), id);
                        state.note(None, About::Messages(vec![id]), || "is there again".to_owned());
                    });
                }
                Ok(())
            }))
        };
        self.call(operation, about, effect).await
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        let (operation, worker) = (Operation::MakeVisible, self.worker);
        let receipts = self.check_leases(operation, entries.iter().map(|(handle, _)| handle));
        let about = self.about(&receipts);
        let entries: Vec<_> = receipts.into_iter().zip(entries.iter().map(|(_, after)| *after)).collect();
        let effect = move |state: &mut State, now| {
            state.queue.check_batch(entries.len())?;
            Ok(Self::entries(state, operation, worker, &entries, |state, (receipt, after)| {
                state.queue.change_visibility(now, *receipt, *after).map_err(|code| by_code(Some(code)))?;
                if let Some((id, _)) = state.queue.of_receipt(*receipt) {
                    state.note(Some(worker), About::Messages(vec![id]), || format!("  visible in {after:?}"));
                }
                Ok(())
            }))
        };
        self.call(operation, about, effect).await
    }

    async fn quarantine(&self, entry: Quarantine<'_>) -> Result<(), CallError> {
        let Message { body, traceparent, id, .. } = entry.message.clone();
        let (note, worker) = (entry.note, self.worker);
        let id = id.parse().unwrap_or(u64::MAX);
        let about = About::Messages(vec![id]);
        let effect = move |state: &mut State, now| {
            state.note(Some(worker), About::Messages(vec![id]), || "  in the dead-letter queue".to_owned());
            state.queue.quarantine(now, body, note, traceparent);
            Ok(())
        };
        self.call(Operation::Quarantine, about, effect).await
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        sleep(Duration::from_millis(1)).await;
        let mut state = self.world.state();
        state.queue.check_there().map_err(|code| by_code(Some(code)))?;
        let (visible, in_flight, delayed) = state.queue.depth(Instant::now());
        Ok(Depth { visible: visible as u64, in_flight: in_flight as u64, delayed: delayed as u64 })
    }
}

/// ReceiveMessage where SQS is: waits until there is something, or the wait is over.
async fn poll(
    world: &World,
    worker: usize,
    max: usize,
    wait: Duration,
    visibility: Duration,
) -> Answer<Vec<Lent>> {
    let until = Instant::now() + wait;
    let mut twice = world.state().strikes(Operation::Receive, worker, |kind| kind == Kind::Twice).is_some();
    loop {
        let now = Instant::now();
        let next = {
            let mut state = world.state();
            state.queue.check_receive(max)?;
            let mut lent = state.queue.receive(now, max, visibility);
            if std::mem::take(&mut twice) && lent.len() < max {
                let in_flight = state.queue.in_flight(now);
                let which = usize::try_from(state.roll(in_flight.len() as u64)).unwrap_or(0);
                let id = in_flight.get(which).copied().filter(|id| lent.iter().all(|lent| lent.id != *id));
                lent.extend(id.and_then(|id| state.queue.lend(now, id, visibility)));
            }
            for Lent { id, receipt, receive_count, .. } in &lent {
                let text = || format!("  received for the {receive_count}. time, receipt {receipt}");
                state.note(Some(worker), About::Messages(vec![*id]), text);
            }
            if !lent.is_empty() || now >= until {
                return Ok(lent);
            }
            state.queue.next_visible()
        };
        // New messages are sent at moments nobody here knows.
        let soon = now + Duration::from_millis(50);
        sleep_until(next.unwrap_or(until).max(soon).min(until).min(now + Duration::from_secs(1))).await;
    }
}
