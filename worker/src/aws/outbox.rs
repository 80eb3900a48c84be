//! The sending side of the queue of confirmations, for the jobs. The worker never sends to the queue it
//! receives from.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::classify::classify;
use super::sqs::{built, by_entry};
use crate::ports::{CallError, EntryResults, Letterbox};

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
}

impl Outbox {
    /// Sends to the queue at `url`, with the backfill's group where the endpoint knows fair queues. The client
    /// is to make no retries of its own.
    pub fn new(client: aws_sdk_sqs::Client, url: String, fair_groups: bool) -> Self {
        Self { client, url, group: fair_groups.then_some(BACKFILL_GROUP) }
    }
}

impl Letterbox for Outbox {
    /// At most [`MOST_ENTRIES`] bodies of at most [`MOST_BYTES`] together.
    async fn send(&self, bodies: &[String]) -> Result<EntryResults, CallError> {
        let entries = bodies.iter().enumerate().map(|(place, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_body(body)
                .set_message_group_id(self.group.map(str::to_owned))
                .build()
        });
        let request = self.client.send_message_batch().queue_url(&self.url);
        let answer =
            request.set_entries(Some(built(entries)?)).send().await.map_err(|error| classify(&error))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(by_entry(bodies.len(), done, &answer.failed))
    }
}
