//! A queue in memory on virtual time, with the promises SQS makes and no better ones: at least once, a
//! new handle per receive, old handles that succeed and do nothing, failures per entry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};
use worker::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, ErrorClass, Message, Quarantine, ReceiptHandle,
};
use worker::stats::Stats;

use crate::faults::Faults;

/// One message and where it stands.
struct Kept {
    body: String,
    visible_at: Instant,
    /// The end of what was lent, though it may have been given back earlier.
    lent_until: Instant,
    receive_count: u32,
    /// The newest receipt.
    handle: u64,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<u64, Kept>,
    handles: u64,
    /// Which message a receipt is of, and until when it was good when it was last set.
    receipts: BTreeMap<u64, u64>,
    dead: BTreeSet<String>,
    deleted: Vec<String>,
    violations: Vec<String>,
    most_receives: u32,
}

/// The queue; clones are the same one.
#[derive(Clone)]
pub(crate) struct Queue {
    state: Arc<Mutex<State>>,
    faults: Faults,
    visibility: Duration,
    stats: Arc<Stats>,
}

impl Queue {
    /// A queue that these bodies arrive in over the first five minutes, singly and in rushes.
    pub(crate) fn new(bodies: Vec<String>, visibility: Duration, faults: Faults, stats: Arc<Stats>) -> Self {
        let now = Instant::now();
        let mut arrives = now;
        let keep = |(id, body)| {
            if faults.chance(0.1) {
                arrives = now + Duration::from_secs(faults.roll(300));
            }
            (id, Kept { body, visible_at: arrives, lent_until: arrives, receive_count: 0, handle: 0 })
        };
        let messages = (0_u64..).zip(bodies).map(keep).collect();
        let state = State { messages, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), faults, visibility, stats }
    }

    /// The same queue for another worker, at an endpoint with other faults.
    pub(crate) fn again(&self, faults: Faults, stats: Arc<Stats>) -> Self {
        Self { state: Arc::clone(&self.state), faults, visibility: self.visibility, stats }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state().messages.is_empty()
    }

    /// The bodies that were deleted, in order.
    pub(crate) fn deleted(&self) -> Vec<String> {
        self.state().deleted.clone()
    }

    pub(crate) fn is_dead(&self, body: &str) -> bool {
        self.state().dead.contains(body)
    }

    /// What must not have happened.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// How often the message that came most often has come.
    pub(crate) fn most_receives(&self) -> u32 {
        self.state().most_receives
    }

    /// How many messages another worker could receive now.
    pub(crate) fn visible(&self) -> usize {
        let now = Instant::now();
        self.state().messages.values().filter(|kept| kept.visible_at <= now).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn hand_out(&self, max: u32) -> Vec<Message> {
        let (now, mut state) = (Instant::now(), self.state());
        let state = &mut *state;
        let mut out = Vec::new();
        for (id, kept) in &mut state.messages {
            // At least once: now and then one comes although it is in flight.
            let again = kept.receive_count > 0 && self.faults.chance(0.002);
            if out.len() >= max as usize || (kept.visible_at > now && !again) {
                continue;
            }
            state.handles += 1;
            state.receipts.insert(state.handles, *id);
            kept.handle = state.handles;
            kept.receive_count += 1;
            kept.visible_at = now + self.visibility;
            kept.lent_until = kept.visible_at;
            state.most_receives = state.most_receives.max(kept.receive_count);
            let time = Timestamp::from_epoch_ms(1_760_000_000_000).unwrap();
            out.push(Message {
                id: id.to_string(),
                handle: ReceiptHandle(state.handles.to_string()),
                body: kept.body.clone(),
                receive_count: kept.receive_count,
                sent_at: time,
                first_received_at: time,
                traceparent: None,
            });
        }
        out
    }

    /// A receipt may be acted on only while its message is invisible through it.
    fn check_lease(&self, handle: &ReceiptHandle, what: &str) {
        let mut state = self.state();
        let number: u64 = handle.0.parse().unwrap();
        let lapsed = state
            .receipts
            .get(&number)
            .and_then(|id| state.messages.get(id))
            .is_some_and(|kept| kept.handle == number && kept.lent_until < Instant::now());
        if lapsed {
            state.violations.push(format!("{what} with a lease that was lost"));
        }
    }

    fn entries<E>(
        &self,
        entries: &[E],
        mut act: impl FnMut(&mut State, u64, &E) -> bool,
        handle: impl Fn(&E) -> &ReceiptHandle,
    ) -> EntryResults {
        let mut state = self.state();
        entries
            .iter()
            .map(|entry| {
                if self.faults.now() && self.faults.chance(0.2) {
                    return Err(CallError::new(ErrorClass::Unavailable, "InternalError"));
                }
                if act(&mut state, handle(entry).0.parse().unwrap(), entry) {
                    Ok(())
                } else {
                    Err(CallError::new(ErrorClass::Refused, "ReceiptHandleIsInvalid"))
                }
            })
            .collect()
    }
}

impl ConfirmationQueue for Queue {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        if self.stats.snapshot(Instant::now()).breaker_open && max > 1 {
            self.state().violations.push("a full poll while the breaker is open".into());
        }
        self.faults.call("receive").await?;
        let until = Instant::now() + wait;
        loop {
            let out = self.hand_out(max);
            if !out.is_empty() || Instant::now() >= until {
                // The messages are ours by now, whether or not we hear of it.
                return self.faults.answer(out).await;
            }
            let next = self.state().messages.values().map(|kept| kept.visible_at).min();
            let soon = Instant::now() + Duration::from_millis(50);
            sleep_until(next.unwrap_or(until).max(soon).min(until)).await;
        }
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        handles.iter().for_each(|handle| self.check_lease(handle, "deleted"));
        self.faults.call("delete").await?;
        let results = self.entries(
            handles,
            |state, number, _| {
                let Some(id) = state.receipts.get(&number).copied() else { return false };
                // An old receipt succeeds and deletes nothing.
                if state.messages.get(&id).is_some_and(|kept| kept.handle == number)
                    && let Some(kept) = state.messages.remove(&id)
                {
                    state.deleted.push(kept.body);
                }
                true
            },
            |handle| handle,
        );
        self.faults.answer(results).await
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        entries.iter().for_each(|(handle, _)| self.check_lease(handle, "changed visibility"));
        self.faults.call("make_visible").await?;
        let now = Instant::now();
        let results = self.entries(
            entries,
            |state, number, (_, delay)| {
                let Some(id) = state.receipts.get(&number) else { return false };
                match state.messages.get_mut(id) {
                    Some(kept) if kept.handle == number && kept.visible_at >= now => {
                        kept.visible_at = now + *delay;
                        if *delay == self.visibility {
                            kept.lent_until = kept.visible_at;
                        }
                        true
                    }
                    _ => false,
                }
            },
            |(handle, _)| handle,
        );
        self.faults.answer(results).await
    }

    async fn quarantine(&self, entry: Quarantine<'_>) -> Result<(), CallError> {
        self.faults.call("quarantine").await?;
        self.state().dead.insert(entry.message.body.clone());
        self.faults.answer(()).await
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        sleep(Duration::from_millis(1)).await;
        let visible = self.visible() as u64;
        let all = self.state().messages.len() as u64;
        Ok(Depth { visible, in_flight: all - visible, delayed: 0 })
    }
}
