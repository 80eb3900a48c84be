//! The write stage: takes batches, writes them, several at once, and tells each member what happened.
//! How an item gets into the table is [`crate::insert`]'s business; here is who waits for it.

use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, Timestamp};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::decide::fold::Group;
use crate::decide::settlement::Happened;
use crate::delivery::Delivery;
use crate::insert::{Answer, Inserter, Knowledge};
use crate::pipeline::{Shared, WriteStrategy};
use crate::ports::{ConfirmationQueue, Inserted, ProfileTable};
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

/// Write calls on their way at once. DynamoDB answers in single milliseconds, so this is thousands of
/// items a second one by one, and its table's quota in batches.
const SLOTS: usize = 64;

/// Writes until its input closes and every write is done.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    mut batched: mpsc::Receiver<Vec<Group<Member>>>,
    fates: mpsc::Sender<Fate>,
) {
    let slots = Arc::new(Semaphore::new(SLOTS));
    let knowledge = Arc::new(Knowledge::default());
    let mut writes = JoinSet::new();
    while let Some(batch) = batched.recv().await {
        for call in calls(shared.settings.write_strategy, batch) {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            while let Some(write) = writes.try_join_next() {
                events::if_failed(&write);
            }
            let (shared, fates, knowledge) = (Arc::clone(&shared), fates.clone(), Arc::clone(&knowledge));
            writes.spawn(async move {
                write(&shared, &knowledge, call, &fates).await;
                drop(slot);
            });
        }
    }
    while let Some(write) = writes.join_next().await {
        events::if_failed(&write);
    }
}

/// Which items share a call.
fn calls<M>(strategy: WriteStrategy, batch: Vec<Group<M>>) -> Vec<Vec<Group<M>>> {
    match strategy {
        WriteStrategy::Put => batch.into_iter().map(|group| vec![group]).collect(),
        WriteStrategy::Auto | WriteStrategy::Batch => vec![batch],
    }
}

/// One call's worth of items, for the members whose lease is still held.
async fn write<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    knowledge: &Knowledge,
    groups: Vec<Group<Member>>,
    fates: &mpsc::Sender<Fate>,
) {
    let now = Instant::now();
    let mut deadline = now + shared.settings.write_deadline;
    let mut waiting: Vec<(Profile, Vec<Member>)> = Vec::with_capacity(groups.len());
    for group in groups {
        let (held, lapsed): (Vec<_>, Vec<_>) =
            group.members.into_iter().partition(|member| member.delivery.lease.is_held(now));
        for member in lapsed {
            drop(fates.send(Fate::single(member.delivery, Happened::Expired)).await);
        }
        if let Some(until) = held.iter().map(|member| member.delivery.lease.until()).min() {
            deadline = deadline.min(until);
            waiting.push((group.profile, held));
        }
    }
    let inserter = Inserter { shared, knowledge, deadline };
    let profiles: Vec<&Profile> = waiting.iter().map(|(profile, _)| profile).collect();
    let answers = match (shared.settings.write_strategy, profiles.as_slice()) {
        (WriteStrategy::Auto | WriteStrategy::Put, [profile]) => vec![inserter.one(profile).await],
        (_, profiles) => inserter.several(profiles).await,
    };
    for ((profile, members), answer) in waiting.into_iter().zip(answers) {
        tell(shared, profile, members, answer, fates).await;
    }
}

async fn tell<Q, T>(
    shared: &Shared<Q, T>,
    profile: Profile,
    members: Vec<Member>,
    answer: Answer,
    fates: &mpsc::Sender<Fate>,
) {
    let happened = match answer {
        Ok(inserted) => {
            if inserted == Inserted::Created {
                observe_latency(shared, &members);
            }
            Happened::Inserted(inserted)
        }
        Err(happened) => happened,
    };
    let deliveries = members.into_iter().map(|member| member.delivery).collect();
    drop(fates.send(Fate { deliveries, profile: Some(Box::new(profile)), happened }).await);
}

/// The latency objective counts from the confirmation, on the wall clock the trigger wrote it by.
fn observe_latency<Q, T>(shared: &Shared<Q, T>, members: &[Member]) {
    let Some(leader) = members.first().filter(|leader| leader.live) else { return };
    let elapsed_ms = jiff::Timestamp::now().as_millisecond() - leader.observed_at.epoch_ms();
    shared.stats.on_profile(Duration::from_millis(u64::try_from(elapsed_ms).unwrap_or(0)));
}
