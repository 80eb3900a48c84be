//! What SQS says of its move tasks, and what a person is told of it. One task runs for each dead-letter queue at
//! most; SQS remembers the last ten.

use comfy_table::Table;
use domain::Timestamp;
use serde::Serialize;

use crate::aws::classify::is_unsupported;
use crate::aws::moves::{MoveTask, Moves, TaskStatus};
use crate::jobs::{Ending, JobError, blank_table};
use crate::ports::CallError;

/// What was asked, and how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// A task was started and has ended.
    Moved,
    /// A task was started and goes on without us.
    LeftRunning,
    /// Another task runs; none was started.
    AlreadyRunning,
    /// What there is.
    Status,
    /// A task was stopped.
    Cancelled,
    /// None ran that could be stopped.
    NothingToCancel,
}

/// The tasks, the newest first.
#[derive(Debug, Serialize)]
pub struct Tasks {
    /// What was asked, and how it went.
    pub result: Asked,
    /// The one that is meant, or all of them.
    pub tasks: Vec<Task>,
}

/// One task, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// How it stands.
    pub status: &'static str,
    /// Messages moved so far, about.
    pub moved: u64,
    /// Messages there were to move, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_move: Option<u64>,
    /// Messages a second at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<i32>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// SQS's code of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl From<&MoveTask> for Task {
    fn from(task: &MoveTask) -> Self {
        Self {
            status: task.status.name(),
            moved: task.moved,
            to_move: task.to_move,
            rate: task.rate,
            started: Timestamp::from_epoch_ms(task.started_at).ok().map(|time| time.to_string()),
            failure: task.failure.clone(),
        }
    }
}

/// All that SQS remembers.
pub(super) async fn status(moves: &Moves) -> Result<Tasks, JobError> {
    let tasks =
        moves.list().await.map_err(|error| unanswered("--status", "sqs:ListMessageMoveTasks", error))?;
    Ok(Tasks { result: Asked::Status, tasks: tasks.iter().map(Task::from).collect() })
}

/// Stops the one that runs.
pub(super) async fn cancel(moves: &Moves) -> Result<Tasks, JobError> {
    let tasks =
        moves.list().await.map_err(|error| unanswered("--cancel", "sqs:ListMessageMoveTasks", error))?;
    let running = tasks.iter().find(|task| task.status == TaskStatus::Running);
    let Some((task, handle)) = running.and_then(|task| Some((task, task.handle.as_deref()?))) else {
        return Ok(Tasks { result: Asked::NothingToCancel, tasks: Vec::new() });
    };
    match moves.cancel(handle).await {
        Ok(moved) => {
            let stopped = Task { status: TaskStatus::Cancelled.name(), moved, ..Task::from(task) };
            Ok(Tasks { result: Asked::Cancelled, tasks: vec![stopped] })
        }
        // It ended between the two calls.
        Err(error) if is_unsupported(&error) => {
            Ok(Tasks { result: Asked::NothingToCancel, tasks: Vec::new() })
        }
        Err(error) => Err(JobError::call("sqs:CancelMessageMoveTask", error)),
    }
}

fn unanswered(flag: &str, action: &'static str, error: CallError) -> JobError {
    if is_unsupported(&error) {
        return JobError::problem(
            flag,
            format!("this service has no move tasks ({})", error.code),
            "redrive without it: this program then moves, and Ctrl-C stops it",
        );
    }
    JobError::call(action, error)
}

impl Tasks {
    pub(super) fn table(&self) -> Table {
        let mut table = blank_table(&["task", "moved", "to move", "a second", "started", "failure"]);
        let number = |number: Option<String>| number.unwrap_or_default();
        for task in &self.tasks {
            table.add_row([
                task.status,
                &task.moved.to_string(),
                &number(task.to_move.map(|count| count.to_string())),
                &number(task.rate.map(|rate| rate.to_string())),
                task.started.as_deref().unwrap_or_default(),
                task.failure.as_deref().unwrap_or_default(),
            ]);
        }
        table
    }

    pub(super) fn ending(&self) -> Ending {
        let completed = self.tasks.iter().all(|task| task.status == TaskStatus::Completed.name());
        match self.result {
            Asked::Moved if completed => Ending::Done,
            Asked::Status | Asked::Cancelled | Asked::NothingToCancel => Ending::Done,
            Asked::Moved | Asked::AlreadyRunning => Ending::Found,
            Asked::LeftRunning => Ending::Interrupted,
        }
    }

    pub(super) fn advice(&self) -> Option<String> {
        let told = match self.result {
            Asked::Moved if self.ending() == Ending::Done => return None,
            Asked::Moved => "the move did not come to its end; what was not moved is where it was",
            Asked::LeftRunning => {
                "SQS goes on moving without this program; --status shows it, --cancel stops it"
            }
            Asked::AlreadyRunning => {
                "a move is running, and there can be one for each dead-letter queue; nothing was started. --status \
                 shows it, --cancel stops it"
            }
            Asked::Status if self.tasks.is_empty() => "SQS remembers no move of this dead-letter queue",
            Asked::Status => return None,
            Asked::Cancelled => "what was not moved is where it was",
            Asked::NothingToCancel => "no move is running",
        };
        Some(told.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_move_that_came_to_its_end_is_done() {
        let of = |result, status: TaskStatus| {
            let task = Task {
                status: status.name(),
                moved: 1,
                to_move: Some(2),
                rate: None,
                started: None,
                failure: None,
            };
            Tasks { result, tasks: vec![task] }.ending().exit_code()
        };
        for (result, status, code) in [
            (Asked::Moved, TaskStatus::Completed, 0),
            (Asked::Moved, TaskStatus::Cancelled, 1),
            (Asked::Moved, TaskStatus::Failed, 1),
            (Asked::Moved, TaskStatus::Other, 1),
            (Asked::LeftRunning, TaskStatus::Running, 130),
            (Asked::AlreadyRunning, TaskStatus::Running, 1),
            (Asked::Status, TaskStatus::Failed, 0),
            (Asked::Cancelled, TaskStatus::Cancelled, 0),
            (Asked::NothingToCancel, TaskStatus::Completed, 0),
        ] {
            assert_eq!(of(result, status), code, "{result:?} {status:?}");
        }
    }
}
