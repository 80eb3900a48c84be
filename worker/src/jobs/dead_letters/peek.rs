//! Looking at the dead-letter queue. SQS lends what it shows: a look holds every message for a short time, longer
//! while it lasts, and gives all of them back at its end, whatever that end is. If the process is killed the short
//! time does it. Must never delete what it was not told to delete.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::aws::dead_letters::{DeadLetter, DeadLetterQueue};
use crate::jobs::JobError;
use crate::pipeline::Stop;
use crate::ports::{CallError, EntryResults, ErrorClass, ReceiptHandle};
use crate::telemetry::events;

/// How long messages are held at least.
const VISIBILITY: Duration = Duration::from_secs(30);

/// Messages that can be seen and extended in one second, at the slowest.
const PER_SECOND: u64 = 100;

/// How long one poll waits for messages. A long poll asks every server of the queue, a short one only some.
const WAIT: Duration = Duration::from_secs(1);

/// Polls and settling calls in the air at most.
const AT_ONCE: usize = 8;

/// Messages of a standard queue that may be held at a time (SQS developer guide, "Quotas").
const MOST_HELD: usize = 120_000;

/// Polls in a row that bring nothing, where more was to be expected.
const PATIENCE: u32 = 3;

/// How much of the queue was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Messages, copies included.
    pub seen: u64,
    /// Messages that SQS said were visible at the beginning.
    pub about: u64,
    /// Nothing more came: neither stopped nor too many to be held.
    pub complete: bool,
}

impl Seen {
    /// For a person.
    pub fn told(self) -> String {
        let Self { seen, about, complete } = self;
        let rest = if complete { "" } else { "; there may be more, run it again to see them" };
        format!("seen {seen} of about {about} messages in the dead-letter queue{rest}")
    }
}

/// One look at the queue.
pub struct Peek {
    queue: Arc<DeadLetterQueue>,
    held: Arc<Held>,
    keeper: JoinHandle<()>,
    done: CancellationToken,
    visibility: Duration,
    ids: HashSet<String>,
    about: u64,
    fruitless: u32,
    complete: bool,
    stop: Stop,
}

impl Peek {
    /// Begins to look.
    ///
    /// # Errors
    /// The queue cannot be asked.
    pub async fn open(queue: Arc<DeadLetterQueue>, stop: Stop) -> Result<Self, JobError> {
        let depth = queue.depth().await.map_err(|error| JobError::call("sqs:GetQueueAttributes", error))?;
        let visibility = VISIBILITY + Duration::from_secs(depth.visible / PER_SECOND);
        let held = Arc::new(Held::default());
        let done = CancellationToken::new();
        let keeper = tokio::spawn(keep(Arc::clone(&queue), Arc::clone(&held), visibility, done.clone()));
        Ok(Self {
            queue,
            held,
            keeper,
            done,
            visibility,
            ids: HashSet::new(),
            about: depth.visible,
            fruitless: 0,
            complete: false,
            stop,
        })
    }

    /// More messages, none of which came before; `None` when nothing more comes, or at a stop.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<DeadLetter>>, JobError> {
        while !self.stop.soft.is_cancelled() && self.held.all().len() < MOST_HELD {
            let expected = self.about.saturating_sub(self.seen().seen);
            let fresh = match self.poll(usize::try_from(expected).unwrap_or(usize::MAX)).await {
                Ok(fresh) => fresh,
                // So many are held, by others too, that no more are lent.
                Err(error) if error.class == ErrorClass::Throttled && error.code.ends_with("OverLimit") => {
                    return Ok(None);
                }
                Err(error) => return Err(JobError::call("sqs:ReceiveMessage", error)),
            };
            if !fresh.is_empty() {
                self.fruitless = 0;
                return Ok(Some(fresh));
            }
            self.fruitless += 1;
            if self.fruitless >= if expected == 0 { 1 } else { PATIENCE } {
                self.complete = true;
                break;
            }
        }
        Ok(None)
    }

    /// How much was seen so far.
    pub fn seen(&self) -> Seen {
        let seen = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        Seen { seen, about: self.about.max(seen), complete: self.complete }
    }

    /// Deletes messages of this look for good. Answers with those that could not be, which are given back like all
    /// others.
    pub async fn delete(&self, ids: impl IntoIterator<Item = String>) -> Vec<String> {
        let handles: Vec<_> = {
            let held = self.held.all();
            ids.into_iter().filter_map(|id| held.get(&id).map(|(handle, _)| (id, handle.clone()))).collect()
        };
        let mut left = Vec::new();
        for ten in handles.chunks(10) {
            let receipts: Vec<_> = ten.iter().map(|(_, handle)| handle.clone()).collect();
            let results = each(self.queue.delete(&receipts).await, ten.len());
            report("delete", &results);
            for ((id, _), result) in ten.iter().zip(results) {
                match result {
                    Ok(()) => drop(self.held.all().remove(id)),
                    Err(_) => left.push(id.clone()),
                }
            }
        }
        left
    }

    /// Gives everything back.
    pub async fn close(self) {
        // An extension that is still in the air would hold again what was given back.
        self.done.cancel();
        let _ = self.keeper.await;
        let handles: Vec<_> = self.held.all().drain().map(|(_, (handle, _))| handle).collect();
        let released = in_tens(&self.queue, handles, Duration::ZERO, "release");
        tokio::select! {
            _ = released => {}
            () = self.stop.hard.cancelled() => {}
        }
    }

    /// As many polls at once as there may be messages for.
    async fn poll(&mut self, expected: usize) -> Result<Vec<DeadLetter>, CallError> {
        let mut polls = JoinSet::new();
        for _ in 0..expected.div_ceil(10).clamp(1, AT_ONCE) {
            let (queue, visibility) = (Arc::clone(&self.queue), self.visibility);
            polls.spawn(async move {
                // From before the call: SQS's clock starts somewhere between.
                let until = Instant::now() + visibility;
                queue.receive(WAIT, visibility).await.map(|letters| (letters, until))
            });
        }
        let (mut fresh, mut failure) = (Vec::new(), None);
        // Each is waited for, so that whatever came is given back even if another failed.
        while let Some(answer) = polls.join_next().await {
            let unfinished = |_| CallError::new(ErrorClass::Unavailable, "task_ended_early");
            match answer.map_err(unfinished).flatten() {
                Ok((letters, until)) => {
                    for letter in letters {
                        self.held.all().insert(letter.id.clone(), (letter.handle.clone(), until));
                        if self.ids.insert(letter.id.clone()) {
                            fresh.push(letter);
                        }
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(fresh), Err)
    }
}

/// What is held, by SQS's id, and until when.
#[derive(Default)]
struct Held(Mutex<HashMap<String, (ReceiptHandle, Instant)>>);

impl Held {
    fn all(&self) -> MutexGuard<'_, HashMap<String, (ReceiptHandle, Instant)>> {
        // Each change is one insertion or one removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Extends what is held for as long as the look lasts.
async fn keep(queue: Arc<DeadLetterQueue>, held: Arc<Held>, visibility: Duration, done: CancellationToken) {
    loop {
        tokio::select! {
            () = sleep(visibility / 6) => {}
            () = done.cancelled() => return,
        }
        let now = Instant::now();
        let due: Vec<_> = {
            let held = held.all();
            let near = held.iter().filter(|(_, (_, until))| *until < now + visibility / 2);
            near.map(|(id, (handle, _))| (id.clone(), handle.clone())).collect()
        };
        let handles = due.iter().map(|(_, handle)| handle.clone()).collect();
        let extended = in_tens(&queue, handles, visibility, "extend").await;
        let mut held = held.all();
        for ((id, handle), _) in due.into_iter().zip(extended).filter(|(_, extended)| *extended) {
            if let Some(entry) = held.get_mut(&id)
                && entry.0 == handle
            {
                entry.1 = now + visibility;
            }
        }
    }
}

/// Changes when messages become visible, several calls at once. Says of each handle whether it was done.
async fn in_tens(
    queue: &Arc<DeadLetterQueue>,
    handles: Vec<ReceiptHandle>,
    delay: Duration,
    operation: &'static str,
) -> Vec<bool> {
    let mut done = vec![false; handles.len()];
    let mut calls = JoinSet::new();
    let mut take = |landed: Option<Result<(usize, EntryResults), _>>| {
        if let Some(Ok((nth, results))) = landed {
            report(operation, &results);
            for (place, result) in done.iter_mut().skip(nth * 10).zip(results) {
                *place = result.is_ok();
            }
        }
    };
    for (nth, ten) in handles.chunks(10).enumerate() {
        if calls.len() >= AT_ONCE {
            take(calls.join_next().await);
        }
        let entries: Vec<_> = ten.iter().map(|handle| (handle.clone(), delay)).collect();
        let queue = Arc::clone(queue);
        calls.spawn(async move { (nth, each(queue.visible_after(&entries).await, entries.len())) });
    }
    while !calls.is_empty() {
        take(calls.join_next().await);
    }
    done
}

/// One result per entry, also of a call that failed as a whole.
fn each(answer: Result<EntryResults, CallError>, entries: usize) -> EntryResults {
    answer.unwrap_or_else(|error| vec![Err(error); entries])
}

fn report(operation: &'static str, results: &[Result<(), CallError>]) {
    let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    if let Some(error) = failures.first() {
        events::settle_failed(operation, error, u32::try_from(failures.len()).unwrap_or(u32::MAX));
    }
}
