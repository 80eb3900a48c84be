//! ReceiveMessage: how many, when, and what comes with a message.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use worker::ports::{ConfirmationQueue, ReceiptHandle};

use crate::finding::{Finding, word, words};
use crate::subject::{Sent, Shape, Subject};
use crate::waiting::{LONG, WAIT, take, take_one};

/// "Amazon SQS never returns more messages than this value (however, fewer messages might be returned)"
/// (API_ReceiveMessage, MaxNumberOfMessages).
pub(crate) async fn at_most_as_many_as_asked_for<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    for n in 0..12 {
        subject.send(Sent { body: &n.to_string(), ..Sent::default() }).await;
    }
    let queue = subject.queue(LONG).await;
    let (mut most, mut found) = (0, Vec::new());
    harness::eventually("all twelve have come", async || {
        let received = queue.receive(5, WAIT).await.unwrap();
        most = received.len().max(most);
        found.extend(received.into_iter().map(|message| message.body));
        (found.len() >= 12).then_some(())
    })
    .await;
    let different = found.iter().collect::<BTreeSet<_>>().len();
    let most = if most <= 5 { "five at most".to_owned() } else { format!("{most} of five") };
    Finding::documented(
        "five at most; 12 messages, 12 different",
        format!("{most}; {} messages, {different} different", found.len()),
    )
}

/// "Valid values: 1 to 10" (API_ReceiveMessage, MaxNumberOfMessages).
pub(crate) async fn eleven_at_once_are_refused<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    let queue = subject.queue(LONG).await;
    Finding::documented("refused", word(&queue.receive(11, Duration::ZERO).await))
}

/// "If a message is available, the call returns sooner than WaitTimeSeconds" (API_ReceiveMessage).
pub(crate) async fn a_long_poll_wakes_on_arrival<S: Subject>(subject: &S) -> Finding {
    const LONGEST_WAIT: Duration = Duration::from_secs(20);
    subject.make_queue(Shape::default()).await;
    let queue = subject.queue(LONG).await;
    // Begins before the poll, and therefore ends before a poll that nothing wakes.
    let over = sleep(LONGEST_WAIT);
    let poll = queue.receive(1, LONGEST_WAIT);
    let sending = async {
        // So that the poll is there first: one that was sent after it has come back from its wait.
        assert_eq!(queue.receive(1, WAIT).await.unwrap().len(), 0);
        subject.send(Sent { body: "at last", ..Sent::default() }).await;
        std::future::pending::<()>().await;
    };
    let observed = tokio::select! {
        biased;
        received = poll => match received.unwrap().as_slice() {
            [message] => format!("woken: {}", message.body),
            _ => "woken: nothing".to_owned(),
        },
        () = sending => String::new(),
        () = over => "not woken".to_owned(),
    };
    Finding::documented("woken: at last", observed)
}

/// "If no messages are available and the wait time expires, the call does not return a message list"
/// (API_ReceiveMessage, WaitTimeSeconds).
pub(crate) async fn a_long_poll_ends_empty_after_its_wait<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    let queue = subject.queue(LONG).await;
    let begun = Instant::now();
    let received = queue.receive(10, Duration::from_secs(2)).await.map(|messages| messages.len());
    // Half of it, since clocks differ.
    let waited = if begun.elapsed() >= Duration::from_secs(1) { "after its wait" } else { "at once" };
    Finding::documented("Ok(0) after its wait", format!("{received:?} {waited}"))
}

/// "Returns the number of times a message has been received across all queues but not deleted"
/// (API_ReceiveMessage, ApproximateReceiveCount). The worker waits longer the more it says.
pub(crate) async fn the_receive_count_rises_from_one<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    subject.send(Sent { body: "again and again", ..Sent::default() }).await;
    let queue = subject.queue(LONG).await;
    let mut counts = Vec::new();
    for _ in 0..3 {
        let message = take_one(&queue).await;
        counts.push(message.receive_count);
        queue.make_visible_after(&[(message.handle, Duration::ZERO)]).await.unwrap().remove(0).unwrap();
    }
    Finding::documented("[1, 2, 3]", format!("{counts:?}"))
}

/// SentTimestamp is "the time the message was sent to the queue", ApproximateFirstReceiveTimestamp "the time the
/// message was first received from the queue" (API_ReceiveMessage). Items and the quarantine note carry them.
pub(crate) async fn the_times_of_a_message_stay<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    subject.send(Sent { body: "timely", ..Sent::default() }).await;
    let queue = subject.queue(LONG).await;
    let first = take_one(&queue).await;
    subject.advance(Duration::from_secs(60)).await;
    queue.make_visible_after(&[(first.handle, Duration::ZERO)]).await.unwrap().remove(0).unwrap();
    let second = take_one(&queue).await;
    let stays = |stays: bool| if stays { "stays" } else { "changes" };
    let order = if second.sent_at <= second.first_received_at { "in order" } else { "received before sent" };
    let sent = stays(first.sent_at == second.sent_at);
    let received = stays(first.first_received_at == second.first_received_at);
    Finding::documented(
        "sent: stays, first received: stays, in order",
        format!("sent: {sent}, first received: {received}, {order}"),
    )
}

/// "Each message attribute consists of a Name, Type, and Value … sent along with the message body"
/// (API_SendMessage); the id is the one that SendMessage told.
pub(crate) async fn body_and_trace_come_as_sent<S: Subject>(subject: &S) -> Finding {
    const BODY: &str = " {\"tab\": \"\t\", \"line\": \"\r\n\", \"entity\": \"&amp;<b>\", \"ä\": \"🎉\"} ";
    subject.make_queue(Shape::default()).await;
    let traced =
        Sent { body: BODY, traceparent: Some(harness::confirmations::TRACEPARENT), ..Sent::default() };
    let ids = [subject.send(traced).await, subject.send(Sent { body: "plain", ..Sent::default() }).await];
    let mut found = take(&subject.queue(LONG).await, 2).await;
    found.sort_by_key(|message| ids.iter().position(|id| *id == message.id));
    let tell = |same: bool| if same { "as sent" } else { "otherwise" };
    let [traced, plain] = found.as_slice() else { panic!("two were taken") };
    let ids = tell(traced.id == ids[0] && plain.id == ids[1]);
    let bodies = tell(traced.body == BODY && plain.body == "plain");
    let traces = tell(
        traced.traceparent.as_deref() == Some(harness::confirmations::TRACEPARENT)
            && plain.traceparent.is_none(),
    );
    Finding::documented(
        "ids as sent, bodies as sent, traces as sent",
        format!("ids {ids}, bodies {bodies}, traces {traces}"),
    )
}

/// QueueDoesNotExist is an error of every call (API_ReceiveMessage, API_DeleteMessageBatch,
/// API_ChangeMessageVisibilityBatch, API_GetQueueAttributes). The worker waits for a queue that is missing.
pub(crate) async fn a_queue_that_is_not_there<S: Subject>(subject: &S) -> Finding {
    let queue = subject.queue(LONG).await;
    let handle = ReceiptHandle("of another queue".to_owned());
    let receive = word(&queue.receive(1, Duration::ZERO).await);
    let delete = words(&queue.delete(std::slice::from_ref(&handle)).await);
    let change = words(&queue.make_visible_after(&[(handle, Duration::ZERO)]).await);
    let depth = word(&queue.depth().await);
    Finding::documented(
        "receive missing; delete: the call is missing; change: the call is missing; depth missing",
        format!("receive {receive}; delete: {delete}; change: {change}; depth {depth}"),
    )
}
