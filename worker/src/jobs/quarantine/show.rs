//! `quarantine show`: single messages. The body is a person: it is shown only on request, and until then the user
//! is the pseudonym he has in the worker's logs.

use std::collections::HashMap;

use comfy_table::Table;
use domain::{ProfileModel, Timestamp, body};
use serde::Serialize;

use super::Told;
use crate::aws::dead_letters::DeadLetter;
use crate::cli::JobWritten;
use crate::config::Problem;
use crate::jobs::dead_letters::{Choice, Identity, Letter, Peek, Queues, Seen, now};
use crate::jobs::{Context, Ending, JobError, blank_table};
use crate::pipeline::Stop;
use crate::telemetry::Pseudonyms;

/// Single messages.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// At most as many as were asked for.
    pub messages: Vec<Entry>,
    /// Messages beyond those.
    pub more: u64,
    /// How much was seen.
    #[serde(flatten)]
    pub seen: Seen,
    /// Whether it was cut short by a signal.
    pub interrupted: bool,
}

/// One message.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The id it had when it was received first; choose it by this.
    pub message_id: String,
    /// Why it is there.
    pub reason: String,
    /// More of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How often it was received before; absent of what SQS moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// When it was received first.
    pub first_seen: String,
    /// When it was given up; absent of what SQS moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<String>,
    /// Seconds since it was first seen.
    pub age_seconds: i64,
    /// Its size with all attributes.
    pub bytes: usize,
    /// Copies of it.
    pub copies: u64,
    /// The user as the worker's logs name him, if one can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The worker that put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The text, on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// How messages are shown.
pub struct View<'a> {
    /// To read of whom a message is.
    pub model: &'a ProfileModel,
    /// To name him.
    pub pseudonyms: &'a Pseudonyms,
    /// This moment.
    pub now: Timestamp,
    /// Whether the body is shown.
    pub personal: bool,
}

impl View<'_> {
    /// What is shown of a message.
    pub fn entry(&self, message: &DeadLetter, letter: &Letter) -> Entry {
        let note = letter.note.as_ref();
        Entry {
            message_id: letter.identity.message_id.clone(),
            reason: letter.cause.code().to_owned(),
            detail: note.map(|note| note.detail.clone()).unwrap_or_default(),
            attempts: note.map(|note| note.attempts),
            first_seen: letter.first_seen().to_string(),
            last_attempt: letter.last_attempt().map(|time| time.to_string()),
            age_seconds: (self.now.epoch_ms() - letter.first_seen().epoch_ms()).max(0) / 1000,
            bytes: letter.size,
            copies: 0,
            user: self.user(message),
            version: note.and_then(|note| note.version.clone()),
            body: self.personal.then(|| message.body.clone()),
        }
    }

    fn user(&self, message: &DeadLetter) -> Option<String> {
        let wanted = self.model.referenced_attributes();
        let received = body::read(&message.body, message.sent_at, |name| wanted.contains(name)).ok()?;
        let profile = self.model.profile(&received.confirmation).ok()?;
        Some(self.pseudonyms.of(&profile.key))
    }
}

/// Reads `--limit`.
pub(super) fn limit(text: &str) -> Result<usize, Problem> {
    const MOST: usize = 10_000;
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| {
        Problem::new("--limit", format!("is not a number from 1 to {MOST}"), "write one such as 100")
    })
}

/// Messages, each with its copies, in the order they came.
#[derive(Default)]
pub struct Collection {
    entries: Vec<Entry>,
    places: HashMap<Identity, Option<usize>>,
    more: u64,
}

impl Collection {
    /// One more, unless there are as many as are wanted.
    pub fn add(&mut self, view: &View<'_>, message: &DeadLetter, letter: &Letter, limit: usize) {
        let place = self.entries.len();
        let known = self.places.entry(letter.identity.clone());
        match *known.or_insert_with(|| (place < limit).then_some(place)) {
            Some(known) if known < place => {
                self.entries.iter_mut().skip(known).take(1).for_each(|entry| entry.copies += 1);
            }
            Some(_) => self.entries.push(view.entry(message, letter)),
            None => self.more += 1,
        }
    }

    /// What was collected, and how many messages were not.
    pub fn into_parts(self) -> (Vec<Entry>, u64) {
        (self.entries, self.more)
    }
}

pub(super) async fn run(
    written: &JobWritten,
    flags: Result<(Choice, usize), Vec<Problem>>,
    personal: bool,
    stop: Stop,
) -> Result<Shown, JobError> {
    let (context, (choice, limit)) = Context::with(written, &super::NEEDS, flags, stop).await?;
    let now = now()?;
    let queues = Queues::find(&context).await?;
    let config = &context.config;
    let view = View { model: &config.model, pseudonyms: &config.pseudonyms, now, personal };
    let mut peek = Peek::open(queues.dead_letters, context.stop.clone()).await?;
    let mut collection = Collection::default();
    let ended = collect(&mut peek, &choice, &view, limit, &mut collection).await;
    let seen = peek.seen();
    peek.close().await;
    ended?;
    let (mut messages, more) = collection.into_parts();
    messages.sort_by(|a, b| a.first_seen.cmp(&b.first_seen).then_with(|| a.message_id.cmp(&b.message_id)));
    Ok(Shown { messages, more, seen, interrupted: context.stop.soft.is_cancelled() })
}

async fn collect(
    peek: &mut Peek,
    choice: &Choice,
    view: &View<'_>,
    limit: usize,
    collection: &mut Collection,
) -> Result<(), JobError> {
    while let Some(page) = peek.next().await? {
        for message in &page {
            let letter = Letter::of(message);
            if choice.takes(&letter, view.now) {
                collection.add(view, message, &letter, limit);
            }
        }
    }
    Ok(())
}

/// The rows of a table of messages.
pub fn table_of(entries: &[Entry]) -> Table {
    let mut table =
        blank_table(&["message", "reason", "attempts", "first seen", "given up", "copies", "user"]);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    for entry in entries {
        let mut reason = entry.reason.clone();
        if !entry.detail.is_empty() {
            reason = format!("{reason}: {}", entry.detail);
        }
        if let Some(body) = &entry.body {
            reason = format!("{reason}\n{}", shown_safely(body));
        }
        table.add_row([
            &entry.message_id,
            &reason,
            &entry.attempts.map_or_else(|| "not told".to_owned(), |attempts| attempts.to_string()),
            &entry.first_seen,
            entry.last_attempt.as_deref().unwrap_or("not told"),
            &entry.copies.to_string(),
            entry.user.as_deref().unwrap_or("not told"),
        ]);
    }
    table
}

/// A body may hold whatever moves a terminal's cursor.
fn shown_safely(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

impl Told for Shown {
    fn table(&self) -> Table {
        table_of(&self.messages)
    }

    fn ending(&self) -> Ending {
        if self.interrupted { Ending::Interrupted } else { Ending::Done }
    }

    fn advice(&self) -> String {
        let told = self.seen.told();
        match self.more {
            0 => told,
            more => format!("{told}\n{more} messages more; choose by --reason or raise --limit"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_sqs::types::MessageAttributeValue;

    use super::*;
    use crate::pipeline::fixture;
    use crate::ports::ReceiptHandle;
    use crate::telemetry::QUARANTINE_ATTRIBUTE;

    fn message(reason: &str, id: &str, first_seen: &str, last_attempt: &str) -> DeadLetter {
        let note = serde_json::json!({"reason": reason, "detail": "why", "attempts": 3, "firstSeen": first_seen,
            "lastAttempt": last_attempt, "messageId": id, "version": "1.2.3"});
        let attribute =
            MessageAttributeValue::builder().data_type("String").string_value(note.to_string()).build();
        DeadLetter {
            id: format!("{id} now"),
            handle: ReceiptHandle(String::new()),
            body: fixture::confirmation(7),
            sent_at: Timestamp::parse(last_attempt).unwrap(),
            moved_by_sqs: false,
            attributes: BTreeMap::from([(QUARANTINE_ATTRIBUTE.to_owned(), attribute.unwrap())]),
        }
    }

    pub(crate) fn letter(reason: &str, id: &str, first_seen: &str, last_attempt: &str) -> Letter {
        Letter::of(&message(reason, id, first_seen, last_attempt))
    }

    fn collected(limit: usize, ids: &[&str], personal: bool) -> (Vec<Entry>, u64) {
        let model = ProfileModel::default();
        let pseudonyms = Pseudonyms::new(Some("key"));
        let now = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
        let view = View { model: &model, pseudonyms: &pseudonyms, now, personal };
        let mut collection = Collection::default();
        for id in ids {
            let message = message("not_json", id, "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z");
            collection.add(&view, &message, &Letter::of(&message), limit);
        }
        collection.into_parts()
    }

    #[test]
    fn a_message_is_shown_with_its_note_and_without_its_person() {
        let (entries, more) = collected(10, &["a"], false);
        let entry = &entries[0];
        assert_eq!((entry.message_id.as_str(), entry.reason.as_str(), more), ("a", "not_json", 0));
        assert_eq!((entry.attempts, entry.age_seconds, entry.copies), (Some(3), 7200, 0));
        let of = fixture::profile(7).key;
        assert_eq!(entry.user.as_ref(), Some(&Pseudonyms::new(Some("key")).of(&of)));
        let shown = serde_json::to_string(entry).unwrap() + &table_of(&entries).to_string();
        assert!(!shown.contains("00000000-0000") && !shown.contains("u7"), "{shown}");
        let (entries, _) = collected(10, &["a"], true);
        assert_eq!(entries[0].body, Some(fixture::confirmation(7)));
        assert!(table_of(&entries).to_string().contains("userPoolId"));
    }

    #[test]
    fn copies_are_no_messages_and_neither_is_the_limit() {
        let (entries, more) = collected(2, &["a", "b", "a", "c", "b", "a", "c"], false);
        let seen: Vec<_> = entries.iter().map(|entry| (entry.message_id.as_str(), entry.copies)).collect();
        assert_eq!((seen, more), (vec![("a", 2), ("b", 1)], 2));
    }

    #[test]
    fn a_body_cannot_move_the_cursor() {
        assert_eq!(shown_safely("a\u{1b}[2Jb\r\nc"), "a\u{fffd}[2Jb\u{fffd}\nc");
    }

    #[test]
    fn a_limit_is_a_number() {
        assert_eq!(limit("7"), Ok(7));
        for bad in ["0", "10001", "-1", "all"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }
}
