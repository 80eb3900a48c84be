//! CPU time: batches of statements against a call for each item.

use crate::goals::{Goal, Limit, goal};
use crate::runs::{CPU, Runs};
use crate::variants::{Settings, Variant, Who, auto};

const AUTO_TO_PUT: f64 = 0.45;

/// Each item by a call of its own.
fn put() -> Variant {
    let settings = Settings { variables: &[("WRITE_STRATEGY", "put")], ..Settings::default() };
    Variant { name: "put", who: Who::Worker(settings), ..auto() }
}

pub(super) fn variants() -> Vec<Variant> {
    vec![auto(), put()]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let (auto, put) = (auto().name, put().name);
    vec![
        goal("CPU per 1,000 messages", runs.spread(auto, CPU), " ms", Limit::None),
        goal("the same with `WRITE_STRATEGY=put`", runs.spread(put, CPU), " ms", Limit::None),
        goal("`auto` to `put`", runs.ratio(auto, put, CPU), " ×", Limit::AtMost(AUTO_TO_PUT)),
    ]
}
