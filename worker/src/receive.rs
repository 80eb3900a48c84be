//! The source. Takes permits before it asks for messages, so that a slow table stops the polling and
//! work waits in SQS, where waiting is free; decodes each message alone.
//!
//! While the breaker is open it asks for nothing but a probe: one message at a time. It must never
//! abandon a poll in the air: SQS may already have handed its messages to us, and they
//! would be stranded for a whole visibility timeout.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::decide::backoff::Policy;
use crate::decide::breaker::Poll;
use crate::decide::decode::{Decoded, Write};
use crate::decide::settlement::Happened;
use crate::delivery::Delivery;
use crate::pipeline::Shared;
use crate::ports::{ConfirmationQueue, ProfileTable};
use crate::settle::Fate;
use crate::telemetry::events;

/// What one receive brought, decoded.
pub struct Arrivals {
    /// The messages that are to become items.
    pub jobs: Vec<Job>,
    /// The receive came back full, so the next will bring more at once.
    pub more: bool,
}

/// A message that is to become an item.
pub struct Job {
    /// The message.
    pub delivery: Delivery,
    /// The item.
    pub write: Box<Write>,
}

/// ReceiveMessage hands out at most ten (SQS API reference).
const MOST: usize = 10;

/// After a failed receive. The SDK does not retry receives: this loop owns them, and knows to stop.
const AFTER_FAILURE: Policy = Policy {
    initial_interval: Duration::from_millis(200),
    multiplier: 2.0,
    max_interval: Duration::from_secs(20),
    max_elapsed_time: None,
};

/// A receiver that waits for the table shows this often that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Receives until `stop`.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    permits: Arc<Semaphore>,
    arrivals: mpsc::Sender<Arrivals>,
    fates: mpsc::Sender<Fate>,
    stop: CancellationToken,
) {
    let mut failures = 0;
    while let Some(mut permits) = stop.run_until_cancelled(acquire(&permits)).await.flatten() {
        let poll = shared.gate.poll();
        match poll {
            Poll::Full => {}
            Poll::Probe => permits.truncate(1),
            Poll::NotBefore(until) => {
                drop(permits);
                let awake = Instant::now() + SIGN_OF_LIFE;
                stop.run_until_cancelled(shared.gate.wait(until.min(awake))).await;
                shared.stats.on_progress(Instant::now());
                continue;
            }
        }
        // Counted from before the request: SQS starts its clock when it answers, or before.
        let asked_at = Instant::now();
        shared.stats.on_progress(asked_at);
        let max = u32::try_from(permits.len()).unwrap_or(1);
        let mut received = match shared.queue.receive(max, shared.settings.wait_time).await {
            Ok(received) => received,
            Err(error) => {
                failures += 1;
                shared.stats.on_error(Instant::now(), "receive", error.class);
                events::receive_failed(&error, failures);
                shared.gate.on_empty_probe();
                stop.run_until_cancelled(sleep(AFTER_FAILURE.delay(failures, fastrand::f64()))).await;
                continue;
            }
        };
        failures = 0;
        // Whatever a server hands out, each message in hand has a permit.
        received.truncate(permits.len());
        shared.stats.on_receive(Instant::now(), received.len());
        let more = received.len() == permits.len();
        let mut jobs = Vec::with_capacity(received.len());
        for (message, permit) in received.into_iter().zip(permits) {
            let delivery =
                Delivery::new(message, asked_at, shared.settings.visibility_timeout, &shared.leases, permit);
            if stop.is_cancelled() {
                let _ = fates.send(Fate::single(delivery, Happened::Stopped)).await;
                continue;
            }
            match shared.rules.decode(&delivery.message.body, delivery.message.sent_at) {
                Decoded::Write(write) => jobs.push(Job { delivery, write }),
                Decoded::Ignore => drop(fates.send(Fate::single(delivery, Happened::Unwanted)).await),
                Decoded::Reject(rejection) => {
                    drop(fates.send(Fate::single(delivery, Happened::Rejected(rejection))).await);
                }
            }
        }
        if jobs.is_empty() && poll == Poll::Probe {
            shared.gate.on_empty_probe();
        }
        if arrivals.send(Arrivals { jobs, more }).await.is_err() {
            return;
        }
    }
}

/// Waits for one permit, then takes as many more as are free, up to ten.
async fn acquire(permits: &Arc<Semaphore>) -> Option<Vec<OwnedSemaphorePermit>> {
    let mut taken = vec![Arc::clone(permits).acquire_owned().await.ok()?];
    while taken.len() < MOST {
        match Arc::clone(permits).try_acquire_owned() {
            Ok(permit) => taken.push(permit),
            Err(_) => break,
        }
    }
    Some(taken)
}
