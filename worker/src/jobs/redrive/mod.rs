//! `redrive`: everything back from the dead-letter queue, once what sent it there is mended. SQS does it itself where
//! nothing is to be chosen and it knows how; otherwise this program does, for as long as it runs. Must never start a
//! move without naming where to, nor a second one beside one that runs.

use comfy_table::Table;
use serde::Serialize;

use super::dead_letters::{Choice, Queues, both, rate};
use super::quarantine::{Retried, by_ourselves};
use super::{Context, Ending, JobError, Report};
use crate::aws::moves::Moves;
use crate::cli::JobWritten;
use crate::cli::jobs::{Chosen, Redrive};
use crate::config::Needs;
use crate::pipeline::Stop;
use crate::telemetry::MOVED_BY_SQS;

mod by_sqs;
mod tasks;

use by_sqs::{Started, move_all};
use tasks::Tasks;

/// The result, whoever moved.
#[derive(Debug, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Redriven {
    /// SQS moves, or moved, or was asked about it.
    Sqs(Tasks),
    /// This program moved.
    ProfileWorker(Retried),
}

/// Does it.
///
/// # Errors
/// What the settings or the queues have against it.
pub async fn run(args: &Redrive, written: &JobWritten, stop: Stop) -> Result<Redriven, JobError> {
    let needs = Needs { queue: true, table: false, pool: false };
    let reason = if args.without_reason { Some(MOVED_BY_SQS.to_owned()) } else { args.reason.clone() };
    let chosen = Chosen { reason, older_than: args.older_than.clone(), message_id: None };
    let flags = both(Choice::parse(&chosen), rate(&args.rate).map_err(|problem| vec![problem]));
    let (context, (choice, rate)) = Context::with(written, &needs, flags, stop).await?;
    let queues = Queues::find(&context).await?;
    if !choice.is_everything() {
        return by_ourselves(&context, &queues, &choice, rate).await.map(Redriven::ProfileWorker);
    }
    let (moves, destination) = way_back(&context, &queues).await?;
    if args.status {
        return tasks::status(&moves).await.map(Redriven::Sqs);
    }
    if args.cancel {
        return tasks::cancel(&moves).await.map(Redriven::Sqs);
    }
    match move_all(&moves, &destination, rate, &context.stop).await? {
        Started::Told(tasks) => Ok(Redriven::Sqs(tasks)),
        Started::NotHere(code) => {
            say(&format!(
                "SQS does not move these messages itself ({code}); this program does, for as long as it runs"
            ));
            by_ourselves(&context, &queues, &choice, rate).await.map(Redriven::ProfileWorker)
        }
    }
}

/// From the dead-letter queue's ARN to the queue's.
async fn way_back(context: &Context, queues: &Queues) -> Result<(Moves, String), JobError> {
    let client = &context.clients.sqs_calm;
    let dead_letters = crate::aws::sqs::queue_facts(client, &queues.dead_letter_url)
        .await
        .map_err(|error| JobError::call("sqs:GetQueueAttributes", error))?;
    let arn = |facts: &crate::aws::sqs::QueueFacts, variable| {
        facts.arn().ok_or_else(|| {
            JobError::problem(variable, "the queue tells no ARN", "check that it is a queue of SQS")
        })
    };
    let destination = arn(&queues.queue, "QUEUE_URL")?;
    let source = arn(&dead_letters, "DEAD_LETTER_QUEUE_URL")?;
    Ok((Moves::new(client.clone(), source), destination))
}

/// A line for a person, beside the logs.
#[allow(clippy::print_stderr, reason = "for a person, beside the logs")]
fn say(line: &str) {
    eprintln!("{line}");
}

impl Report for Redriven {
    fn table(&self) -> Table {
        match self {
            Self::Sqs(tasks) => tasks.table(),
            Self::ProfileWorker(retried) => retried.table(),
        }
    }

    fn ending(&self) -> Ending {
        match self {
            Self::Sqs(tasks) => tasks.ending(),
            Self::ProfileWorker(retried) => retried.ending(),
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Sqs(tasks) => tasks.advice(),
            Self::ProfileWorker(retried) => Some(retried.advice()),
        }
    }
}
