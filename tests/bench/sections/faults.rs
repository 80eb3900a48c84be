//! What failures cost: one statement in twenty throttled and one delete in a hundred failed, each inside an
//! answer that is a success, against none. Both runs reach SQS through the same proxy.

use crate::command::Engine;
use crate::conditions::{Conditions, Faults};
use crate::goals::{Goal, Limit, goal};
use crate::runs::{CALLS, CPU, Runs, SPEED};
use crate::variants::{Variant, auto};

const MORE_CALLS: f64 = 1.15;
const MORE_CPU: f64 = 1.2;

fn with(name: &'static str, quick: bool, throttled: f64, failed_deletes: f64) -> Variant {
    Variant {
        name,
        messages: if quick { 2_000 } else { 10_000 },
        engine: Engine::Plain,
        conditions: Conditions {
            faults: Some(Faults { throttled, failed_deletes }),
            ..Conditions::default()
        },
        ..auto()
    }
}

fn clean(quick: bool) -> Variant {
    with("auto through a proxy", quick, 0.0, 0.0)
}

fn faulty(quick: bool) -> Variant {
    with("5 % throttled, 1 % not deleted", quick, 0.05, 0.01)
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![clean(quick), faulty(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let (clean, faulty) = (clean(false).name, faulty(false).name);
    let ratio = |what, figure, limit| goal(what, runs.ratio(faulty, clean, figure), " ×", limit);
    vec![
        ratio("calls with 5 % throttled and 1 % not deleted, to none", CALLS, Limit::AtMost(MORE_CALLS)),
        ratio("CPU, the same", CPU, Limit::AtMost(MORE_CPU)),
        ratio("speed, the same", SPEED, Limit::None),
    ]
}
