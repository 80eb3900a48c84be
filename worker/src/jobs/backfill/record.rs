//! One text to one user: an event or an envelope, as the worker reads them, or a record of ListUsers as the AWS
//! CLI prints it. Must never put a value into the detail of a rejection.

use std::collections::BTreeMap;

use domain::{Confirmation, Reason, Timestamp, TriggerSource, UserSub, Username, body};
use serde_json::{Map, Value};

use crate::jobs::candidate::Candidate;
use crate::ports::UserStatus;

/// What a text says.
pub(super) enum Record {
    /// That somebody confirmed.
    Confirmation(Box<Confirmation>),
    /// How a user stands in his pool, which it does not name.
    User(Box<Candidate>),
}

/// Why a line cannot be used. Neither holds a value of the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl Unusable {
    pub(super) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// Whether most of it was never read.
    pub(super) fn is_too_large(&self) -> bool {
        self.reason == Reason::TooLarge.code()
    }

    pub(super) fn because(reason: Reason, detail: impl Into<String>) -> Self {
        Self::new(reason.code(), detail)
    }
}

/// Reads one JSON text. What carries no time was seen `now`.
pub(super) fn read(text: &str, now: Timestamp, wanted: impl Fn(&str) -> bool) -> Result<Record, Unusable> {
    // Only a record of ListUsers is spelled so. Reading the text twice is saved for all others.
    if text.contains("\"Username\"")
        && let Ok(Value::Object(object)) = serde_json::from_str(text)
        && object.contains_key("Username")
    {
        return user(&object).map(|user| Record::User(Box::new(user)));
    }
    let received = body::read(text, now, wanted)
        .map_err(|rejection| Unusable::because(rejection.reason, rejection.detail))?;
    let confirmation = received.confirmation;
    if confirmation.trigger == Some(TriggerSource::Other) {
        return Err(Unusable::because(
            Reason::NotAConfirmation,
            "its trigger source is not that of a confirmation (ConfirmSignUp, ConfirmForgotPassword)",
        ));
    }
    Ok(Record::Confirmation(Box::new(confirmation)))
}

/// A record of ListUsers, or the answer of AdminGetUser, which calls its attributes by another name.
fn user(record: &Map<String, Value>) -> Result<Candidate, Unusable> {
    let given = record.get("Attributes").or_else(|| record.get("UserAttributes")).and_then(Value::as_array);
    let attributes: BTreeMap<String, String> = given
        .into_iter()
        .flatten()
        .filter_map(|pair| {
            let text = |name| pair.get(name).and_then(Value::as_str);
            Some((text("Name")?.to_owned(), text("Value").filter(|value| !value.is_empty())?.to_owned()))
        })
        .collect();
    let username = record.get("Username").and_then(Value::as_str);
    let created_at = match record.get("UserCreateDate") {
        None | Some(Value::Null) => None,
        Some(value) => Some(date(value)?),
    };
    Ok(Candidate {
        sub: sub(attributes.get("sub").map(String::as_str), "Attributes.sub")?,
        username: self::username(username, "Username")?,
        status: record.get("UserStatus").and_then(Value::as_str).map(UserStatus::parse),
        enabled: record.get("Enabled").and_then(Value::as_bool).unwrap_or(true),
        created_at,
        attributes,
    })
}

/// Epoch seconds, as the service writes them, or RFC 3339, as version 2 of the AWS CLI does.
fn date(value: &Value) -> Result<Timestamp, Unusable> {
    let time = match value {
        Value::String(text) => Timestamp::parse(text).ok(),
        Value::Number(_) => value.as_f64().and_then(epoch_seconds),
        _ => None,
    };
    time.ok_or_else(|| {
        Unusable::because(Reason::InvalidTime, "UserCreateDate is neither RFC 3339 nor epoch seconds")
    })
}

/// A time with fractions of a second.
#[allow(clippy::cast_possible_truncation, reason = "`as` saturates, and the range is checked after it")]
pub(super) fn epoch_seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_epoch_ms((seconds * 1000.0).round() as i64).ok()
}

pub(super) fn sub(text: Option<&str>, field: &str) -> Result<UserSub, Unusable> {
    let text = text.ok_or_else(|| missing(field))?;
    UserSub::parse(text).map_err(|fault| Unusable::because(Reason::InvalidSub, fault.to_string()))
}

pub(super) fn username(text: Option<&str>, field: &str) -> Result<Username, Unusable> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| missing(field))?;
    Username::parse(text).map_err(|fault| Unusable::because(Reason::NotAConfirmation, fault.to_string()))
}

fn missing(field: &str) -> Unusable {
    Unusable::because(Reason::MissingField, format!("{field} is absent, null or empty"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SUB: &str = "64a8b4d8-7021-7033-0a5d-2f0f3a9f1c22";

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T08:00:00Z").unwrap()
    }

    fn read(value: &Value) -> Result<Record, Unusable> {
        super::read(&value.to_string(), now(), |name| name == "custom:tenant")
    }

    fn list_users_record() -> Value {
        json!({
            "Username": "sam", "Enabled": true, "UserStatus": "FORCE_CHANGE_PASSWORD",
            "Attributes": [{"Name": "sub", "Value": SUB}, {"Name": "email", "Value": "sam@example.net"}],
            "UserCreateDate": 1_732_300_000.123, "UserLastModifiedDate": 1_732_300_100.456,
        })
    }

    fn user_of(value: &Value) -> Candidate {
        match read(value) {
            Ok(Record::User(user)) => *user,
            Ok(Record::Confirmation(_)) => panic!("taken for a confirmation"),
            Err(unusable) => panic!("{unusable:?}"),
        }
    }

    #[test]
    fn a_record_of_list_users_is_a_user() {
        let user = user_of(&list_users_record());
        assert_eq!((user.sub.as_str(), user.username.as_str(), user.enabled), (SUB, "sam", true));
        assert_eq!(user.status, Some(UserStatus::ForceChangePassword));
        assert_eq!(user.created_at.unwrap().to_string(), "2024-11-22T18:26:40.123Z");
        assert_eq!(user.attributes["email"], "sam@example.net");
    }

    #[test]
    fn the_cli_may_write_dates_as_text_and_attributes_by_another_name() {
        let mut record = list_users_record();
        record["UserCreateDate"] = json!("2024-11-22T19:26:40.123000+01:00");
        record["UserAttributes"] = record["Attributes"].take();
        record.as_object_mut().unwrap().remove("Attributes");
        record["Enabled"] = json!(false);
        let user = user_of(&record);
        assert_eq!(user.created_at.unwrap().to_string(), "2024-11-22T18:26:40.123Z");
        assert!(!user.enabled);
    }

    #[test]
    fn what_lacks_its_key_is_unusable_and_says_what_it_lacks() {
        for (field, value, reason, said) in [
            ("Attributes", json!([]), "missing_field", "Attributes.sub"),
            ("Attributes", json!([{"Name": "sub", "Value": "ana@example.com"}]), "invalid_sub", "sub"),
            ("Username", json!(""), "missing_field", "Username"),
            ("Username", json!(null), "missing_field", "Username"),
            ("Username", json!("a\nb"), "not_a_confirmation", "username"),
            ("UserCreateDate", json!("yesterday"), "invalid_time", "UserCreateDate"),
            ("UserCreateDate", json!(-1), "invalid_time", "UserCreateDate"),
        ] {
            let mut record = list_users_record();
            record[field] = value;
            let unusable = read(&record).err().unwrap();
            assert_eq!(unusable.reason, reason, "{unusable:?}");
            assert!(unusable.detail.contains(said), "{unusable:?}");
        }
    }

    #[test]
    fn an_event_is_seen_now_and_an_envelope_keeps_its_time() {
        let attributes = json!({"sub": SUB, "custom:tenant": "blue", "birthdate": "01/01/1985"});
        let event = json!({
            "triggerSource": "PostConfirmation_ConfirmSignUp", "userPoolId": "eu_A1", "userName": "sam",
            "request": {"userAttributes": attributes},
        });
        let envelope = json!({
            "v": 1, "kind": "user.confirmed", "source": "reconcile", "userPoolId": "eu_A1", "sub": SUB,
            "username": "sam", "observedAt": "2020-01-01T00:00:00Z", "createdAt": "2019-01-01T00:00:00Z",
        });
        for (value, observed) in [
            (&event, "2026-11-23T08:00:00.000Z"),
            (&envelope, "2020-01-01T00:00:00.000Z"),
            (
                &json!({"detail-type": "UserConfirmed", "time": "2021-01-01T00:00:00Z", "detail": event}),
                "2021-01-01T00:00:00.000Z",
            ),
        ] {
            let Ok(Record::Confirmation(confirmation)) = read(value) else { panic!("{value}") };
            assert_eq!(confirmation.observed_at.to_string(), observed);
        }
    }

    #[test]
    fn an_event_of_another_trigger_confirms_nobody() {
        let event = json!({
            "triggerSource": "PreSignUp_SignUp", "userPoolId": "eu_A1", "userName": "sam",
            "request": {"userAttributes": {"sub": SUB}},
        });
        assert_eq!(read(&event).err().unwrap().reason, "not_a_confirmation");
    }

    #[test]
    fn a_name_that_only_looks_like_a_record_is_none() {
        let envelope = json!({
            "v": 1, "kind": "user.confirmed", "source": "reconcile", "userPoolId": "eu_A1", "sub": SUB,
            "username": "\"Username\"", "observedAt": "2020-01-01T00:00:00Z", "attributes": {"Username": "x"},
        });
        assert!(matches!(read(&envelope), Ok(Record::Confirmation(_))));
    }

    proptest! {
        #[test]
        fn whatever_a_line_holds_the_answer_names_nobody(noise in "\\PC{0,40}", cut in 0..400_usize) {
            let mut record = list_users_record();
            record["Username"] = json!(format!("MARK{noise}"));
            record["UserCreateDate"] = json!(format!("MARK{noise}"));
            let text = record.to_string();
            let cut = (0..=cut.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap();
            for text in [&text[..cut], &text, &format!("{noise}MARK")] {
                if let Err(unusable) = super::read(text, now(), |_| true) {
                    prop_assert!(!unusable.detail.contains("MARK"), "{unusable:?}");
                }
            }
        }
    }
}
