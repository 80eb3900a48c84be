//! What the runs came to, and figures over their rounds.
//!
//! A ratio is taken round by round: what was measured close together is compared.

use serde::Serialize;

use crate::audit::Audit;
use crate::goals::Spread;
use crate::scene::Idle;

/// What one run came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) round: u32,
    pub(crate) messages: usize,
    pub(crate) users: usize,
    pub(crate) messages_per_second: f64,
    /// From its start to its end.
    pub(crate) cpu_ms: f64,
    pub(crate) cpu_ms_per_1000: f64,
    pub(crate) peak_mb: f64,
    /// As the endpoints counted them.
    pub(crate) calls_per_1000: f64,
    /// Deliveries beyond the first of each message.
    pub(crate) redelivered: Option<u64>,
    pub(crate) delay_ms: u64,
    /// What one call took before the run, delay included.
    pub(crate) call_ms: f64,
    /// Worker processes at once.
    pub(crate) tasks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle: Option<Idle>,
    #[serde(flatten)]
    pub(crate) seen: Audit,
}

/// One number of a run.
pub(crate) type Figure = fn(&Run) -> f64;

pub(crate) const CPU: Figure = |run| run.cpu_ms_per_1000;
pub(crate) const MEMORY: Figure = |run| run.peak_mb;
pub(crate) const SPEED: Figure = |run| run.messages_per_second;
pub(crate) const P99: Figure = |run| run.seen.times.p99_ms;
pub(crate) const SENT_P99: Figure = |run| run.seen.times.sent_p99_ms;
/// When the last message was deleted, to when 99 of 100 were.
pub(crate) const LAST: Figure = |run| run.seen.times.seconds / run.seen.times.seconds_to_99;
/// Write units per user.
pub(crate) const UNITS: Figure = |run| {
    let units = run.seen.write_units.map_or(f64::NAN, |units| units as f64);
    units / run.users as f64
};
pub(crate) const CALLS: Figure = |run| run.calls_per_1000;

/// Every run, by variant in the order of the first round, and by round.
#[derive(Debug, Default)]
pub(crate) struct Runs(Vec<Vec<Run>>);

impl Runs {
    pub(crate) fn add(&mut self, run: Run) {
        match self.0.iter_mut().find(|runs| runs.first().is_some_and(|first| first.name == run.name)) {
            Some(runs) => runs.push(run),
            None => self.0.push(vec![run]),
        }
    }

    /// Of this variant, by round; none if it was not run.
    pub(crate) fn of(&self, name: &str) -> &[Run] {
        self.by_variant().find(|runs| runs[0].name == name).unwrap_or_default()
    }

    pub(crate) fn by_variant(&self) -> impl Iterator<Item = &[Run]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Run> {
        self.0.iter().flatten()
    }

    /// A figure of a variant that was run.
    pub(crate) fn spread(&self, name: &str, figure: Figure) -> Spread {
        Spread::of(self.of(name).iter().map(figure))
    }

    /// One variant's figure to another's.
    pub(crate) fn ratio(&self, name: &str, other: &str, figure: Figure) -> Spread {
        let pairs = self.of(name).iter().zip(self.of(other));
        Spread::of(pairs.map(|(run, other)| figure(run) / figure(other)))
    }
}
