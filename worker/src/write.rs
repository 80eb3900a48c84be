//! The write stage: takes batches, writes them, several at once, and tells each member what happened.
//! How an item gets into the table is [`crate::insert`]'s business; here is who waits for it, and who is
//! held in hand while the table fails. Nobody is held for longer than the hold budget, nor without a lease.

use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::decide::fold::Group;
use crate::decide::settlement::Happened;
use crate::delivery::Delivery;
use crate::gate::Turn;
use crate::insert::{Answer, Inserter, Knowledge};
use crate::owners::{self, Owners};
use crate::pipeline::{Shared, WriteStrategy};
use crate::ports::{ConfirmationQueue, Inserted, ProfileTable, StoredOwner};
use crate::settle::Fate;
use crate::telemetry::events;

/// One delivery that waits for a write.
pub struct Member {
    /// The message.
    pub delivery: Delivery,
    /// When its confirmation was observed.
    pub observed_at: Timestamp,
}

/// Writes until its input closes and every write is done.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    mut batched: mpsc::Receiver<Vec<Group<Member>>>,
    fates: mpsc::Sender<Fate>,
) {
    let (knowledge, (owners, asked)) = (Arc::new(Knowledge::default()), owners::pool());
    let owners = Arc::new(owners);
    // Each of them holds permits, which bounds their number.
    let mut writes = JoinSet::new();
    writes.spawn(owners::run(Arc::clone(&shared), asked));
    while let Some(batch) = batched.recv().await {
        while let Some(write) = writes.try_join_next() {
            events::if_failed(&write);
        }
        for call in calls(shared.settings.write_strategy, batch) {
            let (shared, knowledge, owners) =
                (Arc::clone(&shared), Arc::clone(&knowledge), Arc::clone(&owners));
            writes.spawn(write(shared, knowledge, owners, call, fates.clone()));
        }
    }
    // The last write to end takes the last of them with it, and nobody can ask any more.
    drop(owners);
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

/// One call's worth of items has its turn.
async fn write<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    knowledge: Arc<Knowledge>,
    owners: Arc<Owners>,
    groups: Vec<Group<Member>>,
    fates: mpsc::Sender<Fate>,
) {
    let (instruments, begun) = (shared.stats.instruments.clone(), Instant::now());
    let turn = instruments.traces.processing(members(&groups).map(|member| &member.delivery.message));
    let work = until_answered(shared, knowledge, owners, groups, fates);
    instruments.traces.within(turn.as_ref(), work).await;
    instruments.on_processed(begun.elapsed());
}

/// Until each item has an answer. Through an outage they are held here, and may be
/// asked to probe the table, one item at a time.
async fn until_answered<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    knowledge: Arc<Knowledge>,
    owners: Arc<Owners>,
    mut groups: Vec<Group<Member>>,
    fates: mpsc::Sender<Fate>,
) {
    let held_until = Instant::now() + shared.settings.hold_budget;
    loop {
        groups = part_with_the_lapsed(groups, &fates).await;
        let Some(lapses) = members(&groups).map(|member| member.delivery.lease.until()).min() else { return };
        let answers = match shared.gate.turn(lapses.min(held_until)).await {
            Turn::TimeUp if Instant::now() < held_until => continue,
            // Asked for a turn before it is given up: with no time at all it has been a probe once.
            Turn::TimeUp => return tell_all(&shared, groups, &Happened::HeldTooLong, &fates).await,
            Turn::Stopped => return tell_all(&shared, groups, &Happened::Stopped, &fates).await,
            Turn::Pass => {
                let ready = Instant::now();
                let _slot = shared.permits.slot().await;
                groups = part_with_the_lapsed(groups, &fates).await;
                insert(&shared, &knowledge, ready, &groups).await
            }
            Turn::Probe => {
                groups = part_with_the_lapsed(groups, &fates).await;
                insert(&shared, &knowledge, Instant::now(), groups.get(..1).unwrap_or_default()).await
            }
        };
        let (mut failed, mut unowned) = (Vec::new(), Vec::new());
        let mut untried = groups.into_iter();
        for (answer, group) in answers.into_iter().zip(&mut untried) {
            match answer {
                Ok(Inserted::Exists(StoredOwner::NotTold)) => unowned.push(group),
                Err(happened) if is_to_wait(&shared, &happened) => failed.push(group),
                answer => tell(&shared, group, answer, &fates).await,
            }
        }
        match owners_of(&shared, &owners, &unowned).await {
            Ok(owners) => {
                for (group, owner) in unowned.into_iter().zip(owners) {
                    tell(&shared, group, Ok(Inserted::Exists(owner)), &fates).await;
                }
            }
            Err(happened) if is_to_wait(&shared, &happened) => failed.extend(unowned),
            Err(happened) => tell_all(&shared, unowned, &happened, &fates).await,
        }
        // What was tried goes to the end, so that each probe is another item.
        groups = untried.chain(failed).collect();
    }
}

/// Gets one call's worth of items into the table.
async fn insert<Q: ConfirmationQueue, T: ProfileTable>(
    shared: &Shared<Q, T>,
    knowledge: &Knowledge,
    ready: Instant,
    groups: &[Group<Member>],
) -> Vec<Answer> {
    let inserter = Inserter { shared, knowledge, ready, deadline: deadline(shared, groups) };
    let profiles: Vec<&Profile> = groups.iter().map(|group| &group.profile).collect();
    match (shared.settings.write_strategy, profiles.as_slice()) {
        (_, []) => Vec::new(),
        (WriteStrategy::Auto | WriteStrategy::Put, [profile]) => vec![inserter.one(profile).await],
        (_, profiles) => inserter.several(profiles).await,
    }
}

/// Whether it is to be tried again when the table is well.
fn is_to_wait<Q, T>(shared: &Shared<Q, T>, happened: &Happened) -> bool {
    match happened {
        Happened::TurnedAway => true,
        Happened::Failed(_) => shared.gate.is_open(),
        _ => false,
    }
}

/// Whose the rows are that were there first; `NotTold` where nobody cares.
async fn owners_of<Q, T>(
    shared: &Shared<Q, T>,
    owners: &Owners,
    groups: &[Group<Member>],
) -> Result<Vec<StoredOwner>, Happened> {
    if groups.is_empty() || shared.rules.model.owner_attribute().is_none() {
        return Ok(vec![StoredOwner::NotTold; groups.len()]);
    }
    let keys = groups.iter().map(|group| group.profile.key.clone()).collect();
    owners.of(shared, keys, deadline(shared, groups)).await
}

/// When to give up: inside every lease.
fn deadline<Q, T>(shared: &Shared<Q, T>, groups: &[Group<Member>]) -> Instant {
    let leases = members(groups).map(|member| member.delivery.lease.until());
    leases.fold(Instant::now() + shared.settings.write_deadline, Instant::min)
}

/// Leaves those alone whose lease is lost.
async fn part_with_the_lapsed(groups: Vec<Group<Member>>, fates: &mpsc::Sender<Fate>) -> Vec<Group<Member>> {
    let now = Instant::now();
    let mut kept = Vec::with_capacity(groups.len());
    for Group { profile, members } in groups {
        let (held, lapsed): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.delivery.lease.is_held(now));
        for member in lapsed {
            drop(fates.send(Fate::single(member.delivery, Happened::Expired)).await);
        }
        if !held.is_empty() {
            kept.push(Group { profile, members: held });
        }
    }
    kept
}

async fn tell_all<Q, T>(
    shared: &Shared<Q, T>,
    groups: Vec<Group<Member>>,
    happened: &Happened,
    fates: &mpsc::Sender<Fate>,
) {
    for group in groups {
        tell(shared, group, Err(happened.clone()), fates).await;
    }
}

fn members(groups: &[Group<Member>]) -> impl Iterator<Item = &Member> {
    groups.iter().flat_map(|group| &group.members)
}

async fn tell<Q, T>(shared: &Shared<Q, T>, group: Group<Member>, answer: Answer, fates: &mpsc::Sender<Fate>) {
    let Group { profile, members } = group;
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
    let Some(leader) = members.first() else { return };
    let elapsed_ms = jiff::Timestamp::now().as_millisecond() - leader.observed_at.epoch_ms();
    let latency = Duration::from_millis(u64::try_from(elapsed_ms).unwrap_or(0));
    shared.stats.on_profile(Instant::now(), leader.delivery.origin, latency);
}

#[cfg(test)]
mod tests;
