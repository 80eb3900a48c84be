//! Peak memory, and whether it grows with the backlog: up to a million messages. DynamoDB is the plain table,
//! which holds as many in a fraction of the memory.

use std::time::Duration;

use super::peers::short;
use crate::goals::{Goal, Limit, goal, thousands};
use crate::runs::{MEMORY, Runs, SPEED};
use crate::variants::Variant;

const PEAK_MB: f64 = 40.0;
const GROWTH: f64 = 1.1;

fn backlog(quick: bool) -> Variant {
    let name = "profile-worker, long backlog";
    let messages = if quick { 50_000 } else { 100_000 };
    Variant { name, messages, deadline: Duration::from_secs(600), ..short() }
}

fn million() -> Variant {
    let name = "profile-worker, 1 M";
    Variant { name, messages: 1_000_000, deadline: Duration::from_secs(3_600), ..short() }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    let mut variants = vec![short(), backlog(quick)];
    if !quick {
        variants.push(million());
    }
    variants
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let peak = |name| {
        let what = format!("peak memory, {} messages", thousands(runs.of(name)[0].messages));
        goal(what, runs.spread(name, MEMORY), " MB", Limit::AtMost(PEAK_MB))
    };
    let (short, backlog, million) = (short().name, backlog(false).name, million().name);
    let mut goals = vec![peak(short), peak(backlog)];
    let mut longest = backlog;
    if !runs.of(million).is_empty() {
        goals.push(peak(million));
        goals.push(goal("messages a second, a million queued", runs.spread(million, SPEED), "", Limit::None));
        longest = million;
    }
    let growth = runs.ratio(longest, short, MEMORY);
    goals.push(goal("growth from the shortest to the longest", growth, " ×", Limit::AtMost(GROWTH)));
    goals
}
