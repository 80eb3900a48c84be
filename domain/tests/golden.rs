//! Every fixture, through the whole of this crate: the text of a message in, the exact item out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use domain::{ProfileModel, Reason, Timestamp, body, envelope, event};
use serde_json::Value;

const SENT_AT: &str = "2026-11-22T20:05:38.123Z";

fn fixture(folder: &str, name: &str) -> String {
    let path = format!("{}/tests/fixtures/{folder}/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

fn names(folder: &str) -> Vec<String> {
    let path = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(path).unwrap();
    files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn item_of(body: &str, model: &ProfileModel) -> Result<Value, domain::Rejection> {
    let wanted = model.referenced_attributes();
    let received = body::read(body, Timestamp::parse(SENT_AT).unwrap(), |name| wanted.contains(name))?;
    Ok(model.profile(&received.confirmation)?.item.to_dynamodb_json())
}

/// What looks rows up knows key, owner and address by themselves; what writes them makes whole items.
#[test]
fn key_owner_and_address_are_those_of_the_item() {
    let own = "type = \"P\"\nowner = \"who\"\n[key]\npartition = { name = \"who\", value = \"{username}/{sub}\" }\n[fields]\nmail = \"{email}\"\n";
    let own = ProfileModel::from_toml(own).unwrap_or_else(|error| panic!("{:?}", error.faults));
    for (model, address) in [(ProfileModel::default(), "email"), (own, "mail")] {
        assert_eq!(model.email_attribute(), Some(address));
        for name in names("items") {
            let received =
                body::read(&fixture("events", &name), Timestamp::parse(SENT_AT).unwrap(), |_| true);
            let user = received.unwrap().confirmation;
            let profile = model.profile(&user).unwrap();
            assert_eq!(model.key(&user), Ok(profile.key), "{name}");
            assert!(profile.owner.is_some());
            assert!(model.owner(&user) == profile.owner, "{name}");
        }
    }
}

#[test]
fn every_fixture_becomes_exactly_its_item() {
    let names = names("items");
    assert!(names.len() >= 7, "the fixtures are gone: {names:?}");
    for name in names {
        let expected: Value = serde_json::from_str(&fixture("items", &name)).unwrap();
        assert_eq!(item_of(&fixture("events", &name), &ProfileModel::default()), Ok(expected), "{name}");
    }
}

/// The trigger reads the event and writes an envelope; the worker reads the envelope. The item must be
/// the one the bare event would have made.
#[test]
fn an_event_through_the_envelope_becomes_the_same_item() {
    for name in names("items") {
        let given: Value = serde_json::from_str(&fixture("events", &name)).unwrap();
        if given.get("triggerSource").is_none() {
            continue;
        }
        let observed_at = Timestamp::parse(SENT_AT).unwrap();
        let confirmation = event::read(given.as_object().unwrap(), observed_at, |_| false).unwrap();
        let expected: Value = serde_json::from_str(&fixture("items", &name)).unwrap();
        assert_eq!(
            item_of(&envelope::write(&confirmation), &ProfileModel::default()),
            Ok(expected),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_confirmation_never_becomes_an_item() {
    let rejected = |name| item_of(&fixture("events", name), &ProfileModel::default()).unwrap_err();
    assert_eq!(rejected("console-test-event").reason, Reason::MissingField);
    assert_eq!(rejected("list-users-record").reason, Reason::NotAConfirmation);
}

#[test]
fn a_replay_is_known_by_its_name_and_keeps_its_own_time() {
    let sent_at = Timestamp::parse(SENT_AT).unwrap();
    let received = body::read(&fixture("events", "eventbridge-replay"), sent_at, |_| false).unwrap();
    assert!(received.replayed);
    assert!(!received.is_live());
    assert_eq!(received.confirmation.observed_at.to_string(), "2026-11-20T08:00:00.417Z");

    let inner: Value = serde_json::from_str(&fixture("events", "self-sign-up")).unwrap();
    let wrapped =
        serde_json::json!({"detail-type": "UserConfirmed", "time": "2026-11-20T08:00:00Z", "detail": inner});
    let received = body::read(&wrapped.to_string(), sent_at, |_| false).unwrap();
    assert!(received.is_live());
    assert_eq!(received.confirmation.observed_at.to_string(), "2026-11-20T08:00:00.000Z");
}

/// `allow.owner()` keeps the owner in a field called `owner`; `.identifier()` and indexes move values
/// into keys and composite attributes.
#[test]
fn models_of_other_schemas_become_the_items_their_resolvers_expect() {
    let event = fixture("events", "phone-only-custom-attribute");
    let owner_rule = ProfileModel::from_toml(
        r#"
        type = "Member"
        owner = "owner"
        composites = ["tenant#createdAt", "plan#email"]
        [key]
        partition = { name = "id", value = "{sub}" }
        [fields]
        owner = "{sub}::{username}"
        email = "{email}"
        tenant = { value = "{custom:tenant}", required = true }
        plan = "free"
        credits = 10
        active = true
        verified = { value = "{phone_number_verified}", type = "BOOL" }
        _lastChangedAt = { value = "{createdAtMs}", type = "N" }
        "#,
    )
    .unwrap();
    let expected: Value = serde_json::from_str(
        r#"{"id":{"S":"64a8b4d8-7021-7033-0a5d-2f0f3a9f1c22"},"__typename":{"S":"Member"},
            "owner":{"S":"64a8b4d8-7021-7033-0a5d-2f0f3a9f1c22::64a8b4d8-7021-7033-0a5d-2f0f3a9f1c22"},
            "tenant":{"S":"blue"},"plan":{"S":"free"},"credits":{"N":"10"},"active":{"BOOL":true},
            "verified":{"BOOL":true},"_lastChangedAt":{"N":"1795377938123"},
            "tenant#createdAt":{"S":"blue#2026-11-22T20:05:38.123Z"},
            "createdAt":{"S":"2026-11-22T20:05:38.123Z"},"updatedAt":{"S":"2026-11-22T20:05:38.123Z"}}"#,
    )
    .unwrap();
    assert_eq!(item_of(&event, &owner_rule), Ok(expected));

    let identifier = ProfileModel::from_toml(
        r#"
        type = "UserProfile"
        owner = "profileOwner"
        [key]
        partition = { name = "profileOwner", value = "{sub}::{username}" }
        sort = { name = "pool", value = "{userPoolId}" }
        [fields]
        email = "{email}"
        "#,
    )
    .unwrap();
    let item = item_of(&fixture("events", "self-sign-up"), &identifier).unwrap();
    assert_eq!(item.get("id"), None);
    assert_eq!(item["pool"]["S"], "eu-central-1_A1b2C3d4E");
    assert_eq!(item["email"]["S"], "ana@example.com");
    assert_eq!(identifier.key_attributes().collect::<Vec<_>>(), ["profileOwner", "pool"]);
}
