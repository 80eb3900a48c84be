//! SendMessage and SendMessageBatch.
//!
//! Exists to turn wire messages into letters. Must never enqueue an entry it reports as failed, nor
//! fail one for the sake of another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::account::Account;
use super::super::attributes::{LARGEST_MESSAGE, Settings};
use super::super::clock::{Millis, seconds};
use super::super::letter::Letter;
use super::super::message::{Message, WireMessage};
use super::super::protocol::{ApiError, FailedEntry, Fault, Reply, answer, decode};
use super::super::random_uuid;
use super::{check_batch, in_range};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessageBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<WireMessage>,
}

#[derive(Serialize)]
struct Sent {
    #[serde(rename = "Id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_attributes_md5: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SentBatch {
    successful: Vec<Sent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedEntry>,
}

pub(super) fn message(account: &Account, body: &[u8]) -> Reply {
    let mut request: WireMessage = decode(body)?;
    let cell = account.by_url(request.queue_url.take())?;
    let now = account.clock.now();
    let (letter, delay) = letter(request, &cell.settings(), now)?;
    let sent = Sent::new(None, &letter);
    cell.put(now, [(letter, delay)]);
    answer(&sent)
}

pub(super) fn batch(account: &Account, body: &[u8]) -> Reply {
    let request: SendMessageBatch = decode(body)?;
    let cell = account.by_url(request.queue_url)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let size: usize = request.entries.iter().map(WireMessage::size).sum();
    if size > LARGEST_MESSAGE {
        return Err(Fault::BatchRequestTooLong.because(format!(
            "Batch requests cannot be longer than {LARGEST_MESSAGE} bytes. You have sent {size} bytes."
        )));
    }
    let now = account.clock.now();
    let settings = cell.settings();
    let mut answered = SentBatch::default();
    let mut letters = Vec::with_capacity(request.entries.len());
    for mut entry in request.entries {
        let id = std::mem::take(&mut entry.id);
        match letter(entry, &settings, now) {
            Ok((letter, delay)) => {
                answered.successful.push(Sent::new(Some(id), &letter));
                letters.push((letter, delay));
            }
            Err(error) => answered.failed.push(FailedEntry::new(id, error)),
        }
    }
    cell.put(now, letters);
    answer(&answered)
}

fn letter(message: WireMessage, settings: &Settings, now: Millis) -> Result<(Letter, Millis), ApiError> {
    let delay = in_range("DelaySeconds", message.delay_seconds, settings.delay, 0, 900)?;
    let message: Message = message.check(settings.max_size)?;
    let letter = Letter::new(random_uuid(), Arc::new(message), now);
    Ok((letter, seconds(delay)))
}

impl Sent {
    fn new(id: Option<String>, letter: &Letter) -> Self {
        Self {
            id,
            message_id: letter.id.to_string(),
            body_md5: letter.message.body_md5.clone(),
            attributes_md5: letter.message.attributes_md5(|_| true),
            system_attributes_md5: letter.message.system_attributes_md5(),
        }
    }
}
