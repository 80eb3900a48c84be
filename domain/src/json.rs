//! JSON as it is read here: untyped, and borrowed. A text without escapes is a slice of the body, and of the values
//! that no profile needs nothing is kept but their place.
//!
//! Exists because `serde_json::Value` copies every name and every text of a body into a tree of its own, of which a
//! profile needs a handful. Must refuse whatever `Value` refuses, and understand what is left as `Value` does:
//! `tests` hold the two against each other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// Of an array nothing is ever asked.
    Array,
    Object(Object<'a>),
}

impl<'a> Json<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }
}

/// Names and values as they came. A name that comes twice has its last value, as in most readers (RFC 8259,
/// section 4).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Those whose name is `wanted`, each once.
    pub(crate) fn those(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<&str, &Json<'a>> {
        let all = self.0.iter().filter(|(name, _)| wanted(name));
        all.map(|(name, value)| (name.as_ref(), value)).collect()
    }
}

impl<'a> From<&'a Map<String, Value>> for Object<'a> {
    fn from(map: &'a Map<String, Value>) -> Self {
        Self(map.iter().map(|(name, value)| (name.as_str().into(), value.into())).collect())
    }
}

impl<'a> From<&'a Value> for Json<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(_) => Self::Array,
            Value::Object(map) => Self::Object(map.into()),
        }
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// A name, borrowed if it can be: serde's own `Cow` never is.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameReader;
        impl<'de> Visitor<'de> for NameReader {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(NameReader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(text.to_owned().into()))
    }

    // Elements are read and dropped, not skipped: what is skipped is checked less.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<Json<'de>>()?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        /// What a message of version 1 has, with some to spare.
        const USUAL: usize = 16;
        let mut read = Vec::with_capacity(USUAL);
        while let Some((Name(name), value)) = members.next_entry()? {
            read.push((name, value));
        }
        Ok(Json::Object(Object(read)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Json<'_>, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The same, of what was asked for by name.
    fn alike(json: &Json<'_>, value: &Value) -> bool {
        match (json, value) {
            (Json::Object(object), Value::Object(map)) => {
                let members = object.those(|_| true);
                members.len() == map.len()
                    && map.iter().all(|(name, value)| object.get(name).is_some_and(|json| alike(json, value)))
            }
            (json, value) => *json == Json::from(value),
        }
    }

    #[test]
    fn it_takes_what_value_takes_and_reads_it_alike() {
        for text in [
            "null",
            "[true,false]",
            r#"{"a":1,"b":-1,"c":1.5,"d":"e","f":{"g":[{"h":null}]}}"#,
            r#"{"a":18446744073709551615,"b":18446744073709551616,"c":1e308}"#,
            r#"{"a":1e999}"#,
            "[1e999]",
            r#"{"a":1,"a":"last","b":{"c":1,"c":2}}"#,
            r#"{"\u0061":"\ud83d\ude00\n","a\"b":"c"}"#,
            r#"{"a":"\ud800"}"#,
            r#"["\ud800"]"#,
            r#"{"a":"\x"}"#,
            "{\"a\":\"\u{7}\"}",
            r#"{"a":01}"#,
            r#"{"a":1,}"#,
            r#"{"a":1} {}"#,
            "{1:2}",
            "",
            "nul",
        ] {
            match (read(text), serde_json::from_str::<Value>(text)) {
                (Ok(json), Ok(value)) => assert!(alike(&json, &value), "{text}"),
                (Err(_), Err(_)) => {}
                (json, value) => panic!("{text}: {json:?}, {value:?}"),
            }
        }
    }

    #[test]
    fn a_text_is_copied_only_for_its_escapes() {
        let Ok(Json::Object(object)) = read(r#"{"plain":"text","\u0065scaped":"t\u0065xt"}"#) else {
            panic!("not an object")
        };
        assert!(matches!(object.get("plain"), Some(Json::Text(Cow::Borrowed("text")))));
        assert!(matches!(object.get("escaped"), Some(Json::Text(Cow::Owned(text))) if text == "text"));
        assert!(matches!(object.0.first(), Some((Cow::Borrowed("plain"), _))));
    }
}
