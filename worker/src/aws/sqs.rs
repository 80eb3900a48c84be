//! SQS behind [`ConfirmationQueue`].

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};
use domain::{Timestamp, XRayHeader};

use super::classify::{by_code, classify};
use super::clients::{ATTEMPT, Clients, timeouts};
use crate::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, ErrorClass, Message, Quarantine, ReceiptHandle,
};
use crate::telemetry::QUARANTINE_ATTRIBUTE;

/// One queue and its dead-letter queue.
pub struct SqsQueue {
    clients: Clients,
    /// SQS with the patience a long poll needs; a client of its own, because a timeout that is overridden on each call
    /// makes the SDK put its configuration together anew each time.
    polls: aws_sdk_sqs::Client,
    url: String,
    dead_letter_url: Option<String>,
    visibility: Duration,
}

impl SqsQueue {
    /// The queue at `url`. `visibility` goes with every receive, whatever the queue's own attribute says:
    /// ReceiveMessage does not tell which value was used. No receive is to wait longer than `longest_wait`.
    pub fn new(
        clients: Clients,
        url: String,
        dead_letter_url: Option<String>,
        visibility: Duration,
        longest_wait: Duration,
    ) -> Self {
        // A long poll is silent for as long as it was asked to wait.
        let patience = timeouts().to_builder().operation_attempt_timeout(longest_wait + ATTEMPT).build();
        let polls = clients.sqs.config().to_builder().timeout_config(patience).build();
        Self { polls: aws_sdk_sqs::Client::from_conf(polls), clients, url, dead_letter_url, visibility }
    }
}

/// What a queue says about itself.
#[derive(Debug, Clone)]
pub struct QueueFacts {
    /// Every attribute, by name.
    pub attributes: HashMap<QueueAttributeName, String>,
    /// The dead-letter queue's URL, from its redrive policy.
    pub dead_letter_url: Option<String>,
    /// After how many receives SQS itself moves a message.
    pub max_receive_count: Option<u32>,
}

impl QueueFacts {
    /// An attribute that is a number.
    pub fn number(&self, name: &QueueAttributeName) -> Option<u64> {
        self.attributes.get(name)?.parse().ok()
    }

    /// The queue's ARN.
    pub fn arn(&self) -> Option<String> {
        self.attributes.get(&QueueAttributeName::QueueArn).cloned()
    }
}

/// Asks a queue about itself.
pub async fn queue_facts(client: &aws_sdk_sqs::Client, url: &str) -> Result<QueueFacts, CallError> {
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .map_err(|error| classify(&error))?;
    // All were asked for, and no queue is without: an answer with none is not about this queue.
    let none = || CallError::new(ErrorClass::Unavailable, "no_attributes");
    let attributes = answer.attributes.filter(|attributes| !attributes.is_empty()).ok_or_else(none)?;
    let redrive: Option<serde_json::Value> =
        attributes.get(&QueueAttributeName::RedrivePolicy).and_then(|text| serde_json::from_str(text).ok());
    let max_receive_count = redrive.as_ref().and_then(|policy| {
        let count = policy.get("maxReceiveCount")?;
        // AWS writes a number; tools write both.
        count.as_u64().or_else(|| count.as_str()?.parse().ok()).and_then(|count| u32::try_from(count).ok())
    });
    let arn = redrive.as_ref().and_then(|policy| policy.get("deadLetterTargetArn")?.as_str());
    let dead_letter_url = arn.and_then(|arn| sibling(url, arn));
    Ok(QueueFacts { attributes, dead_letter_url, max_receive_count })
}

/// The URL of the dead-letter queue with this ARN. It lives in the account and region of its source
/// queue (SQS developer guide, "Using dead-letter queues"), so only the name differs, and no further
/// permission is needed to find it.
fn sibling(queue_url: &str, arn: &str) -> Option<String> {
    let (base, _) = queue_url.trim_end_matches('/').rsplit_once('/')?;
    let (_, name) = arn.rsplit_once(':')?;
    Some(format!("{base}/{name}"))
}

impl ConfirmationQueue for SqsQueue {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        let answer = self
            .polls
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(max).unwrap_or(10))
            .wait_time_seconds(whole_seconds(wait))
            .visibility_timeout(whole_seconds(self.visibility))
            .message_attribute_names("traceparent")
            .message_attribute_names(QUARANTINE_ATTRIBUTE)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp)
            .send()
            .await
            .map_err(|error| classify(&error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        let entries = handles.iter().enumerate().map(|(place, handle)| {
            DeleteMessageBatchRequestEntry::builder().id(place.to_string()).receipt_handle(&handle.0).build()
        });
        let answer = self
            .clients
            .sqs
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(built(entries)?))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(by_entry(handles.len(), done, &answer.failed))
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        let requests = entries.iter().enumerate().map(|(place, (handle, delay))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(place.to_string())
                .receipt_handle(&handle.0)
                .visibility_timeout(whole_seconds(*delay))
                .build()
        });
        let answer = self
            .clients
            .sqs
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(built(requests)?))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(by_entry(entries.len(), done, &answer.failed))
    }

    async fn quarantine(&self, entry: Quarantine<'_>) -> Result<(), CallError> {
        let Some(url) = &self.dead_letter_url else {
            return Err(CallError::new(ErrorClass::Missing, "no_dead_letter_queue"));
        };
        let mut request = self
            .clients
            .sqs_calm
            .send_message()
            .queue_url(url)
            .message_body(&entry.message.body)
            .message_attributes(QUARANTINE_ATTRIBUTE, text_attribute(&entry.note)?);
        if let Some(traceparent) = &entry.message.traceparent {
            request = request.message_attributes("traceparent", text_attribute(traceparent)?);
        }
        let answer = request.send().await.map_err(|error| classify(&error))?;
        // The message is deleted for this answer's sake: one that says nothing has not accepted it.
        let id = answer.message_id.map(drop);
        id.ok_or_else(|| CallError::new(ErrorClass::Unavailable, "answer_without_id"))
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        depth(&self.clients.sqs_calm, &self.url).await
    }
}

/// What the queue at `url` holds.
pub async fn depth(client: &aws_sdk_sqs::Client, url: &str) -> Result<Depth, CallError> {
    let facts = queue_facts(client, url).await?;
    let number = |name| facts.number(&name).unwrap_or_default();
    Ok(Depth {
        visible: number(QueueAttributeName::ApproximateNumberOfMessages),
        in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
    })
}

/// A message without an id or a handle could never be settled; SQS sends none.
fn message(received: aws_sdk_sqs::types::Message) -> Option<Message> {
    let system = received.attributes.unwrap_or_default();
    let number = |name: &MessageSystemAttributeName| system.get(name)?.parse::<i64>().ok();
    let time = |name| number(name).and_then(|ms| Timestamp::from_epoch_ms(ms).ok());
    let now = || Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond()).ok();
    let sent_at = time(&MessageSystemAttributeName::SentTimestamp).or_else(now)?;
    let count = number(&MessageSystemAttributeName::ApproximateReceiveCount);
    let traced = system
        .get(&MessageSystemAttributeName::AwsTraceHeader)
        .and_then(|header| XRayHeader::parse(header)?.traceparent())
        .map(|traceparent| traceparent.to_string());
    let mut given = received.message_attributes.unwrap_or_default();
    let mut text = |name: &str| given.remove(name).and_then(|attribute| attribute.string_value);
    Some(Message {
        id: received.message_id?,
        handle: ReceiptHandle(received.receipt_handle?),
        body: received.body.unwrap_or_default(),
        receive_count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1),
        sent_at,
        first_received_at: time(&MessageSystemAttributeName::ApproximateFirstReceiveTimestamp)
            .unwrap_or(sent_at),
        traceparent: text("traceparent").or(traced),
        earlier_note: text(QUARANTINE_ATTRIBUTE),
    })
}

/// One result per entry, by the ids we gave. An entry the answer does not name has failed: nothing is
/// taken for done that SQS did not say is done.
pub(super) fn by_entry<'a>(
    entries: usize,
    successful: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> EntryResults {
    let unnamed = || Err(CallError::new(ErrorClass::Unavailable, "entry_not_answered"));
    let mut results: EntryResults = std::iter::repeat_with(unnamed).take(entries).collect();
    let mut set = |id: &str, result| {
        if let Some(slot) = id.parse().ok().and_then(|place: usize| results.get_mut(place)) {
            *slot = result;
        }
    };
    successful.for_each(|id| set(id, Ok(())));
    failed.iter().for_each(|entry| set(&entry.id, Err(by_code(Some(&entry.code)))));
    results
}

pub(super) fn built<E, B>(entries: impl Iterator<Item = Result<E, B>>) -> Result<Vec<E>, CallError> {
    entries.collect::<Result<_, _>>().map_err(|_| unsendable())
}

pub(super) fn text_attribute(text: &str) -> Result<MessageAttributeValue, CallError> {
    MessageAttributeValue::builder().data_type("String").string_value(text).build().map_err(|_| unsendable())
}

fn unsendable() -> CallError {
    CallError::new(ErrorClass::Refused, "unsendable_request")
}

/// SQS counts in whole seconds. Rounded up: a delay is a promise not to come earlier.
pub(super) fn whole_seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_that_sqs_names_are_done() {
        let failed =
            BatchResultErrorEntry::builder().id("1").code("InternalError").sender_fault(false).build();
        let results = by_entry(4, ["0", "7", "not-ours"].into_iter(), &[failed.unwrap()]);
        let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, false, false]);
    }

    #[test]
    fn a_dead_letter_queue_is_its_queues_sibling() {
        let queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations";
        let arn = "arn:aws:sqs:eu-central-1:111122223333:confirmations-dlq";
        let expected = "https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations-dlq";
        assert_eq!(sibling(queue, arn).as_deref(), Some(expected));
        assert_eq!(sibling("nonsense", arn), None);
    }

    #[test]
    fn durations_are_rounded_up_to_whole_seconds() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(20)), 20);
    }
}
