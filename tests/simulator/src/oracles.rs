//! What must be true: while a history is lived, after each worker's life, and in the end. Each says what
//! was promised; none looks at how the worker does it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ProfileKey, Reason};
use tokio::time::Instant;
use worker::outcome::Outcome;
use worker::pipeline::{Ended, Shared};
use worker::stats::Snapshot;

use crate::endpoint::Endpoint;
use crate::model::DeadLetter;
use crate::people::{NEWCOMERS, Sent, What, profile_of};
use crate::plan::Plan;
use crate::trouble::Happening;
use crate::world::State;

/// Violations told of one history.
const MOST_TOLD: usize = 8;

/// SQS has just deleted this message for a worker: what became of it must be durable by now.
pub fn on_deleted(state: &mut State, id: u64) {
    let Some(sent) = state.sent.get(&id).copied() else { return };
    // A row without an owner is a row: nobody else's.
    let unowned = |key: &ProfileKey| state.table.row(key).is_some_and(|row| row.owner.is_none());
    let key = profile_of(sent.user).key;
    let made = || state.table.has_ever_made(&key) || unowned(&key);
    let is_durable = match sent.what {
        What::Reset => true,
        What::SignUp { .. } => made() || is_dead(state, &sent),
        What::Junk | What::Newer => is_dead(state, &sent),
    };
    if !is_durable {
        state.violated(format!("deleted without a durable outcome: message {id}, {sent}"));
    }
}

fn is_dead(state: &State, sent: &Sent) -> bool {
    let body = sent.body();
    state.queue.dead_letters().iter().any(|letter| letter.body == body && letter.note.is_some())
}

/// A worker's life has ended by itself.
pub fn after_life(state: &mut State, worker: usize, ended: Ended, shared: &Shared<Endpoint, Endpoint>) {
    unbalanced(worker, ended, shared).into_iter().for_each(|text| state.violated(text));
}

/// What a worker that has ended by itself leaves open or counts wrong.
pub fn unbalanced<Q, T>(worker: usize, ended: Ended, shared: &Shared<Q, T>) -> Vec<String> {
    let counts = shared.stats.snapshot(Instant::now());
    let mut found = Vec::new();
    let mut violated = |text: String| found.push(format!("worker {worker}: {text}"));
    if ended == Ended::StageFailed {
        violated("a stage failed".into());
    }
    if counts.receives_without_attempt > 0 {
        violated(format!("{} polls while the breaker was open", counts.receives_without_attempt));
    }
    if ended != Ended::Drained {
        return found;
    }
    let outcomes: u64 = Outcome::ALL.iter().map(|outcome| count(&counts, *outcome)).sum();
    if counts.received != outcomes || counts.in_flight > 0 {
        violated(format!("received {}, ended {outcomes}, in flight {}", counts.received, counts.in_flight));
    }
    if shared.leases.in_flight() > 0 || shared.gate.held() > 0 {
        violated(format!("{} leases open, {} held", shared.leases.in_flight(), shared.gate.held()));
    }
    if !shared.permits.has_room(usize::MAX) {
        violated("permits are still out".into());
    }
    found
}

/// How often an outcome was counted.
pub fn count(counts: &Snapshot, outcome: Outcome) -> u64 {
    counts.outcomes.get(outcome.name()).copied().unwrap_or_default()
}

/// All is well again and the last worker is done.
pub fn in_the_end(state: &mut State, plan: &Plan) {
    let mut found = Vec::new();
    // Newcomers go on coming.
    let is_newcomer = |id: &u64| state.sent.get(id).is_some_and(|sent| sent.user >= NEWCOMERS);
    let left: BTreeSet<u64> = state.queue.left().collect();
    let waiting: BTreeSet<u64> = left.iter().copied().filter(is_newcomer).collect();
    let left: Vec<u64> = left.difference(&waiting).copied().collect();
    if !left.is_empty() {
        found.push(format!("messages {left:?} are still in the queue"));
    }
    if !state.queue.expired().is_empty() {
        found.push(format!("messages {:?} have expired", state.queue.expired()));
    }
    if state.queue.most_receives() >= 100 {
        found.push(format!("a message was received {} times", state.queue.most_receives()));
    }
    for (place, letter) in state.queue.dead_letters().iter().enumerate() {
        found.extend(misplaced(state, plan, letter).map(|why| format!("dead letter {place}: {why}")));
    }
    let mut by_user: BTreeMap<u64, Vec<Sent>> = BTreeMap::new();
    for (id, sent) in &state.sent {
        if waiting.contains(id) || !matches!(sent.what, What::SignUp { .. }) {
            continue;
        }
        by_user.entry(sent.user).or_default().push(*sent);
    }
    for (user, stories) in &by_user {
        found.extend(wrong_row(state, plan, *user, stories).map(|why| format!("user {user}: {why}")));
    }
    let announced: BTreeSet<u64> = by_user.keys().copied().collect();
    let owners = state.table.rows().iter().filter(|(_, row)| !row.touched).map(|(key, _)| state.user_of(key));
    let unannounced =
        owners.filter(|user| user.is_none_or(|user| user < NEWCOMERS && !announced.contains(&user)));
    if unannounced.count() > 0 {
        found.push("rows that nobody announced".into());
    }
    let more = found.len().saturating_sub(MOST_TOLD);
    found.truncate(MOST_TOLD);
    found.extend((more > 0).then(|| format!("and {more} more")));
    found.into_iter().for_each(|text| state.violated(text));
}

/// Why this letter must not be in the dead-letter queue.
fn misplaced(state: &State, plan: &Plan, letter: &DeadLetter) -> Option<String> {
    let Some(note) = &letter.note else { return Some("SQS has moved it there".into()) };
    let sent = state.sent.values().find(|sent| sent.body() == letter.body);
    let Some(sent) = sent else { return Some("its body is nobody's".into()) };
    let may = match sent.what {
        What::Junk => vec![Reason::NotJson],
        What::Newer => vec![Reason::UnsupportedVersion],
        What::Reset => vec![],
        What::SignUp { .. } => {
            let squatted = plan.happens(|what| what == Happening::Squat(sent.user));
            let refused = plan.happens(|what| what == Happening::Refuse(sent.user));
            let conflict = squatted.then_some(Reason::OwnerConflict);
            conflict.into_iter().chain(refused.then_some(Reason::ServiceRejected)).collect()
        }
    };
    let is = |reason: &Reason| note.contains(&format!(r#""reason":"{}""#, reason.code()));
    (!may.iter().any(is)).then(|| format!("{sent}, with {note}"))
}

/// What is wrong with the row of a user who has signed up.
fn wrong_row(state: &State, plan: &Plan, user: u64, stories: &[Sent]) -> Option<String> {
    let removed = plan.happens(|what| what == Happening::Remove(user));
    let dead = || stories.iter().any(|sent| is_dead(state, sent));
    let Some(row) = state.table.row(&profile_of(user).key) else {
        return (!removed && !dead()).then(|| "has no row, and nobody says why".into());
    };
    if row.touched {
        return None;
    }
    let told = stories.iter().filter_map(Sent::profile).any(|profile| profile.item == row.item);
    (!told).then(|| "has a row that no message tells of".into())
}
