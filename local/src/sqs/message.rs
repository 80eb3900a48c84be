//! What a message is made of, and the rules it must keep before a queue takes it.
//!
//! Exists so that a producer learns here, not in production, that AWS would refuse its message. Must
//! never change a message: what was sent is what is received, byte for byte.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::line::Group;
use super::md5::{self, Payload};
use super::protocol::{ApiError, Fault};

const MOST_ATTRIBUTES: usize = 10;
const TRACE_HEADER: &str = "AWSTraceHeader";

/// Body and attributes as sent; never changes, so that queues share it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(crate) body_md5: String,
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) trace_header: Option<String>,
    pub(crate) group: Group,
}

#[derive(Debug)]
pub(crate) struct Attribute {
    data_type: String,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
}

/// An attribute as it comes over the wire.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WireAttribute {
    data_type: Option<String>,
    string_value: Option<String>,
    binary_value: Option<String>,
}

pub(crate) type WireAttributes = BTreeMap<String, WireAttribute>;

/// A message as it comes over the wire: alone, with the queue's URL, or as an entry of a batch, with
/// an id. One flat type for both, because serde's `flatten` would copy every body once more.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WireMessage {
    pub(crate) queue_url: Option<String>,
    #[serde(default)]
    pub(crate) id: String,
    message_body: Option<String>,
    pub(crate) delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Option<WireAttributes>,
    #[serde(default)]
    message_system_attributes: Option<WireAttributes>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

impl WireMessage {
    /// Bytes that count towards the limits: body, and name, type and value of each attribute. System
    /// attributes are free.
    pub(crate) fn size(&self) -> usize {
        let attributes = self.message_attributes.iter().flatten();
        let attributes: usize = attributes.map(|(name, attribute)| name.len() + attribute.size()).sum();
        self.message_body.as_ref().map_or(0, String::len) + attributes
    }

    pub(crate) fn check(self, max_size: usize) -> Result<Message, ApiError> {
        let size = self.size();
        let body = self.message_body.filter(|body| !body.is_empty()).ok_or_else(|| {
            Fault::MissingParameter.because("The request must contain the parameter MessageBody.")
        })?;
        if size > max_size {
            return Err(Fault::InvalidParameterValue.because(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {max_size} bytes."
            )));
        }
        check_characters(&body)?;
        if self.message_deduplication_id.is_some() {
            return Err(Fault::InvalidParameterValue.because(
                "Value for parameter MessageDeduplicationId is invalid. Reason: The request includes a \
                 parameter that is not valid for this queue type.",
            ));
        }
        let group = self.message_group_id.map(check_group).transpose()?;
        let attributes = check_attributes(self.message_attributes.unwrap_or_default())?;
        let trace_header = check_system(self.message_system_attributes.unwrap_or_default())?;
        Ok(Message {
            body_md5: md5::of_body(&body),
            body,
            attributes,
            trace_header,
            group: group.map(Into::into),
        })
    }
}

impl Message {
    /// Digest over the attributes a client gets to see, which a filter may have reduced.
    pub(crate) fn attributes_md5(&self, shown: impl Fn(&str) -> bool) -> Option<String> {
        let shown = self.attributes.iter().filter(|(name, _)| shown(name));
        md5::of_attributes(shown.map(|(name, attribute)| {
            let payload = match &attribute.value {
                Value::Text(text) => Payload::Text(text),
                Value::Bytes(bytes) => Payload::Bytes(bytes),
            };
            (name.as_str(), attribute.data_type.as_str(), payload)
        }))
    }

    pub(crate) fn system_attributes_md5(&self) -> Option<String> {
        let header = self.trace_header.iter();
        md5::of_attributes(header.map(|value| (TRACE_HEADER, "String", Payload::Text(value))))
    }
}

impl WireAttribute {
    fn size(&self) -> usize {
        // Every four characters of base64 are three bytes, less the padding.
        let bytes = self.binary_value.as_ref().map_or(0, |text| text.trim_end_matches('=').len() * 3 / 4);
        self.data_type.as_ref().map_or(0, String::len)
            + self.string_value.as_ref().map_or(0, String::len)
            + bytes
    }

    fn check(self, name: &str) -> Result<Attribute, ApiError> {
        let refuse =
            |why: &str| Fault::InvalidParameterValue.because(format!("The message attribute '{name}' {why}"));
        let data_type = self.data_type.unwrap_or_default();
        if data_type.is_empty() {
            return Err(refuse("must contain non-empty message attribute type."));
        }
        if data_type.len() > 256 {
            return Err(refuse("has a type longer than 256 bytes."));
        }
        let value =
            match (data_type.split('.').next().unwrap_or_default(), self.string_value, self.binary_value) {
                (base @ ("String" | "Number"), Some(text), None) if !text.is_empty() => {
                    check_characters(&text)?;
                    if base == "Number" && !is_number(&text) {
                        return Err(refuse(
                            "with type 'Number' must use a value that can be cast to a number.",
                        ));
                    }
                    Value::Text(text)
                }
                ("Binary", None, Some(text)) if !text.is_empty() => {
                    let bytes = STANDARD.decode(text);
                    Value::Bytes(bytes.map_err(|_| refuse("has a BinaryValue that is not base64."))?)
                }
                (base @ ("String" | "Number"), ..) => {
                    return Err(refuse(&format!(
                        "with type '{base}' must use field 'StringValue', and it must not be empty."
                    )));
                }
                ("Binary", ..) => {
                    return Err(refuse(
                        "with type 'Binary' must use field 'BinaryValue', and it must not be empty.",
                    ));
                }
                _ => {
                    return Err(refuse(
                        "has an invalid message attribute type, the set of supported type prefixes is \
                     Binary, Number, and String.",
                    ));
                }
            };
        Ok(Attribute { data_type, value })
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("DataType", &self.data_type)?;
        match &self.value {
            Value::Text(text) => map.serialize_entry("StringValue", text)?,
            Value::Bytes(bytes) => map.serialize_entry("BinaryValue", &STANDARD.encode(bytes))?,
        }
        map.end()
    }
}

fn check_attributes(wire: WireAttributes) -> Result<BTreeMap<String, Attribute>, ApiError> {
    if wire.len() > MOST_ATTRIBUTES {
        return Err(Fault::InvalidParameterValue.because(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MOST_ATTRIBUTES}].",
            wire.len()
        )));
    }
    wire.into_iter()
        .map(|(name, attribute)| {
            check_attribute_name(&name)?;
            let attribute = attribute.check(&name)?;
            Ok((name, attribute))
        })
        .collect()
}

fn check_attribute_name(name: &str) -> Result<(), ApiError> {
    let refuse = |why: &str| {
        Err(Fault::InvalidParameterValue.because(format!("The message attribute name '{name}' {why}")))
    };
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > 256 {
        return refuse("must be 1 to 256 characters long.");
    }
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return refuse("must not start with the reserved 'AWS.' or 'Amazon.'.");
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return refuse("must not start or end with a period, nor contain two in a row.");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.chars().all(allowed) {
        return refuse("can contain alphanumeric characters, '_', '-' and '.' only.");
    }
    Ok(())
}

fn check_system(wire: WireAttributes) -> Result<Option<String>, ApiError> {
    let mut header = None;
    for (name, attribute) in wire {
        if name != TRACE_HEADER {
            return Err(Fault::InvalidParameterValue.because(format!(
                "Message system attribute name '{name}' is invalid. The only one supported is '{TRACE_HEADER}'."
            )));
        }
        header = match attribute.check(&name)? {
            Attribute { data_type, value: Value::Text(text) } if data_type == "String" => Some(text),
            _ => {
                return Err(Fault::InvalidParameterValue.because(format!(
                    "The message system attribute '{TRACE_HEADER}' must be of type 'String'."
                )));
            }
        };
    }
    Ok(header)
}

/// Rust also reads `inf` and `nan` as numbers; AWS does not.
fn is_number(text: &str) -> bool {
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    digits && text.trim().parse::<f64>().is_ok()
}

fn check_group(group: String) -> Result<String, ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_punctuation();
    if (1..=128).contains(&group.len()) && group.chars().all(allowed) {
        return Ok(group);
    }
    Err(Fault::InvalidParameterValue.because(format!(
        "Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include \
         alphanumeric and punctuation characters. 1 to 128 in length."
    )))
}

fn check_characters(text: &str) -> Result<(), ApiError> {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => c >= ' ',
    };
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(Fault::InvalidMessageContents.because(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
         #xE000 to #xFFFD | #x10000 to #x10FFFF",
    ))
}
