//! The sending side of the queue of confirmations, for the jobs. The worker never sends to the queue it
//! receives from.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;

use super::classify::classify;
use super::dead_letters::DeadLetter;
use super::sqs::{built, by_entry, text_attribute};
use crate::ports::{CallError, EntryResults, Letterbox};
use crate::telemetry::Traces;

/// Entries of one batch at most (SQS API reference, SendMessageBatch).
pub const MOST_ENTRIES: usize = 10;

/// Bytes of one batch at most. SQS takes 1 MiB (developer guide, "Quotas"); other engines keep the older limit.
pub const MOST_BYTES: usize = 256 * 1024;

/// The `MessageGroupId` of backfilled confirmations: fair queues let the trigger's overtake them.
pub const BACKFILL_GROUP: &str = "backfill";

/// One queue to send to.
#[derive(Clone)]
pub struct Outbox {
    client: aws_sdk_sqs::Client,
    url: String,
    group: Option<&'static str>,
    traces: Traces,
}

impl Outbox {
    /// Sends to the queue at `url`, with the backfill's group where the endpoint knows fair queues. The client
    /// is to make no retries of its own.
    pub fn new(client: aws_sdk_sqs::Client, url: String, fair_groups: bool) -> Self {
        Self { client, url, group: fair_groups.then_some(BACKFILL_GROUP), traces: Traces::default() }
    }

    /// With a span for each batch of its own, whose context its messages carry.
    #[must_use]
    pub fn traced(mut self, traces: Traces) -> Self {
        self.traces = traces;
        self
    }

    /// Sends dead letters as they are, with every attribute they carry; at most [`MOST_ENTRIES`] of at most
    /// [`MOST_BYTES`] together. An `Ok` is one result per letter, in order.
    pub async fn send_back(&self, letters: &[&DeadLetter]) -> Result<EntryResults, CallError> {
        let entries = letters.iter().map(|letter| {
            letter.attributes.iter().fold(
                SendMessageBatchRequestEntry::builder().message_body(&letter.body),
                |entry, (name, attribute)| entry.message_attributes(name, attribute.clone()),
            )
        });
        self.send_entries(entries).await
    }

    async fn send_entries(
        &self,
        entries: impl ExactSizeIterator<Item = SendMessageBatchRequestEntryBuilder>,
    ) -> Result<EntryResults, CallError> {
        let all = entries.len();
        let entries = entries.enumerate().map(|(place, entry)| {
            entry.id(place.to_string()).set_message_group_id(self.group.map(str::to_owned)).build()
        });
        let request = self.client.send_message_batch().queue_url(&self.url);
        let answer =
            request.set_entries(Some(built(entries)?)).send().await.map_err(|error| classify(&error))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(by_entry(all, done, &answer.failed))
    }
}

impl Letterbox for Outbox {
    /// At most [`MOST_ENTRIES`] bodies of at most [`MOST_BYTES`] together.
    async fn send(&self, bodies: &[String]) -> Result<EntryResults, CallError> {
        let sending = self.traces.sending(bodies.len());
        let traceparent =
            sending.as_ref().map(|sending| text_attribute(&sending.traceparent())).transpose()?;
        let entries = bodies.iter().map(|body| {
            let entry = SendMessageBatchRequestEntry::builder().message_body(body);
            match &traceparent {
                Some(traceparent) => entry.message_attributes("traceparent", traceparent.clone()),
                None => entry,
            }
        });
        let sent = self.send_entries(entries).await;
        if let Some(sending) = sending {
            sending.end(sent.as_ref().err());
        }
        sent
    }
}
