//! The source. Takes permits before it asks for messages, so that a slow table stops the polling and
//! work waits in SQS, where waiting is free; decodes each message alone. How many polls are in the air
//! is decided by [`Receivers`].
//!
//! While the breaker is open it asks for nothing, unless next to nothing is in hand to find out with: then
//! for one message. It must never abandon a poll in the air: SQS may already have handed its messages to
//! us, and they would be stranded for a whole visibility timeout.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::decide::breaker::Poll;
use crate::decide::decode::{Decoded, Write};
use crate::decide::receivers::{Answer, Receivers};
use crate::decide::settlement::Happened;
use crate::delivery::Delivery;
use crate::gate::Gate;
use crate::permits::Permit;
use crate::pipeline::Shared;
use crate::ports::{CallError, ConfirmationQueue, ProfileTable};
use crate::settle::Fate;
use crate::stats::Operation;
use crate::telemetry::events;
use crate::verify;

/// What one receive brought, decoded.
pub struct Arrivals {
    /// The messages that are to become items.
    pub jobs: Vec<Job>,
    /// More are to be expected within the linger.
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

/// A receiver that waits for the table shows this often that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// What a poll may do.
struct Leave {
    permits: Vec<Permit>,
    /// For a message to probe the table with.
    invited: bool,
}

/// A poll that was answered.
struct Answered {
    jobs: Vec<Job>,
    asked_at: Instant,
    answer: Answer,
    invited: bool,
    /// Why there was no answer.
    error: Option<CallError>,
}

impl Answered {
    fn failed(asked_at: Instant, invited: bool, error: Option<CallError>) -> Self {
        Self { jobs: Vec::new(), asked_at, answer: Answer::Failed, invited, error }
    }
}

/// Where messages go from here.
pub struct Ways {
    /// Those that are to become items.
    pub arrivals: mpsc::Sender<Arrivals>,
    /// Those whose users are to be asked after first; without it, all are written.
    pub late: Option<mpsc::Sender<Job>>,
    /// Those whose fate is known.
    pub fates: mpsc::Sender<Fate>,
}

/// Receives until `stop`. When it ends no poll is in the air, and what is held for a table that fails can be
/// given back without being received here again.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    ways: Ways,
    stop: CancellationToken,
) {
    let ways = Arc::new(ways);
    receive(&shared, &ways, &stop).await;
    shared.gate.stop_holding();
}

async fn receive<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Arc<Shared<Q, T>>,
    ways: &Arc<Ways>,
    stop: &CancellationToken,
) {
    let settings = &shared.settings;
    let mut receivers = Receivers::new(settings.max_receivers, settings.linger, settings.wait_time);
    let mut polls: JoinSet<Answered> = JoinSet::new();
    loop {
        let wanted = !stop.is_cancelled() && receivers.wants_another(shared.permits.receivers());
        let leave = stop.run_until_cancelled(leave_to_poll(shared, receivers.not_before()));
        tokio::select! {
            biased;
            Some(poll) = polls.join_next() => {
                events::if_failed(&poll);
                // A poll that panicked has dropped what it had: the messages come back.
                let answered = poll.unwrap_or_else(|_| Answered::failed(Instant::now(), false, None));
                if ways.arrivals.send(arrived(shared, &mut receivers, answered)).await.is_err() {
                    return;
                }
            }
            () = stop.cancelled(), if polls.is_empty() => return,
            Some(leave) = leave, if wanted => {
                receivers.on_poll();
                polls.spawn(poll(Arc::clone(shared), leave, Arc::clone(ways), stop.clone()));
            }
        }
    }
}

/// Waits until a poll may begin. What it has taken goes back when it is dropped.
async fn leave_to_poll<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    not_before: Option<Instant>,
) -> Leave {
    if let Some(at) = not_before {
        sleep_until(at).await;
    }
    loop {
        // Asked before permits are waited for: through an outage they are all held in hand.
        let invitation = match shared.gate.poll() {
            Poll::Full => None,
            Poll::Invite => Some(Invitation { gate: &shared.gate }),
            Poll::NotBefore(until) => {
                shared.gate.wait(until.min(Instant::now() + SIGN_OF_LIFE)).await;
                shared.stats.on_progress(Instant::now());
                continue;
            }
        };
        let most = if invitation.is_some() { 1 } else { MOST };
        let acquire = shared.permits.acquire(most, shared.settings.linger);
        let Ok(permits) = timeout(SIGN_OF_LIFE, acquire).await else { continue };
        match invitation {
            Some(invitation) => {
                invitation.accept();
                return Leave { permits, invited: true };
            }
            None if !shared.gate.is_open() => return Leave { permits, invited: false },
            None => {}
        }
    }
}

/// The breaker waits for the poll it has let through; one that is not made is handed back.
struct Invitation<'gate> {
    gate: &'gate Gate,
}

impl Invitation<'_> {
    fn accept(self) {
        std::mem::forget(self);
    }
}

impl Drop for Invitation<'_> {
    fn drop(&mut self) {
        self.gate.on_invited(false);
    }
}

/// One ReceiveMessage, and what came of it.
async fn poll<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    leave: Leave,
    ways: Arc<Ways>,
    stop: CancellationToken,
) -> Answered {
    let Leave { permits, invited } = leave;
    let asked = permits.len();
    // Counted from before the request: SQS starts its clock when it answers, or before.
    let asked_at = Instant::now();
    if shared.gate.is_open() && !invited {
        // It has opened since leave was given.
        let answer = Answer::Brought { messages: 0, asked };
        return Answered { jobs: Vec::new(), asked_at, answer, invited, error: None };
    }
    shared.stats.on_poll(asked_at, shared.gate.is_open() && !invited);
    let max = u32::try_from(asked).unwrap_or(1);
    let receive = shared.queue.receive(max, shared.settings.wait_time);
    let mut received = match shared.stats.instruments.receiving(receive).await {
        Ok(received) => received,
        Err(error) => {
            shared.stats.on_error(Instant::now(), Operation::Receive, error.class);
            return Answered::failed(asked_at, invited, Some(error));
        }
    };
    // Whatever a server hands out, each message in hand has a permit.
    received.truncate(asked);
    let oldest = received.iter().map(|message| message.sent_at).min().map(age);
    shared.stats.on_receive(Instant::now(), received.len(), oldest);
    let answer = Answer::Brought { messages: received.len(), asked };
    let mut jobs = Vec::with_capacity(received.len());
    for (message, permit) in received.into_iter().zip(permits) {
        let mut delivery =
            Delivery::new(message, asked_at, shared.settings.visibility_timeout, &shared.leases, permit);
        if stop.is_cancelled() {
            let _ = ways.fates.send(Fate::single(delivery, Happened::Stopped)).await;
            continue;
        }
        match shared.rules.decode(&delivery.message.body, delivery.message.sent_at) {
            Decoded::Write(write) => {
                delivery.origin = write.origin;
                if delivery.message.traceparent.is_none() {
                    delivery.message.traceparent.clone_from(&write.traceparent);
                }
                if write.replayed {
                    shared.stats.on_replay();
                }
                let job = Job { delivery, write };
                match &ways.late {
                    Some(late) if verify::is_late(&job) => drop(late.send(job).await),
                    _ => jobs.push(job),
                }
            }
            Decoded::Ignore(origin) => {
                delivery.origin = origin;
                drop(ways.fates.send(Fate::single(delivery, Happened::Unwanted)).await);
            }
            Decoded::Reject(rejection) => {
                drop(ways.fates.send(Fate::single(delivery, Happened::Rejected(rejection))).await);
            }
        }
    }
    Answered { jobs, asked_at, answer, invited, error: None }
}

/// By the wall clock, as SQS wrote it.
fn age(sent_at: Timestamp) -> Duration {
    let ms = jiff::Timestamp::now().as_millisecond() - sent_at.epoch_ms();
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn arrived<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    receivers: &mut Receivers,
    answered: Answered,
) -> Arrivals {
    let Answered { jobs, asked_at, answer, invited, error } = answered;
    if invited {
        shared.gate.on_invited(!jobs.is_empty());
    }
    let room = shared.permits.has_room(MOST);
    let more = receivers.on_answer(Instant::now(), asked_at, answer, room, fastrand::f64());
    if let Some(error) = error {
        events::receive_failed(&error, receivers.failures());
    }
    // Nobody comes while nobody is out and no write is on its way that would make room.
    let none_can_come = receivers.in_the_air() == 0 && !room && !shared.permits.is_writing();
    Arrivals { jobs, more: more && !none_can_come }
}

#[cfg(test)]
mod tests;
