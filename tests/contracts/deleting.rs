//! DeleteMessageBatch: which receipts delete, and what the others do.

use std::time::Duration;

use worker::ports::{ConfirmationQueue, Depth, Message, ReceiptHandle};

use crate::finding::{Finding, words};
use crate::subject::{Sent, Shape, Subject};
use crate::waiting::{
    LONG, SHORT, one_that_lapsed, others_after, settled, take, take_one, visible, with_one_message,
};

const BODY: &str = "done";

async fn delete(queue: &impl ConfirmationQueue, message: &Message) -> String {
    words(&queue.delete(std::slice::from_ref(&message.handle)).await)
}

/// "Deletes the specified message from the specified queue" (API_DeleteMessage). A copy may come back "on rare
/// occasions"; none is expected here, and the worker does not need it to stay away.
pub(crate) async fn what_is_deleted_stays_away<S: Subject>(subject: &S) -> Finding {
    with_one_message(subject, BODY).await;
    let brief = subject.queue(SHORT).await;
    let result = delete(&brief, &take_one(&brief).await).await;
    let others = others_after(subject, SHORT).await;
    Finding::documented(
        "ok; nothing comes",
        match others.as_slice() {
            [] => format!("{result}; nothing comes"),
            others => format!("{result}; {} come", others.len()),
        },
    )
}

/// "If you use an old ReceiptHandle, the request will succeed, but the message might not be deleted"
/// (API_DeleteMessage). That is why every outcome must be durable before its delete: the yes says little.
pub(crate) async fn a_stale_receipt_deletes_nothing<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let stale = take_one(&queue).await;
    queue.make_visible_after(&[(stale.handle.clone(), Duration::ZERO)]).await.unwrap();
    let newest = take_one(&queue).await;
    let result = delete(&queue, &stale).await;
    // Refused where the message has gone.
    let _ = queue.make_visible_after(&[(newest.handle, Duration::ZERO)]).await;
    let found = if visible(&queue).await.is_empty() { "the message is gone" } else { "the message stays" };
    Finding::left_open(["ok; the message stays", "ok; the message is gone"], format!("{result}; {found}"))
}

/// Not documented for a receipt that was used up. The worker tries a delete again whose answer it did not hear, and
/// takes a refusal for the end as well.
pub(crate) async fn deleting_twice<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    let (first, second) = (delete(&queue, &message).await, delete(&queue, &message).await);
    Finding::left_open(["ok; ok", "ok; refused"], format!("{first}; {second}"))
}

/// "Any attempt to … delete that message [after its timeout] might result in an error"
/// (API_ChangeMessageVisibility).
pub(crate) async fn a_lapsed_receipt_deletes_what_nobody_received<S: Subject>(subject: &S) -> Finding {
    let (queue, message) = one_that_lapsed(subject, BODY).await;
    let result = delete(&queue, &message).await;
    let found = if visible(&queue).await.is_empty() { "gone" } else { "there" };
    Finding::left_open(["ok; gone", "refused; there"], format!("{result}; {found}"))
}

/// "The result of the action on each message is reported individually in the response" (API_DeleteMessageBatch);
/// ReceiptHandleIsInvalid is the entry's.
pub(crate) async fn one_bad_receipt_fails_alone<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    for body in ["one", "two"] {
        subject.send(Sent { body, ..Sent::default() }).await;
    }
    let queue = subject.queue(LONG).await;
    let mut handles: Vec<_> = take(&queue, 2).await.into_iter().map(|message| message.handle).collect();
    handles.insert(1, ReceiptHandle("not-a-receipt".to_owned()));
    let results = words(&queue.delete(&handles).await);
    let left = settled(Depth::default(), async || queue.depth().await.unwrap()).await;
    let left = left.visible + left.in_flight;
    Finding::documented("ok, refused, ok; 0 left", format!("{results}; {left} left"))
}
