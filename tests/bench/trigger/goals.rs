//! The goals of the trigger, each a ratio of lives in the same turn, and the size of its zip.

use super::life::Life;
use super::subjects::{
    BEFORE, BEFORE_FAR, BEFORE_TLS, DOCUMENTED, DOCUMENTED_BUNDLE, DOCUMENTED_FAR, DOCUMENTED_TLS, TRIGGER,
    TRIGGER_FAR, TRIGGER_TLS,
};
use crate::goals::{Goal, Limit, Spread, goal};

/// Init and first invocation, documented handler to trigger.
const SOONER: f64 = 18.0;
/// Peak memory, the same.
const SMALLER: f64 = 6.0;
/// CPU of a life, the same. Of forty invocations, so that it is not the start alone.
const CHEAPER: f64 = 8.0;
const ZIP_MB: f64 = 4.0;

const CPU: &str = "CPU of a life, documented handler to trigger";
const MEMORY: &str = "peak memory, documented handler to trigger";
const ZIP: &str = "zip";

/// What was measured, each figure with its goal.
pub(crate) fn judge(lives: &[Life], zip_bytes: Option<u64>) -> Vec<Goal> {
    let of = |name: &str| lives.iter().filter(|life| life.name == name).collect::<Vec<_>>();
    // Turn by turn: what was measured close together is compared.
    let ratio = |what: &str, other: &str, name: &str, figure: fn(&Life) -> f64, limit: Limit| {
        let (others, ours) = (of(other), of(name));
        let pairs: Vec<_> = others
            .iter()
            .filter_map(|other| Some((other, ours.iter().find(|life| life.turn == other.turn)?)))
            .map(|(other, life)| figure(other) / figure(life))
            .collect();
        (!pairs.is_empty()).then(|| goal(what, Spread::of(pairs), " ×", limit))
    };
    let begin = |life: &Life| life.init_ms + life.first_ms;
    let memory = |life: &Life| life.peak_mb;
    let cpu = |life: &Life| life.cpu_ms;
    let until_answer = "start to first answer";
    [
        ratio(
            &format!("{until_answer}, documented handler to trigger"),
            DOCUMENTED,
            TRIGGER,
            begin,
            Limit::AtLeast(SOONER),
        ),
        ratio(
            &format!("{until_answer}, the same, its bundle"),
            DOCUMENTED_BUNDLE,
            TRIGGER,
            begin,
            Limit::AtLeast(SOONER),
        ),
        ratio(
            &format!("{until_answer}, the same over TLS"),
            DOCUMENTED_TLS,
            TRIGGER_TLS,
            begin,
            Limit::AtLeast(SOONER),
        ),
        ratio(
            &format!("{until_answer}, the same over TLS, 10 ms a call"),
            DOCUMENTED_FAR,
            TRIGGER_FAR,
            begin,
            Limit::None,
        ),
        ratio(MEMORY, DOCUMENTED, TRIGGER, memory, Limit::AtLeast(SMALLER)),
        ratio(CPU, DOCUMENTED, TRIGGER, cpu, Limit::AtLeast(CHEAPER)),
        ratio(&format!("{until_answer}, earlier build to this"), BEFORE, TRIGGER, begin, Limit::None),
        ratio(
            &format!("{until_answer}, earlier build to this, TLS"),
            BEFORE_TLS,
            TRIGGER_TLS,
            begin,
            Limit::None,
        ),
        ratio(
            "first invocation, earlier build to this, TLS",
            BEFORE_TLS,
            TRIGGER_TLS,
            |life| life.first_ms,
            Limit::None,
        ),
        ratio(
            "first invocation, earlier build to this, TLS, 10 ms a call",
            BEFORE_FAR,
            TRIGGER_FAR,
            |life| life.first_ms,
            Limit::None,
        ),
        zip_bytes.map(|bytes| goal(ZIP, Spread::of([bytes as f64 / 1e6]), " MB", Limit::AtMost(ZIP_MB))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a goal says nothing of time, so that a loaded machine is no excuse.
pub(crate) fn holds_anywhere(goal: &Goal) -> bool {
    [CPU, MEMORY, ZIP].contains(&goal.what.as_str())
}
