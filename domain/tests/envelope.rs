//! The published schema and the code say the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod oracles;

use std::collections::BTreeMap;

use domain::{Confirmation, Source, Timestamp, TriggerSource, UserPoolId, UserSub, Username, body, envelope};
use proptest::prelude::*;
use serde_json::{Value, json};

use oracles::is_sqs_text;

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(envelope::JSON_SCHEMA).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn example() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events/queue-message-v1.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap()
}

#[test]
fn the_contracts_example_is_valid_and_survives_a_round_trip() {
    assert!(schema().is_valid(&example()));
    let received = body::read(&example().to_string(), now(), |_| false).unwrap();
    let written: Value = serde_json::from_str(&envelope::write(&received.confirmation)).unwrap();
    assert_eq!(written, example());
}

#[test]
fn what_the_schema_requires_the_reader_requires() {
    for field in ["v", "kind", "source", "userPoolId", "sub", "username", "observedAt"] {
        let mut without = example();
        without.as_object_mut().unwrap().remove(field);
        assert!(!schema().is_valid(&without), "the schema does not require {field}");
        let rejection = body::read(&without.to_string(), now(), |_| false).unwrap_err();
        assert_eq!(rejection.reason.code(), "missing_field", "{field}");
        assert!(rejection.detail.contains(field), "{rejection}");
    }
}

#[test]
fn unknown_fields_are_ignored_and_bad_optional_ones_do_no_harm() {
    let mut odd = example();
    odd["futureField"] = json!({"a": [1]});
    odd["email"] = json!(null);
    odd["emailVerified"] = json!("true");
    odd["traceparent"] = json!("<script>");
    odd["attributes"] = json!({"custom:n": 5, "custom:flag": true, "custom:empty": "", "custom:list": []});
    let confirmation = body::read(&odd.to_string(), now(), |_| true).unwrap().confirmation;
    assert_eq!(confirmation.email, None);
    assert_eq!(confirmation.email_verified, Some(true));
    assert_eq!(confirmation.traceparent, None);
    let expected =
        BTreeMap::from([("custom:n".to_owned(), "5".to_owned()), ("custom:flag".into(), "true".into())]);
    assert_eq!(confirmation.attributes, expected);
    let only = body::read(&odd.to_string(), now(), |name| name == "custom:n").unwrap().confirmation;
    assert_eq!(only.attributes.into_keys().collect::<Vec<_>>(), ["custom:n"]);
}

prop_compose! {
    fn any_confirmation()(
        source in 0..4_usize,
        trigger in prop::option::of(prop_oneof![Just(TriggerSource::ConfirmSignUp), Just(TriggerSource::ConfirmForgotPassword)]),
        sub in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        username in "\\PC{1,128}",
        email in prop::option::of(".{1,60}"),
        email_verified in prop::option::of(any::<bool>()),
        observed in 0..253_402_207_200_000_i64,
        created in prop::option::of(0..253_402_207_200_000_i64),
        attributes in prop::collection::btree_map("custom:[a-z]{1,8}", ".{1,20}", 0..4),
    ) -> Confirmation {
        Confirmation {
            source: Source::ALL[source],
            trigger,
            user_pool_id: UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap(),
            region: Some("eu-central-1".into()),
            sub: UserSub::parse(&sub).unwrap(),
            username: Username::parse(&username).unwrap(),
            email,
            email_verified,
            observed_at: Timestamp::from_epoch_ms(observed).unwrap(),
            created_at: created.map(|ms| Timestamp::from_epoch_ms(ms).unwrap()),
            attributes,
            traceparent: None,
        }
    }
}

#[test]
fn the_two_characters_sqs_refuses_are_escaped() {
    let mut body = example();
    body["username"] = json!("a\u{fffe}\u{ffff}");
    let confirmation = body::read(&body.to_string(), now(), |_| true).unwrap().confirmation;
    let text = envelope::write(&confirmation);
    assert!(is_sqs_text(&text));
    assert_eq!(body::read(&text, now(), |_| true).unwrap().confirmation, confirmation);
}

proptest! {
    #[test]
    fn whatever_is_written_is_valid_is_safe_for_sqs_and_reads_back_equal(confirmation in any_confirmation()) {
        let text = envelope::write(&confirmation);
        prop_assert!(schema().is_valid(&serde_json::from_str(&text).unwrap()));
        prop_assert!(is_sqs_text(&text));
        prop_assert_eq!(body::read(&text, now(), |_| true).unwrap().confirmation, confirmation);
    }
}
