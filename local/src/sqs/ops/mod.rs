//! One function per API operation: decode, check, do one step on a queue, answer.
//!
//! Exists to keep the protocol apart from the state machine. Must never keep state of its own.

mod mover;
mod queues;
mod receive;
mod send;
mod settle;
mod tags;

use std::collections::HashSet;
use std::sync::Arc;

use super::account::Account;
use super::protocol::{ApiError, Fault, Operation, Reply};

const MOST_ENTRIES: usize = 10;

pub(crate) async fn run(account: &Arc<Account>, operation: Operation, body: &[u8], region: &str) -> Reply {
    match operation {
        Operation::ReceiveMessage => receive::message(account, body).await,
        Operation::SendMessage => send::message(account, body),
        Operation::SendMessageBatch => send::batch(account, body),
        Operation::DeleteMessage => settle::delete(account, body),
        Operation::DeleteMessageBatch => settle::delete_batch(account, body),
        Operation::ChangeMessageVisibility => settle::change_visibility(account, body),
        Operation::ChangeMessageVisibilityBatch => settle::change_visibility_batch(account, body),
        Operation::CreateQueue => queues::create(account, body, region),
        Operation::DeleteQueue => queues::delete(account, body),
        Operation::GetQueueUrl => queues::url(account, body),
        Operation::ListQueues => queues::list(account, body),
        Operation::GetQueueAttributes => queues::attributes(account, body),
        Operation::SetQueueAttributes => queues::set_attributes(account, body),
        Operation::PurgeQueue => queues::purge(account, body),
        Operation::ListDeadLetterSourceQueues => queues::dead_letter_sources(account, body),
        Operation::StartMessageMoveTask => mover::start(account, body),
        Operation::ListMessageMoveTasks => mover::list(account, body),
        Operation::CancelMessageMoveTask => mover::cancel(account, body),
        Operation::TagQueue => tags::add(account, body),
        Operation::UntagQueue => tags::remove(account, body),
        Operation::ListQueueTags => tags::list(account, body),
    }
}

/// The rules every batch shares; breaking one refuses the whole batch, not an entry.
fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), ApiError> {
    let count = ids.len();
    if count == 0 {
        return Err(Fault::EmptyBatchRequest.because("There should be at least one entry in the request."));
    }
    if count > MOST_ENTRIES {
        return Err(Fault::TooManyEntriesInBatchRequest.because(format!(
            "Maximum number of entries per request are {MOST_ENTRIES}. You have sent {count}."
        )));
    }
    let mut seen = HashSet::with_capacity(count);
    for id in ids {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > 80 || !id.bytes().all(allowed) {
            return Err(Fault::InvalidBatchEntryId.because(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(Fault::BatchEntryIdsNotDistinct.because(format!("Id {id} repeated.")));
        }
    }
    Ok(())
}

/// A number given with a request, or its default.
fn in_range(name: &str, given: Option<i64>, default: u32, least: u32, most: u32) -> Result<u32, ApiError> {
    let Some(given) = given else {
        return Ok(default);
    };
    u32::try_from(given).ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        Fault::InvalidParameterValue.because(format!(
            "Value {given} for parameter {name} is invalid. Reason: Must be between {least} and \
                 {most}, if provided."
        ))
    })
}
