//! StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask.
//!
//! Exists to check what may be moved where; `moves.rs` does the moving. Must never start a second task
//! for a source whose first still runs.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::account::{Account, Cell};
use super::super::moves::{REMEMBERED, Status, Task};
use super::super::protocol::{ApiError, Fault, Reply, answer, decode, required};
use super::in_range;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
    max_results: Option<i64>,
    task_handle: Option<String>,
}

/// The contents of a task handle, which is base64 of this as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handle {
    task_id: String,
    source_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Started {
    task_handle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Cancelled {
    approximate_number_of_messages_moved: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    results: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: &'static str,
    source_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    started_timestamp: u64,
}

pub(super) fn start(account: &Arc<Account>, body: &[u8]) -> Reply {
    let request: Request = decode(body)?;
    let source = find(account, "SourceArn", &required(request.source_arn, "SourceArn")?)?;
    let rate = request.max_number_of_messages_per_second;
    let limit = in_range("MaxNumberOfMessagesPerSecond", rate, 500, 1, 500)?;
    if account.sources_of(&source.arn).is_empty() {
        return Err(
            Fault::InvalidParameterValue.because("Source queue must be configured as a Dead Letter Queue.")
        );
    }
    let destination = request.destination_arn;
    let destination = destination.map(|arn| find(account, "DestinationArn", &arn)).transpose()?;
    if destination.as_ref().is_some_and(|target| target.id == source.id) {
        return Err(Fault::InvalidParameterValue
            .because("Source queue arn and destination queue arn cannot be the same."));
    }
    let now = account.clock.now();
    let to_move = source.queue().counts(now).visible as u64;
    let task = Task::new(
        Arc::clone(&source.arn),
        destination.map(|target| Arc::clone(&target.arn)),
        rate.map(|_| limit),
        now,
        to_move,
    );
    let task = account.tasks.add(task).ok_or_else(|| {
        Fault::InvalidParameterValue.because(
            "There is already a task running. Only one active task is allowed for a source queue arn \
             at a given time.",
        )
    })?;
    let task_handle = handle(&task);
    let account = Arc::clone(account);
    tokio::spawn(async move { task.run(&account).await });
    answer(&Started { task_handle })
}

pub(super) fn list(account: &Account, body: &[u8]) -> Reply {
    let request: Request = decode(body)?;
    let source = find(account, "SourceArn", &required(request.source_arn, "SourceArn")?)?;
    let most = u32::try_from(REMEMBERED).unwrap_or(u32::MAX);
    let count = in_range("MaxResults", request.max_results, 1, 1, most)?;
    let tasks = account.tasks.of(&source.arn);
    let results = tasks.iter().take(count as usize).map(|task| show(task)).collect();
    answer(&Listed { results })
}

pub(super) fn cancel(account: &Account, body: &[u8]) -> Reply {
    let request: Request = decode(body)?;
    let text = required(request.task_handle, "TaskHandle")?;
    let handle: Handle =
        STANDARD.decode(text).ok().and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| {
            Fault::InvalidParameterValue.because("Value for parameter TaskHandle is invalid.")
        })?;
    let source = find(account, "SourceArn", &handle.source_arn)?;
    let tasks = account.tasks.of(&source.arn);
    let task = tasks
        .iter()
        .find(|task| task.id.to_string() == handle.task_id)
        .ok_or_else(|| Fault::ResourceNotFound.because("Task does not exist."))?;
    let moved = task.cancel().ok_or_else(|| {
        Fault::UnsupportedOperation.because("Only a task whose status is RUNNING can be cancelled.")
    })?;
    answer(&Cancelled { approximate_number_of_messages_moved: moved })
}

fn find(account: &Account, parameter: &str, arn: &str) -> Result<Arc<Cell>, ApiError> {
    account.by_arn(arn).ok_or_else(|| {
        Fault::ResourceNotFound
            .because(format!("The resource that you specified for the {parameter} parameter doesn't exist."))
    })
}

fn handle(task: &Task) -> String {
    let handle = serde_json::json!({ "taskId": task.id.to_string(), "sourceArn": &*task.source_arn });
    STANDARD.encode(handle.to_string())
}

fn show(task: &Task) -> Shown<'_> {
    let progress = task.progress();
    let (status, failure_reason) = match progress.status {
        Status::Running => ("RUNNING", None),
        Status::Completed => ("COMPLETED", None),
        Status::Cancelled => ("CANCELLED", None),
        Status::Failed(reason) => ("FAILED", Some(reason)),
    };
    Shown {
        // A handle serves to cancel, so AWS shows it only while there is something to cancel.
        task_handle: (progress.status == Status::Running).then(|| handle(task)),
        status,
        source_arn: &task.source_arn,
        destination_arn: task.destination_arn.as_deref(),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: progress.moved,
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason,
        started_timestamp: task.started_at,
    }
}
