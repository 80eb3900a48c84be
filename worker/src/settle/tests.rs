//! Settling against a queue in memory that says too little, fails or refuses on command: what nobody said
//! is done is not done, and a receipt that is no longer ours is left alone, whatever was decided over its
//! message.

use std::collections::VecDeque;
use std::sync::Mutex;

use domain::Reason;

use super::*;
use crate::pipeline::fixture::{self, NoTable};
use crate::ports::{Depth, Inserted, Message, ReceiptHandle};

/// What one call that deletes or delays is answered; afterwards everything succeeds.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// The call fails.
    Unavailable,
    /// The answer says nothing about the last entry.
    TooShort,
    /// Every receipt is refused.
    Refused,
}

#[derive(Default)]
struct Queue {
    script: Mutex<VecDeque<Answer>>,
    dead_letter_queue_is_full: bool,
    /// The receipts of each call.
    deletes: Mutex<Vec<Vec<String>>>,
    delays: Mutex<Vec<(String, Duration)>>,
    quarantined: Mutex<Vec<String>>,
}

impl Queue {
    fn scripted(script: impl Into<VecDeque<Answer>>) -> Self {
        Self { script: Mutex::new(script.into()), ..Self::default() }
    }

    fn answer(&self, entries: usize) -> Result<EntryResults, CallError> {
        let refused = || CallError::new(ErrorClass::Refused, "ReceiptHandleIsInvalid");
        match self.script.lock().unwrap().pop_front() {
            None => Ok(vec![Ok(()); entries]),
            Some(Answer::Unavailable) => Err(CallError::new(ErrorClass::Unavailable, "timeout")),
            Some(Answer::TooShort) => Ok(vec![Ok(()); entries - 1]),
            Some(Answer::Refused) => Ok(vec![Err(refused()); entries]),
        }
    }
}

impl ConfirmationQueue for Queue {
    async fn receive(&self, _: u32, _: Duration) -> Result<Vec<Message>, CallError> {
        unreachable!()
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        self.deletes.lock().unwrap().push(handles.iter().map(|handle| handle.0.clone()).collect());
        self.answer(handles.len())
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        self.delays.lock().unwrap().extend(entries.iter().map(|(handle, delay)| (handle.0.clone(), *delay)));
        self.answer(entries.len())
    }

    async fn quarantine(&self, entry: Quarantine<'_>) -> Result<(), CallError> {
        if self.dead_letter_queue_is_full {
            return Err(CallError::new(ErrorClass::Throttled, "OverLimit"));
        }
        self.quarantined.lock().unwrap().push(entry.message.id.clone());
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        unreachable!()
    }
}

/// What was done, and how it was counted.
struct Settled {
    deletes: Vec<Vec<String>>,
    delays: Vec<(String, Duration)>,
    quarantined: Vec<String>,
    ended: Vec<(&'static str, u64)>,
    failed_deletes: u64,
    took: Duration,
}

/// Settles one message of each fate, whose leases are as old as told.
async fn settled(queue: Queue, age: Duration, happened: Vec<Happened>) -> Settled {
    let shared = Arc::new(fixture::shared(queue, NoTable, fixture::settings()));
    let (fates, decided) = mpsc::channel(100);
    let mut deliveries = Vec::new();
    for nth in 0..happened.len() {
        deliveries.push(fixture::delivery(&shared, &nth, shared.settings.visibility_timeout).await);
    }
    sleep(age).await;
    for (delivery, happened) in deliveries.into_iter().zip(happened) {
        fates.try_send(Fate::single(delivery, happened)).ok().unwrap();
    }
    drop(fates);
    settle_all(&shared, decided).await
}

async fn settle_all(shared: &Arc<Shared<Queue, NoTable>>, decided: mpsc::Receiver<Fate>) -> Settled {
    let begun = Instant::now();
    run(Arc::clone(shared), decided).await;
    assert_eq!(shared.leases.in_flight(), 0);
    let counts = shared.stats.snapshot(Instant::now());
    Settled {
        deletes: shared.queue.deletes.lock().unwrap().clone(),
        delays: shared.queue.delays.lock().unwrap().clone(),
        quarantined: shared.queue.quarantined.lock().unwrap().clone(),
        ended: counts.ended().map(|(outcome, count)| (outcome.name(), count)).collect(),
        failed_deletes: counts.failed_deletes,
        took: begun.elapsed(),
    }
}

fn created() -> Happened {
    Happened::Inserted(Inserted::Created)
}

fn failed() -> Happened {
    Happened::Failed(CallError::new(ErrorClass::Unavailable, "timeout"))
}

fn rejected() -> Happened {
    Happened::Rejected(Rejection::new(Reason::NotJson, ""))
}

#[tokio::test(start_paused = true)]
async fn each_fate_has_its_end() {
    let Settled { deletes, delays, quarantined, ended, failed_deletes, took } =
        settled(Queue::default(), Duration::ZERO, vec![created(), failed(), rejected(), Happened::Stopped])
            .await;
    // What was quarantined is deleted too.
    assert_eq!(deletes, [["0", "2"]]);
    assert_eq!(quarantined, ["2"]);
    assert!(matches!(&delays[..], [(failed, delay), (stopped, Duration::ZERO)]
        if (failed.as_str(), stopped.as_str()) == ("1", "3") && *delay >= Duration::from_millis(500)));
    assert_eq!(ended, [("created", 1), ("rejected", 1), ("retried", 1), ("released", 1)]);
    assert_eq!((failed_deletes, took), (0, Duration::ZERO), "the last flush waits for nobody");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_no_longer_ours_is_left_alone() {
    let age = fixture::settings().visibility_timeout;
    let settled = settled(Queue::default(), age, vec![created(), failed(), rejected()]).await;
    assert_eq!((settled.deletes.len(), settled.delays.len(), settled.quarantined.len()), (0, 0, 0));
    assert_eq!(settled.ended, [("created", 1), ("retried", 1), ("lease_lost", 1)]);
    assert_eq!(settled.failed_deletes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_leaders_fate_is_his_followers_and_every_receipt_is_settled() {
    let shared = Arc::new(fixture::shared(Queue::default(), NoTable, fixture::settings()));
    let (fates, decided) = mpsc::channel(1);
    let mut deliveries = Vec::new();
    for nth in 0..3 {
        deliveries.push(fixture::delivery(&shared, &nth, shared.settings.visibility_timeout).await);
    }
    fates.try_send(Fate { deliveries, profile: None, happened: created() }).ok().unwrap();
    drop(fates);
    let settled = settle_all(&shared, decided).await;
    assert_eq!(settled.deletes, [["0", "1", "2"]]);
    assert_eq!(settled.ended, [("created", 1), ("already_present", 2)]);
}

#[tokio::test(start_paused = true)]
async fn only_entries_that_were_not_answered_for_are_settled_by_another_call() {
    let settled =
        settled(Queue::scripted([Answer::TooShort]), Duration::ZERO, vec![created(), created(), created()])
            .await;
    assert_eq!(settled.deletes, [vec!["0", "1", "2"], vec!["2"]]);
    assert_eq!((settled.ended, settled.failed_deletes), (vec![("created", 3)], 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_is_made_again_for_a_while_and_then_the_message_comes_back_by_itself() {
    let twice = settled(Queue::scripted([Answer::Unavailable; 2]), Duration::ZERO, vec![created()]).await;
    assert_eq!((twice.deletes.len(), twice.failed_deletes), (3, 0));
    let never = settled(Queue::scripted([Answer::Unavailable; 1000]), Duration::ZERO, vec![created()]).await;
    assert_eq!((never.ended, never.failed_deletes), (vec![("created", 1)], 1));
    assert!(never.took >= PATIENCE && never.took <= PATIENCE + RETRY.max_interval, "{:?}", never.took);
    assert!((10..=30).contains(&never.deletes.len()), "{} calls", never.deletes.len());
    let late = Duration::from_secs(55);
    let late = settled(Queue::scripted([Answer::Unavailable; 1000]), late, vec![created()]).await;
    assert!(late.took <= Duration::from_secs(5) + RETRY.max_interval, "deleted with a lease that was lost");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_refused_is_not_tried_again() {
    let settled = settled(
        Queue::scripted([Answer::Refused, Answer::Refused]),
        Duration::ZERO,
        vec![created(), failed()],
    )
    .await;
    assert_eq!((settled.deletes.len(), settled.delays.len()), (1, 1));
    // What was to be delayed comes back by its timeout, which is no delete that failed.
    assert_eq!((settled.ended, settled.failed_deletes), (vec![("created", 1), ("retried", 1)], 1));
}

#[tokio::test(start_paused = true)]
async fn what_the_dead_letter_queue_does_not_take_is_delayed_and_not_deleted() {
    let queue = Queue { dead_letter_queue_is_full: true, ..Queue::default() };
    let settled = settled(queue, Duration::ZERO, vec![rejected()]).await;
    assert_eq!(settled.deletes.len(), 0, "deleted, and nobody will ever know");
    assert!(matches!(&settled.delays[..], [(_, delay)] if *delay >= Duration::from_secs(15)));
    assert_eq!(settled.ended, [("retried", 1)]);
}

#[tokio::test(start_paused = true)]
async fn ten_go_at_once_and_the_rest_within_the_linger() {
    let shared = Arc::new(fixture::shared(Queue::default(), NoTable, fixture::settings()));
    let (fates, decided) = mpsc::channel(100);
    let settling = tokio::spawn(run(Arc::clone(&shared), decided));
    for nth in 0..23 {
        let delivery = fixture::delivery(&shared, &nth, shared.settings.visibility_timeout).await;
        fates.send(Fate::single(delivery, created())).await.ok().unwrap();
    }
    let calls = || shared.queue.deletes.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    sleep(shared.settings.linger.mul_f64(FOR_COMPANY / 2.0)).await;
    assert_eq!(calls(), [10, 10]);
    sleep(shared.settings.linger.mul_f64(FOR_COMPANY)).await;
    assert_eq!(calls(), [10, 10, 3]);
    drop(fates);
    settling.await.unwrap();
    assert_eq!(calls(), [10, 10, 3]);
}
