//! Repeats are free: nobody waits for them, and within the batch nothing is billed for them.

use crate::command::Engine;
use crate::conditions::{Conditions, Repeats};
use crate::goals::{Goal, Limit, goal};
use crate::runs::{LAST, Runs, UNITS};
use crate::variants::{Variant, auto, far, plain};

const LAST_TO_99: f64 = 1.2;
const UNITS_PER_USER: f64 = 1.02;

/// One user in nineteen comes again within nine places, nobody later.
fn near(quick: bool) -> Variant {
    Variant {
        name: "auto, near repeats only",
        messages: if quick { 2_000 } else { auto().messages },
        engine: Engine::Plain,
        conditions: Conditions { repeats: Repeats::Near, ..Conditions::default() },
        ..auto()
    }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![plain(), far(quick), near(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let last = |what, name| goal(what, runs.spread(name, LAST), " ×", Limit::AtMost(LAST_TO_99));
    let units = |what, name, limit| goal(what, runs.spread(name, UNITS), "", limit);
    vec![
        last("time of the last message to that of 99 %", plain().name),
        last("the same, 20 ms a call", far(false).name),
        units(
            "write units per user, one in nineteen again within nine places",
            near(false).name,
            Limit::AtMost(UNITS_PER_USER),
        ),
        units(
            "write units per user, one in eighteen such and one in eighteen anywhere",
            plain().name,
            Limit::None,
        ),
    ]
}
