//! API calls per 1,000 messages: what AWS bills, and most of what CPU goes into.

use crate::calls;
use crate::goals::{Goal, Limit, goal};
use crate::runs::{CALLS, Runs};
use crate::variants::{Variant, auto};

const OVER_FLOOR: f64 = 1.05;

pub(super) fn variants() -> Vec<Variant> {
    vec![auto()]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let floor = calls::floor(auto().messages);
    let what = format!("API calls per 1,000 messages (fewest possible: {floor:.0})");
    vec![goal(what, runs.spread(auto().name, CALLS), "", Limit::AtMost(OVER_FLOOR * floor))]
}
