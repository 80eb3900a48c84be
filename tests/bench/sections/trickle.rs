//! A trickle: 200 messages a second, with 20 ms on every call. Too few to fill a batch by themselves, so what
//! waits for company saves calls and costs time.

use crate::calls;
use crate::conditions::{Arrivals, Conditions};
use crate::goals::{Goal, Limit, goal};
use crate::runs::{CALLS, P99, Runs, SENT_P99};
use crate::variants::{DELAY_MS, Variant, far};

const PER_SECOND: u32 = 200;
const OVER_FLOOR: f64 = 1.15;

/// Receive's answer half a delay, the write a whole one, the delete's request half.
const TWO_CALLS_MS: f64 = 2.0 * DELAY_MS as f64;
const OVER_TWO_CALLS: f64 = 3.0;

fn trickle(quick: bool) -> Variant {
    let arrivals = Arrivals::Steady { per_second: PER_SECOND };
    Variant {
        name: "200 a second, 20 ms",
        messages: if quick { 1_000 } else { 6_000 },
        conditions: Conditions { arrivals, ..Conditions::default() },
        ..far(quick)
    }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![trickle(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let trickle = trickle(false).name;
    let floor = calls::floor(runs.of(trickle)[0].messages);
    let what = format!("API calls per 1,000 messages at {PER_SECOND} a second (fewest possible: {floor:.0})");
    let p99 = Limit::AtMost(OVER_TWO_CALLS * TWO_CALLS_MS);
    vec![
        goal(what, runs.spread(trickle, CALLS), "", Limit::AtMost(OVER_FLOOR * floor)),
        goal("p99 receive to delete, the same", runs.spread(trickle, P99), " ms", p99),
        goal("p99 send to delete, the same", runs.spread(trickle, SENT_P99), " ms", Limit::None),
    ]
}
