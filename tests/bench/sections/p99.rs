//! Receive to delete with 20 ms on every call: with the defaults, with eight receivers, and with far too much
//! concurrency allowed.

use crate::goals::{Goal, Limit, goal};
use crate::runs::{P99, Runs};
use crate::sections::receivers::eight;
use crate::variants::{DELAY_MS, Settings, Variant, Who, far, plain};

/// Receive's answer half a delay, the write a whole one, the delete's request half: no worker is faster.
const TWO_CALLS_MS: f64 = 2.0 * DELAY_MS as f64;
const OVER_FLOOR: f64 = 2.0;
const OVER_FLOOR_GREEDY: f64 = 3.0;

/// Eight times the defaults of 16 and 1000.
pub(super) fn greedy(quick: bool) -> Variant {
    let variables = &[("MAX_RECEIVERS", "128"), ("MAX_IN_FLIGHT", "8000")];
    let settings = Settings { variables, ..Settings::default() };
    Variant { name: "auto, 20 ms, 128 receivers", who: Who::Worker(settings), ..far(quick) }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![plain(), far(quick), eight(quick), greedy(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let p99 = |name| runs.spread(name, P99);
    let limit = |times| Limit::AtMost(times * TWO_CALLS_MS);
    vec![
        goal("p99 receive to delete, 20 ms a call, defaults", p99(far(false).name), " ms", limit(OVER_FLOOR)),
        goal("the same with `MAX_RECEIVERS=8`", p99(eight(false).name), " ms", limit(OVER_FLOOR)),
        goal(
            "the same with `MAX_RECEIVERS=128`, `MAX_IN_FLIGHT=8000`",
            p99(greedy(false).name),
            " ms",
            limit(OVER_FLOOR_GREEDY),
        ),
    ]
}
