//! SQS's own way back from a dead-letter queue: message move tasks, one at a time for each queue. The destination
//! is always named: without one SQS looks for the queue that a message died in, and a message that the worker
//! sent to the dead-letter queue has died in none.

use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry;

use super::classify::classify;
use crate::ports::{CallError, ErrorClass};

/// How a task stands (SQS API reference, ListMessageMoveTasksResultEntry).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Messages are being moved.
    Running,
    /// All were moved.
    Completed,
    /// It was told to stop and has not yet.
    Cancelling,
    /// It was stopped.
    Cancelled,
    /// SQS gave up.
    Failed,
    /// Something newer than this program.
    Other,
}

impl TaskStatus {
    fn parse(text: &str) -> Self {
        match text {
            "RUNNING" => Self::Running,
            "COMPLETED" => Self::Completed,
            "CANCELLING" => Self::Cancelling,
            "CANCELLED" => Self::Cancelled,
            "FAILED" => Self::Failed,
            _ => Self::Other,
        }
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Other => "other",
        }
    }

    /// Whether messages may still be moved.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveTask {
    /// To stop it with; only while it runs.
    pub handle: Option<String>,
    /// How it stands.
    pub status: TaskStatus,
    /// Messages a second at most; absent where SQS chooses.
    pub rate: Option<i32>,
    /// Messages moved so far, about.
    pub moved: u64,
    /// Messages there were to move, about.
    pub to_move: Option<u64>,
    /// SQS's code of what went wrong.
    pub failure: Option<String>,
    /// In milliseconds since 1970.
    pub started_at: i64,
}

/// The move tasks of one dead-letter queue.
pub struct Moves {
    client: aws_sdk_sqs::Client,
    source: String,
}

impl Moves {
    /// Of the dead-letter queue with the ARN `source`.
    pub fn new(client: aws_sdk_sqs::Client, source: String) -> Self {
        Self { client, source }
    }

    /// Begins to move everything to the queue with the ARN `destination`. Answers with the task's handle.
    pub async fn start(&self, destination: &str, rate: i32) -> Result<String, CallError> {
        let request = self.client.start_message_move_task().source_arn(&self.source);
        let request = request.destination_arn(destination).max_number_of_messages_per_second(rate);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        answer.task_handle.ok_or_else(|| CallError::new(ErrorClass::Unavailable, "answer_without_handle"))
    }

    /// The last ten tasks at most, the newest first.
    pub async fn list(&self) -> Result<Vec<MoveTask>, CallError> {
        let request = self.client.list_message_move_tasks().source_arn(&self.source).max_results(10);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        let mut tasks: Vec<_> = answer.results.unwrap_or_default().into_iter().map(task).collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.started_at));
        Ok(tasks)
    }

    /// Stops a task. Answers how many messages it had moved, about.
    pub async fn cancel(&self, handle: &str) -> Result<u64, CallError> {
        let request = self.client.cancel_message_move_task().task_handle(handle);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        Ok(count(answer.approximate_number_of_messages_moved))
    }
}

fn task(entry: ListMessageMoveTasksResultEntry) -> MoveTask {
    let plain = |text: String| {
        let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
        text.chars().filter(fits).take(80).collect()
    };
    MoveTask {
        handle: entry.task_handle,
        status: TaskStatus::parse(entry.status.as_deref().unwrap_or_default()),
        rate: entry.max_number_of_messages_per_second,
        moved: count(entry.approximate_number_of_messages_moved),
        to_move: entry.approximate_number_of_messages_to_move.map(count),
        failure: entry.failure_reason.map(plain),
        started_at: entry.started_timestamp,
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
