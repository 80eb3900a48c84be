//! A DynamoDB item as this product writes it: strings, numbers and booleans, nothing else. Never a
//! NULL and never an empty string, which AppSync's readers and DynamoDB's indexes stumble over.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// The value of one attribute.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum AttributeValue {
    /// DynamoDB type S; never empty.
    S(String),
    /// DynamoDB type N, in DynamoDB's text form.
    N(String),
    /// DynamoDB type BOOL.
    Bool(bool),
}

impl AttributeValue {
    /// The value as DynamoDB JSON, such as `{"S": "text"}`.
    pub fn to_dynamodb_json(&self) -> Value {
        match self {
            Self::S(text) => json!({ "S": text }),
            Self::N(number) => json!({ "N": number }),
            Self::Bool(flag) => json!({ "BOOL": flag }),
        }
    }

    /// The value's text, as a composite index attribute joins it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::S(text) | Self::N(text) => text.clone(),
            Self::Bool(flag) => flag.to_string(),
        }
    }

    /// An upper bound of what DynamoDB counts (developer guide, "DynamoDB item sizes and formats").
    fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(_) => 21,
            Self::Bool(_) => 1,
        }
    }
}

impl fmt::Debug for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S(_) => "S(redacted)",
            Self::N(_) => "N(redacted)",
            Self::Bool(_) => "BOOL(redacted)",
        })
    }
}

/// Attribute names and values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    attributes: BTreeMap<String, AttributeValue>,
}

impl Item {
    /// DynamoDB's limit for one item, names and values together: 400 KB.
    pub const MAX_BYTES: usize = 400 * 1024;

    pub(crate) fn set(&mut self, name: &str, value: AttributeValue) {
        self.attributes.insert(name.to_owned(), value);
    }

    /// The value of one attribute.
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.get(name)
    }

    /// All attributes, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &AttributeValue)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The item as DynamoDB JSON.
    pub fn to_dynamodb_json(&self) -> Value {
        self.attributes.iter().map(|(name, value)| (name.clone(), value.to_dynamodb_json())).collect()
    }

    /// An upper bound of the item's size in bytes.
    pub fn size(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.size()).sum()
    }
}

/// The primary key of one item: attribute names and values, the partition key first.
///
/// Two confirmations with equal keys are one user.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProfileKey {
    attributes: Vec<(String, String)>,
}

impl ProfileKey {
    pub(crate) fn new(attributes: Vec<(String, String)>) -> Self {
        Self { attributes }
    }

    /// Names and values of the key attributes, all of type S, the partition key first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_tells_all_it_has_and_its_size_is_that_of_names_and_values() {
        let mut item = Item::default();
        item.set("email", AttributeValue::S("añá".into()));
        item.set("visits", AttributeValue::N("17".into()));
        item.set("ok", AttributeValue::Bool(true));
        let names: Vec<&str> = item.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["email", "ok", "visits"]);
        assert_eq!(item.get("visits"), Some(&AttributeValue::N("17".into())));
        assert_eq!(item.size(), (5 + 5) + (6 + 21) + (2 + 1));
    }
}
