//! ReceiveMessage: short and long polls, redrive of exhausted messages, and which attributes to show.
//!
//! Exists apart from the other operations because it is the only one that waits. Must never take a
//! message before it can answer with it at once: between taking and answering there is no await, so a
//! client that hangs up during a long poll loses nothing.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::account::{Account, Cell};
use super::super::clock::{Millis, seconds};
use super::super::letter::{Ask, Delivery, Letter, Taken};
use super::super::message::Attribute;
use super::super::protocol::{ApiError, Fault, Reply, answer, decode};
use super::in_range;

/// What AWS shows as the sender is an IAM principal, which nothing here checks.
const SENDER_ID: &str = "AIDALOCALSQSSENDER000";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    /// The deprecated name of the next one; SDKs of today still offer both.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Received<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "MessageId")]
    id: String,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    body_md5: &'a str,
    #[serde(rename = "Body")]
    body: &'a str,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    system: BTreeMap<&'static str, String>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'a str, &'a Attribute>,
}

pub(super) async fn message(account: &Account, body: &[u8]) -> Reply {
    let request: ReceiveMessage = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    let settings = cell.settings();
    let max = in_range("MaxNumberOfMessages", request.max_number_of_messages, 1, 1, 10)?;
    let wait = in_range("WaitTimeSeconds", request.wait_time_seconds, settings.wait, 0, 20)?;
    let visibility =
        in_range("VisibilityTimeout", request.visibility_timeout, settings.visibility_timeout, 0, 43_200)?;
    let wish = Wish { max: max as usize, visibility: seconds(visibility), wait: seconds(wait) };
    let deliveries = poll(account, &cell, wish).await?;
    let mut system = request.message_system_attribute_names;
    system.extend(request.attribute_names);
    let messages = deliveries
        .iter()
        .map(|delivery| Shown::new(delivery, &system, &request.message_attribute_names))
        .collect();
    answer(&Received { messages })
}

#[derive(Clone, Copy)]
struct Wish {
    max: usize,
    visibility: Millis,
    wait: Millis,
}

async fn poll(account: &Account, cell: &Cell, wish: Wish) -> Result<Vec<Delivery>, ApiError> {
    let until = account.clock.now().saturating_add(wish.wait);
    loop {
        // Listening starts before looking: what arrives in between rings for this poll too.
        let mut rung = pin!(cell.bell.notified());
        if wish.wait > 0 {
            rung.as_mut().enable();
        }
        if cell.deleted.load(Ordering::Acquire) {
            return Err(Fault::QueueDoesNotExist.because("The specified queue does not exist."));
        }
        let now = account.clock.now();
        let (taken, next_deadline) = take(account, cell, wish, now);
        if !taken.deliveries.is_empty() {
            return Ok(taken.deliveries);
        }
        if !taken.dead.is_empty() {
            bury(account, cell, now, taken.dead);
            continue;
        }
        // As documented: a short poll is told that the quota is used up, a long poll just waits.
        if taken.at_limit && wish.wait == 0 {
            return Err(
                Fault::OverLimit.because("Too many messages in flight: delete or release some first.")
            );
        }
        if now >= until || account.closing.is_cancelled() {
            return Ok(Vec::new());
        }
        let look_again = next_deadline.map_or(until, |deadline| deadline.clamp(now, until));
        let pause = Duration::from_millis(look_again - now);
        let _open = OpenPoll::count(&account.open_polls);
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep(pause) => {}
            () = account.closing.cancelled() => {}
        }
    }
}

/// One look at the queue. Everything taken is either returned or buried before the next await.
fn take(account: &Account, cell: &Cell, wish: Wish, now: Millis) -> (Taken, Option<Millis>) {
    // A dead-letter queue that is gone keeps messages where they are: nothing may vanish.
    let settings = cell.settings();
    let redrive = settings.redrive.as_ref();
    let dead_after = redrive
        .filter(|redrive| account.by_arn(&redrive.target_arn).is_some())
        .map(|redrive| redrive.max_receives);
    let ask = Ask {
        max: wish.max,
        visibility: wish.visibility,
        dead_after,
        in_flight_limit: account.in_flight_limit.load(Ordering::Acquire),
        running: account.clock.running(),
    };
    let (mut taken, next_deadline) = {
        let mut queue = cell.queue();
        (queue.receive(now, ask), queue.next_deadline())
    };
    if !taken.deliveries.is_empty() {
        cell.hides_for(wish.visibility);
        bury(account, cell, now, std::mem::take(&mut taken.dead));
    }
    (taken, next_deadline)
}

/// Moves exhausted messages into the dead-letter queue. They keep id, enqueue time and receive count;
/// should the queue have been deleted a moment ago, they go back where they came from.
fn bury(account: &Account, cell: &Cell, now: Millis, dead: Vec<Letter>) {
    if dead.is_empty() {
        return;
    }
    let settings = cell.settings();
    let redrive = settings.redrive.as_ref();
    match redrive.and_then(|redrive| account.by_arn(&redrive.target_arn)) {
        Some(target) => {
            let source = &cell.arn;
            let letters = dead.into_iter().map(|mut letter| {
                letter.dead_from = Some(Arc::clone(source));
                (letter, 0)
            });
            target.put(now, letters);
        }
        None => cell.put(now, dead.into_iter().map(|letter| (letter, 0))),
    }
}

/// Counts a waiting poll for as long as it lives, also when the client hangs up.
struct OpenPoll<'a>(&'a AtomicUsize);

impl<'a> OpenPoll<'a> {
    fn count(polls: &'a AtomicUsize) -> Self {
        polls.fetch_add(1, Ordering::AcqRel);
        Self(polls)
    }
}

impl Drop for OpenPoll<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<'a> Shown<'a> {
    fn new(delivery: &'a Delivery, system: &[String], wanted: &[String]) -> Self {
        let letter = &delivery.letter;
        let message = &letter.message;
        let shown = |name: &str| wanted.iter().any(|pattern| matches(pattern, name));
        let attributes = message.attributes.iter();
        Self {
            id: letter.id.to_string(),
            receipt_handle: delivery.receipt.encode(),
            body_md5: &message.body_md5,
            body: &message.body,
            system: system_attributes(letter, system),
            attributes_md5: message.attributes_md5(shown),
            attributes: attributes
                .filter(|(name, _)| shown(name))
                .map(|(name, attribute)| (name.as_str(), attribute))
                .collect(),
        }
    }
}

/// `All`, `.*`, `prefix.*` or a name. The prefix is plain text: `Hel.*` also finds `Hello`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern {
        "All" | ".*" | "*" => true,
        _ => pattern.strip_suffix(".*").map_or(pattern == name, |prefix| name.starts_with(prefix)),
    }
}

/// Unknown names are ignored: the deprecated parameter may name attributes of the queue.
fn system_attributes(letter: &Letter, wanted: &[String]) -> BTreeMap<&'static str, String> {
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let first_received = letter.first_received_at.map(|at| at.to_string());
    let all = [
        ("SenderId", Some(SENDER_ID.to_owned())),
        ("SentTimestamp", Some(letter.sent_at.to_string())),
        ("ApproximateReceiveCount", Some(letter.receives.to_string())),
        ("ApproximateFirstReceiveTimestamp", first_received),
        ("AWSTraceHeader", letter.message.trace_header.clone()),
        ("MessageGroupId", letter.message.group.as_deref().map(str::to_owned)),
        ("DeadLetterQueueSourceArn", letter.dead_from.as_deref().map(str::to_owned)),
    ];
    let asked = |name: &str| wanted.iter().any(|wish| wish == "All" || wish == name);
    all.into_iter()
        .filter(|(name, _)| asked(name))
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}
