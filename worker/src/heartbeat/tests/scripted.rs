//! A queue that keeps its own account of what is visible when, and fails on command; a table that takes
//! its time.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::{Profile, ProfileKey};
use tokio::time::{Instant, sleep};

use crate::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, ErrorClass, Inserted, Message, ProfileTable,
    Quarantine, ReceiptHandle, StoredOwner,
};
use crate::telemetry::captured::Lines;

pub(super) const VISIBILITY: Duration = Duration::from_secs(60);

/// What the queue does to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Unavailable,
    /// The whole call, for no receipt's fault.
    Unsendable,
    /// The answer says nothing about the last entry.
    TooShort,
    /// One receipt is refused.
    Refused(&'static str),
    /// Everything is extended, but the answer takes this long.
    Late(Duration),
    Panics,
}

#[derive(Default)]
pub(super) struct Queue {
    /// What is still to be received.
    pub(super) waiting: Mutex<Vec<Message>>,
    /// What goes wrong, call by call; then nothing does.
    pub(super) script: Mutex<VecDeque<Answer>>,
    pub(super) latency: Duration,
    pub(super) delete_latency: Duration,
    /// SQS's own clock.
    pub(super) invisible_until: Mutex<HashMap<ReceiptHandle, Instant>>,
    pub(super) extensions: Mutex<Vec<Vec<String>>>,
    pub(super) in_the_air: AtomicUsize,
    pub(super) most_in_the_air: AtomicUsize,
}

impl Queue {
    pub(super) fn scripted(script: impl Into<VecDeque<Answer>>) -> Self {
        Self { script: Mutex::new(script.into()), latency: Duration::from_millis(200), ..Self::default() }
    }

    pub(super) fn calls(&self) -> usize {
        self.extensions.lock().unwrap().len()
    }

    pub(super) fn hide(&self, handle: &ReceiptHandle, from: Instant) {
        self.invisible_until.lock().unwrap().insert(handle.clone(), from + VISIBILITY);
    }
}

impl ConfirmationQueue for Queue {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        let messages: Vec<Message> = {
            let mut waiting = self.waiting.lock().unwrap();
            let most = waiting.len().min(max as usize);
            waiting.drain(..most).collect()
        };
        messages.iter().for_each(|message| self.hide(&message.handle, Instant::now()));
        if messages.is_empty() {
            sleep(wait).await;
        }
        Ok(messages)
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        sleep(self.delete_latency).await;
        let invisible_until = self.invisible_until.lock().unwrap();
        assert!(handles.iter().all(|handle| Instant::now() < invisible_until[handle]), "deleted too late");
        Ok(vec![Ok(()); handles.len()])
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        // Its clock may start as early as this.
        let begun = Instant::now();
        let in_the_air = self.in_the_air.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_the_air.fetch_max(in_the_air, Ordering::Relaxed);
        self.extensions.lock().unwrap().push(entries.iter().map(|(handle, _)| handle.0.clone()).collect());
        let answer = self.script.lock().unwrap().pop_front();
        sleep(if let Some(Answer::Late(latency)) = answer { latency } else { self.latency }).await;
        self.in_the_air.fetch_sub(1, Ordering::Relaxed);
        let refused = || CallError::new(ErrorClass::Refused, "ReceiptHandleIsInvalid");
        let mut results = vec![Ok(()); entries.len()];
        match answer {
            None | Some(Answer::Late(_)) => {}
            Some(Answer::Unavailable) => return Err(CallError::new(ErrorClass::Unavailable, "timeout")),
            Some(Answer::Unsendable) => return Err(refused()),
            Some(Answer::TooShort) => drop(results.pop()),
            Some(Answer::Refused(name)) => {
                for ((handle, _), result) in entries.iter().zip(&mut results) {
                    if handle.0 == name {
                        *result = Err(refused());
                    }
                }
            }
            Some(Answer::Panics) => panic!("a call panics, as it is told to"),
        }
        for ((handle, visibility), result) in entries.iter().zip(&results) {
            assert_eq!(*visibility, VISIBILITY);
            if result.is_ok() {
                self.hide(handle, begun);
            }
        }
        Ok(results)
    }

    async fn quarantine(&self, _: Quarantine<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        Ok(Depth::default())
    }
}

/// Makes every item, slowly.
pub(super) struct Table;

pub(super) const WRITE: Duration = Duration::from_secs(20);

impl ProfileTable for Table {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        sleep(WRITE).await;
        Ok(Inserted::Created)
    }
    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        sleep(WRITE).await;
        Ok(vec![Ok(Inserted::Created); profiles.len()])
    }
    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        Ok(vec![StoredOwner::Gone; keys.len()])
    }
}

/// Each event with the number of leases it speaks of.
pub(super) fn events(lines: &Lines) -> Vec<(String, u64)> {
    let named = |line: serde_json::Value| {
        (line["event"].as_str().unwrap().to_owned(), line["leases"].as_u64().unwrap())
    };
    lines.read().into_iter().map(named).collect()
}
