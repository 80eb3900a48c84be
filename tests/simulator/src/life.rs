//! One worker's life in a history: the real pipeline, from its first poll until it is stopped, killed or
//! done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{ProfileModel, TriggerSource};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use worker::decide::decode::Rules;
use worker::delivery::Leases;
use worker::gate::Gate;
use worker::outcome::Outcome;
use worker::permits::Permits;
use worker::pipeline::{self, Ended, Settings, Shared, Stop};
use worker::service;
use worker::stats::{Snapshot, Stats};
use worker::telemetry::Pseudonyms;
use worker::verify;

use crate::endpoint::{Endpoint, Line, Tripwire};
use crate::oracles;
use crate::plan::{End, Life, Moment};
use crate::world::{About, World};

/// What fails is well again when a worker is to be done, and nothing is given back for longer than a
/// quarter of an hour; but a version that is too new is waited for for an hour and a quarter.
const TO_THE_END: Duration = Duration::from_secs(4 * 3600);

/// A life that is over.
#[derive(Debug)]
pub struct Lived {
    /// How it ended; nothing if the worker was killed.
    pub ended: Option<Ended>,
    /// What the worker had counted by then.
    pub counts: Snapshot,
    /// How many steps its calls had.
    pub steps: u64,
    /// Messages that it left in the queue, visible and not.
    pub left: (usize, usize),
    /// When it ended, counted from the beginning.
    pub at: Duration,
}

impl Lived {
    /// How it ended, in a word.
    pub fn ending(&self) -> &'static str {
        match self.ended {
            None => "killed",
            Some(Ended::Drained) => "drained",
            Some(Ended::Overrun) => "overrun",
            Some(Ended::StageFailed) => "failed",
        }
    }

    /// How many deliveries ended like this.
    pub fn count(&self, outcome: Outcome) -> u64 {
        oracles::count(&self.counts, outcome)
    }
}

/// Lives it. `over` is when the last trouble of the history is over.
pub async fn live(world: World, settings: Settings, number: usize, life: Life, over: Duration) -> Lived {
    world.wait_until(life.from).await;
    let (stop, stats) = (Stop::default(), Arc::new(Stats::default()));
    let line = Arc::new(line(&life.end, &stop));
    let endpoint = || {
        let (line, stats) = (Arc::clone(&line), Arc::clone(&stats));
        Endpoint::new(world.clone(), number, settings.visibility_timeout, line, stats)
    };
    let shared = shared(endpoint(), endpoint(), settings.clone(), &stats);
    world.state().note(Some(number), About::All, || "starts".to_owned());
    tokio::spawn(end(world.clone(), number, life.end, stop.clone(), line.dead.clone(), over));

    let overdue = async {
        stop.soft.cancelled().await;
        // In two steps: a process that stood still is given the time to notice.
        sleep(settings.drain_deadline + Duration::from_secs(5)).await;
        sleep(Duration::from_secs(5)).await;
    };
    let ended = tokio::select! {
        biased;
        () = line.dead.cancelled() => None,
        ended = pipeline::run(Arc::clone(&shared), verify::OFF, stop.clone()) => Some(ended),
        () = overdue => {
            world.state().violated(format!("worker {number}: the drain did not end in time"));
            None
        }
    };
    let mut state = world.state();
    state.note(Some(number), About::All, || {
        ended.map_or("is dead".into(), |ended| format!("ends: {ended:?}"))
    });
    if let Some(ended) = ended {
        oracles::after_life(&mut state, number, ended, &shared);
    }
    let (visible, in_flight, delayed) = state.queue.depth(Instant::now());
    Lived {
        ended,
        counts: stats.snapshot(Instant::now()),
        steps: line.steps(),
        left: (visible, in_flight + delayed),
        at: world.elapsed(),
    }
}

/// As `service::run` puts a worker together.
pub(crate) fn shared<Q, T>(queue: Q, table: T, settings: Settings, stats: &Arc<Stats>) -> Arc<Shared<Q, T>> {
    Arc::new(Shared {
        queue,
        table,
        rules: Rules {
            model: ProfileModel::default(),
            user_pools: BTreeSet::new(),
            trigger_sources: BTreeSet::from([TriggerSource::ConfirmSignUp]),
        },
        stats: Arc::clone(stats),
        leases: Arc::new(Leases::default()),
        permits: Permits::new(settings.max_in_flight, Arc::clone(stats)),
        gate: Gate::new(service::patience(&settings), Arc::clone(stats)),
        settings,
        pseudonyms: Pseudonyms::new(None),
        give_up: CancellationToken::new(),
    })
}

/// A line that ends the life at one of its steps, if that is how it is to end.
fn line(end: &End, stop: &Stop) -> Line {
    match end {
        End::Killed(Moment::Step(step, yields)) => {
            Line::with(|dead| Tripwire { step: *step, yields: *yields, then: dead.clone() })
        }
        End::Stopped(Moment::Step(step, yields), _) => {
            Line::with(|_| Tripwire { step: *step, yields: *yields, then: stop.soft.clone() })
        }
        _ => Line::default(),
    }
}

/// Ends the life when its time has come.
async fn end(world: World, number: usize, end: End, stop: Stop, dead: CancellationToken, over: Duration) {
    let hard_after = match end {
        End::Done => return done(world, number, stop, over).await,
        End::Killed(Moment::After(time)) => {
            sleep(time).await;
            return dead.cancel();
        }
        // When it has fewer steps than that it ends as it is done.
        End::Killed(Moment::Step(..)) => return done(world, number, stop, over).await,
        End::Stopped(Moment::Step(..), hard_after) => {
            tokio::select! {
                biased;
                () = stop.soft.cancelled() => {}
                () = done(world.clone(), number, stop.clone(), over) => {}
            }
            hard_after
        }
        End::Stopped(Moment::After(time), hard_after) => {
            sleep(time).await;
            stop.soft.cancel();
            hard_after
        }
    };
    if let Some(time) = hard_after {
        sleep(time).await;
        stop.hard.cancel();
    }
}

/// Stops the worker when nothing is left to do, for whomever; that it comes to this is demanded.
async fn done(world: World, number: usize, stop: Stop, over: Duration) {
    loop {
        sleep(Duration::from_secs(1)).await;
        let mut state = world.state();
        if state.is_all_sent && state.queue.is_empty() && state.returning == 0 {
            return stop.soft.cancel();
        }
        if world.elapsed() > over + TO_THE_END {
            state.violated(format!("worker {number}: not done, though all has been well for long"));
            return stop.soft.cancel();
        }
    }
}
