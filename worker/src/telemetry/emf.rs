//! CloudWatch's embedded metric format: a line of JSON on stdout from which CloudWatch Logs makes metrics, without a
//! collector and without a request (CloudWatch user guide, "Specification: Embedded metric format"). One writer for
//! `run` and `reconcile`. Must never name a person, and never be what keeps a worker from working.

use serde_json::{Map, Value, json};

mod printing;
mod reading;

pub use printing::Printer;

/// The CloudWatch namespace of all our metrics; the trigger has the same.
const NAMESPACE: &str = "ProfileWorker";

/// The specification's limit for one line, and for the values of one metric.
const MOST: usize = 100;

/// What a metric counts. CloudWatch keeps apart what comes under different units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// So many.
    Count,
    /// Time.
    Seconds,
    /// A state.
    None,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
            Self::None => "None",
        }
    }
}

/// One metric of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// A number, or a distribution.
    pub value: Value,
}

impl Metric {
    /// So many of them.
    pub fn count(name: &'static str, count: u64) -> Self {
        Self { name, unit: Unit::Count, value: count.into() }
    }
}

/// One line without its end: metrics of one moment, of one queue, pool or whatever else the dimension says. More than the
/// specification takes are left out, for CloudWatch would take none of them.
pub fn line(epoch_ms: i64, (dimension, place): (&'static str, &str), metrics: &[Metric]) -> String {
    debug_assert!(metrics.len() <= MOST, "{} metrics in one line", metrics.len());
    let metrics = metrics.get(..MOST).unwrap_or(metrics);
    let defined = metrics.iter().map(|metric| json!({"Name": metric.name, "Unit": metric.unit.name()}));
    let directive = json!({
        "Timestamp": epoch_ms,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": [[dimension]], "Metrics": defined.collect::<Vec<_>>(),
        }],
    });
    let mut line =
        Map::from_iter([("_aws".to_owned(), directive), (dimension.to_owned(), Value::from(place))]);
    line.extend(metrics.iter().map(|metric| (metric.name.to_owned(), metric.value.clone())));
    Value::from(line).to_string()
}

/// What CloudWatch's alarms and dashboards rely on, from where they read it.
#[cfg(test)]
pub(crate) mod pinned {
    use std::collections::BTreeMap;

    use serde_json::Value;

    const LIST: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards/cloudwatch/emf-metrics.json"));

    /// Compares lines of a program with its entry: its dimension, and every name with its unit.
    pub(crate) fn assert_listed(program: &str, lines: &[String]) {
        let list: Value = serde_json::from_str(LIST).unwrap();
        let mut seen = BTreeMap::new();
        for line in lines {
            let line: Value = serde_json::from_str(line).unwrap();
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], list["namespace"]);
            assert_eq!(directive["Dimensions"], serde_json::json!([[list[program]["dimension"]]]));
            for metric in directive["Metrics"].as_array().unwrap() {
                seen.insert(metric["Name"].as_str().unwrap().to_owned(), metric["Unit"].clone());
            }
        }
        assert_eq!(serde_json::to_value(seen).unwrap(), list[program]["metrics"], "{program}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_metrics_and_their_units_and_holds_a_value_for_each() {
        let metrics = [
            Metric::count("received", 3),
            Metric { name: "breaker_open", unit: Unit::None, value: 0.into() },
        ];
        let line: Value =
            serde_json::from_str(&line(1_795_377_938_123, ("queue_name", "q"), &metrics)).unwrap();
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_377_938_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "ProfileWorker",
                    "Dimensions": [["queue_name"]],
                    "Metrics": [{"Name": "received", "Unit": "Count"}, {"Name": "breaker_open", "Unit": "None"}],
                }],
            },
            "queue_name": "q", "received": 3, "breaker_open": 0,
        });
        assert_eq!(line, expected);
    }
}
