//! The two ways into the dead-letter queue: SQS's own, and the worker's.

use std::time::Duration;

use harness::Letter;
use harness::confirmations::TRACEPARENT;
use worker::ports::{ConfirmationQueue, Depth, Message, Quarantine};
use worker::telemetry::QUARANTINE_ATTRIBUTE;

use crate::finding::{Finding, words};
use crate::subject::{Sent, Shape, Subject};
use crate::waiting::{LONG, settled, take_one, visible};

const BODY: &str = r#"{"not": "a confirmation", "ä": "🎉"}"#;

/// Sends a message, receives it as often as it may be, and once more.
async fn moved<S: Subject>(subject: &S) -> (S::Queue, Message, Letter) {
    subject.make_queue(Shape { max_receive_count: 2, ..Shape::default() }).await;
    subject.send(Sent { body: BODY, traceparent: Some(TRACEPARENT), ..Sent::default() }).await;
    let queue = subject.queue(LONG).await;
    let mut last = None;
    for _ in 0..2 {
        let message = take_one(&queue).await;
        let given_back = [(message.handle.clone(), Duration::ZERO)];
        queue.make_visible_after(&given_back).await.unwrap().remove(0).unwrap();
        last = Some(message);
    }
    assert_eq!(visible(&queue).await, [""; 0], "it came more often than it may");
    (queue, last.unwrap(), subject.dead_letters(1).await.remove(0))
}

fn tell(same: bool) -> &'static str {
    if same { "as it came" } else { "otherwise" }
}

/// "When the ReceiveCount for a message exceeds the maxReceiveCount for a queue, Amazon SQS moves the message to the
/// dead-letter queue" (API_CreateQueue, RedrivePolicy).
pub(crate) async fn a_message_moves_after_its_last_receive<S: Subject>(subject: &S) -> Finding {
    let (queue, message, letter) = moved(subject).await;
    let (body, trace) = (tell(letter.body == message.body), tell(letter.traceparent == message.traceparent));
    let left = settled(Depth::default(), async || queue.depth().await.unwrap()).await;
    let left = if left.is_empty() { "nothing left behind" } else { "left behind as well" };
    Finding::documented(
        "body as it came, trace as it came, nothing left behind",
        format!("body {body}, trace {trace}, {left}"),
    )
}

/// "The expiration of a message is always based on its original enqueue timestamp. When a message is moved to a
/// dead-letter queue, the enqueue timestamp is unchanged" (SQS developer guide, "Using dead-letter queues", of standard
/// queues). So the dead-letter queue must keep longer than the queue, as the runbook says.
pub(crate) async fn a_moved_message_keeps_its_age<S: Subject>(subject: &S) -> Finding {
    let (_, message, letter) = moved(subject).await;
    let kept = letter.sent_at == message.sent_at.epoch_ms();
    Finding::documented("its age stays", if kept { "its age stays" } else { "it is new again" })
}

/// "Across all queues" (API_ReceiveMessage, ApproximateReceiveCount): two receives before, one here. Only people who
/// look at dead letters depend on it.
pub(crate) async fn a_moved_message_keeps_its_receive_count<S: Subject>(subject: &S) -> Finding {
    let (_, _, letter) = moved(subject).await;
    Finding::documented("3 receives", format!("{} receives", letter.receives))
}

async fn quarantined<S: Subject>(subject: &S) -> (S::Queue, Message, Letter) {
    subject.make_queue(Shape::default()).await;
    subject.send(Sent { body: BODY, traceparent: Some(TRACEPARENT), ..Sent::default() }).await;
    let queue = subject.queue(LONG).await;
    let message = take_one(&queue).await;
    let note = NOTE.to_owned();
    queue.quarantine(Quarantine { message: &message, note }).await.unwrap();
    let letter = subject.dead_letters(1).await.remove(0);
    (queue, message, letter)
}

const NOTE: &str = r#"{"reason":"not_a_confirmation","detail":"kind is \"other\""}"#;

/// A message attribute of type String is "any valid Unicode characters" and comes as it was sent (SQS developer guide,
/// "Amazon SQS message metadata").
pub(crate) async fn a_quarantined_message_is_sent_as_it_came<S: Subject>(subject: &S) -> Finding {
    let (_, message, letter) = quarantined(subject).await;
    let note = letter.attributes.get(QUARANTINE_ATTRIBUTE).map(String::as_str);
    let (body, note) = (tell(letter.body == message.body), tell(note == Some(NOTE)));
    let trace = tell(letter.traceparent == message.traceparent && letter.attributes.len() == 2);
    Finding::documented(
        "body as it came, note as it came, trace as it came",
        format!("body {body}, note {note}, trace {trace}"),
    )
}

/// A copy was sent; the message itself is lent until it is deleted (API_SendMessage has no other effect).
pub(crate) async fn a_quarantined_message_is_still_lent<S: Subject>(subject: &S) -> Finding {
    let (queue, message, _) = quarantined(subject).await;
    let lent = Depth { in_flight: 1, ..Depth::default() };
    let lent = settled(lent, async || queue.depth().await.unwrap()).await.in_flight;
    let deleted = words(&queue.delete(&[message.handle]).await);
    let left = settled(Depth::default(), async || queue.depth().await.unwrap()).await.in_flight;
    Finding::documented("1 lent; delete: ok; 0 lent", format!("{lent} lent; delete: {deleted}; {left} lent"))
}
