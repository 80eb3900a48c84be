//! Message move tasks: bringing a dead-letter queue's messages back, at a chosen rate.
//!
//! Exists because redrive is an operation people run under stress, and no local engine runs it. Must
//! never lose a message: one is taken and put without an await in between. A task moves at most as
//! many messages as were visible when it started, so that messages which die again at once do not
//! keep it going round for ever.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::account::{Account, lock};
use super::clock::Millis;
use super::letter::Letter;
use super::random_uuid;

/// Tasks a source queue remembers, running or not; also the most AWS lists.
pub(crate) const REMEMBERED: usize = 10;

/// Without a rate AWS chooses one; this server goes as fast as it can, in steps short enough to let
/// others run and to be cancelled in between.
const STEP: u64 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Completed,
    Cancelled,
    Failed(&'static str),
}

pub(crate) struct Task {
    pub(crate) id: Uuid,
    pub(crate) source_arn: Arc<str>,
    pub(crate) destination_arn: Option<Arc<str>>,
    pub(crate) rate: Option<u32>,
    pub(crate) started_at: Millis,
    pub(crate) to_move: u64,
    progress: Mutex<Progress>,
    cancelled: Notify,
}

#[derive(Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    pub(crate) moved: u64,
}

/// Tasks by source ARN, newest first.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<BTreeMap<Arc<str>, VecDeque<Arc<Task>>>>);

impl Tasks {
    /// Registers a task unless one is running for the same source.
    pub(crate) fn add(&self, task: Task) -> Option<Arc<Task>> {
        let mut tasks = lock(&self.0);
        let own = tasks.entry(Arc::clone(&task.source_arn)).or_default();
        if own.front().is_some_and(|last| last.progress().status == Status::Running) {
            return None;
        }
        let task = Arc::new(task);
        own.push_front(Arc::clone(&task));
        own.truncate(REMEMBERED);
        Some(task)
    }

    pub(crate) fn of(&self, source_arn: &str) -> Vec<Arc<Task>> {
        let tasks = lock(&self.0);
        tasks.get(source_arn).into_iter().flatten().cloned().collect()
    }
}

impl Task {
    pub(crate) fn new(
        source_arn: Arc<str>,
        destination_arn: Option<Arc<str>>,
        rate: Option<u32>,
        started_at: Millis,
        to_move: u64,
    ) -> Self {
        let status = if to_move == 0 { Status::Completed } else { Status::Running };
        Self {
            id: random_uuid(),
            source_arn,
            destination_arn,
            rate,
            started_at,
            to_move,
            progress: Mutex::new(Progress { status, moved: 0 }),
            cancelled: Notify::new(),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        *lock(&self.progress)
    }

    /// Stops a running task between two messages; `None` if it had ended before.
    pub(crate) fn cancel(&self) -> Option<u64> {
        let moved = {
            let mut progress = lock(&self.progress);
            if progress.status != Status::Running {
                return None;
            }
            progress.status = Status::Cancelled;
            progress.moved
        };
        self.cancelled.notify_one();
        Some(moved)
    }

    pub(crate) async fn run(&self, account: &Account) {
        loop {
            let mut jumped = pin!(account.clock.jumped.notified());
            jumped.as_mut().enable();
            let now = account.clock.now();
            let due = self.due(now);
            let mut steps = 0;
            while steps < STEP && self.progress().moved < due && self.move_one(account, now) {
                steps += 1;
            }
            if self.progress().status != Status::Running || account.closing.is_cancelled() {
                return;
            }
            if steps == STEP {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                () = jumped => {}
                () = tokio::time::sleep(self.pause(now)) => {}
                () = self.cancelled.notified() => {}
                () = account.closing.cancelled() => {}
            }
        }
    }

    /// How many messages may have been moved by now. With a rate the first one moves after its share
    /// of a second, so that a task can be seen before it has done anything.
    fn due(&self, now: Millis) -> u64 {
        let elapsed = now.saturating_sub(self.started_at);
        self.rate.map_or(u64::MAX, |rate| elapsed.saturating_mul(u64::from(rate)) / 1000)
    }

    fn pause(&self, now: Millis) -> Duration {
        let rate = u64::from(self.rate.unwrap_or(1)).max(1);
        let next = self.started_at + ((self.due(now).saturating_add(1)).saturating_mul(1000)).div_ceil(rate);
        Duration::from_millis(next.saturating_sub(now).clamp(1, 1000))
    }

    /// One step. False when there is nothing more to do now, which always ends the task.
    fn move_one(&self, account: &Account, now: Millis) -> bool {
        // Held for the whole step, so that a cancelled task has certainly stopped.
        let mut progress = lock(&self.progress);
        if progress.status != Status::Running {
            return false;
        }
        progress.status = match self.step(account, now, progress.moved) {
            Ok(true) => {
                progress.moved += 1;
                if progress.moved < self.to_move { Status::Running } else { Status::Completed }
            }
            Ok(false) => Status::Completed,
            Err(reason) => Status::Failed(reason),
        };
        progress.status == Status::Running
    }

    fn step(&self, account: &Account, now: Millis, moved: u64) -> Result<bool, &'static str> {
        const NO_QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";
        const NO_SOURCE: &str = "CouldNotDetermineMessageSource";
        let source = account.by_arn(&self.source_arn).ok_or(NO_QUEUE)?;
        if moved >= self.to_move {
            return Ok(false);
        }
        let Some(letter) = source.queue().take(now) else {
            return Ok(false);
        };
        // Without a destination a message goes back to the queue it died in; one that was sent
        // straight into the dead-letter queue has none, and fails the task as it does on AWS.
        let destination = self.destination_arn.as_ref().or(letter.dead_from.as_ref());
        let found = destination.map(|arn| account.by_arn(arn).ok_or(NO_QUEUE));
        match found.unwrap_or(Err(NO_SOURCE)) {
            Ok(target) => {
                let moved = Letter::new(random_uuid(), letter.message, now);
                target.put(now, [(moved, 0)]);
                Ok(true)
            }
            Err(reason) => {
                source.put(now, [(letter, 0)]);
                Err(reason)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::account::{Account, Cell};
    use super::super::attributes::Settings;
    use super::super::letter::Letter;
    use super::super::message::WireMessage;
    use super::super::random_uuid;
    use super::{Status, Task};

    /// The task may already be due for the next message when the cancellation arrives.
    #[test]
    fn a_cancelled_task_moves_nothing_more() {
        let account = Account::new(String::new());
        let cell = |name: &str| {
            let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
            account.add(Cell::new(name.to_owned(), arn, Settings::default(), 0)).0
        };
        let (source, target) = (cell("dead"), cell("work"));
        for _ in 0..3 {
            let wire = serde_json::json!({ "MessageBody": "x" });
            let wire: WireMessage = serde_json::from_value(wire).unwrap();
            let message = Arc::new(wire.check(10).unwrap());
            source.put(0, [(Letter::new(random_uuid(), message, 0), 0)]);
        }
        let (from, to) = (Arc::clone(&source.arn), Arc::clone(&target.arn));
        let task = Task::new(from, Some(to), None, 0, 3);
        assert!(task.move_one(&account, 0));
        assert_eq!(task.cancel(), Some(1));
        assert!(!task.move_one(&account, 0));
        assert_eq!(task.cancel(), None);
        let progress = task.progress();
        assert_eq!((progress.status, progress.moved), (Status::Cancelled, 1));
        assert_eq!(source.queue().counts(0).visible, 2);
        assert_eq!(target.queue().counts(0).visible, 1);
    }
}
