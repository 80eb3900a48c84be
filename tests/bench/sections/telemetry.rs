//! What telling costs: OTLP to a collector and a scrape a second, against neither.

use crate::goals::{Goal, Limit, goal};
use crate::runs::{CPU, Runs};
use crate::variants::{Settings, Variant, Who, auto};

const TELLING: f64 = 1.05;

fn silent(quick: bool) -> Variant {
    Variant { name: "auto, telling nobody", messages: if quick { 20_000 } else { 60_000 }, ..auto() }
}

fn told(quick: bool) -> Variant {
    let settings = Settings { told: true, ..Settings::default() };
    Variant { name: "auto, pushing and scraped", who: Who::Worker(settings), ..silent(quick) }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    vec![silent(quick), told(quick)]
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let (silent, told) = (silent(false).name, told(false).name);
    let cpu = |what, name| goal(what, runs.spread(name, CPU), " ms", Limit::None);
    vec![
        cpu("CPU per 1,000 messages, telling nobody", silent),
        cpu("the same, pushing OTLP and scraped every second", told),
        goal("what telling costs", runs.ratio(told, silent, CPU), " ×", Limit::AtMost(TELLING)),
    ]
}
