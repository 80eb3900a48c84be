use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::outcome::{Origin, Outcome};
use crate::ports::ErrorClass;
use crate::stats::Operation;
use crate::telemetry::emf::pinned;

/// Something that is counted.
#[derive(Debug, Clone)]
enum Event {
    Receive(usize),
    End(Outcome, Origin),
    Made(Origin, u64),
    Failure(Operation, ErrorClass),
    Lost(usize),
    /// A line is printed.
    Line,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let outcome = proptest::sample::select(Outcome::ALL.to_vec());
    let origin = || proptest::sample::select(Origin::ALL.to_vec());
    let call = (
        proptest::sample::select(Operation::ALL.to_vec()),
        proptest::sample::select(ErrorClass::ALL.to_vec()),
    );
    let event = prop_oneof![
        (0..11_usize).prop_map(Event::Receive),
        (outcome, origin()).prop_map(|(outcome, origin)| Event::End(outcome, origin)),
        (origin(), prop_oneof![0..400_u64, 0..200_000_u64, 0..(1_u64 << 27)])
            .prop_map(|(origin, ms)| Event::Made(origin, ms)),
        call.prop_map(|(operation, class)| Event::Failure(operation, class)),
        (0..5_usize).prop_map(Event::Lost),
        Just(Event::Line),
    ];
    proptest::collection::vec(event, 0..400)
}

/// All lines of a life in which this happened; the last one at its end.
fn lines_of(events: &[Event], stats: &Stats) -> Vec<String> {
    let (now, mut before, mut lines) = (Instant::now(), Reading::default(), Vec::new());
    for event in events.iter().chain([&Event::Line]) {
        match *event {
            Event::Receive(messages) => stats.on_receive(now, messages, None),
            Event::End(outcome, origin) => stats.on_outcome(now, outcome, origin),
            Event::Made(origin, ms) => stats.on_profile(now, origin, Duration::from_millis(ms)),
            Event::Failure(operation, class) => stats.on_error(now, operation, class),
            Event::Lost(leases) => stats.on_leases_lost(leases),
            Event::Line => {
                let reading = Reading::of(stats, now);
                lines.extend(reading.lines_since(&before, "confirmations", 1_795_377_938_123));
                before = reading;
            }
        }
    }
    lines
}

fn sum(lines: &[Value], name: &str) -> u64 {
    lines.iter().filter_map(|line| line.get(name)).map(|value| value.as_u64().unwrap()).sum()
}

proptest! {
    #[test]
    fn all_lines_together_are_the_summary_and_none_is_larger_than_the_format_takes(events in events()) {
        let stats = Stats::default();
        let lines: Vec<Value> =
            lines_of(&events, &stats).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = serde_json::to_value(stats.snapshot(Instant::now())).unwrap();
        for name in Outcome::ALL.map(Outcome::name).into_iter().chain([
            "received",
            "answered_receives",
            "leases_lost",
            "live_profiles_within_objective",
        ]) {
            prop_assert_eq!(sum(&lines, name), summary[name].as_u64().unwrap(), "{}", name);
        }
        let failed: u64 = summary["errors"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        prop_assert_eq!(sum(&lines, "failed_calls"), failed);
        let made = summary["confirmation_to_profile_ms"]["count"].as_u64().unwrap_or_default();
        prop_assert_eq!(sum(&lines, "live_profiles"), made);
        let mut counted = 0;
        for line in &lines {
            prop_assert!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len() <= 100);
            let Some(told) = line.get("confirmation_to_profile") else { continue };
            let (values, counts) = (told["Values"].as_array().unwrap(), told["Counts"].as_array().unwrap());
            prop_assert!(!values.is_empty() && values.len() <= 100 && values.len() == counts.len());
            prop_assert!(values.windows(2).all(|pair| pair[0].as_f64() < pair[1].as_f64()));
            prop_assert_eq!((&told["Min"], &told["Max"]), (&values[0], &values[values.len() - 1]));
            let count: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
            prop_assert_eq!(told["Count"].as_u64(), Some(count));
            let total: f64 = values.iter().zip(counts).map(|(value, count)| value.as_f64().unwrap() * count.as_f64().unwrap()).sum();
            prop_assert!((told["Sum"].as_f64().unwrap() - total).abs() <= 1e-6 * total.max(1.0));
            counted += count;
        }
        prop_assert_eq!(counted, made);
    }

    #[test]
    fn a_distribution_has_at_most_a_hundred_values_none_of_them_too_short_or_twice_too_long(
        list in proptest::collection::vec(0..(1_u64 << 27), 1..3000)
    ) {
        let mut exact = BTreeMap::new();
        list.iter().for_each(|ms| *exact.entry(*ms).or_default() += 1);
        let told = distribution(&exact).unwrap();
        let values: Vec<f64> = told.value["Values"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
        prop_assert!(values.len() <= 100);
        for ms in list {
            let seconds = Duration::from_millis(ms).as_secs_f64();
            let as_told = values.iter().copied().find(|value| *value >= seconds);
            prop_assert!(as_told.is_some_and(|told| told <= 2.0 * seconds), "{} s of {:?}", seconds, as_told);
        }
    }
}

#[test]
fn the_names_and_units_are_those_that_alarms_and_dashboards_read() {
    let stats = Stats::default();
    pinned::assert_listed("worker", &lines_of(&[Event::Made(Origin::Live, 250)], &stats));
}

#[test]
fn what_took_a_minute_is_within_the_objective_and_what_is_not_live_is_not_told() {
    let stats = Stats::default();
    let made = [(Origin::Live, 60_000), (Origin::Live, 60_001), (Origin::Backfill, 5), (Origin::Replay, 5)];
    let lines = lines_of(&made.map(|(origin, ms)| Event::Made(origin, ms)), &stats);
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((sum(&lines, "live_profiles"), sum(&lines, "live_profiles_within_objective")), (2, 1));
    let told = lines.iter().find_map(|line| line.get("confirmation_to_profile")).unwrap();
    assert_eq!((&told["Count"], told["Min"].as_f64() >= Some(60.0)), (&2.into(), true));
}

#[test]
fn a_minute_without_profiles_has_no_distribution_and_zeros_for_the_rest() {
    let lines = lines_of(&[], &Stats::default());
    assert_eq!(lines.len(), 1);
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    for name in ["received", "created", "live_profiles", "breaker_open", "in_flight"] {
        assert_eq!(line[name], 0, "{name}");
    }
}
