//! DeleteMessage, ChangeMessageVisibility and their batches.
//!
//! Exists to give each entry of a batch its own result: one bad handle must never fail its neighbours.

use serde::{Deserialize, Serialize};

use super::super::account::{Account, Cell};
use super::super::clock::{Millis, seconds};
use super::super::protocol::{ApiError, FailedEntry, Fault, Reply, answer, decode, nothing, required};
use super::super::queue::HoldRefused;
use super::super::receipt::Receipt;
use super::{check_batch, in_range};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Single {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    id: String,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Settled {
    id: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SettledBatch {
    successful: Vec<Settled>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedEntry>,
}

pub(super) fn delete(account: &Account, body: &[u8]) -> Reply {
    let request: Single = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    delete_one(account, &cell, request.receipt_handle)?;
    Ok(nothing())
}

pub(super) fn delete_batch(account: &Account, body: &[u8]) -> Reply {
    each(account, body, |cell, entry| delete_one(account, cell, entry.receipt_handle))
}

pub(super) fn change_visibility(account: &Account, body: &[u8]) -> Reply {
    let request: Single = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    let now = account.clock.now();
    change_one(&cell, now, request.receipt_handle, request.visibility_timeout)?;
    Ok(nothing())
}

pub(super) fn change_visibility_batch(account: &Account, body: &[u8]) -> Reply {
    let now = account.clock.now();
    each(account, body, |cell, entry| change_one(cell, now, entry.receipt_handle, entry.visibility_timeout))
}

fn each(account: &Account, body: &[u8], settle: impl Fn(&Cell, Entry) -> Result<(), ApiError>) -> Reply {
    let request: Batch = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut answered = SettledBatch::default();
    for mut entry in request.entries {
        let id = std::mem::take(&mut entry.id);
        match settle(&cell, entry) {
            Ok(()) => answered.successful.push(Settled { id }),
            Err(error) => answered.failed.push(FailedEntry::new(id, error)),
        }
    }
    answer(&answered)
}

fn delete_one(account: &Account, cell: &Cell, handle: Option<String>) -> Result<(), ApiError> {
    let handle = required(handle, "ReceiptHandle")?;
    let receipt = Receipt::decode(&handle, cell.id)?;
    let limit = account.in_flight_limit.load(std::sync::atomic::Ordering::Acquire);
    let (received, made_room) = {
        let mut queue = cell.queue();
        let full = queue.in_flight() >= limit;
        let received = queue.received(&receipt);
        (received, queue.delete(&receipt) && full)
    };
    if let Some((sent_at, received)) = received {
        account.deleted(sent_at, received);
    }
    // Long polls held back by the in-flight quota wait for exactly this.
    cell.ring(usize::from(made_room));
    Ok(())
}

fn change_one(
    cell: &Cell,
    now: Millis,
    handle: Option<String>,
    timeout: Option<i64>,
) -> Result<(), ApiError> {
    let handle = required(handle, "ReceiptHandle")?;
    let given = required(timeout, "VisibilityTimeout")?;
    let timeout = in_range("VisibilityTimeout", Some(given), 0, 0, 43_200)?;
    let receipt = Receipt::decode(&handle, cell.id)?;
    let held = cell.queue().hold(now, &receipt, seconds(timeout));
    held.map_err(|refused| match refused {
        HoldRefused::NotInFlight => {
            Fault::MessageNotInflight.because("The specified message isn't in flight.")
        }
        HoldRefused::NotYours => Fault::InvalidParameterValue.because(format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is \
             not available for visibility timeout change."
        )),
        HoldRefused::BeyondLongestHold => Fault::InvalidParameterValue.because(format!(
            "Value {timeout} for parameter VisibilityTimeout is invalid. Reason: Total \
             VisibilityTimeout for the message is beyond the limit [43200 seconds]."
        )),
    })?;
    cell.hides_for(seconds(timeout));
    Ok(())
}
