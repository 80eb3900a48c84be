//! `quarantine drop`: what will never become an item is deleted, once a backup of it is on the disk. The backup
//! holds people; only its owner can read it.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;
use serde_json::json;

use super::Told;
use crate::aws::dead_letters::DeadLetter;
use crate::cli::JobWritten;
use crate::config::Problem;
use crate::jobs::dead_letters::{Choice, Letter, Peek, Queues, Seen, now};
use crate::jobs::files::Place;
use crate::jobs::progress::Progress;
use crate::jobs::{Context, Ending, JobError, blank_table};
use crate::pipeline::Stop;

const FLAG: &str = "--backup";

/// Bytes of one run's backup: it is put together in memory.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What became of them.
#[derive(Debug, Serialize)]
pub struct Dropped {
    /// Messages deleted, copies included, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Messages deleted, copies included.
    pub deleted: u64,
    /// Messages in the backup that could not be deleted.
    pub not_deleted: u64,
    /// Where the backup is; absent if there was nothing to delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// How much was seen.
    #[serde(flatten)]
    pub seen: Seen,
    /// More is there than fits into one run.
    pub more: bool,
    /// Whether it was cut short by a signal.
    pub interrupted: bool,
}

/// Reads `--backup`.
pub(super) fn backup(text: &str) -> Result<Place, Problem> {
    const MEND: &str = "write a path, or s3://bucket/key";
    match text.parse() {
        Ok(Place::Standard) => Err(Problem::new(FLAG, "is standard output, which is for the result", MEND)),
        Ok(place) => Ok(place),
        Err(fault) => Err(Problem::new(FLAG, fault, MEND)),
    }
}

/// One line of the backup: enough to send the message again with any tool.
fn line(message: &DeadLetter, letter: &Letter) -> String {
    let line = json!({
        "messageId": letter.id,
        "firstMessageId": letter.identity.message_id,
        "reason": letter.cause.code(),
        "sentAt": letter.sent_at.to_string(),
        "attributes": message.attributes_json(),
        "body": message.body,
    });
    format!("{line}\n")
}

/// What is to be deleted.
#[derive(Default)]
struct Condemned {
    lines: String,
    /// SQS's ids with their reasons.
    ids: Vec<(String, String)>,
    more: bool,
}

pub(super) async fn run(
    written: &JobWritten,
    flags: Result<(Choice, Place), Vec<Problem>>,
    stop: Stop,
) -> Result<Dropped, JobError> {
    let (context, (choice, place)) = Context::with(written, &super::NEEDS, flags, stop).await?;
    let queues = Queues::find(&context).await?;
    let mut peek = Peek::open(queues.dead_letters, context.stop.clone()).await?;
    let ended = condemn_and_drop(&context, &mut peek, &choice, &place).await;
    peek.close().await;
    ended
}

async fn condemn_and_drop(
    context: &Context,
    peek: &mut Peek,
    choice: &Choice,
    place: &Place,
) -> Result<Dropped, JobError> {
    let condemned = condemn(peek, choice).await?;
    let mut dropped = Dropped {
        reasons: BTreeMap::new(),
        deleted: 0,
        not_deleted: 0,
        backup: None,
        seen: peek.seen(),
        more: condemned.more,
        interrupted: context.stop.soft.is_cancelled(),
    };
    if condemned.ids.is_empty() || dropped.interrupted {
        return Ok(dropped);
    }
    let mut bytes = place.read(FLAG, &context.clients.s3).await?.unwrap_or_default();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(condemned.lines.as_bytes());
    place
        .write(&bytes, &context.clients.s3)
        .await
        .map_err(|error| error.with_hint("nothing was deleted; name another place with --backup"))?;
    dropped.backup = Some(place.to_string());
    let mut progress =
        Progress::new("deleting", Some(u64::try_from(condemned.ids.len()).unwrap_or(u64::MAX)));
    for ten in condemned.ids.chunks(10) {
        // What is in the backup and not deleted will be in it twice; nothing is lost by a stop here.
        if context.stop.soft.is_cancelled() {
            dropped.interrupted = true;
            break;
        }
        let left = peek.delete(ten.iter().map(|(id, _)| id.clone())).await;
        for (id, reason) in ten {
            if left.contains(id) {
                dropped.not_deleted += 1;
            } else {
                dropped.deleted += 1;
                *dropped.reasons.entry(reason.clone()).or_default() += 1;
            }
        }
        progress.add(u64::try_from(ten.len()).unwrap_or(u64::MAX));
    }
    Ok(dropped)
}

async fn condemn(peek: &mut Peek, choice: &Choice) -> Result<Condemned, JobError> {
    let now = now()?;
    let mut condemned = Condemned::default();
    let mut progress = Progress::new("looking", Some(peek.seen().about));
    while let Some(page) = peek.next().await? {
        progress.add(u64::try_from(page.len()).unwrap_or(u64::MAX));
        for message in &page {
            let letter = Letter::of(message);
            if choice.takes(&letter, now) {
                condemned.lines.push_str(&line(message, &letter));
                condemned.ids.push((letter.id, letter.cause.code().to_owned()));
            }
        }
        if condemned.lines.len() >= MOST_BYTES {
            condemned.more = true;
            break;
        }
    }
    Ok(condemned)
}

impl Told for Dropped {
    fn table(&self) -> Table {
        let mut table = blank_table(&["reason", "deleted, copies included"]);
        for (reason, count) in &self.reasons {
            table.add_row([reason, &count.to_string()]);
        }
        table.add_row(["all", &self.deleted.to_string()]);
        table
    }

    fn ending(&self) -> Ending {
        match () {
            () if self.interrupted => Ending::Interrupted,
            () if self.not_deleted > 0 || self.more => Ending::Found,
            () => Ending::Done,
        }
    }

    fn advice(&self) -> String {
        let mut told = self.seen.told();
        if let Some(backup) = &self.backup {
            told = format!("{told}\nthe backup is {backup}; it holds personal data");
        }
        if self.not_deleted > 0 {
            told = format!("{told}\n{} could not be deleted; run it again", self.not_deleted);
        }
        if self.more {
            told = format!("{told}\nmore is there than fits into one run; run it again");
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_has_a_place_of_its_own() {
        assert!(backup("dropped.jsonl").is_ok() && backup("s3://bucket/dropped.jsonl").is_ok());
        for bad in ["", "-", "s3://bucket"] {
            assert!(backup(bad).is_err(), "{bad}");
        }
    }
}
