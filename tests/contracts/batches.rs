//! Batch calls of SQS: how many entries, and a result for each.

use std::time::Duration;

use worker::ports::{ConfirmationQueue, Depth, ReceiptHandle};

use crate::finding::{Finding, words};
use crate::subject::{Sent, Shape, Subject};
use crate::waiting::{LONG, settled, take};

/// A queue and so many receipts of its messages.
async fn receipts<S: Subject>(subject: &S, count: usize) -> (S::Queue, Vec<ReceiptHandle>) {
    subject.make_queue(Shape::default()).await;
    for n in 0..count {
        subject.send(Sent { body: &n.to_string(), ..Sent::default() }).await;
    }
    let queue = subject.queue(LONG).await;
    let messages = if count == 0 { Vec::new() } else { take(&queue, count).await };
    (queue, messages.into_iter().map(|message| message.handle).collect())
}

fn given_back(handles: &[ReceiptHandle]) -> Vec<(ReceiptHandle, Duration)> {
    handles.iter().map(|handle| (handle.clone(), Duration::ZERO)).collect()
}

/// What the queue holds, once it is what is expected.
async fn held(queue: &impl ConfirmationQueue, visible: u64, in_flight: u64) -> String {
    let expected = Depth { visible, in_flight, delayed: 0 };
    let found = settled(expected, async || queue.depth().await.unwrap()).await;
    format!("{} visible, {} in flight", found.visible, found.in_flight)
}

/// "Deletes up to ten messages" (API_DeleteMessageBatch).
pub(crate) async fn ten_deletes_at_once<S: Subject>(subject: &S) -> Finding {
    let (queue, handles) = receipts(subject, 10).await;
    let results = words(&queue.delete(&handles).await);
    Finding::documented("10 × ok; 0 visible, 0 in flight", format!("{results}; {}", held(&queue, 0, 0).await))
}

/// "You can send up to 10 ChangeMessageVisibility requests with each" (API_ChangeMessageVisibilityBatch).
pub(crate) async fn ten_changes_at_once<S: Subject>(subject: &S) -> Finding {
    let (queue, handles) = receipts(subject, 10).await;
    let results = words(&queue.make_visible_after(&given_back(&handles)).await);
    Finding::documented(
        "10 × ok; 10 visible, 0 in flight",
        format!("{results}; {}", held(&queue, 10, 0).await),
    )
}

/// TooManyEntriesInBatchRequest: "the batch request contains more entries than permissible"
/// (API_DeleteMessageBatch).
pub(crate) async fn eleven_deletes_are_refused<S: Subject>(subject: &S) -> Finding {
    let (queue, handles) = receipts(subject, 11).await;
    let results = words(&queue.delete(&handles).await);
    Finding::documented(
        "the call is refused; 0 visible, 11 in flight",
        format!("{results}; {}", held(&queue, 0, 11).await),
    )
}

/// TooManyEntriesInBatchRequest (API_ChangeMessageVisibilityBatch).
pub(crate) async fn eleven_changes_are_refused<S: Subject>(subject: &S) -> Finding {
    let (queue, handles) = receipts(subject, 11).await;
    let results = words(&queue.make_visible_after(&given_back(&handles)).await);
    Finding::documented(
        "the call is refused; 0 visible, 11 in flight",
        format!("{results}; {}", held(&queue, 0, 11).await),
    )
}

/// EmptyBatchRequest: "the batch request doesn't contain any entries" (API_DeleteMessageBatch).
pub(crate) async fn no_deletes_at_all_are_refused<S: Subject>(subject: &S) -> Finding {
    let (queue, _) = receipts(subject, 0).await;
    Finding::documented("the call is refused", words(&queue.delete(&[]).await))
}

/// EmptyBatchRequest (API_ChangeMessageVisibilityBatch).
pub(crate) async fn no_changes_at_all_are_refused<S: Subject>(subject: &S) -> Finding {
    let (queue, _) = receipts(subject, 0).await;
    Finding::documented("the call is refused", words(&queue.make_visible_after(&[]).await))
}

/// "Because the batch request can result in a combination of successful and unsuccessful actions, you should check
/// for batch errors even when the call returns an HTTP status code of 200" (API_ChangeMessageVisibilityBatch).
pub(crate) async fn one_bad_receipt_among_changes_fails_alone<S: Subject>(subject: &S) -> Finding {
    let (queue, mut handles) = receipts(subject, 2).await;
    handles.insert(1, ReceiptHandle("not-a-receipt".to_owned()));
    let results = words(&queue.make_visible_after(&given_back(&handles)).await);
    Finding::documented(
        "ok, refused, ok; 2 visible, 0 in flight",
        format!("{results}; {}", held(&queue, 2, 0).await),
    )
}

/// The same of a timeout beyond "0 to 43200" (API_ChangeMessageVisibility, VisibilityTimeout).
pub(crate) async fn one_bad_timeout_among_changes_fails_alone<S: Subject>(subject: &S) -> Finding {
    let (queue, handles) = receipts(subject, 3).await;
    let mut entries = given_back(&handles);
    entries[1].1 = Duration::from_secs(12 * 3600 + 1);
    let results = words(&queue.make_visible_after(&entries).await);
    Finding::documented(
        "ok, refused, ok; 2 visible, 1 in flight",
        format!("{results}; {}", held(&queue, 2, 1).await),
    )
}
