//! One run: a world, two workers, their users, the faults; then calm, until all is settled; then the last
//! look at everything.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use harness::confirmations::POOL;
use harness::progress::Progress;
use harness::{Capability, Intercept, Worker, World};
use tokio::time::{Instant, sleep, sleep_until};
use worker::outcome::Outcome;

use crate::command::Cli;
use crate::crowd::Crowd;
use crate::faults::Faults;
use crate::fleet::{Account, Fleet};
use crate::report::{Dealt, Done, Report};
use crate::schedule::{Card, Schedule, Window, Wire};
use crate::violations::Violations;
use crate::watch::{self, Board};

/// How long the queue may take to become empty, once all is calm.
const ENDING: Duration = Duration::from_secs(300);

/// A worker that has received nothing for so many seconds has not found out that an outage is over, and
/// says nothing about growth. Several outages in a row and the longest pause between two probes are half.
const LONGEST_IDLE: u64 = 90;

/// How much of the queue's time goes by at once when nothing but waiting is left to do.
const LEAP: Duration = Duration::from_secs(30);

/// Which faults there have been, how often, and how many calls they hit.
type Counted = Mutex<BTreeMap<&'static str, Dealt>>;

/// Runs all of it; `None` where the engine cannot do what is needed.
pub(crate) async fn soak(cli: &Cli, seed: u64, progress: &Progress) -> Option<Report> {
    let world = world().await?;
    let proxy = world.intercept().await;
    proxy.forget();
    let schedule = Schedule::new(seed, Duration::from_secs(60 * u64::from(cli.minutes)));
    let (violations, board, counted) = (Violations::default(), Board::default(), Counted::default());
    let mut crowd = Crowd::new(&world, seed, violations.clone());
    let command = worker(&world, &proxy);
    // Held in hand for longer than any fault lasts; and given back during the longest.
    let (steady, restarted) = (command.clone(), command.with("HOLD_BUDGET", "6s"));
    let fleet = Fleet::start(&steady, restarted, &board, &violations).await;

    let mut faults = Faults::new(&proxy, seed);
    let begun = Instant::now();
    let dealt = |name| counted.lock().unwrap().entry(name).or_default().times += 1;
    let (fleet, seen, (), (), ()) = tokio::join!(
        fleet.follow(&schedule.blows, begun, dealt),
        watch::watch(&board, &schedule, begun, &violations),
        crowd.work(&schedule, cli.rate, begun),
        disturb(&mut faults, &schedule.wire, begun, &counted),
        show(progress, &schedule, begun, &violations),
    );
    progress.begin("ending");
    settle(&world, &board).await;
    let accounts = fleet.stop().await;
    let depth = world.depth(&world.queue).await;
    if depth != (0, 0, 0) {
        violations.report(format!("the queue is not empty (visible, in flight, delayed): {depth:?}"));
    }
    crowd.open_dead_letters().await;
    let rows = crowd.look_at_all().await;
    let (missing, again) = crowd.ledger.dead();
    for (reason, count) in missing {
        violations.report(format!("{count} bad messages are not in the dead-letter queue: {reason}"));
    }
    let outcomes = outcomes(&accounts);
    if outcomes["created"] > crowd.ledger.users() as u64 {
        violations.report("more rows were made than there are users");
    }
    let idle = watch::longest_idle(&seen[0], &schedule);
    if idle >= LONGEST_IDLE {
        violations.report(format!("a worker that ran all the time received nothing for {idle} s"));
    }
    let done = Done {
        messages: crowd.sent,
        users: crowd.ledger.users(),
        rows,
        rows_looked_at: crowd.looks + rows as u64,
        edits: crowd.edits,
        dead_letters: crowd.ledger.condemned(),
        dead_letters_twice: again,
        processes: accounts.len(),
    };
    Some(Report {
        seed,
        minutes: cli.minutes,
        seconds: begun.elapsed().as_secs(),
        done,
        faults: counted.into_inner().unwrap(),
        outcomes,
        steady: watch::vitals_of(&seen[0], &schedule),
        longest_idle_seconds: idle,
        restarted: watch::most(&seen[1]),
        curve: watch::curve(&seen[0], &schedule, 24),
        violations,
        accounts,
    })
}

async fn world() -> Option<World> {
    let needs = [Capability::Interception, Capability::ClockControl];
    let mut world = World::bare("soak", &needs).await?;
    world.create_queues().await;
    world.create_table(&["id"]).await;
    Some(world)
}

/// The shortest times that fit each other, so that much happens in a minute.
fn worker(world: &World, proxy: &Intercept) -> Worker {
    world
        .worker_through(proxy)
        .with("USER_POOL_IDS", POOL)
        .with("VISIBILITY_TIMEOUT", "8s")
        .with("WRITE_DEADLINE", "1s")
        .with("DRAIN_DEADLINE", "15s")
        .with("STOP_TIMEOUT", "21s")
        .with("RUST_LOG", "info")
        .watched()
}

/// Begins and ends the faults of the wire.
async fn disturb(faults: &mut Faults<'_>, windows: &[Window<Wire>], begun: Instant, counted: &Counted) {
    for window in windows {
        sleep_until(begun + window.from).await;
        faults.begin(window.what);
        sleep_until(begun + window.to).await;
        let hits = faults.end(window.what);
        let mut counted = counted.lock().unwrap();
        let dealt = counted.entry(window.what.name()).or_default();
        dealt.times += 1;
        dealt.calls += hits;
    }
}

/// Moves the bar.
async fn show(progress: &Progress, schedule: &Schedule, begun: Instant, violations: &Violations) {
    fn current<T: Card>(windows: &[Window<T>], at: Duration) -> &'static str {
        let now = windows.iter().find(|window| window.from <= at && at < window.to);
        now.map_or("-", |window| window.what.name())
    }
    let mut told = 0;
    loop {
        let at = begun.elapsed().min(schedule.length);
        progress.at(usize::try_from(at.as_secs()).unwrap_or_default());
        let (wire, blow) = (current(&schedule.wire, at), current(&schedule.blows, at));
        progress.begin(&format!("{wire} · {blow} · violations {}", violations.count()));
        for violation in violations.first().iter().skip(told) {
            told += 1;
            progress.say(&format!("VIOLATION {violation}"));
        }
        if at >= schedule.length {
            return;
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// Waits until the queue is empty, but not for ever. While nothing is left but messages that wait for
/// their time, time passes faster for the queue; never while one is in hand, whose lease would be over.
async fn settle(world: &World, board: &Board) {
    let deadline = Instant::now() + ENDING;
    loop {
        let depth = world.depth(&world.queue).await;
        if depth == (0, 0, 0) || Instant::now() >= deadline {
            return;
        }
        if depth.0 == 0 && in_hand(board).await == Some(0) {
            world.advance(LEAP);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// How many messages the workers have in hand, if both say so.
async fn in_hand(board: &Board) -> Option<u64> {
    let posts = board.lock().unwrap().clone();
    let mut sum = 0;
    for post in posts.into_iter().flatten() {
        sum += watch::status(&post).await?["in_flight"].as_u64()?;
    }
    Some(sum)
}

/// How the deliveries of all processes ended that left a summary.
fn outcomes(accounts: &[Account]) -> BTreeMap<&'static str, u64> {
    let summaries = || accounts.iter().filter_map(|account| account.summary.as_ref());
    let count = |name: &'static str| summaries().filter_map(|summary| summary[name].as_u64()).sum();
    let names = Outcome::ALL.iter().map(|outcome| outcome.name());
    names
        .chain(["received", "leases_extended", "leases_lost", "failed_deletes"])
        .map(|name| (name, count(name)))
        .collect()
}
