//! Lenient reading of single JSON fields. Cognito writes every attribute as a string, its own console
//! test event writes a boolean, and hand-made messages hold numbers: a scalar is read as its text.
//! Must never put a value into a rejection, only the field's name.

use std::borrow::Cow;

use crate::json::{Json, Object};
use crate::{InvalidId, Reason, Rejection, Timestamp, Traceparent, UserPoolId, UserSub, Username};

/// The text of a scalar; `None` for null, arrays, objects and the empty string, which DynamoDB keys
/// and AppSync's e-mail fields cannot hold and which says no more than absence.
pub(crate) fn text<'a>(value: Option<&'a Json<'_>>) -> Option<Cow<'a, str>> {
    match value? {
        Json::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Json::Bool(flag) => Some(Cow::Owned(flag.to_string())),
        Json::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// The same, to keep.
pub(crate) fn kept(value: Option<&Json<'_>>) -> Option<String> {
    text(value).map(Cow::into_owned)
}

/// `true`, `"true"`, `false` and `"false"`; anything else says nothing.
pub(crate) fn flag(value: Option<&Json<'_>>) -> Option<bool> {
    match value? {
        Json::Bool(flag) => Some(*flag),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    }
}

pub(crate) fn required<'a, 'b>(object: &'a Object<'b>, field: &str) -> Result<&'a Json<'b>, Rejection> {
    object.get(field).filter(|value| **value != Json::Null).ok_or_else(|| Rejection::missing(field))
}

pub(crate) fn sub(value: &Json<'_>) -> Result<UserSub, Rejection> {
    let text = value.as_str().ok_or_else(|| Rejection::new(Reason::InvalidSub, "sub is not a string"))?;
    UserSub::parse(text).map_err(|fault| rejected(Reason::InvalidSub, fault))
}

pub(crate) fn user_pool_id(value: &Json<'_>) -> Result<UserPoolId, Rejection> {
    let text =
        value.as_str().ok_or_else(|| Rejection::new(Reason::InvalidPool, "userPoolId is not a string"))?;
    UserPoolId::parse(text).map_err(|fault| rejected(Reason::InvalidPool, fault))
}

pub(crate) fn username(object: &Object<'_>, field: &str) -> Result<Username, Rejection> {
    let text = text(object.get(field)).ok_or_else(|| Rejection::missing(field))?;
    Username::parse(&text).map_err(|fault| rejected(Reason::NotAConfirmation, fault))
}

pub(crate) fn time(value: &Json<'_>, field: &str) -> Result<Timestamp, Rejection> {
    let parsed = value.as_str().map(Timestamp::parse);
    match parsed {
        Some(Ok(time)) => Ok(time),
        Some(Err(fault)) => Err(Rejection::new(Reason::InvalidTime, format!("{field} {fault}"))),
        None => Err(Rejection::new(Reason::InvalidTime, format!("{field} is not a string"))),
    }
}

/// A `traceparent`, or nothing: trace context is untrusted, and a bad one must not cost a user the profile.
pub(crate) fn traceparent(value: Option<&Json<'_>>) -> Option<String> {
    Traceparent::parse(value?.as_str()?).map(|traceparent| traceparent.to_string())
}

fn rejected(reason: Reason, fault: InvalidId) -> Rejection {
    Rejection::new(reason, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn scalars_are_read_as_text_and_emptiness_as_absence() {
        let text = |value: &Value| kept(Some(&Json::from(value)));
        let flag = |value: &Value| flag(Some(&Json::from(value)));
        assert_eq!(text(&json!("a")), Some("a".into()));
        assert_eq!(text(&json!(true)), Some("true".into()));
        assert_eq!(text(&json!(12.5)), Some("12.5".into()));
        for absent in [json!(""), json!(null), json!([]), json!({})] {
            assert_eq!(text(&absent), None);
        }
        assert_eq!(flag(&json!("false")), Some(false));
        assert_eq!(flag(&json!("yes")), None);
    }
}
