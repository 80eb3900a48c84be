//! Operations on queues as such: make, find, list, describe, change, empty, delete.
//!
//! Exists to keep AWS's rules of idempotent creation. Must never change a queue that a repeated
//! CreateQueue merely names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::super::account::{ACCOUNT_ID, Account, Cell, lock};
use super::super::attributes::{Settings, check_asked, no_fifo};
use super::super::protocol::{ApiError, Fault, Reply, answer, decode, nothing, required};
use super::in_range;

/// AWS lists no more than this at once.
const LONGEST_LIST: u32 = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(rename = "tags", default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    queue_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Addressed {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetQueueAttributes {
    queue_url: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    queue_url: Option<String>,
    queue_name_prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Url {
    queue_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(rename = "QueueUrls", skip_serializing_if = "Option::is_none")]
    urls: Option<Vec<String>>,
    /// AWS spells it this way in this one operation.
    #[serde(rename = "queueUrls", skip_serializing_if = "Option::is_none")]
    source_urls: Option<Vec<String>>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(super) fn create(account: &Account, body: &[u8], region: &str) -> Reply {
    let request: CreateQueue = decode(body)?;
    let name = check_name(required(request.queue_name, "QueueName")?)?;
    let mut settings = Settings::default();
    for (attribute, value) in &request.attributes {
        settings.apply(attribute, value)?;
    }
    let arn = format!("arn:aws:sqs:{region}:{ACCOUNT_ID}:{name}");
    // A repeated create is compared before its dead-letter queue is looked up, as that may be gone.
    if let Ok(existing) = account.by_name(&name) {
        same_or_refused(&existing, &request.attributes)?;
    } else {
        check_dead_letter_queue(account, &settings, &arn)?;
        let cell = Cell::new(name.clone(), arn, settings, account.clock.now());
        lock(&cell.tags).extend(request.tags);
        let (existing, created) = account.add(cell);
        if !created {
            same_or_refused(&existing, &request.attributes)?;
        }
    }
    answer(&Url { queue_url: account.url(&name) })
}

fn same_or_refused(existing: &Cell, wanted: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let current = existing.settings();
    for (attribute, value) in wanted {
        let mut changed = Settings::clone(&current);
        changed.apply(attribute, value)?;
        if changed != *current {
            return Err(Fault::QueueNameExists.because(format!(
                "A queue already exists with the same name and a different value for attribute {attribute}"
            )));
        }
    }
    Ok(())
}

fn check_name(name: String) -> Result<String, ApiError> {
    if name.strip_suffix(".fifo").is_some() {
        return Err(no_fifo());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=80).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(name);
    }
    Err(Fault::InvalidParameterValue
        .because("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"))
}

fn check_dead_letter_queue(account: &Account, settings: &Settings, own_arn: &str) -> Result<(), ApiError> {
    let Some(redrive) = &settings.redrive else {
        return Ok(());
    };
    let target = &redrive.target_arn;
    if target == own_arn {
        return Err(Fault::InvalidParameterValue.because("A queue cannot be its own dead-letter queue."));
    }
    if account.by_arn(target).is_none() {
        return Err(Fault::InvalidParameterValue.because(format!(
            "Value {target} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
        )));
    }
    Ok(())
}

pub(super) fn delete(account: &Account, body: &[u8]) -> Reply {
    let request: Addressed = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    account.remove(&cell);
    Ok(nothing())
}

pub(super) fn url(account: &Account, body: &[u8]) -> Reply {
    let request: Named = decode(body)?;
    let cell = account.by_name(&required(request.queue_name, "QueueName")?)?;
    answer(&Url { queue_url: account.url(&cell.name) })
}

pub(super) fn list(account: &Account, body: &[u8]) -> Reply {
    let request: List = decode(body)?;
    let prefix = request.queue_name_prefix.unwrap_or_default();
    let mut cells = account.all();
    cells.retain(|cell| cell.name.starts_with(&prefix));
    let (urls, next_token) = page(account, cells, request.max_results, request.next_token)?;
    answer(&Listed { urls: (!urls.is_empty()).then_some(urls), source_urls: None, next_token })
}

pub(super) fn dead_letter_sources(account: &Account, body: &[u8]) -> Reply {
    let request: List = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    let sources = account.sources_of(&cell.arn);
    let (urls, next_token) = page(account, sources, request.max_results, request.next_token)?;
    answer(&Listed { urls: None, source_urls: Some(urls), next_token })
}

/// One page of URLs. The token is the last name shown: the lists are sorted by name, so a queue made
/// or deleted between two pages shifts nothing.
fn page(
    account: &Account,
    cells: Vec<Arc<Cell>>,
    max_results: Option<i64>,
    token: Option<String>,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let size = in_range("MaxResults", max_results, LONGEST_LIST, 1, LONGEST_LIST)? as usize;
    let after = token.unwrap_or_default();
    let mut rest = cells.into_iter().filter(|cell| cell.name > after);
    let shown: Vec<Arc<Cell>> = rest.by_ref().take(size).collect();
    // AWS pages only when asked to.
    let more = max_results.is_some() && rest.next().is_some();
    let token = shown.last().filter(|_| more).map(|cell| cell.name.clone());
    Ok((shown.iter().map(|cell| account.url(&cell.name)).collect(), token))
}

pub(super) fn attributes(account: &Account, body: &[u8]) -> Reply {
    let request: Addressed = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    let asked = request.attribute_names;
    for name in &asked {
        check_asked(name)?;
    }
    let counts = cell.queue().counts(account.clock.now());
    let in_seconds = |millis: u64| (millis / 1000).to_string();
    let mut all = cell.settings().shown();
    all.extend([
        ("QueueArn", cell.arn.to_string()),
        ("CreatedTimestamp", in_seconds(cell.created_at)),
        ("LastModifiedTimestamp", in_seconds(cell.modified_at.load(Ordering::Acquire))),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
    ]);
    let wanted = |name: &str| asked.iter().any(|wish| wish == "All" || wish == name);
    let attributes = all.into_iter().filter(|(name, _)| wanted(name)).collect();
    answer(&Attributes { attributes })
}

pub(super) fn set_attributes(account: &Account, body: &[u8]) -> Reply {
    let request: SetQueueAttributes = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    // All or none: a bad value must not leave its neighbours changed.
    let mut settings = Settings::clone(&cell.settings());
    for (name, value) in &request.attributes {
        settings.apply(name, value)?;
    }
    if request.attributes.contains_key("RedrivePolicy") {
        check_dead_letter_queue(account, &settings, &cell.arn)?;
    }
    cell.set_settings(settings, account.clock.now());
    Ok(nothing())
}

pub(super) fn purge(account: &Account, body: &[u8]) -> Reply {
    let request: Addressed = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    cell.queue().purge();
    Ok(nothing())
}
