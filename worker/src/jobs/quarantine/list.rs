//! `quarantine list`: how many messages lie there, by reason. Keeps of each message no more than it takes to
//! recognise its copies.

use std::collections::{BTreeMap, HashSet};

use comfy_table::Table;
use domain::Timestamp;
use serde::Serialize;

use super::Told;
use crate::cli::JobWritten;
use crate::config::Problem;
use crate::jobs::dead_letters::{Choice, Identity, Letter, Peek, Queues, Seen, now};
use crate::jobs::progress::Progress;
use crate::jobs::{Context, Ending, JobError, blank_table};
use crate::pipeline::Stop;
use crate::telemetry::Cause;

/// What lies there, by reason.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// One line for each reason there is.
    pub reasons: Vec<Line>,
    /// Messages, without their copies.
    pub messages: u64,
    /// Copies of them.
    pub copies: u64,
    /// How much was seen.
    #[serde(flatten)]
    pub seen: Seen,
    /// Whether it was cut short by a signal.
    pub interrupted: bool,
    /// It was asked to delete them, and not told to do it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub would_be_dropped: bool,
}

/// The messages of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its name.
    pub reason: String,
    /// Messages, without their copies.
    pub messages: u64,
    /// Copies of them.
    pub copies: u64,
    /// When the oldest of them was first seen.
    pub oldest: String,
    /// When the newest was given up; absent of what SQS moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
}

/// Counts what it is shown.
#[derive(Default)]
pub(super) struct Tally {
    known: HashSet<Identity>,
    lines: BTreeMap<Cause, Counts>,
}

#[derive(Default)]
struct Counts {
    messages: u64,
    copies: u64,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
}

impl Tally {
    pub(super) fn add(&mut self, letter: &Letter) {
        let counts = self.lines.entry(letter.cause.clone()).or_default();
        let first_seen = letter.first_seen();
        counts.oldest = Some(counts.oldest.map_or(first_seen, |oldest| oldest.min(first_seen)));
        counts.newest = counts.newest.max(letter.last_attempt());
        if self.known.insert(letter.identity.clone()) {
            counts.messages += 1;
        } else {
            counts.copies += 1;
        }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let line = |(cause, counts): (&Cause, &Counts)| Line {
            reason: cause.code().to_owned(),
            messages: counts.messages,
            copies: counts.copies,
            oldest: counts.oldest.map(|time| time.to_string()).unwrap_or_default(),
            newest: counts.newest.map(|time| time.to_string()),
        };
        self.lines.iter().map(line).collect()
    }
}

pub(super) async fn run(
    written: &JobWritten,
    choice: Result<Choice, Vec<Problem>>,
    stop: Stop,
) -> Result<Listed, JobError> {
    let (context, choice) = Context::with(written, &super::NEEDS, choice, stop).await?;
    let now = now()?;
    let queues = Queues::find(&context).await?;
    let mut peek = Peek::open(queues.dead_letters, context.stop.clone()).await?;
    let mut tally = Tally::default();
    let ended = count(&mut peek, &choice, now, &mut tally).await;
    let seen = peek.seen();
    peek.close().await;
    ended?;
    let lines = tally.lines();
    Ok(Listed {
        messages: lines.iter().map(|line| line.messages).sum(),
        copies: lines.iter().map(|line| line.copies).sum(),
        reasons: lines,
        seen,
        interrupted: context.stop.soft.is_cancelled(),
        would_be_dropped: false,
    })
}

async fn count(peek: &mut Peek, choice: &Choice, now: Timestamp, tally: &mut Tally) -> Result<(), JobError> {
    let mut progress = Progress::new("looking", Some(peek.seen().about));
    while let Some(page) = peek.next().await? {
        progress.add(u64::try_from(page.len()).unwrap_or(u64::MAX));
        let letters = page.iter().map(Letter::of);
        letters.filter(|letter| choice.takes(letter, now)).for_each(|letter| tally.add(&letter));
    }
    Ok(())
}

impl Listed {
    pub(super) fn of_what_would_be_dropped(self) -> Self {
        Self { would_be_dropped: true, ..self }
    }
}

impl Told for Listed {
    fn table(&self) -> Table {
        let mut table =
            blank_table(&["reason", "messages", "copies", "oldest, first seen", "newest, given up"]);
        for line in &self.reasons {
            let newest = line.newest.as_deref().unwrap_or("not told");
            table.add_row([
                &line.reason,
                &line.messages.to_string(),
                &line.copies.to_string(),
                &line.oldest,
                newest,
            ]);
        }
        let (messages, copies) = (self.messages.to_string(), self.copies.to_string());
        table.add_row(["all", &messages, &copies, "", ""]);
        table
    }

    fn ending(&self) -> Ending {
        if self.interrupted { Ending::Interrupted } else { Ending::Done }
    }

    fn advice(&self) -> String {
        let told = self.seen.told();
        if self.would_be_dropped && self.messages > 0 {
            format!("{told}\nnothing was deleted; add --yes to write these to the backup and delete them")
        } else {
            told
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::show::tests::letter;
    use super::*;

    #[test]
    fn each_reason_is_counted_with_its_times_and_copies_only_once() {
        let mut tally = Tally::default();
        for (reason, id, first_seen, last_attempt) in [
            ("not_json", "a", "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"),
            ("not_json", "b", "2026-11-21T10:00:00Z", "2026-11-22T10:30:00Z"),
            ("not_json", "a", "2026-11-22T10:00:00Z", "2026-11-22T11:30:00Z"),
            ("owner_conflict", "c", "2026-11-22T09:00:00Z", "2026-11-22T09:00:01Z"),
        ] {
            tally.add(&letter(reason, id, first_seen, last_attempt));
        }
        let line = |reason: &str, messages, copies, oldest: &str, newest: &str| Line {
            reason: reason.to_owned(),
            messages,
            copies,
            oldest: oldest.to_owned(),
            newest: Some(newest.to_owned()),
        };
        assert_eq!(
            tally.lines(),
            [
                line("not_json", 2, 1, "2026-11-21T10:00:00.000Z", "2026-11-22T11:30:00.000Z"),
                line("owner_conflict", 1, 0, "2026-11-22T09:00:00.000Z", "2026-11-22T09:00:01.000Z"),
            ]
        );
    }
}
