//! Two workers on one queue: one that is never restarted, whose growth is judged, and one that is stopped,
//! killed and started again. Deals the blows of the schedule, and judges how each process ended.

use harness::worker_process::Running;
use harness::{Ended, Worker, eventually};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use worker::outcome::Outcome;

use crate::schedule::{Blow, Card, Window};
use crate::violations::Violations;
use crate::watch::{Board, Post, fault_in};

/// The places on the board.
const STEADY: usize = 0;
const RESTARTED: usize = 1;

/// The two.
pub(crate) struct Fleet {
    steady: Running,
    restarted: Running,
    command: Worker,
    board: Board,
    pub(crate) accounts: Vec<Account>,
    violations: Violations,
}

/// What one process left.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Account {
    pub(crate) worker: String,
    /// What it was ended by.
    pub(crate) by: &'static str,
    pub(crate) code: Option<i32>,
    /// What it counted; a killed one leaves nothing.
    pub(crate) summary: Option<Value>,
    #[serde(skip)]
    pub(crate) log: String,
}

impl Fleet {
    /// Starts both.
    pub(crate) async fn start(
        steady: &Worker,
        restarted: Worker,
        board: &Board,
        violations: &Violations,
    ) -> Self {
        Self {
            steady: begin(steady, board, STEADY).await,
            restarted: begin(&restarted, board, RESTARTED).await,
            command: restarted,
            board: board.clone(),
            accounts: Vec::new(),
            violations: violations.clone(),
        }
    }

    /// Deals one blow after the other; one whose time has passed, because the one before took long, is
    /// left out. Tells each by name.
    pub(crate) async fn follow(
        mut self,
        blows: &[Window<Blow>],
        begun: Instant,
        dealt: impl Fn(&'static str),
    ) -> Self {
        for blow in blows {
            sleep_until(begun + blow.from).await;
            if begun.elapsed() < blow.to {
                dealt(blow.what.name());
                self = self.deal(blow.what, begun + blow.to).await;
            }
        }
        self
    }

    async fn deal(mut self, blow: Blow, until: Instant) -> Self {
        match blow {
            Blow::Suspend | Blow::SuspendSteady => {
                let place = if blow == Blow::Suspend { RESTARTED } else { STEADY };
                let sleeps = |sleeps| {
                    if let Some(post) = &mut self.board.lock().unwrap()[place] {
                        post.suspended = sleeps;
                    }
                };
                let worker = if blow == Blow::Suspend { &self.restarted } else { &self.steady };
                sleeps(true);
                worker.suspend();
                sleep_until(until).await;
                worker.resume();
                sleeps(false);
                self
            }
            Blow::Drain | Blow::Kill | Blow::Storm => {
                self.board.lock().unwrap()[RESTARTED] = None;
                let mut old = self.restarted;
                let ended = match blow {
                    Blow::Kill => old.kill().await,
                    Blow::Storm => {
                        eventually("a worker ends that is told to over and over", async || {
                            let running = old.is_running();
                            if running {
                                old.terminate();
                            }
                            (!running).then_some(())
                        })
                        .await;
                        old.ended().await
                    }
                    _ => old.stop().await,
                };
                let name = format!("restarted {}", self.accounts.len() + 1);
                self.accounts.push(account(name, blow.name(), &ended, &self.violations));
                self.restarted = begin(&self.command, &self.board, RESTARTED).await;
                self
            }
        }
    }

    /// Stops both, when nothing is in the way of a clean end.
    pub(crate) async fn stop(mut self) -> Vec<Account> {
        *self.board.lock().unwrap() = [None, None];
        for (name, worker) in [("steady".to_owned(), self.steady), ("last".to_owned(), self.restarted)] {
            let ended = worker.stop().await;
            if ended.code != Some(0) {
                let code = ended.code;
                self.violations.report(format!("the worker {name} ended with {code:?} when all was calm"));
            }
            self.accounts.push(account(name, "sigterm", &ended, &self.violations));
        }
        self.accounts
    }
}

/// Starts one and puts it on the board.
async fn begin(command: &Worker, board: &Board, place: usize) -> Running {
    let running = command.start();
    let post = Post { id: running.process_id(), status_url: running.status_url().await, suspended: false };
    board.lock().unwrap()[place] = Some(post);
    running
}

fn account(worker: String, by: &'static str, ended: &Ended, violations: &Violations) -> Account {
    let summary = ended.stdout.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let killed = by == Blow::Kill.name();
    for fault in faults(ended.code, summary.as_ref(), killed) {
        violations.report(format!("{worker}, ended by {by}: {fault}"));
    }
    for event in ["task_panicked", "stage_failed", "panic"] {
        if !ended.events(event).is_empty() {
            violations.report(format!("{worker}, ended by {by}: it logged {event}"));
        }
    }
    Account { worker, by, code: ended.code, summary, log: ended.stderr.clone() }
}

/// What is wrong with how a worker ended.
fn faults(code: Option<i32>, summary: Option<&Value>, killed: bool) -> Vec<String> {
    let mut faults = Vec::new();
    match (code, killed) {
        (None, true) => return faults,
        (Some(0 | 75), false) => {}
        _ => faults.push(format!("its exit code is {code:?}")),
    }
    let Some(summary) = summary else {
        faults.push("it left no summary".to_owned());
        return faults;
    };
    let count = |name: &str| summary[name].as_u64().unwrap_or_default();
    let outcomes: u64 = Outcome::ALL.iter().map(|outcome| count(outcome.name())).sum();
    if count("received") != count("in_flight") + outcomes {
        faults.push(format!("its balance is wrong: {summary}"));
    }
    if code == Some(0) && (summary["drained"] != true || count("in_flight") != 0) {
        faults.push(format!("it ended with 0 and is not drained: {summary}"));
    }
    faults.extend(fault_in(summary));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn summary(fields: &Value) -> Value {
        let mut summary = json!({
            "received": 7, "created": 4, "retried": 3, "in_flight": 0, "drained": true,
            "receives_without_attempt": 0,
        });
        summary.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        summary
    }

    #[test]
    fn an_end_is_judged_by_its_code_its_balance_and_what_it_left() {
        let good = summary(&json!({}));
        assert_eq!(faults(Some(0), Some(&good), false), Vec::<String>::new());
        assert_eq!(faults(None, None, true), Vec::<String>::new());
        let overrun = summary(&json!({"created": 2, "in_flight": 2, "drained": false}));
        assert_eq!(faults(Some(75), Some(&overrun), false), Vec::<String>::new());

        assert_eq!(faults(Some(0), Some(&overrun), false).len(), 1);
        assert_eq!(faults(Some(70), Some(&good), false).len(), 1);
        assert_eq!(faults(None, None, false).len(), 2);
        assert_eq!(faults(Some(0), None, false).len(), 1);
        assert_eq!(faults(Some(0), Some(&summary(&json!({"created": 5}))), false).len(), 1);
        let polled = summary(&json!({"receives_without_attempt": 1}));
        assert_eq!(faults(Some(0), Some(&polled), false).len(), 1);
    }
}
