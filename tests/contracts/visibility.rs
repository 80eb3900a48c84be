//! What a receive hides, for how long, and who may change that.

use std::time::Duration;

use harness::eventually;
use worker::ports::{ConfirmationQueue, ReceiptHandle};

use crate::finding::{Finding, word};
use crate::subject::Subject;
use crate::waiting::{LONG, SHORT, one_that_lapsed, others_after, take_one, visible, with_one_message};

const BODY: &str = "lent";

/// SQS's longest, "12 hours" (API_ChangeMessageVisibility).
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// One entry's result: `ok`, or the class of what became of it or of the call.
async fn change(queue: &impl ConfirmationQueue, handle: &ReceiptHandle, after: Duration) -> &'static str {
    match queue.make_visible_after(&[(handle.clone(), after)]).await {
        Ok(results) => word(&results[0]),
        Err(error) => error.class.name(),
    }
}

fn whether_lent(visible: &[String]) -> &'static str {
    if visible.is_empty() { "it stays lent" } else { "it can be received" }
}

/// "The duration that the received messages are hidden from subsequent retrieve requests" (API_ReceiveMessage,
/// VisibilityTimeout).
pub(crate) async fn what_is_lent_is_invisible<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    take_one(&queue).await;
    Finding::documented("it stays lent", whether_lent(&visible(&queue).await))
}

/// "If you receive the same message more than once, you will get a different ReceiptHandle each time"
/// (API_DeleteMessage).
pub(crate) async fn what_was_lent_comes_back_with_a_new_receipt<S: Subject>(subject: &S) -> Finding {
    with_one_message(subject, BODY).await;
    let first = take_one(&subject.queue(SHORT).await).await;
    subject.advance(SHORT).await;
    let second = take_one(&subject.queue(LONG).await).await;
    let message = if first.id == second.id { "the same message" } else { "another message" };
    let receipt = if first.handle == second.handle { "the same receipt" } else { "another receipt" };
    Finding::documented("the same message, another receipt", format!("{message}, {receipt}"))
}

/// "The minimum is 0 seconds" (API_ChangeMessageVisibility); "to make the message immediately available … set it
/// to 0" (SQS developer guide, "Visibility timeout").
pub(crate) async fn zero_gives_back_at_once<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    let result = change(&queue, &message.handle, Duration::ZERO).await;
    let again = take_one(&queue).await.body;
    Finding::documented("ok; lent comes", format!("{result}; {again} comes"))
}

/// "Changes the visibility timeout of a specified message in a queue to a new value"
/// (API_ChangeMessageVisibility). The heartbeat rests on it.
pub(crate) async fn an_extension_outlives_the_first_timeout<S: Subject>(subject: &S) -> Finding {
    with_one_message(subject, BODY).await;
    let brief = subject.queue(SHORT).await;
    eventually("an extension is in time", async || {
        let message = take_one(&brief).await;
        (change(&brief, &message.handle, LONG).await == "ok").then_some(())
    })
    .await;
    Finding::documented("it stays lent", whether_lent(&others_after(subject, SHORT).await))
}

/// "The 10 seconds begin to count from the time that you make the ChangeMessageVisibility call"
/// (API_ChangeMessageVisibility): what was lent for long may be given back sooner. Delays of retries rest on it.
pub(crate) async fn a_change_counts_from_its_call<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    let result = change(&queue, &message.handle, SHORT).await;
    subject.advance(SHORT).await;
    let again = take_one(&queue).await.body;
    Finding::documented("ok; lent comes", format!("{result}; {again} comes"))
}

/// "The timeout value is applied immediately but isn't saved in memory for that message … reverts to the original
/// timeout value … the next time the message is received" (API_ChangeMessageVisibility).
pub(crate) async fn a_change_is_not_remembered<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    let result = change(&queue, &message.handle, SHORT).await;
    subject.advance(SHORT).await;
    take_one(&queue).await;
    let lent = whether_lent(&others_after(subject, SHORT).await);
    Finding::documented("ok; it stays lent", format!("{result}; {lent}"))
}

/// Not documented for receipts of earlier receives. The worker needs that nobody can shorten another's lease;
/// whether it is told does not matter to it, since it never acts on a lease it has counted as lost.
pub(crate) async fn a_stale_receipt_changes_nothing<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let stale = take_one(&queue).await;
    change(&queue, &stale.handle, Duration::ZERO).await;
    take_one(&queue).await;
    let result = change(&queue, &stale.handle, Duration::ZERO).await;
    let lent = whether_lent(&visible(&queue).await);
    Finding::left_open(["refused; it stays lent", "ok; it stays lent"], format!("{result}; {lent}"))
}

/// "Any attempt to change the visibility timeout … after [it ran out] might result in an error"
/// (API_ChangeMessageVisibility): MessageNotInflight, or the message is hidden again.
pub(crate) async fn a_lapsed_receipt_changes_what_nobody_received<S: Subject>(subject: &S) -> Finding {
    let (queue, message) = one_that_lapsed(subject, BODY).await;
    let result = change(&queue, &message.handle, LONG).await;
    let lent = whether_lent(&visible(&queue).await);
    Finding::left_open(["refused; it can be received", "ok; it stays lent"], format!("{result}; {lent}"))
}

/// Not documented. The worker tries no such thing, but an extension may be in the air while a delete succeeds; both
/// answers end there, as long as the message stays away.
pub(crate) async fn a_deleted_message_cannot_be_held<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    queue.delete(std::slice::from_ref(&message.handle)).await.unwrap().remove(0).unwrap();
    let result = change(&queue, &message.handle, Duration::ZERO).await;
    let found = if visible(&queue).await.is_empty() { "gone" } else { "back" };
    Finding::left_open(["refused; gone", "ok; gone"], format!("{result}; {found}"))
}

/// "The maximum is 12 hours" (API_ChangeMessageVisibility, VisibilityTimeout: 0 to 43200).
pub(crate) async fn twelve_hours_at_once_and_no_more<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    let result = change(&queue, &message.handle, LONGEST + SHORT).await;
    let lent = whether_lent(&visible(&queue).await);
    Finding::documented("refused; it stays lent", format!("{result}; {lent}"))
}

/// "If you attempt to set the VisibilityTimeout to a value greater than the maximum time left, Amazon SQS returns an
/// error. Amazon SQS doesn't automatically recalculate" (API_ChangeMessageVisibility). The worker's hold budget stays
/// far below it.
pub(crate) async fn twelve_hours_in_all_and_no_more<S: Subject>(subject: &S) -> Finding {
    let queue = with_one_message(subject, BODY).await;
    let message = take_one(&queue).await;
    // Two seconds of the twelve hours are used up then, also where only whole ones count.
    others_after(subject, 2 * SHORT).await;
    let result = change(&queue, &message.handle, LONGEST).await;
    let lent = whether_lent(&visible(&queue).await);
    Finding::documented("refused; it stays lent", format!("{result}; {lent}"))
}
