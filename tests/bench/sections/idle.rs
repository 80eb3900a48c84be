//! What a worker costs that has nothing to do, and how soon it is at full speed when everything comes at once.

use std::time::Duration;

use crate::conditions::{Arrivals, Conditions};
use crate::goals::{Goal, Limit, Spread, goal, thousands};
use crate::runs::{Run, Runs};
use crate::variants::{Settings, Variant, Who, far};

/// A long poll, as the worker's `WAIT_TIME` has it.
const POLL_SECONDS: f64 = 20.0;

/// One in a thousand of one core.
const CPU_SECONDS_PER_HOUR: f64 = 3.6;

const FULL_SPEED: f64 = 0.8;
const DRAIN: f64 = 1.1;

/// The same backlog, there before the worker.
fn standing(quick: bool) -> Variant {
    Variant {
        name: "backlog, 20 ms",
        messages: if quick { 5_000 } else { 50_000 },
        paced: true,
        deadline: Duration::from_secs(300),
        ..far(quick)
    }
}

fn burst(quick: bool) -> Variant {
    let settings = Settings { stays: true, ..Settings::default() };
    Variant {
        name: "burst after idling, 20 ms",
        who: Who::Worker(settings),
        conditions: Conditions { arrivals: Arrivals::Burst, ..Conditions::default() },
        idle: Some(Duration::from_secs(if quick { 21 } else { 61 })),
        ..standing(quick)
    }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![standing(quick), burst(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let (standing, burst) = (standing(false).name, burst(false).name);
    let each = |what: String, figure: fn(&Run) -> f64, unit, limit| {
        goal(what, Spread::of(runs.of(burst).iter().map(figure)), unit, limit)
    };
    let pairs = || runs.of(burst).iter().zip(runs.of(standing));
    let reached = |of: fn(&(&Run, &Run)) -> f64| Spread::of(pairs().map(|pair| of(&pair)));
    let messages = thousands(runs.of(burst)[0].messages);
    let one_poll = Limit::AtMost(POLL_SECONDS * 1000.0);
    vec![
        each(
            "receives in an idle time, to one a long poll and one".to_owned(),
            polls,
            " ×",
            Limit::AtMost(1.0),
        ),
        each("API calls to SQS per idle hour".to_owned(), calls_per_hour, "", Limit::None),
        each("CPU seconds per idle hour".to_owned(), cpu_per_hour, " s", Limit::AtMost(CPU_SECONDS_PER_HOUR)),
        goal(
            format!(
                "{messages} at once after idling: until at {FULL_SPEED} of the speed with a standing backlog"
            ),
            reached(|(burst, standing)| until_full_speed(burst, standing)),
            " ms",
            one_poll,
        ),
        goal(
            "the same, from a standing start",
            reached(|(_, standing)| until_full_speed(standing, standing)),
            " ms",
            Limit::None,
        ),
        goal(
            format!(
                "{messages} at once after idling: time until all are deleted, to that with a standing backlog"
            ),
            reached(|(burst, standing)| burst.seen.times.seconds / standing.seen.times.seconds),
            " ×",
            Limit::AtMost(DRAIN),
        ),
    ]
}

/// From the first message handed out, which the poll that waits is in the moment it is there.
fn until_full_speed(run: &Run, standing: &Run) -> f64 {
    run.seen.times.ms_until(FULL_SPEED * standing.messages_per_second)
}

fn polls(run: &Run) -> f64 {
    let idle = run.idle.as_ref().unwrap();
    let receives = idle.calls.get("ReceiveMessage").copied().unwrap_or_default();
    receives as f64 / (idle.seconds / POLL_SECONDS + 1.0)
}

fn calls_per_hour(run: &Run) -> f64 {
    let idle = run.idle.as_ref().unwrap();
    idle.calls.values().sum::<u64>() as f64 * 3600.0 / idle.seconds
}

fn cpu_per_hour(run: &Run) -> f64 {
    let idle = run.idle.as_ref().unwrap();
    idle.cpu_ms / 1000.0 * 3600.0 / idle.seconds
}
