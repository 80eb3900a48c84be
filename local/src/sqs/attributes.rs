//! Queue attributes: names, ranges, defaults, and how they are shown.
//!
//! Exists so that a template which AWS would refuse is refused here. Stores, but does not act on,
//! `Policy`, `RedriveAllowPolicy` and the encryption attributes. Must never accept a value silently
//! and then ignore its range.

use serde::Deserialize;
use serde_json::json;

use super::protocol::{ApiError, Fault};

/// Since August 2025 a message may have 1 MiB; a queue may ask for less.
pub(crate) const LARGEST_MESSAGE: usize = 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target_arn: String,
    pub(crate) max_receives: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) visibility_timeout: u32,
    pub(crate) delay: u32,
    pub(crate) wait: u32,
    pub(crate) retention: u32,
    pub(crate) max_size: usize,
    pub(crate) redrive: Option<Redrive>,
    redrive_allow: Option<String>,
    policy: Option<String>,
    kms_key: Option<String>,
    kms_reuse: u32,
    sqs_managed_sse: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            visibility_timeout: 30,
            delay: 0,
            wait: 0,
            retention: 345_600,
            max_size: LARGEST_MESSAGE,
            redrive: None,
            redrive_allow: None,
            policy: None,
            kms_key: None,
            kms_reuse: 300,
            sqs_managed_sse: true,
        }
    }
}

/// Attributes a client may ask for but not set.
const READ_ONLY: [&str; 6] = [
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];
const SETTABLE: [&str; 11] = [
    "VisibilityTimeout",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "MessageRetentionPeriod",
    "MaximumMessageSize",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "Policy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];
/// Known to AWS, so asking for them is no error, but a standard queue has none of them.
const FIFO_ONLY: [&str; 4] =
    ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

impl Settings {
    pub(crate) fn apply(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "VisibilityTimeout" => self.visibility_timeout = number(name, value, 0, 43_200)?,
            "DelaySeconds" => self.delay = number(name, value, 0, 900)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait = number(name, value, 0, 20)?,
            "MessageRetentionPeriod" => self.retention = number(name, value, 60, 1_209_600)?,
            "MaximumMessageSize" => {
                self.max_size = number(name, value, 1024, 1_048_576)? as usize;
            }
            "RedrivePolicy" => self.redrive = redrive(value)?,
            "RedriveAllowPolicy" => self.redrive_allow = document(name, value)?,
            "Policy" => self.policy = document(name, value)?,
            "KmsMasterKeyId" => {
                self.kms_key = text(value);
                // The two kinds of encryption exclude each other; naming a key switches.
                self.sqs_managed_sse = self.kms_key.is_none();
            }
            "KmsDataKeyReusePeriodSeconds" => self.kms_reuse = number(name, value, 60, 86_400)?,
            "SqsManagedSseEnabled" => {
                self.sqs_managed_sse = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(invalid(name)),
                };
                if self.sqs_managed_sse && self.kms_key.is_some() {
                    return Err(Fault::InvalidAttributeName.because(
                        "You can use one type of server-side encryption (SSE) at one time. You can \
                         either enable KMS SSE or SQS SSE.",
                    ));
                }
            }
            "FifoQueue" if value != "false" => return Err(no_fifo()),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// The settings by name, as `GetQueueAttributes` shows them.
    pub(crate) fn shown(&self) -> Vec<(&'static str, String)> {
        let mut shown = vec![
            ("VisibilityTimeout", self.visibility_timeout.to_string()),
            ("DelaySeconds", self.delay.to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.wait.to_string()),
            ("MessageRetentionPeriod", self.retention.to_string()),
            ("MaximumMessageSize", self.max_size.to_string()),
            ("SqsManagedSseEnabled", self.sqs_managed_sse.to_string()),
        ];
        if let Some(redrive) = &self.redrive {
            let policy = json!({
                "deadLetterTargetArn": redrive.target_arn,
                "maxReceiveCount": redrive.max_receives,
            });
            shown.push(("RedrivePolicy", policy.to_string()));
        }
        let optional = [
            ("RedriveAllowPolicy", &self.redrive_allow),
            ("Policy", &self.policy),
            ("KmsMasterKeyId", &self.kms_key),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                shown.push((name, value.clone()));
            }
        }
        if self.kms_key.is_some() {
            shown.push(("KmsDataKeyReusePeriodSeconds", self.kms_reuse.to_string()));
        }
        shown
    }
}

pub(crate) fn check_asked(name: &str) -> Result<(), ApiError> {
    let known =
        name == "All" || READ_ONLY.contains(&name) || SETTABLE.contains(&name) || FIFO_ONLY.contains(&name);
    if known { Ok(()) } else { Err(unknown(name)) }
}

pub(crate) fn no_fifo() -> ApiError {
    Fault::UnsupportedOperation
        .because("FIFO queues are not offered by this local SQS server; use a standard queue.")
}

fn unknown(name: &str) -> ApiError {
    Fault::InvalidAttributeName.because(format!("Unknown Attribute {name}."))
}

fn invalid(name: &str) -> ApiError {
    Fault::InvalidAttributeValue.because(format!("Invalid value for the parameter {name}."))
}

fn number(name: &str, value: &str, least: u32, most: u32) -> Result<u32, ApiError> {
    value.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        Fault::InvalidAttributeValue.because(format!(
            "Invalid value for the parameter {name}. Reason: Must be between {least} and {most}."
        ))
    })
}

/// An empty string removes an attribute.
fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn document(name: &str, value: &str) -> Result<Option<String>, ApiError> {
    let parsed = text(value).map(|text| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text)
            .map(|_| text)
            .map_err(|_| invalid(name))
    });
    parsed.transpose()
}

/// CDK and the console write the count as a number, people with the CLI often as a string; AWS takes
/// both.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRedrive {
    dead_letter_target_arn: Option<String>,
    max_receive_count: Option<Count>,
}

fn redrive(value: &str) -> Result<Option<Redrive>, ApiError> {
    if value.is_empty() {
        return Ok(None);
    }
    let refuse = |why: &str| {
        Fault::InvalidParameterValue
            .because(format!("Value {value} for parameter RedrivePolicy is invalid. Reason: {why}"))
    };
    let wire: WireRedrive =
        serde_json::from_str(value).map_err(|_| refuse("Redrive policy is not a valid JSON map."))?;
    let max_receives = match wire.max_receive_count {
        Some(Count::Number(number)) => Some(number),
        Some(Count::Text(text)) => text.parse().ok(),
        None => {
            return Err(refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount."));
        }
    };
    let target_arn = wire
        .dead_letter_target_arn
        .ok_or_else(|| refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
    let max_receives = max_receives
        .filter(|count| (1..=1000).contains(count))
        .ok_or_else(|| refuse("Invalid value for maxReceiveCount: must be between 1 and 1000."))?;
    if !target_arn.starts_with("arn:") {
        return Err(refuse("Invalid value for deadLetterTargetArn."));
    }
    Ok(Some(Redrive { target_arn, max_receives }))
}
