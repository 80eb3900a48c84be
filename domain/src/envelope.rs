//! Version 1 of the queue message: how it is written, and how it is read back.
//!
//! Other programs rely on this form; the JSON Schema beside this crate is its publication. Reading is
//! lenient where a profile does not depend on it and must never drop a message for a field it does
//! not know.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fields;
use crate::json::{Json, Object};
use crate::{Confirmation, Reason, Rejection, Source, TriggerSource};

/// The published JSON Schema (draft 2020-12) of a version 1 message.
pub const JSON_SCHEMA: &str = include_str!("../schema/user-confirmed.v1.schema.json");

/// The version this crate writes, and the newest it reads.
pub const VERSION: u64 = 1;

/// The only kind of message there is.
pub const KIND: &str = "user.confirmed";

/// The wire form, in the order of the contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    v: u64,
    kind: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'static str>,
    user_pool_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    sub: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    observed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// Writes the message body.
///
/// The text is safe for SQS, which refuses U+FFFE and U+FFFF even inside JSON strings (SendMessage,
/// API reference); like control characters they are written as escapes.
pub fn write(confirmation: &Confirmation) -> String {
    let wire = Wire {
        v: VERSION,
        kind: KIND,
        source: confirmation.source.as_str(),
        trigger: confirmation.trigger.as_ref().map(TriggerSource::as_str),
        user_pool_id: confirmation.user_pool_id.as_str(),
        region: confirmation.region.as_deref(),
        sub: confirmation.sub.as_str(),
        username: confirmation.username.as_str(),
        email: confirmation.email.as_deref(),
        email_verified: confirmation.email_verified,
        observed_at: confirmation.observed_at.to_string(),
        created_at: confirmation.created_at.map(|time| time.to_string()),
        attributes: &confirmation.attributes,
        traceparent: confirmation.traceparent.as_deref(),
    };
    // Strings, numbers and a map with string keys: nothing here that serde_json can refuse.
    let json = serde_json::to_string(&wire).unwrap_or_default();
    if json.contains(['\u{fffe}', '\u{ffff}']) {
        json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        json
    }
}

/// Whether `value` has the shape of an envelope of any version.
pub fn looks_like_envelope(value: &Map<String, Value>) -> bool {
    value.contains_key("v") || value.contains_key("kind")
}

/// The same, of what was read here.
pub(crate) fn is_envelope(value: &Object<'_>) -> bool {
    value.has("v") || value.has("kind")
}

/// Reads an envelope. Of its attributes only those `wanted` says yes to are kept.
///
/// # Errors
/// `unsupported_version` for a newer `v`, otherwise the reason of the first field that is wrong.
pub(crate) fn read(envelope: &Object<'_>, wanted: impl Fn(&str) -> bool) -> Result<Confirmation, Rejection> {
    let not_one = |detail: &str| Rejection::new(Reason::NotAConfirmation, detail);
    match fields::required(envelope, "v")?.as_u64() {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            // What is too large to be a version is a value, and a detail holds none.
            let seen = if newer < 1000 { newer.to_string() } else { "1000 or more".into() };
            return Err(Rejection::new(
                Reason::UnsupportedVersion,
                format!("v is {seen}; this worker reads up to {VERSION}: deploy a newer worker, then retry"),
            ));
        }
        _ => return Err(not_one("v is not a version number")),
    }
    if fields::required(envelope, "kind")?.as_str() != Some(KIND) {
        return Err(not_one("kind is not user.confirmed"));
    }
    let source = fields::required(envelope, "source")?.as_str().and_then(Source::parse);
    let attributes = envelope.get("attributes").and_then(Json::as_object);
    Ok(Confirmation {
        source: source.ok_or_else(|| {
            not_one("source is none of cognito.trigger, backfill.cognito, backfill.file, reconcile")
        })?,
        trigger: fields::text(envelope.get("trigger")).map(|text| TriggerSource::parse(&text)),
        user_pool_id: fields::user_pool_id(fields::required(envelope, "userPoolId")?)?,
        region: fields::kept(envelope.get("region")),
        sub: fields::sub(fields::required(envelope, "sub")?)?,
        username: fields::username(envelope, "username")?,
        email: fields::kept(envelope.get("email")),
        email_verified: fields::flag(envelope.get("emailVerified")),
        observed_at: fields::time(fields::required(envelope, "observedAt")?, "observedAt")?,
        created_at: match envelope.get("createdAt") {
            None | Some(Json::Null) => None,
            Some(value) => Some(fields::time(value, "createdAt")?),
        },
        attributes: attributes.map(|given| crate::event::extras(given, wanted)).unwrap_or_default(),
        traceparent: fields::traceparent(envelope.get("traceparent")),
    })
}
