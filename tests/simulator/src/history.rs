//! Lives a plan, on virtual time, on one thread: equal plans are equal histories.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::life::{Lived, live};
use crate::oracles;
use crate::people::{NEWCOMERS, Sent, What, profile_of};
use crate::plan::{End, Life, Plan};
use crate::trouble::Happening;
use crate::world::{About, Line, World};

/// What came of a history.
#[derive(Debug, Default)]
pub struct Report {
    /// What must not have happened.
    pub violations: Vec<String>,
    /// Equal for equal histories.
    pub digest: u64,
    /// Deliveries, by how they ended.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Faults, by kind.
    pub struck: BTreeMap<&'static str, u64>,
    /// The workers' lives; the last is of the one that finished when all was well.
    pub lives: Vec<Lived>,
    /// Dead letters.
    pub dead_letters: usize,
    /// Rows.
    pub rows: usize,
    /// How often the message that came most often has come.
    pub most_receives: u32,
    /// How long it took, in the history's own time.
    pub took: Duration,
    /// Its journal, if one was kept.
    pub journal: Vec<Line>,
}

/// Lives it. With `records` a journal is kept.
pub fn run(plan: &Plan, records: bool) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(history(plan, records))
}

async fn history(plan: &Plan, records: bool) -> Report {
    // The worker's own dice, for back-offs.
    fastrand::seed(plan.seed);
    let world = World::new(plan.seed, &plan.troubles, records);
    let _told = records.then(|| crate::timeline::listen(world.clone()));
    let sending = tokio::spawn(send(world.clone(), plan.messages.clone()));
    tokio::spawn(world.clone().live());
    if plan.happens(|what| matches!(what, Happening::Refuse(_))) {
        let last = plan.messages.iter().map(|(at, _)| *at).max().unwrap_or_default();
        tokio::spawn(newcomers(world.clone(), last));
    }
    let over = plan.ends();
    let lives: Vec<_> = plan.lives.iter().cloned().enumerate().collect();
    let lives: Vec<_> = lives
        .into_iter()
        .map(|(number, life)| tokio::spawn(live(world.clone(), plan.settings.clone(), number, life, over)))
        .collect();
    let mut lived = Vec::new();
    for life in lives {
        lived.push(life.await.unwrap());
    }
    sending.await.unwrap();
    world.state().calm_down();
    let over = world.elapsed();
    let last = Life { from: Duration::ZERO, end: End::Done };
    lived.push(live(world.clone(), plan.settings.clone(), plan.lives.len(), last, over).await);
    let mut state = world.state();
    oracles::in_the_end(&mut state, plan);
    let mut report = Report {
        violations: state.violations.clone(),
        digest: state.digest(),
        struck: state.struck.clone(),
        dead_letters: state.queue.dead_letters().len(),
        rows: state.table.rows().len(),
        most_receives: state.queue.most_receives(),
        took: world.elapsed(),
        journal: state.journal().to_vec(),
        ..Report::default()
    };
    for (outcome, count) in lived.iter().flat_map(|life| life.counts.ended()) {
        *report.outcomes.entry(outcome.name()).or_default() += count;
    }
    report.lives = lived;
    report
}

/// Sends everything, at its time.
async fn send(world: World, mut messages: Vec<(Duration, Sent)>) {
    messages.sort_by_key(|(at, _)| *at);
    for (at, sent) in messages {
        world.wait_until(at).await;
        post(&world, sent);
    }
    world.state().is_all_sent = true;
}

/// An item that is refused is blamed only where others are taken: life goes on, and once a minute
/// somebody signs up.
async fn newcomers(world: World, from: Duration) {
    let minute = Duration::from_secs(60);
    for (at, nonce) in (1..).zip(NEWCOMERS..) {
        world.wait_until(from + at * minute).await;
        post(&world, Sent { nonce, user: nonce, what: What::SignUp { story: 0 } });
    }
}

fn post(world: &World, sent: Sent) {
    let mut state = world.state();
    let id = state.queue.send(Instant::now(), sent.body(), None, Duration::ZERO);
    state.sent.insert(id, sent);
    state.know(sent.user, &profile_of(sent.user).key);
    state.note(None, About::Messages(vec![id]), || format!("sent: {sent}"));
}
