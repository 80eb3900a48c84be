//! Reads a Cognito PostConfirmation event, taken as untyped JSON.
//!
//! Typed readers fail a sign-up on the first trigger source or boolean they do not know; this one
//! looks only at what a profile needs. It must never take a field the contract does not name:
//! `clientMetadata` is caller-controlled, and attributes may hold birthdays and addresses.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fields;
use crate::json::{Json, Object};
use crate::{Confirmation, Rejection, Source, Timestamp, TriggerSource};

/// Attributes that have a place of their own in a [`Confirmation`].
const NAMED: [&str; 3] = ["sub", "email", "email_verified"];

/// Whether `value` has the shape of a Cognito trigger event.
pub(crate) fn looks_like_event(value: &Object<'_>) -> bool {
    value.has("triggerSource") || given(value).is_some()
}

fn given<'a, 'b>(event: &'a Object<'b>) -> Option<&'a Object<'b>> {
    event.get("request")?.as_object()?.get("userAttributes")?.as_object()
}

/// The trigger source of an event, if it names one.
pub fn trigger_source(event: &Value) -> Option<TriggerSource> {
    event.get("triggerSource")?.as_str().map(TriggerSource::parse)
}

/// Reads the confirmation out of `event`.
///
/// The event carries no time, so `observed_at` comes from whoever saw it. Of the attributes, only
/// those `wanted` says yes to are kept.
///
/// # Errors
/// `missing_field`, `invalid_sub`, `invalid_pool` or `not_a_confirmation`, each naming the field.
pub fn read(
    event: &Map<String, Value>,
    observed_at: Timestamp,
    wanted: impl Fn(&str) -> bool,
) -> Result<Confirmation, Rejection> {
    read_object(&event.into(), observed_at, wanted)
}

pub(crate) fn read_object(
    event: &Object<'_>,
    observed_at: Timestamp,
    wanted: impl Fn(&str) -> bool,
) -> Result<Confirmation, Rejection> {
    let empty = Object::default();
    let given = given(event).unwrap_or(&empty);
    let trigger = match event.get("triggerSource").and_then(Json::as_str) {
        Some(text) => TriggerSource::parse(text),
        None => return Err(Rejection::missing("triggerSource")),
    };
    Ok(Confirmation {
        source: Source::CognitoTrigger,
        trigger: Some(trigger),
        user_pool_id: fields::user_pool_id(fields::required(event, "userPoolId")?)?,
        region: fields::kept(event.get("region")),
        sub: fields::sub(fields::required(given, "sub")?)?,
        username: fields::username(event, "userName")?,
        email: fields::kept(given.get("email")),
        email_verified: fields::flag(given.get("email_verified")),
        observed_at,
        created_at: None,
        attributes: extras(given, wanted),
        traceparent: None,
    })
}

/// The wanted attributes beyond the named ones, as text.
pub(crate) fn extras(given: &Object<'_>, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    given
        .those(|name| !NAMED.contains(&name) && wanted(name))
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), fields::kept(Some(value))?)))
        .collect()
}
