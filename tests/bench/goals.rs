//! A figure, what it should be, and whether it is. The goals themselves are in `sections`.

use serde::Serialize;

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

/// What a figure must be.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    None,
}

/// One figure and whether it keeps to its limit.
pub(crate) fn goal(what: impl Into<String>, measured: Spread, unit: &'static str, limit: Limit) -> Goal {
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
