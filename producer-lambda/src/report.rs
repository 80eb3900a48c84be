//! What an operator gets to see: one metric line per event, and a log line where something is wrong.
//!
//! Lambda ships stdout to CloudWatch, which turns a line in the embedded metric format into a metric:
//! no agent, no request, no flush. Must never name a person, and must never fail: a sign-up does not
//! depend on its log line.

use std::io::Write as _;

use domain::Timestamp;
use serde_json::{Value, json};

use crate::config::ConfigError;
use crate::handler::Announcement;

/// The CloudWatch namespace of the metrics.
const NAMESPACE: &str = "ProfileWorker";
/// The one dimension: which function.
const DIMENSION: &str = "function_name";

/// Writes the lines for one event to stdout.
pub(crate) fn announcement(announcement: &Announcement, function_name: &str, now: Timestamp) {
    write(&announcement_lines(announcement, function_name, now));
}

/// Writes one ERROR line for each problem of a configuration to stdout.
pub fn log_configuration(error: &ConfigError) {
    for problem in &error.problems {
        log_error(&problem.to_string());
    }
}

/// From now on a panic writes where it happened and never what it said: that may hold what it choked on.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        log_error(&format!("panicked at {place}"));
    }));
}

/// Writes one ERROR line to stdout. `message` must not name a person.
pub fn log_error(message: &str) {
    write(&line(&json!({ "timestamp": now_text(), "level": "ERROR", "message": message })));
}

fn announcement_lines(announcement: &Announcement, function_name: &str, now: Timestamp) -> String {
    let log = match announcement {
        Announcement::Enqueued | Announcement::Ignored => None,
        Announcement::Invalid(rejection) => Some(json!({
            "timestamp": now.to_string(),
            "level": "WARN",
            "message": announcement.name(),
            "reason": rejection.reason.code(),
            "detail": rejection.detail,
        })),
        Announcement::Failed(class) => Some(json!({
            "timestamp": now.to_string(),
            "level": "ERROR",
            "message": announcement.name(),
            "class": class.code(),
            "mend": class.mend(),
        })),
    };
    let mut lines = log.as_ref().map(line).unwrap_or_default();
    lines.push_str(&line(&metric(announcement.name(), function_name, now)));
    lines
}

/// Embedded metric format (CloudWatch user guide, "Specification: Embedded metric format").
fn metric(name: &str, function_name: &str, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.epoch_ms(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [[DIMENSION]],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            }],
        },
        DIMENSION: function_name,
        name: 1,
    })
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn now_text() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// In one piece, so that lines of concurrent invocations do not mix. A closed stdout is no reason to
/// fail, as `println!` would.
fn write(lines: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureClass;
    use domain::{Reason, Rejection};

    fn lines(announcement: &Announcement) -> Vec<Value> {
        let now = Timestamp::from_epoch_ms(1_795_377_938_123).unwrap();
        let text = announcement_lines(announcement, "trigger", now);
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_announcement_is_one_metric_with_the_function_as_only_dimension() {
        let invalid = Rejection::new(Reason::MissingField, "sub is absent or null");
        for (announcement, name, count) in [
            (Announcement::Enqueued, "enqueued", 1),
            (Announcement::Ignored, "ignored", 1),
            (Announcement::Invalid(invalid), "invalid_event", 2),
            (Announcement::Failed(FailureClass::Timeout), "enqueue_failed", 2),
        ] {
            let lines = lines(&announcement);
            assert_eq!(lines.len(), count, "{name}");
            assert_eq!(
                lines.last().unwrap(),
                &json!({
                    "_aws": {
                        "Timestamp": 1_795_377_938_123_i64,
                        "CloudWatchMetrics": [{
                            "Namespace": "ProfileWorker",
                            "Dimensions": [["function_name"]],
                            "Metrics": [{ "Name": name, "Unit": "Count" }],
                        }],
                    },
                    "function_name": "trigger",
                    name: 1,
                })
            );
        }
    }

    /// What CloudWatch's alarms, dashboard and saved queries rely on, from where they read it.
    #[test]
    fn names_and_fields_are_those_that_alarms_and_queries_read() {
        let listed = |file: &str| -> Value {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards/cloudwatch");
            serde_json::from_str(&std::fs::read_to_string(format!("{folder}/{file}")).unwrap()).unwrap()
        };
        let metrics = listed("emf-metrics.json");
        assert_eq!(
            (&metrics["namespace"], &metrics["trigger"]["dimension"]),
            (&json!(NAMESPACE), &json!(DIMENSION))
        );
        let invalid = Rejection::new(Reason::MissingField, "sub is absent or null");
        let failed = Announcement::Failed(FailureClass::Timeout);
        let all = [Announcement::Enqueued, Announcement::Ignored, Announcement::Invalid(invalid), failed];
        let printed = all.iter().map(|announcement| (announcement.name().to_owned(), json!("Count")));
        assert_eq!(printed.collect::<Value>(), metrics["trigger"]["metrics"]);
        let line = lines(all.last().unwrap()).remove(0);
        for field in listed("log-fields.json")["trigger"]["enqueue_failed"].as_array().unwrap() {
            assert!(line[field.as_str().unwrap()].is_string(), "{field} is not in {line}");
        }
    }

    #[test]
    fn a_failure_is_told_by_its_class_and_its_mend() {
        for class in FailureClass::ALL {
            let lines = lines(&Announcement::Failed(class));
            let log = lines.first().unwrap();
            assert_eq!(log["level"], "ERROR");
            assert_eq!(log["message"], "enqueue_failed");
            assert_eq!(log["class"], class.code());
            assert_eq!(log["timestamp"], "2026-11-22T20:05:38.123Z");
        }
    }
}
