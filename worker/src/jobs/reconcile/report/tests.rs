use serde_json::{Value, json};

use super::*;
use crate::telemetry::emf::pinned;

fn outcome() -> Outcome {
    let counts =
        Counts { users: 7, profiles: 5, matched: 4, missing: 3, email_drift: 2, ..Counts::default() };
    Outcome {
        counts,
        full: false,
        legacy_known: false,
        enqueued: None,
        interrupted: false,
        unreadable: 0,
        other_pools: false,
        metrics: None,
    }
}

fn keys(outcome: &Outcome) -> Vec<String> {
    let Value::Object(map) = serde_json::to_value(outcome).unwrap() else { panic!("no object") };
    // serde_json sorts; the text keeps the order.
    let text = serde_json::to_string(outcome).unwrap();
    let mut keys: Vec<_> = map.keys().cloned().collect();
    keys.sort_by_key(|key| text.find(&format!("\"{key}\"")));
    keys
}

#[test]
fn the_keys_are_the_contracts() {
    let plain =
        ["users", "profiles", "matched", "missing", "missing_in_grace", "skipped_status", "skipped_disabled"];
    assert_eq!(keys(&outcome()), plain);
    let full = "users profiles matched missing missing_in_grace legacy orphan duplicate owner_conflict malformed \
                email_drift skipped_status skipped_disabled";
    let full: Vec<&str> = full.split_whitespace().collect();
    assert_eq!(keys(&Outcome { full: true, ..outcome() }), full);
    let fixed = Outcome { legacy_known: true, enqueued: Some(3), interrupted: true, ..outcome() };
    let mut with_legacy = plain.to_vec();
    with_legacy.insert(5, "legacy");
    assert_eq!(keys(&fixed), [&with_legacy[..], &["enqueued", "interrupted"]].concat());
}

#[test]
fn who_is_missing_is_found_also_when_he_was_enqueued() {
    assert_eq!(outcome().ending(), Ending::Found);
    assert_eq!(Outcome { enqueued: Some(3), ..outcome() }.ending(), Ending::Found);
    assert_eq!(Outcome { interrupted: true, ..outcome() }.ending(), Ending::Interrupted);
    assert_eq!(Outcome { counts: Counts::default(), ..outcome() }.ending(), Ending::Done);
}

#[test]
fn cloudwatch_hears_every_number_of_a_finished_comparison_and_none_of_another() {
    assert_eq!(outcome().metrics(), None);
    let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
    let time = Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap();
    let told = Outcome { full: true, enqueued: Some(3), metrics: Some((pool, time)), ..outcome() };
    pinned::assert_listed("reconcile", &[told.metrics().unwrap()]);
    let line: Value = serde_json::from_str(&told.metrics().unwrap()).unwrap();
    assert_eq!(line["_aws"]["Timestamp"], 1_795_377_938_123_i64);
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "ProfileWorker");
    assert_eq!(directive["Dimensions"], json!([["UserPoolId"]]));
    assert_eq!(line["UserPoolId"], "eu-central-1_A1b2C3d4E");
    assert_eq!((&line["ReconcileMissing"], &line["ReconcileUsers"]), (&json!(3), &json!(7)));
    let named = directive["Metrics"].as_array().unwrap();
    assert_eq!(named.len(), told.fields().len());
    for metric in named {
        assert_eq!(metric["Unit"], "Count");
        assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
    }
    assert_eq!(Outcome { interrupted: true, ..told }.metrics(), None);
}

#[test]
fn the_advice_says_what_to_do_next() {
    let said = |outcome: Outcome| outcome.advice().unwrap_or_default();
    assert!(said(outcome()).contains("--fix missing") && said(outcome()).contains("--full"));
    assert!(!said(Outcome { full: true, ..outcome() }).contains("--full"));
    assert!(said(Outcome { interrupted: true, ..outcome() }).contains("nothing was enqueued"));
    let half = Outcome { interrupted: true, enqueued: Some(2), ..outcome() };
    assert!(said(half).contains("2 were enqueued"));
    let conflict = Counts { owner_conflict: 1, ..Counts::default() };
    assert!(said(Outcome { counts: conflict, ..outcome() }).contains("row of another"));
    assert!(said(Outcome { unreadable: 1, ..outcome() }).contains("could not be read"));
    let orphan = Counts { orphan: 1, ..Counts::default() };
    let others = Outcome { counts: orphan, full: true, other_pools: true, ..outcome() };
    assert!(said(others).contains("other pools"));
    assert_eq!(said(Outcome { counts: Counts::default(), ..outcome() }), "");
}
