//! What the lines of the worker tell: of what only grows, the difference to the line before, so that all lines
//! together come to the numbers of the summary; of what goes up and down, the number now.

use std::collections::BTreeMap;

use serde_json::json;
use tokio::time::Instant;

use super::{MOST, Metric, Unit, line};
use crate::stats::Stats;

/// The dimension: the queue's name, and nothing else, which bounds what CloudWatch has to keep.
const DIMENSION: &str = "queue_name";

/// The numbers at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reading {
    /// What only grows.
    counts: BTreeMap<&'static str, u64>,
    /// Live confirmations that became items, by how many milliseconds it took.
    latencies: BTreeMap<u64, u64>,
    /// What goes up and down.
    levels: Vec<Metric>,
}

impl Reading {
    pub(super) fn of(stats: &Stats, now: Instant) -> Self {
        let snapshot = stats.snapshot(now);
        // After the snapshot: whoever is within the objective is among them.
        let latencies: BTreeMap<_, _> = stats.live_latencies().into_iter().collect();
        let mut counts = snapshot.outcomes.clone();
        counts.extend([
            ("received", snapshot.received),
            ("live_profiles", latencies.values().sum()),
            ("live_profiles_within_objective", snapshot.live_profiles_within_objective),
            ("answered_receives", snapshot.answered_receives),
            ("failed_calls", snapshot.errors.values().sum()),
            ("leases_lost", snapshot.leases_lost),
        ]);
        let open =
            Metric { name: "breaker_open", unit: Unit::None, value: u8::from(snapshot.breaker_open).into() };
        let levels = vec![
            open,
            Metric::count("in_flight", snapshot.in_flight),
            Metric::count("effective_permits", snapshot.effective_permits as u64),
        ];
        Self { counts, latencies, levels }
    }

    /// The lines that tell of this reading after `before`. The distribution stands on a line of its own: values with
    /// counts are what AWS's own collectors print (awsemfexporter of the OpenTelemetry collector, `cWMetricHistogram`),
    /// while the specification tells of numbers and lists alone.
    pub(super) fn lines_since(&self, before: &Self, queue_name: &str, epoch_ms: i64) -> Vec<String> {
        let place = (DIMENSION, queue_name);
        let grown = self.counts.iter().map(|(name, count)| {
            Metric::count(name, count.saturating_sub(before.counts.get(name).copied().unwrap_or_default()))
        });
        let numbers: Vec<Metric> = grown.chain(self.levels.iter().cloned()).collect();
        let distribution = distribution(&difference(&self.latencies, &before.latencies));
        let distribution = distribution.map(|metric| line(epoch_ms, place, &[metric]));
        [line(epoch_ms, place, &numbers)].into_iter().chain(distribution).collect()
    }
}

fn difference(now: &BTreeMap<u64, u64>, before: &BTreeMap<u64, u64>) -> BTreeMap<u64, u64> {
    let more = now
        .iter()
        .map(|(ms, count)| (*ms, count.saturating_sub(before.get(ms).copied().unwrap_or_default())));
    more.filter(|(_, count)| *count > 0).collect()
}

/// The distribution, in at most as many different values as the format takes; `None` without any.
fn distribution(exact: &BTreeMap<u64, u64>) -> Option<Metric> {
    let told = (2..=8).rev().map(|digits| rounded(exact, digits)).find(|told| told.len() <= MOST)?;
    let seconds = |ms: &u64| std::time::Duration::from_millis(*ms).as_secs_f64();
    let (shortest, longest) = (told.keys().next()?, told.keys().next_back()?);
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53 milliseconds")]
    let sum = told.iter().map(|(ms, count)| (ms * count) as f64).sum::<f64>() / 1000.0;
    let value = json!({
        "Values": told.keys().map(seconds).collect::<Vec<_>>(),
        "Counts": told.values().collect::<Vec<_>>(),
        "Min": seconds(shortest),
        "Max": seconds(longest),
        "Sum": sum,
        "Count": told.values().sum::<u64>(),
    });
    Some(Metric { name: "confirmation_to_profile", unit: Unit::Seconds, value })
}

/// Every value rounded up to so many binary digits: never told as shorter than it was. With two digits there are
/// two values to each doubling, which is 54 for all latencies that are told apart.
fn rounded(exact: &BTreeMap<u64, u64>, digits: u32) -> BTreeMap<u64, u64> {
    let mut told = BTreeMap::new();
    for (ms, count) in exact {
        let left_out = (u64::BITS - ms.leading_zeros()).saturating_sub(digits);
        *told.entry(ms | ((1 << left_out) - 1)).or_default() += count;
    }
    told
}

#[cfg(test)]
mod tests;
