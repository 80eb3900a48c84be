//! Speed with 20 ms on every call, against the loops one would write with the SDK alone.

use crate::goals::{Goal, Limit, goal};
use crate::loops::Habit;
use crate::runs::{Runs, SPEED};
use crate::variants::{Variant, Who, far, plain};

const OVER_SEQUENTIAL: f64 = 5.0;
const OVER_CONCURRENT: f64 = 2.5;

fn sequential(quick: bool) -> Variant {
    Variant {
        name: "sequential loop, 20 ms",
        who: Who::Loop(Habit::Sequential),
        messages: if quick { 100 } else { 400 },
        ..far(quick)
    }
}

fn concurrent(quick: bool) -> Variant {
    Variant {
        name: "8 loops, 20 ms",
        who: Who::Loop(Habit::Concurrent),
        messages: if quick { 1_600 } else { 4_000 },
        ..far(quick)
    }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![plain(), far(quick), concurrent(quick), sequential(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let (far, sequential, concurrent) = (far(false).name, sequential(false).name, concurrent(false).name);
    let speed = |what, name| goal(what, runs.spread(name, SPEED), "", Limit::None);
    let over = |what, other, least| goal(what, runs.ratio(far, other, SPEED), " ×", Limit::AtLeast(least));
    vec![
        speed("messages a second, 20 ms a call", far),
        speed("sequential loop", sequential),
        speed("eight loops, ten puts at once", concurrent),
        over("over the sequential loop", sequential, OVER_SEQUENTIAL),
        over("over the eight loops", concurrent, OVER_CONCURRENT),
    ]
}
