//! The write stage: takes batches, writes them, several at once, and tells each member what happened, as
//! soon as it has. What failed is tried again, together with what failed elsewhere, inside the lease; retries
//! belong here alone. How an item gets into the table is [`crate::insert`]'s business; here is who waits for
//! it, and who is held in hand while the table fails: not for longer than the hold budget, nor without a lease.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::decide::again::Again;
use crate::decide::backoff::Policy;
use crate::decide::batcher::is_suspect;
use crate::decide::fold::Group;
use crate::decide::settlement::{Happened, is_refusal};
use crate::delivery::Delivery;
use crate::gate::Turn;
use crate::insert::{Answer, Inserter, Knowledge};
use crate::owners::{self, Owners};
use crate::pipeline::{Shared, WriteStrategy};
use crate::ports::{ConfirmationQueue, Inserted, MOST_INSERTS, ProfileTable, StoredOwner};
use crate::settle::Fate;
use crate::telemetry::events;

/// One delivery that waits for a write.
pub struct Member {
    /// The message.
    pub delivery: Delivery,
    /// When its confirmation was observed.
    pub observed_at: Timestamp,
    /// How often it was tried.
    pub tries: Tries,
}

/// Attempts of one write so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tries {
    failures: u32,
    since: Option<Instant>,
}

/// An item to be tried again.
struct Later {
    at: Instant,
    group: Group<Member>,
    alone: bool,
}

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(50),
    multiplier: 2.0,
    max_interval: Duration::from_secs(2),
    max_elapsed_time: None,
};

/// Who is tried again may go so much sooner than was drawn for him, with others: what chance takes off the first
/// interval at most.
const EARLY: Duration = Duration::from_millis(25);

/// What every write needs.
struct Stage<Q, T> {
    shared: Arc<Shared<Q, T>>,
    knowledge: Knowledge,
    owners: Owners,
    fates: mpsc::Sender<Fate>,
}

/// Writes until its input closes and every write is done.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable>(
    shared: Arc<Shared<Q, T>>,
    mut batched: mpsc::Receiver<Vec<Group<Member>>>,
    fates: mpsc::Sender<Fate>,
) {
    let (owners, asked) = owners::pool();
    let mut reads = JoinSet::new();
    reads.spawn(owners::run(Arc::clone(&shared), asked));
    let stage = Arc::new(Stage { shared, knowledge: Knowledge::default(), owners, fates });
    // Each of them holds permits, which bounds their number, and that of those that wait to be tried again.
    let mut writes = JoinSet::new();
    let mut again = Again::new(MOST_INSERTS, EARLY);
    let mut open = true;
    while open || !writes.is_empty() || !again.is_empty() {
        let due = again.next();
        tokio::select! {
            biased;
            Some(ended) = writes.join_next() => {
                events::if_failed(&ended);
                for Later { at, group, alone } in ended.unwrap_or_default() {
                    again.push(at, group, alone);
                }
            }
            now = due_or_given_up(due, &stage.shared.give_up), if due.is_some() => {
                while let Some(groups) = again.due(now) {
                    writes.spawn(write(Arc::clone(&stage), groups));
                }
            }
            batch = batched.recv(), if open => match batch {
                Some(batch) => for call in calls(stage.shared.settings.write_strategy, batch) {
                    writes.spawn(write(Arc::clone(&stage), call));
                },
                None => open = false,
            },
        }
    }
    // The last who could ask.
    drop(stage);
    while let Some(read) = reads.join_next().await {
        events::if_failed(&read);
    }
}

/// Which items share a call.
fn calls<M>(strategy: WriteStrategy, batch: Vec<Group<M>>) -> Vec<Vec<Group<M>>> {
    match strategy {
        WriteStrategy::Put => batch.into_iter().map(|group| vec![group]).collect(),
        WriteStrategy::Auto | WriteStrategy::Batch => vec![batch],
    }
}

/// Waits until then; when everything is given up nobody waits, and each is told so at his attempt.
async fn due_or_given_up(due: Option<Instant>, give_up: &CancellationToken) -> Instant {
    let due = due.unwrap_or_else(Instant::now);
    match give_up.run_until_cancelled(sleep_until(due)).await {
        Some(()) => Instant::now(),
        None => Instant::now() + RETRY.max_interval,
    }
}

/// One call's worth of items has its turn; who is to be tried again comes back.
async fn write<Q: ConfirmationQueue, T: ProfileTable>(
    stage: Arc<Stage<Q, T>>,
    groups: Vec<Group<Member>>,
) -> Vec<Later> {
    let (instruments, begun) = (stage.shared.stats.instruments.clone(), Instant::now());
    let turn = instruments.traces.processing(members(&groups).map(|member| &member.delivery.message));
    let again = instruments.traces.within(turn.as_ref(), stage.until_answered(groups)).await;
    instruments.on_processed(begun.elapsed());
    again
}

impl<Q: ConfirmationQueue, T: ProfileTable> Stage<Q, T> {
    /// Until each item has an answer, or is to be tried again. Through an outage they are held here, and may be
    /// asked to probe the table, one item at a time.
    async fn until_answered(&self, mut groups: Vec<Group<Member>>) -> Vec<Later> {
        let shared = &*self.shared;
        let held_until = Instant::now() + shared.settings.hold_budget;
        let mut again = Vec::new();
        loop {
            groups = self.part_with_the_lapsed(groups).await;
            let Some(lapses) = members(&groups).map(|member| member.delivery.lease.until()).min() else {
                return again;
            };
            if shared.gate.is_open() {
                // Being held is no attempt; what comes after it begins anew.
                groups
                    .iter_mut()
                    .flat_map(|group| &mut group.members)
                    .for_each(|member| member.tries = Tries::default());
            }
            let answers = match shared.gate.turn(lapses.min(held_until)).await {
                Turn::TimeUp if Instant::now() < held_until => continue,
                // Asked for a turn before it is given up: with no time at all it has been a probe once.
                Turn::TimeUp => {
                    self.tell_all(groups, &Happened::HeldTooLong).await;
                    return again;
                }
                Turn::Stopped => {
                    self.tell_all(groups, &Happened::Stopped).await;
                    return again;
                }
                Turn::Pass => {
                    let ready = Instant::now();
                    let _slot = shared.permits.slot().await;
                    groups = self.part_with_the_lapsed(groups).await;
                    self.insert(ready, &mut groups).await
                }
                Turn::Probe => {
                    groups = self.part_with_the_lapsed(groups).await;
                    self.insert(Instant::now(), groups.get_mut(..1).unwrap_or_default()).await
                }
            };
            let (mut waiting, mut unowned) = (Vec::new(), Vec::new());
            let mut untried = groups.into_iter();
            for (answer, mut group) in answers.into_iter().zip(&mut untried) {
                match answer {
                    Ok(Inserted::Exists(StoredOwner::NotTold)) => unowned.push(group),
                    Err(happened) if is_to_wait(shared, &happened) => waiting.push(group),
                    Err(happened) => match self.next_try(&mut group, &happened) {
                        Some(at) => again.push(Later { at, alone: self.goes_alone(&group), group }),
                        None => self.tell(group, Err(happened)).await,
                    },
                    answer => self.tell(group, answer).await,
                }
            }
            match self.owners_of(&unowned).await {
                Ok(owners) => {
                    for (group, owner) in unowned.into_iter().zip(owners) {
                        self.tell(group, Ok(Inserted::Exists(owner))).await;
                    }
                }
                Err(happened) if is_to_wait(shared, &happened) => waiting.extend(unowned),
                Err(happened) => self.tell_all(unowned, &happened).await,
            }
            // What was tried goes to the end, so that each probe is another item.
            groups = untried.chain(waiting).collect();
        }
    }

    /// Gets one call's worth of items into the table.
    async fn insert(&self, ready: Instant, groups: &mut [Group<Member>]) -> Vec<Answer> {
        let now = Instant::now();
        for member in groups.iter_mut().flat_map(|group| &mut group.members) {
            member.tries.since.get_or_insert(now);
        }
        let ready = counts_from(groups, ready, now);
        let inserter = Inserter {
            shared: &self.shared,
            knowledge: &self.knowledge,
            ready,
            deadline: self.deadline(groups),
        };
        let profiles: Vec<&Profile> = groups.iter().map(|group| &group.profile).collect();
        match (self.shared.settings.write_strategy, profiles.as_slice()) {
            (_, []) => Vec::new(),
            (WriteStrategy::Auto | WriteStrategy::Put, [profile]) => vec![inserter.one(profile).await],
            (_, profiles) => inserter.several(profiles).await,
        }
    }

    /// When to try it again, if there is time. Counts the failure.
    fn next_try(&self, group: &mut Group<Member>, happened: &Happened) -> Option<Instant> {
        let Happened::Failed(error) = happened else { return None };
        if is_refusal(error) {
            return None;
        }
        let failures = group.members.iter().map(|member| member.tries.failures).max().unwrap_or(0) + 1;
        events::write_failed(error, failures);
        let at = Instant::now() + RETRY.delay(failures, fastrand::f64());
        group.members.iter_mut().for_each(|member| member.tries.failures = failures);
        Some(at).filter(|at| *at < self.deadline(slice::from_ref(group)))
    }

    /// Whether its next attempt is shared with nobody, as its first was.
    fn goes_alone(&self, group: &Group<Member>) -> bool {
        let suspect = group.members.iter().any(|member| is_suspect(member.delivery.message.receive_count));
        suspect || self.shared.settings.write_strategy == WriteStrategy::Put
    }

    /// Whose the rows are that were there first; `NotTold` where nobody cares.
    async fn owners_of(&self, groups: &[Group<Member>]) -> Result<Vec<StoredOwner>, Happened> {
        if groups.is_empty() || self.shared.rules.model.owner_attribute().is_none() {
            return Ok(vec![StoredOwner::NotTold; groups.len()]);
        }
        let keys = groups.iter().map(|group| group.profile.key.clone()).collect();
        self.owners.of(&self.shared, keys, self.deadline(groups)).await
    }

    /// When to give up: inside every lease, and when the first of them has been tried for long enough.
    fn deadline(&self, groups: &[Group<Member>]) -> Instant {
        let (now, patience) = (Instant::now(), self.shared.settings.write_deadline);
        let ends = members(groups)
            .map(|member| member.delivery.lease.until().min(member.tries.since.unwrap_or(now) + patience));
        ends.fold(now + patience, Instant::min)
    }

    /// Leaves those alone whose lease is lost.
    async fn part_with_the_lapsed(&self, groups: Vec<Group<Member>>) -> Vec<Group<Member>> {
        let now = Instant::now();
        let mut kept = Vec::with_capacity(groups.len());
        for Group { profile, members } in groups {
            let (held, lapsed): (Vec<_>, Vec<_>) =
                members.into_iter().partition(|member| member.delivery.lease.is_held(now));
            for member in lapsed {
                drop(self.fates.send(Fate::single(member.delivery, Happened::Expired)).await);
            }
            if !held.is_empty() {
                kept.push(Group { profile, members: held });
            }
        }
        kept
    }

    async fn tell_all(&self, groups: Vec<Group<Member>>, happened: &Happened) {
        for group in groups {
            self.tell(group, Err(happened.clone())).await;
        }
    }

    async fn tell(&self, group: Group<Member>, answer: Answer) {
        let Group { profile, members } = group;
        let happened = match answer {
            Ok(inserted) => {
                if inserted == Inserted::Created {
                    observe_latency(&self.shared, &members);
                }
                Happened::Inserted(inserted)
            }
            Err(happened) => happened,
        };
        let deliveries = members.into_iter().map(|member| member.delivery).collect();
        drop(self.fates.send(Fate { deliveries, profile: Some(Box::new(profile)), happened }).await);
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

/// Since when an attempt counts: the wait for a slot tells of the table's speed, but not of what failed before.
fn counts_from(groups: &[Group<Member>], ready: Instant, now: Instant) -> Instant {
    if members(groups).all(|member| member.tries.failures == 0) { ready } else { now }
}

fn members(groups: &[Group<Member>]) -> impl Iterator<Item = &Member> {
    groups.iter().flat_map(|group| &group.members)
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
