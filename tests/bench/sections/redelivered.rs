//! No message comes again because it waited in memory: of all runs, whatever they are for.

use crate::goals::{Goal, Limit, Spread, goal};
use crate::runs::Runs;

/// Deliveries beyond the first, less the deletes that the endpoints made fail.
pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let again = runs.all().filter_map(|run| Some(run.redelivered?.saturating_sub(run.seen.failed_deletes)));
    let again: u64 = again.sum();
    vec![goal("messages redelivered, all runs", Spread::of([again as f64]), "", Limit::AtMost(0.0))]
}
