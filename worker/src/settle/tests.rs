//! Settling against a queue that only counts: a receipt that is no longer ours is left alone, whatever was
//! decided over its message.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{Reason, Timestamp};

use super::*;
use crate::pipeline::fixture::{self, NoTable};
use crate::ports::{Depth, Inserted, Message, ReceiptHandle};

#[derive(Default)]
struct Queue {
    deleted: AtomicUsize,
    delayed: AtomicUsize,
    quarantined: AtomicUsize,
}

impl ConfirmationQueue for Queue {
    async fn receive(&self, _: u32, _: Duration) -> Result<Vec<Message>, CallError> {
        unreachable!()
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        self.deleted.fetch_add(handles.len(), Ordering::Relaxed);
        Ok(vec![Ok(()); handles.len()])
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        self.delayed.fetch_add(entries.len(), Ordering::Relaxed);
        Ok(vec![Ok(()); entries.len()])
    }

    async fn quarantine(&self, _: Quarantine<'_>) -> Result<(), CallError> {
        self.quarantined.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        unreachable!()
    }
}

/// Settles one message of each fate, whose leases are as old as told; what was deleted, delayed and
/// quarantined, and the outcomes that occurred.
async fn settled(age: Duration) -> ([usize; 3], Vec<(&'static str, u64)>, u64) {
    let shared = Arc::new(fixture::shared(Queue::default(), NoTable, fixture::settings()));
    let received_at = Instant::now();
    tokio::time::sleep(age).await;
    let (fates, decided) = mpsc::channel(10);
    let happened = [
        Happened::Inserted(Inserted::Created),
        Happened::Failed(CallError::new(ErrorClass::Unavailable, "timeout")),
        Happened::Rejected(Rejection::new(Reason::NotJson, "")),
    ];
    let permits = shared.permits.acquire(happened.len(), Duration::ZERO).await;
    for ((nth, happened), permit) in happened.into_iter().enumerate().zip(permits) {
        let now = Timestamp::from_epoch_ms(0).unwrap();
        let message = Message {
            id: nth.to_string(),
            handle: ReceiptHandle(nth.to_string()),
            body: String::new(),
            receive_count: 1,
            sent_at: now,
            first_received_at: now,
            traceparent: None,
        };
        let visibility = shared.settings.visibility_timeout;
        let delivery = Delivery::new(message, received_at, visibility, &shared.leases, permit);
        fates.try_send(Fate::single(delivery, happened)).ok().unwrap();
    }
    drop(fates);
    run(Arc::clone(&shared), decided).await;
    assert_eq!(shared.leases.in_flight(), 0);
    let Queue { deleted, delayed, quarantined } = &shared.queue;
    let counts = shared.stats.snapshot(Instant::now());
    let ended = counts.ended().map(|(outcome, count)| (outcome.name(), count)).collect();
    let acts = [deleted, delayed, quarantined].map(|count| count.load(Ordering::Relaxed));
    (acts, ended, counts.failed_deletes)
}

#[tokio::test(start_paused = true)]
async fn each_fate_has_its_end() {
    let (acts, ended, failed_deletes) = settled(Duration::ZERO).await;
    // What was quarantined is deleted too.
    assert_eq!(acts, [2, 1, 1]);
    assert_eq!((ended, failed_deletes), (vec![("created", 1), ("rejected", 1), ("retried", 1)], 0));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_no_longer_ours_is_left_alone() {
    let (acts, ended, failed_deletes) = settled(fixture::settings().visibility_timeout).await;
    assert_eq!(acts, [0, 0, 0]);
    assert_eq!((ended, failed_deletes), (vec![("created", 1), ("retried", 1), ("lease_lost", 1)], 1));
}
