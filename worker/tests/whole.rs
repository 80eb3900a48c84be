//! The whole pipeline on virtual time, against a queue and a table in memory that fail in every way their
//! documentation allows, from a seed: whatever happens, no message is deleted without its outcome being
//! durable, nothing is acted on with a lost lease, everything received is accounted for, and in the end
//! every user has exactly the item he must have. A seed that failed once is a line in `KNOWN`.
//!
//! `PIPELINE_SEEDS=100000 cargo test -p worker --test whole` tries more.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test, which reads the number of seeds from its environment"
)]

#[path = "whole/faults.rs"]
mod faults;
#[path = "whole/queue.rs"]
mod queue;
#[path = "whole/table.rs"]
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, ProfileModel, Timestamp, TriggerSource, body};
use faults::Faults;
use queue::Queue;
use table::{Table, owner_of};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use worker::decide::breaker::Patience;
use worker::decide::decode::Rules;
use worker::delivery::Leases;
use worker::gate::Gate;
use worker::permits::Permits;
use worker::pipeline::{self, Ended, Settings, Shared, Stop, WriteStrategy};
use worker::stats::{Snapshot, Stats};
use worker::telemetry::Pseudonyms;

/// Seeds that have found something.
///
/// - 1900: a poll began after the breaker had opened, since its leave was given before.
const KNOWN: [u64; 1] = [1900];

static SEEN: std::sync::Mutex<std::collections::BTreeMap<&str, u64>> =
    std::sync::Mutex::new(std::collections::BTreeMap::new());
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn settings(dice: &mut fastrand::Rng) -> Settings {
    let max_in_flight = [1, 7, 40, 1000][dice.usize(0..4)];
    Settings {
        max_in_flight,
        max_receivers: (max_in_flight / 10).clamp(1, 16),
        wait_time: [Duration::ZERO, SECOND, 20 * SECOND][dice.usize(0..3)],
        visibility_timeout: 60 * SECOND,
        linger: Duration::from_millis([0, 50, 1000][dice.usize(0..3)]),
        write_deadline: 10 * SECOND,
        hold_budget: [Duration::ZERO, 30 * SECOND, HOUR][dice.usize(0..3)],
        drain_deadline: 90 * SECOND,
        write_strategy: [WriteStrategy::Auto, WriteStrategy::Put, WriteStrategy::Batch][dice.usize(0..3)],
    }
}

fn rules() -> Rules {
    Rules {
        model: ProfileModel::default(),
        user_pools: BTreeSet::new(),
        trigger_sources: BTreeSet::from([TriggerSource::ConfirmSignUp]),
    }
}

fn worker(queue: Queue, table: Table, settings: Settings, stats: &Arc<Stats>) -> Arc<Shared<Queue, Table>> {
    let patience =
        Patience { probe: 15 * SECOND, invite: settings.wait_time + 10 * SECOND, hold: settings.hold_budget };
    Arc::new(Shared {
        queue,
        table,
        rules: rules(),
        stats: Arc::clone(stats),
        leases: Arc::new(Leases::default()),
        permits: Permits::new(settings.max_in_flight, Arc::clone(stats)),
        gate: Gate::new(patience, Arc::clone(stats)),
        settings,
        pseudonyms: Pseudonyms::new(None),
        give_up: CancellationToken::new(),
    })
}

fn confirmation(user: u64, trigger: &str) -> String {
    format!(
        r#"{{"v":1,"kind":"user.confirmed","source":"cognito.trigger","trigger":"{trigger}","userPoolId":"eu_A1",
            "sub":"00000000-0000-0000-0000-{user:012x}","username":"u{user}","observedAt":"2026-11-22T20:05:38.123Z"}}"#
    )
}

fn profile(text: &str) -> Profile {
    let received = body::read(text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
    ProfileModel::default().profile(&received.confirmation).unwrap()
}

/// Everything that is sent: users who repeat, and messages that are to be quarantined or ignored.
fn bodies(dice: &mut fastrand::Rng) -> Vec<String> {
    let users = dice.u64(1..60);
    let count = dice.usize(1..200);
    let mut bodies: Vec<String> = (0..count)
        .map(|_| match dice.u8(0..40) {
            0 => "not json".to_owned() + &dice.u64(..).to_string(),
            1 => confirmation(dice.u64(0..users), "ConfirmForgotPassword"),
            _ => confirmation(dice.u64(0..users), "ConfirmSignUp"),
        })
        .collect();
    dice.shuffle(&mut bodies);
    bodies
}

/// What went in, against what is there.
struct Case {
    bodies: Vec<String>,
    queue: Queue,
    table: Table,
    /// Somebody else's row under a user's key, and a row that its user has edited.
    squatted: Profile,
    edited: Profile,
}

impl Case {
    fn wanted(&self) -> HashMap<domain::ProfileKey, Profile> {
        let signups = self.bodies.iter().filter(|body| body.contains("ConfirmSignUp"));
        signups.map(|body| profile(body)).map(|profile| (profile.key.clone(), profile)).collect()
    }

    /// Whether what became of this body is durable.
    fn is_durable(&self, body: &str) -> bool {
        if body.starts_with("not json") || self.is_squatted(body) {
            return self.queue.is_dead(body);
        }
        body.contains("ConfirmForgotPassword") || self.table.rows().contains_key(&profile(body).key)
    }

    fn is_squatted(&self, body: &str) -> bool {
        body.contains("ConfirmSignUp") && profile(body).key == self.squatted.key
    }

    fn check(&self, seed: u64, counts: &Snapshot) {
        assert_eq!(self.queue.violations(), Vec::<String>::new(), "seed {seed}");
        for body in self.queue.deleted() {
            assert!(self.is_durable(&body), "seed {seed}: deleted without a durable outcome");
        }
        assert_eq!(counts.in_flight, 0, "seed {seed}: {counts:?}");
        assert_eq!(counts.receives_without_attempt, 0, "seed {seed}");
        let rows = self.table.rows();
        assert_eq!(rows[&self.squatted.key].1.as_deref(), Some("somebody else"), "seed {seed}: overwritten");
        assert_eq!(rows[&self.edited.key].1, None, "seed {seed}: an edit was overwritten");
    }
}

async fn history(seed: u64) {
    fastrand::seed(seed);
    let mut dice = fastrand::Rng::with_seed(seed);
    let bodies = bodies(&mut dice);
    let settings = settings(&mut dice);
    let stats = Arc::new(Stats::default());
    // Some outages are of the table, some of the queue, some of both.
    let table_faults = Faults::from_seed(seed);
    let queue_faults = if dice.bool() { table_faults.clone() } else { Faults::from_seed(!seed) };
    let table = Table::new(table_faults);
    let (squatted, edited) =
        (profile(&confirmation(0, "ConfirmSignUp")), profile(&confirmation(1, "ConfirmSignUp")));
    table.set(&squatted, Some("somebody else".into()));
    table.set(&edited, None);
    let queue = Queue::new(bodies.clone(), settings.visibility_timeout, queue_faults, Arc::clone(&stats));
    let case = Case { bodies, queue: queue.clone(), table: table.clone(), squatted, edited };

    // The first worker is stopped at some moment, now and then twice, or lives until it is done: what
    // fails is well again after a quarter of an hour, and no message is given back for longer than that.
    let shared = worker(queue, table, settings.clone(), &stats);
    let (stop, begun) = (Stop::default(), Instant::now());
    let finishes = dice.u8(0..3) == 0;
    let lives = if finishes { 3 * HOUR } else { Duration::from_millis(dice.u64(0..500_000)) };
    let (twice, patience) = (dice.u8(0..8) == 0, Duration::from_secs(dice.u64(0..20)));
    let (stopping, watched) = (stop.clone(), case.queue.clone());
    tokio::spawn(async move {
        while begun.elapsed() < lives && !(finishes && watched.is_empty()) {
            sleep(SECOND.min(lives.saturating_sub(begun.elapsed()))).await;
        }
        stopping.soft.cancel();
        if twice {
            sleep(patience).await;
            stopping.hard.cancel();
        }
    });
    let limit = lives + settings.drain_deadline + 10 * SECOND;
    let ended = timeout(limit, pipeline::run(Arc::clone(&shared), stop)).await;
    let ended = ended.unwrap_or_else(|_| panic!("seed {seed}: the drain did not end in time"));
    assert_ne!(ended, Ended::StageFailed, "seed {seed}");
    assert!(!finishes || case.queue.is_empty(), "seed {seed}: not done, though all is well again");
    let counts = stats.snapshot(Instant::now());
    for (outcome, count) in &counts.outcomes {
        *SEEN.lock().unwrap().entry(*outcome).or_default() += count;
    }
    *SEEN.lock().unwrap().entry(if ended == Ended::Drained { "drained" } else { "overrun" }).or_default() +=
        1;
    if ended == Ended::Drained {
        case.check(seed, &counts);
        assert_eq!((shared.leases.in_flight(), shared.gate.held()), (0, 0), "seed {seed}");
    }

    // Another one finishes, with endpoints that are well.
    let stats = Arc::new(Stats::default());
    let queue = case.queue.again(Faults::none(), Arc::clone(&stats));
    let shared = worker(queue, case.table.again(Faults::none()), settings, &stats);
    let stop = Stop::default();
    let (watched, soft) = (case.queue.clone(), stop.soft.clone());
    tokio::spawn(async move {
        while !watched.is_empty() {
            sleep(SECOND).await;
        }
        soft.cancel();
    });
    let ended = timeout(24 * HOUR, pipeline::run(shared, stop)).await;
    assert_eq!(ended.ok(), Some(Ended::Drained), "seed {seed}: the queue was not emptied");
    case.check(seed, &stats.snapshot(Instant::now()));
    assert!(case.queue.most_receives() < 100, "seed {seed}: SQS would have given up on a message");
    let rows = case.table.rows();
    for (key, profile) in case.wanted() {
        if key != case.squatted.key && key != case.edited.key {
            let (item, owner) = &rows[&key];
            assert!(*item == profile.item && *owner == owner_of(&profile), "seed {seed}: another item");
        }
    }
    let others =
        [&case.squatted.key, &case.edited.key].into_iter().filter(|key| !case.wanted().contains_key(key));
    assert_eq!(rows.len(), case.wanted().len() + others.count(), "seed {seed}: rows that nobody announced");
}

fn run(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(history(seed));
}

#[test]
fn whatever_fails_and_whenever_it_stops_the_promise_holds() {
    let count = std::env::var("PIPELINE_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(300_u64);
    KNOWN.into_iter().chain(0..count).for_each(run);
}
