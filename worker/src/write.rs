//! Writes items, each only if it is absent. Retries belong here alone: the SDK's are off on this
//! path, so that every attempt stays inside the lease and is counted once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Profile, Timestamp};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::decide::backoff::Policy;
use crate::decide::fold::Group;
use crate::decide::rejections::Rejections;
use crate::decide::settlement::{Happened, is_refusal};
use crate::delivery::Delivery;
use crate::pipeline::Shared;
use crate::ports::{CallError, ConfirmationQueue, ErrorClass, Inserted, ProfileTable};
use crate::settle::Fate;
use crate::telemetry::events;

/// One delivery that waits for a write.
pub struct Member {
    /// The message.
    pub delivery: Delivery,
    /// When its confirmation was observed.
    pub observed_at: Timestamp,
    /// Whether a user waits for it now.
    pub live: bool,
}

/// Writes on their way at once. DynamoDB answers in single milliseconds, so this is thousands a second.
const SLOTS: usize = 64;

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(50),
    multiplier: 2.0,
    max_interval: Duration::from_secs(2),
    max_elapsed_time: None,
};

/// Writes until its input closes and every write is done.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    mut batched: mpsc::Receiver<Vec<Group<Member>>>,
    fates: mpsc::Sender<Fate>,
) {
    let slots = Arc::new(Semaphore::new(SLOTS));
    let rejections = Arc::new(Mutex::new(Rejections::default()));
    let mut writes = JoinSet::new();
    while let Some(batch) = batched.recv().await {
        for group in batch {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            while let Some(write) = writes.try_join_next() {
                events::if_failed(&write);
            }
            let (shared, fates, rejections) = (Arc::clone(&shared), fates.clone(), Arc::clone(&rejections));
            writes.spawn(async move {
                write_group(&shared, &rejections, group, &fates).await;
                drop(slot);
            });
        }
    }
    while let Some(write) = writes.join_next().await {
        events::if_failed(&write);
    }
}

/// One write, for the members whose lease is still held.
async fn write_group<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    rejections: &Mutex<Rejections>,
    group: Group<Member>,
    fates: &mpsc::Sender<Fate>,
) {
    let now = Instant::now();
    let (held, lapsed): (Vec<_>, Vec<_>) =
        group.members.into_iter().partition(|member| member.delivery.lease.is_held(now));
    for member in lapsed {
        drop(fates.send(Fate::single(member.delivery, Happened::Expired)).await);
    }
    let Some(lease_until) = held.iter().map(|member| member.delivery.lease.until()).min() else { return };
    let deadline = lease_until.min(now + shared.settings.write_deadline);
    let happened = match insert(shared, rejections, &group.profile, deadline).await {
        Ok(inserted) => {
            if inserted == Inserted::Created {
                observe_latency(shared, &held);
            }
            Happened::Inserted(inserted)
        }
        Err(happened) => happened,
    };
    let deliveries = held.into_iter().map(|member| member.delivery).collect();
    drop(fates.send(Fate { deliveries, profile: Some(Box::new(group.profile)), happened }).await);
}

/// Tries until there is an answer about the item, or no time left.
async fn insert<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    rejections: &Mutex<Rejections>,
    profile: &Profile,
    deadline: Instant,
) -> Result<Inserted, Happened> {
    // Waiting for the table is done in the queue, not here.
    if shared.gate.holds_back() {
        return Err(Happened::Failed(CallError::new(ErrorClass::Unavailable, "breaker_open")));
    }
    let timed_out = || CallError::new(ErrorClass::Unavailable, "write_deadline");
    let mut failures = 0;
    loop {
        // A write that took effect though its answer was lost is found present by the next attempt,
        // or, when time is up, by the next delivery.
        let attempt = timeout_at(deadline, shared.table.insert(profile));
        let Some(answer) = shared.give_up.run_until_cancelled(attempt).await else {
            return Err(Happened::Stopped);
        };
        let error = match answer.unwrap_or_else(|_| Err(timed_out())) {
            Ok(inserted) => {
                shared.gate.on_answer();
                rejections.lock().unwrap_or_else(PoisonError::into_inner).on_success();
                return Ok(inserted);
            }
            Err(error) => error,
        };
        failures += 1;
        shared.stats.on_error("write", error.class);
        events::write_failed(&error, failures);
        if is_refusal(&error) {
            let blamed = rejections.lock().unwrap_or_else(PoisonError::into_inner).on_refusal();
            if blamed {
                return Err(Happened::Refused(error));
            }
        }
        shared.gate.on_failure(&error);
        let delay = RETRY.delay(failures, fastrand::f64());
        if shared.gate.holds_back() || Instant::now() + delay >= deadline {
            return Err(Happened::Failed(error));
        }
        if shared.give_up.run_until_cancelled(sleep(delay)).await.is_none() {
            return Err(Happened::Stopped);
        }
    }
}

/// The latency objective counts from the confirmation, on the wall clock the trigger wrote it by.
fn observe_latency<Q, T>(shared: &Shared<Q, T>, members: &[Member]) {
    let Some(leader) = members.first().filter(|leader| leader.live) else { return };
    let elapsed_ms = jiff::Timestamp::now().as_millisecond() - leader.observed_at.epoch_ms();
    shared.stats.on_profile(Duration::from_millis(u64::try_from(elapsed_ms).unwrap_or(0)));
}
