//! Two worker processes against one. With 20 ms on every call and two receivers each it is the calls that
//! bound them: with more, two processes and the endpoints would share two cores, and measure those.

use crate::goals::{Goal, Limit, goal};
use crate::runs::{CPU, Runs, SPEED};
use crate::variants::{Settings, Variant, Who, far};

const TWO_TO_ONE: f64 = 1.9;

fn one(quick: bool) -> Variant {
    let settings = Settings { variables: &[("MAX_RECEIVERS", "2")], ..Settings::default() };
    Variant {
        name: "1 process, 2 receivers, 20 ms",
        who: Who::Worker(settings),
        messages: if quick { 1_000 } else { 6_000 },
        ..far(quick)
    }
}

/// Twice the work, so that both run as long.
fn two(quick: bool) -> Variant {
    let one = one(quick);
    Variant { name: "2 processes, 2 receivers each, 20 ms", messages: 2 * one.messages, tasks: 2, ..one }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![one(quick), two(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let (one, two) = (one(false).name, two(false).name);
    let speed = |what, name| goal(what, runs.spread(name, SPEED), "", Limit::None);
    vec![
        speed("messages a second, one process with two receivers, 20 ms a call", one),
        speed("two such processes", two),
        goal("two to one", runs.ratio(two, one, SPEED), " ×", Limit::AtLeast(TWO_TO_ONE)),
        goal("CPU per 1,000 messages, two to one", runs.ratio(two, one, CPU), " ×", Limit::None),
    ]
}
