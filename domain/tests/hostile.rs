//! Whatever stands in the queue, reading it ends in a confirmation or a reason, and the reason names
//! nobody.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod oracles;

use domain::{Confirmation, Profile, ProfileModel, Reason, Rejection, Timestamp, body};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> Result<(Confirmation, Profile), Rejection> {
    let sent_at = Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap();
    let confirmation = body::read(text, sent_at, |_| true)?.confirmation;
    let profile = ProfileModel::default().profile(&confirmation)?;
    Ok((confirmation, profile))
}

fn outcome(text: &str) -> Result<Value, (Reason, String)> {
    read(text)
        .map(|(_, profile)| profile.item.to_dynamodb_json())
        .map_err(|rejection| (rejection.reason, rejection.detail))
}

/// Either an item that can be written, of a confirmation that can be sent on, or a reason that names nobody.
fn judge(text: &str) {
    match read(text) {
        Ok((confirmation, profile)) => {
            oracles::assert_survives_the_queue(&confirmation);
            oracles::assert_writable(&profile, &ProfileModel::default(), &confirmation);
        }
        Err(rejection) => oracles::assert_names_nobody(text, &rejection, |other| read(other).err()),
    }
}

fn reason(body: &Value) -> Reason {
    outcome(&body.to_string()).unwrap_err().0
}

fn envelope_with(field: &str, value: Value) -> Value {
    let mut body = json!({
        "v": 1, "kind": "user.confirmed", "source": "cognito.trigger", "trigger": "ConfirmSignUp",
        "userPoolId": "eu-central-1_A1b2C3d4E", "sub": "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11",
        "username": "ana", "email": "ana@example.com", "observedAt": "2026-11-22T20:05:38.123Z"
    });
    body[field] = value;
    body
}

#[test]
fn each_fault_has_its_reason() {
    assert_eq!(outcome("").unwrap_err().0, Reason::NotJson);
    assert_eq!(outcome("{\"v\":1,").unwrap_err().0, Reason::NotJson);
    assert_eq!(outcome("\u{feff}{}").unwrap_err().0, Reason::NotJson);
    assert_eq!(outcome(r#"{"v":1,"kind":"\ud800"}"#).unwrap_err().0, Reason::NotJson);
    assert_eq!(outcome(&"[".repeat(100_000)).unwrap_err().0, Reason::TooDeep);
    assert_eq!(outcome(&format!("\"{}\"", "a".repeat(body::MAX_BYTES))).unwrap_err().0, Reason::TooLarge);
    for not_one in
        [json!(null), json!([]), json!("text"), json!({}), json!({"detail": {}}), json!({"Records": []})]
    {
        assert_eq!(reason(&not_one), Reason::NotAConfirmation, "{not_one}");
    }
    for (field, value, expected) in [
        ("v", json!(2), Reason::UnsupportedVersion),
        ("v", json!(0), Reason::NotAConfirmation),
        ("v", json!("1"), Reason::NotAConfirmation),
        ("v", json!(null), Reason::MissingField),
        ("kind", json!("user.deleted"), Reason::NotAConfirmation),
        ("source", json!("elsewhere"), Reason::NotAConfirmation),
        ("userPoolId", json!("nowhere"), Reason::InvalidPool),
        ("userPoolId", json!(7), Reason::InvalidPool),
        ("sub", json!("ana"), Reason::InvalidSub),
        ("sub", json!(true), Reason::InvalidSub),
        ("sub", json!("9C1E6C2A-30F1-70B5-9D0C-5B6C0E0D7A11"), Reason::InvalidSub),
        ("username", json!(""), Reason::MissingField),
        ("username", json!({}), Reason::MissingField),
        ("username", json!("a\u{0}b"), Reason::NotAConfirmation),
        ("observedAt", json!("yesterday"), Reason::InvalidTime),
        ("observedAt", json!(1_732_300_000), Reason::InvalidTime),
        ("createdAt", json!("1969-01-01T00:00:00Z"), Reason::InvalidTime),
    ] {
        assert_eq!(reason(&envelope_with(field, value.clone())), expected, "{field} = {value}");
    }
}

/// A version is a small number; any other is a value, such as somebody's phone number.
#[test]
fn a_number_that_is_no_version_is_not_quoted() {
    let detail = |v: u64| outcome(&envelope_with("v", json!(v)).to_string()).unwrap_err();
    let (reason, near) = detail(2);
    assert_eq!(reason, Reason::UnsupportedVersion);
    assert!(near.starts_with("v is 2;"), "{near}");
    let (reason, far) = detail(4_915_550_123_456);
    assert_eq!(reason, Reason::UnsupportedVersion);
    assert!(!far.contains("4915"), "{far}");
}

#[test]
fn odd_but_harmless_values_become_items() {
    for email in [json!(null), json!(""), json!([]), json!({})] {
        assert_eq!(outcome(&envelope_with("email", email).to_string()).unwrap().get("email"), None);
    }
    let item = outcome(&envelope_with("email", json!("\u{0}\"'; DROP TABLE\u{1f}")).to_string()).unwrap();
    assert_eq!(item["email"]["S"], "\u{0}\"'; DROP TABLE\u{1f}");
    let item = outcome(&envelope_with("username", json!("a::'b\"")).to_string()).unwrap();
    assert_eq!(item["profileOwner"]["S"], "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11::a::'b\"");
}

#[test]
fn keys_and_items_beyond_dynamodbs_limits_are_rejected_before_they_are_sent() {
    let model = |toml: &str| ProfileModel::from_toml(toml).unwrap();
    let profile = |model: &ProfileModel, email: usize| {
        let body = envelope_with("email", json!("e".repeat(email))).to_string();
        let received = body::read(&body, Timestamp::from_epoch_ms(0).unwrap(), |_| true).unwrap();
        model.profile(&received.confirmation).map_err(|rejection| rejection.reason)
    };
    let long_key = model(&format!(
        "type = \"P\"\n[key]\npartition = {{ name = \"id\", value = \"{}{{sub}}\" }}",
        "k".repeat(2048)
    ));
    assert_eq!(profile(&long_key, 1).unwrap_err(), Reason::KeyInvalid);
    let twice = model(
        "type = \"P\"\n[key]\npartition = { name = \"id\", value = \"{sub}\" }\n[fields]\na = \"{email}\"\nb = \"{email}\"",
    );
    assert!(profile(&twice, 100_000).is_ok());
    assert_eq!(profile(&twice, 210_000).unwrap_err(), Reason::ItemTooLarge);
}

/// A confirmation with random parts of it replaced, removed or nested.
fn mangled() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                "(v|kind|sub|detail|request|userAttributes|triggerSource|time|detail-type)",
                inner,
                0..4
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let field = prop::sample::select(vec![
        "v",
        "kind",
        "source",
        "trigger",
        "userPoolId",
        "sub",
        "username",
        "email",
        "observedAt",
        "createdAt",
        "attributes",
        "detail",
        "detail-type",
        "request",
        "triggerSource",
        "time",
    ]);
    (field, value).prop_map(|(field, value)| envelope_with(field, value).to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_becomes_an_item_or_a_reason_that_names_nobody(text in ".{0,300}") {
        judge(&text);
    }

    #[test]
    fn a_mangled_confirmation_becomes_an_item_or_a_reason_that_names_nobody(text in mangled()) {
        judge(&text);
        if let Err((_, detail)) = outcome(&text) {
            prop_assert!(!detail.contains("ana") && !detail.contains("9c1e6c2a"), "{}", detail);
        }
    }

    #[test]
    fn reading_is_a_function_of_the_text(text in mangled()) {
        prop_assert_eq!(outcome(&text), outcome(&text));
    }
}
