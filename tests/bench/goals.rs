//! The goals, and whether they were met. The limits are those of `docs/performance.md`.

use serde::Serialize;

use crate::calls;
use crate::command::Section;
use crate::rounds::{Run, Runs};
use crate::variants::{DELAY_MS, Variant};

/// One figure with what it should be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) limit: String,
    #[serde(flatten)]
    pub(crate) measured: Spread,
    pub(crate) unit: &'static str,
    /// `None` where there is no goal.
    pub(crate) met: Option<bool>,
}

/// A figure over the rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Self { median: f64::midpoint(low, high), min: sorted[0], max: sorted[sorted.len() - 1] }
    }
}

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    None,
}

/// Receive's answer half a delay, the write a whole one, the delete's request half: no worker is faster.
const TWO_CALLS_MS: f64 = 2.0 * DELAY_MS as f64;

const CALLS: f64 = 1.05;
const CPU: f64 = 0.45;
const PEAK_MB: f64 = 40.0;
const GROWTH: f64 = 1.1;
const OVER_SEQUENTIAL: f64 = 5.0;
const OVER_CONCURRENT: f64 = 2.5;
const P99: f64 = 3.0;
const TELLING: f64 = 1.05;

/// What was measured of these sections, each figure with its goal.
pub(crate) fn judge(sections: &[Section], runs: &Runs) -> Vec<Goal> {
    sections.iter().flat_map(|section| section_goals(*section, runs)).collect()
}

fn section_goals(section: Section, runs: &Runs) -> Vec<Goal> {
    let of = |variant, figure: fn(&Run) -> f64| Spread::of(runs[&variant].iter().map(figure));
    // Round by round: what was measured close together is compared.
    let ratio = |variant, other, figure: fn(&Run) -> f64| {
        let pairs = runs[&variant].iter().zip(&runs[&other]);
        Spread::of(pairs.map(|(run, other)| figure(run) / figure(other)))
    };
    let cpu = |run: &Run| run.cpu_ms_per_1000;
    let memory = |run: &Run| run.peak_mb;
    let speed = |run: &Run| run.messages_per_second;
    let p99 = |run: &Run| run.seen.p99_ms;
    match section {
        Section::Calls => {
            let floor = calls::floor(runs[&Variant::Auto][0].messages);
            let calls = of(Variant::Auto, |run| run.calls_per_1000.unwrap_or(f64::NAN));
            let what = format!("API calls per 1,000 messages (fewest possible: {floor:.0})");
            vec![goal(what, calls, "", Limit::AtMost(CALLS * floor))]
        }
        Section::Cpu => vec![
            goal("CPU per 1,000 messages", of(Variant::Auto, cpu), " ms", Limit::None),
            goal("the same with `WRITE_STRATEGY=put`", of(Variant::Put, cpu), " ms", Limit::None),
            goal("`auto` to `put`", ratio(Variant::Auto, Variant::Put, cpu), " ×", Limit::AtMost(CPU)),
        ],
        Section::Memory => {
            let backlog =
                |variant| format!("peak memory, {} messages", thousands(runs[&variant][0].messages));
            vec![
                goal(backlog(Variant::Auto), of(Variant::Auto, memory), " MB", Limit::AtMost(PEAK_MB)),
                goal(backlog(Variant::Crowd), of(Variant::Crowd, memory), " MB", Limit::AtMost(PEAK_MB)),
                goal(
                    "growth from one to the other",
                    ratio(Variant::Crowd, Variant::Auto, memory),
                    " ×",
                    Limit::AtMost(GROWTH),
                ),
            ]
        }
        Section::Latency => vec![
            goal("messages a second, 20 ms a call", of(Variant::Far, speed), "", Limit::None),
            goal("sequential loop", of(Variant::Sequential, speed), "", Limit::None),
            goal("eight loops, ten puts at once", of(Variant::Concurrent, speed), "", Limit::None),
            goal(
                "over the sequential loop",
                ratio(Variant::Far, Variant::Sequential, speed),
                " ×",
                Limit::AtLeast(OVER_SEQUENTIAL),
            ),
            goal(
                "over the eight loops",
                ratio(Variant::Far, Variant::Concurrent, speed),
                " ×",
                Limit::AtLeast(OVER_CONCURRENT),
            ),
        ],
        Section::P99 => vec![
            goal("p99 receive to delete, 20 ms a call, defaults", of(Variant::Far, p99), " ms", Limit::None),
            goal(
                "the same with `MAX_RECEIVERS=128`, `MAX_IN_FLIGHT=8000`",
                of(Variant::Greedy, p99),
                " ms",
                Limit::AtMost(P99 * TWO_CALLS_MS),
            ),
        ],
        Section::Telemetry => vec![
            goal("CPU per 1,000 messages, telling nobody", of(Variant::Silent, cpu), " ms", Limit::None),
            goal(
                "the same, pushing OTLP and scraped every second",
                of(Variant::Told, cpu),
                " ms",
                Limit::None,
            ),
            goal(
                "what telling costs",
                ratio(Variant::Told, Variant::Silent, cpu),
                " ×",
                Limit::AtMost(TELLING),
            ),
        ],
    }
}

fn goal(what: impl Into<String>, measured: Spread, unit: &'static str, limit: Limit) -> Goal {
    let (met, limit) = match limit {
        Limit::AtMost(most) => (Some(measured.median <= most), format!("≤ {}{unit}", figure(most))),
        Limit::AtLeast(least) => (Some(measured.median >= least), format!("≥ {}{unit}", figure(least))),
        Limit::None => (None, String::new()),
    };
    Goal { what: what.into(), limit, measured, unit, met }
}

/// Three digits, which is more than these figures are good for.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        1000.0.. => grouped(&format!("{value:.0}")),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// With a comma after the thousands.
pub(crate) fn thousands(number: usize) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}
