//! `quarantine retry`: what was mended is tried again. Messages go back as they are, with their note, from which the
//! worker counts on if they die once more.

use comfy_table::Table;
use serde::Serialize;

use super::Told;
use crate::aws::outbox::Outbox;
use crate::cli::JobWritten;
use crate::config::Problem;
use crate::jobs::dead_letters::{Choice, Peek, Queues, SentBack, send_back};
use crate::jobs::{Context, Ending, JobError, blank_table};
use crate::pipeline::Stop;

/// What became of them.
#[derive(Debug, Serialize)]
pub struct Retried {
    /// In numbers.
    #[serde(flatten)]
    pub sent: SentBack,
    /// Whether it was cut short by a signal.
    pub interrupted: bool,
}

pub(super) async fn run(
    written: &JobWritten,
    flags: Result<(Choice, u16), Vec<Problem>>,
    stop: Stop,
) -> Result<Retried, JobError> {
    let (context, (choice, rate)) = Context::with(written, &super::NEEDS, flags, stop).await?;
    let queues = Queues::find(&context).await?;
    by_ourselves(&context, &queues, &choice, rate).await
}

/// Sends back what is chosen, and gives back the rest, however it ends.
///
/// # Errors
/// As of [`send_back`].
pub(in crate::jobs) async fn by_ourselves(
    context: &Context,
    queues: &Queues,
    choice: &Choice,
    rate: u16,
) -> Result<Retried, JobError> {
    let (clients, config) = (&context.clients, &context.config);
    let outbox = Outbox::new(clients.sqs.clone(), config.queue_url.clone(), config.fair_groups);
    let mut peek = Peek::open(std::sync::Arc::clone(&queues.dead_letters), context.stop.clone()).await?;
    let ended = send_back(&mut peek, &outbox, choice, rate, &context.stop).await;
    peek.close().await;
    Ok(Retried { sent: ended?, interrupted: context.stop.soft.is_cancelled() })
}

impl Retried {
    pub(in crate::jobs) fn table(&self) -> Table {
        let mut table = blank_table(&["", "messages"]);
        let sent = &self.sent;
        for (what, count) in [
            ("sent back to the queue", sent.moved),
            ("copies of them, deleted", sent.copies),
            ("died again meanwhile, left", sent.came_back),
            ("refused by the queue, left", sent.refused),
            ("sent but not deleted", sent.not_deleted),
        ] {
            table.add_row([what, &count.to_string()]);
        }
        table
    }

    pub(in crate::jobs) fn ending(&self) -> Ending {
        match () {
            () if self.interrupted => Ending::Interrupted,
            () if self.sent.is_clean() => Ending::Done,
            () => Ending::Found,
        }
    }

    pub(in crate::jobs) fn advice(&self) -> String {
        self.sent.seen.told()
    }
}

impl Told for Retried {
    fn table(&self) -> Table {
        self.table()
    }

    fn ending(&self) -> Ending {
        self.ending()
    }

    fn advice(&self) -> String {
        self.advice()
    }
}
