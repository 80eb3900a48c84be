//! The two ends of a message's time in the queue: when it may first be received, and when it is gone unreceived.

use std::time::Duration;

use harness::eventually;
use worker::ports::{ConfirmationQueue, Depth};

use crate::finding::Finding;
use crate::subject::{Sent, Shape, Subject};
use crate::waiting::{LONG, SHORT, settled, take_one, visible};

/// "Valid values: An integer from 60 seconds to 1,209,600 seconds" (API_CreateQueue, MessageRetentionPeriod);
/// "Amazon SQS automatically deletes messages left in a queue longer than the retention period" (API_DeleteMessage).
/// One that is lent is no exception.
pub(crate) async fn a_message_expires<S: Subject>(subject: &S) -> Finding {
    const SHORTEST: Duration = Duration::from_secs(60);
    subject.make_queue(Shape { retention: SHORTEST, ..Shape::default() }).await;
    let queue = subject.queue(LONG).await;
    for body in ["waits", "is lent"] {
        subject.send(Sent { body, ..Sent::default() }).await;
    }
    take_one(&queue).await;
    subject.advance(SHORTEST).await;
    eventually("the messages have gone", async || {
        (queue.depth().await.unwrap() == Depth::default()).then_some(())
    })
    .await;
    Finding::documented("gone", if visible(&queue).await.is_empty() { "gone" } else { "there" })
}

/// "Messages … become available for processing after the delay period is finished" (API_SendMessage, DelaySeconds).
pub(crate) async fn a_delayed_message_waits<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    subject.send(Sent { body: "later", delay: Duration::from_secs(900), ..Sent::default() }).await;
    let queue = subject.queue(LONG).await;
    let found = visible(&queue).await.len();
    let delayed = Depth { delayed: 1, ..Depth::default() };
    let delayed = settled(delayed, async || queue.depth().await.unwrap()).await.delayed;
    Finding::documented("0 visible, 1 delayed", format!("{found} visible, {delayed} delayed"))
}

/// The same, when the delay is over.
pub(crate) async fn a_delayed_message_arrives<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    subject.send(Sent { body: "later", delay: SHORT, ..Sent::default() }).await;
    subject.advance(SHORT).await;
    let message = take_one(&subject.queue(LONG).await).await;
    Finding::documented(
        "later, received 1 time",
        format!("{}, received {} time", message.body, message.receive_count),
    )
}
