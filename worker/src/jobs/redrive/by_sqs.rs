//! SQS moves everything by itself; this program starts it, watches it and may leave it alone.

use std::time::Duration;

use tokio::time::sleep;

use super::tasks::{Asked, Task, Tasks};
use crate::aws::classify::is_unsupported;
use crate::aws::moves::{MoveTask, Moves};
use crate::jobs::JobError;
use crate::jobs::progress::Progress;
use crate::pipeline::Stop;
use crate::ports::ErrorClass;

/// How often SQS is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// How it went.
pub(super) enum Started {
    /// So.
    Told(Tasks),
    /// SQS does not know how, or not for this queue; its code.
    NotHere(String),
}

/// Starts a move of everything, unless one is running, and watches it to its end or to a stop.
pub(super) async fn move_all(
    moves: &Moves,
    destination: &str,
    rate: u16,
    stop: &Stop,
) -> Result<Started, JobError> {
    if let Some(running) = active(moves).await? {
        return Ok(Started::Told(told(Asked::AlreadyRunning, &running)));
    }
    match moves.start(destination, i32::from(rate)).await {
        Ok(_) => watch(moves, stop).await.map(Started::Told),
        // The service has no moves; or nobody names this queue as his dead-letter queue, so that SQS would not
        // know it for one; or somebody else was faster.
        Err(error) if error.class == ErrorClass::Refused => Ok(match active(moves).await? {
            Some(running) => Started::Told(told(Asked::AlreadyRunning, &running)),
            None => Started::NotHere(error.code),
        }),
        Err(error) => Err(JobError::call("sqs:StartMessageMoveTask", error)),
    }
}

/// The task that runs; none, where the service has no tasks.
async fn active(moves: &Moves) -> Result<Option<MoveTask>, JobError> {
    match moves.list().await {
        Ok(tasks) => Ok(tasks.into_iter().find(|task| task.status.is_active())),
        Err(error) if is_unsupported(&error) => Ok(None),
        Err(error) => Err(JobError::call("sqs:ListMessageMoveTasks", error)),
    }
}

/// The newest task is ours: while it runs there can be no other, and what ends at once is the newest still.
async fn watch(moves: &Moves, stop: &Stop) -> Result<Tasks, JobError> {
    const GOES_ON: &str = "SQS goes on moving without this program; --status shows it, --cancel stops it";
    let mut progress: Option<Progress> = None;
    let mut shown = 0;
    loop {
        let listed = moves.list().await;
        let listed =
            listed.map_err(|error| JobError::call("sqs:ListMessageMoveTasks", error).with_hint(GOES_ON))?;
        if let Some(task) = listed.first() {
            let progress = progress.get_or_insert_with(|| Progress::new("SQS is moving", task.to_move));
            progress.add(task.moved.saturating_sub(shown));
            shown = shown.max(task.moved);
            if !task.status.is_active() {
                return Ok(told(Asked::Moved, task));
            }
            if stop.soft.is_cancelled() {
                return Ok(told(Asked::LeftRunning, task));
            }
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = stop.soft.cancelled() => {}
        }
        if stop.soft.is_cancelled() && listed.is_empty() {
            return Ok(Tasks { result: Asked::LeftRunning, tasks: Vec::new() });
        }
    }
}

fn told(result: Asked, task: &MoveTask) -> Tasks {
    Tasks { result, tasks: vec![Task::from(task)] }
}
