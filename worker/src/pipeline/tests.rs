//! The drain on a paused clock: how long it may take, and what becomes of what is not done by then.

use std::sync::Mutex;

use domain::{Profile, ProfileKey};
use tokio::time::sleep;

use super::*;
use crate::ports::{CallError, Depth, EntryResults, Inserted, Message, Quarantine, StoredOwner};

const SECOND: Duration = Duration::from_secs(1);

/// Brings some confirmations at once, and takes its time to delete.
struct Queue {
    waiting: Mutex<Vec<Message>>,
    deleting: Duration,
    released: Mutex<Vec<(Instant, String, Duration)>>,
}

impl ConfirmationQueue for Queue {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        let messages: Vec<Message> = {
            let mut waiting = self.waiting.lock().unwrap();
            let most = waiting.len().min(max as usize);
            waiting.drain(..most).collect()
        };
        if messages.is_empty() {
            sleep(wait).await;
        }
        Ok(messages)
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        sleep(self.deleting).await;
        Ok(vec![Ok(()); handles.len()])
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        assert!(entries.len() <= settle::BATCH);
        let entries: Vec<_> = entries
            .iter()
            .map(|(handle, delay)| (Instant::now(), handle.0.clone(), *delay))
            // What is extended is not released.
            .filter(|(_, _, delay)| delay.is_zero())
            .collect();
        self.released.lock().unwrap().extend(entries.clone());
        Ok(vec![Ok(()); entries.len()])
    }

    async fn quarantine(&self, _: Quarantine<'_>) -> Result<(), CallError> {
        unreachable!()
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        unreachable!()
    }
}

/// Makes every item, after this long.
struct Table(Duration);

impl ProfileTable for Table {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        sleep(self.0).await;
        Ok(Inserted::Created)
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        sleep(self.0).await;
        Ok(vec![Ok(Inserted::Created); profiles.len()])
    }

    async fn owners(&self, _: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        unreachable!()
    }
}

struct Run {
    ended: Ended,
    /// From the soft stop.
    took: Duration,
    /// What was made visible again, when, and how many times each.
    released: Vec<(Duration, usize)>,
    outcomes: Vec<(&'static str, u64)>,
}

/// The drain of the settings all tests share.
const DRAIN: Duration = fixture::settings().drain_deadline;

/// Receives 25 confirmations and is stopped a second later, to drain for so long; hard as well after `hard`.
async fn stopped(writing: Duration, deleting: Duration, drain: Duration, hard: Option<Duration>) -> Run {
    let waiting = (0..25).map(|nth| fixture::message(&nth, fixture::confirmation(nth))).collect();
    let queue = Queue { waiting: Mutex::new(waiting), deleting, released: Mutex::default() };
    let mut settings = fixture::settings();
    settings.visibility_timeout = Duration::from_secs(1000);
    settings.drain_deadline = drain;
    let shared = Arc::new(fixture::shared(queue, Table(writing), settings));
    let stop = Stop::default();
    let running = tokio::spawn(run(Arc::clone(&shared), verify::OFF, stop.clone()));
    sleep(SECOND).await;
    assert_eq!(shared.stats.received(), 25);
    let begun = Instant::now();
    stop.soft.cancel();
    if let Some(hard) = hard {
        sleep(hard).await;
        stop.hard.cancel();
    }
    let ended = running.await.unwrap();
    let mut released: Vec<(Duration, usize)> = Vec::new();
    let mut handles = std::collections::BTreeSet::new();
    for (at, handle, _) in shared.queue.released.lock().unwrap().drain(..) {
        assert!(handles.insert(handle), "released twice");
        match released.last_mut() {
            Some((when, count)) if *when == at - begun => *count += 1,
            _ => released.push((at - begun, 1)),
        }
    }
    let counts = shared.stats.snapshot(Instant::now());
    let outcomes = counts.ended().map(|(outcome, count)| (outcome.name(), count)).collect();
    Run { ended, took: begun.elapsed(), released, outcomes }
}

#[tokio::test(start_paused = true)]
async fn writes_and_deletes_under_way_are_finished() {
    let run = stopped(20 * SECOND, 20 * SECOND, DRAIN, None).await;
    assert_eq!((run.ended, run.released), (Ended::Drained, vec![]));
    assert_eq!(run.outcomes, [("created", 25)]);
    assert!(run.took < 41 * SECOND, "{:?}", run.took);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_written_in_time_is_given_back_before_the_deadline() {
    // The last part of the drain is for settling, of a short one a quarter.
    for (drain, writing) in [(DRAIN, DRAIN.saturating_sub(SETTLE_RESERVE)), (8 * SECOND, 6 * SECOND)] {
        let run = stopped(1000 * SECOND, SECOND, drain, None).await;
        assert_eq!((run.ended, run.released), (Ended::Drained, vec![(writing, 25)]));
        assert_eq!(run.outcomes, [("released", 25)]);
        assert_eq!(run.took, writing);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_at_its_deadline_whoever_hangs_and_releases_what_is_in_hand() {
    let run = stopped(SECOND / 10, 1000 * SECOND, DRAIN, None).await;
    assert_eq!((run.ended, run.took), (Ended::Overrun, DRAIN));
    assert_eq!(run.released, [(DRAIN, 25)]);
    assert_eq!(run.outcomes, [("released", 25)]);
}

#[tokio::test(start_paused = true)]
async fn a_hard_stop_ends_it_at_once_and_releases_what_is_in_hand() {
    let run = stopped(1000 * SECOND, SECOND, DRAIN, Some(7 * SECOND)).await;
    assert_eq!((run.ended, run.took), (Ended::Overrun, 7 * SECOND));
    assert_eq!(run.released, [(7 * SECOND, 25)]);
    assert_eq!(run.outcomes, [("released", 25)]);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_failed_is_remembered_however_the_others_end() {
    let mut stages = JoinSet::new();
    stages.spawn(async { panic!("a stage fails, as it is told to") });
    stages.spawn(sleep(SECOND));
    let mut failed = false;
    assert!(join_all(&mut stages, Instant::now() + 2 * SECOND, &mut failed).await);
    assert!(failed);
}
