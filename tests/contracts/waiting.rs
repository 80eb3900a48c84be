//! Waiting in checks: for messages, and for time to have passed, which a second message shows that was lent for
//! just as long.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::eventually;
use tokio::time::{Instant, sleep};
use worker::ports::{ConfirmationQueue, Depth, Message};

use crate::subject::{Sent, Shape, Subject};

/// Far longer than any check takes: what is lent for this long does not come back by itself.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// As short as SQS counts.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// A poll that asks all of the queue's servers, as a short one need not (API_ReceiveMessage, "WaitTimeSeconds").
pub(crate) const WAIT: Duration = Duration::from_secs(1);

/// How long a value that is only approximate may take to come true. Waited for in full only where it does not.
const SETTLES: Duration = Duration::from_secs(20);

/// Receives until so many different messages are there.
pub(crate) async fn take(queue: &impl ConfirmationQueue, count: usize) -> Vec<Message> {
    let mut found: BTreeMap<String, Message> = BTreeMap::new();
    eventually(&format!("{count} messages have come"), async || {
        let room = u32::try_from(count - found.len()).unwrap_or(u32::MAX).min(10);
        for message in queue.receive(room, WAIT).await.unwrap() {
            found.insert(message.id.clone(), message);
        }
        (found.len() >= count).then_some(())
    })
    .await;
    found.into_values().collect()
}

/// Receives one message.
pub(crate) async fn take_one(queue: &impl ConfirmationQueue) -> Message {
    take(queue, 1).await.remove(0)
}

/// What one thorough look at the queue finds, by body.
pub(crate) async fn visible(queue: &impl ConfirmationQueue) -> Vec<String> {
    let mut bodies: Vec<String> =
        queue.receive(10, WAIT).await.unwrap().into_iter().map(|message| message.body).collect();
    bodies.sort();
    bodies
}

/// Lets a message be lent for a while and come back, and tells everything else that came by then or comes with it.
pub(crate) async fn others_after<S: Subject>(subject: &S, lent: Duration) -> Vec<String> {
    const WITNESS: &str = "witness";
    subject.send(Sent { body: WITNESS, ..Sent::default() }).await;
    let (brief, long) = (subject.queue(lent).await, subject.queue(LONG).await);
    let mut others = Vec::new();
    let mut look = async |queue: &S::Queue| {
        let mut seen = false;
        for message in queue.receive(10, WAIT).await.unwrap() {
            if message.body == WITNESS { seen = true } else { others.push(message.body) }
        }
        seen.then_some(())
    };
    eventually("the witness is lent", async || look(&brief).await).await;
    subject.advance(lent).await;
    eventually("the witness has come back", async || look(&long).await).await;
    others.extend(visible(&long).await);
    others
}

/// Looks until the answer is what is expected, and tells the last one.
pub(crate) async fn settled<T: PartialEq>(expected: T, mut look: impl AsyncFnMut() -> T) -> T {
    let deadline = Instant::now() + SETTLES;
    loop {
        let found = look().await;
        if found == expected || Instant::now() >= deadline {
            return found;
        }
        sleep(Duration::from_millis(25)).await;
    }
}

/// A queue with one message, for a worker that lends for long.
pub(crate) async fn with_one_message<S: Subject>(subject: &S, body: &str) -> S::Queue {
    subject.make_queue(Shape::default()).await;
    subject.send(Sent { body, ..Sent::default() }).await;
    subject.queue(LONG).await
}

/// A message that was lent and is visible again, which nobody has received since.
pub(crate) async fn one_that_lapsed<S: Subject>(subject: &S, body: &str) -> (S::Queue, Message) {
    with_one_message(subject, body).await;
    let (brief, queue) = (subject.queue(SHORT).await, subject.queue(LONG).await);
    let message = take_one(&brief).await;
    subject.advance(SHORT).await;
    let lapsed = Depth { visible: 1, ..Depth::default() };
    settled(lapsed, async || queue.depth().await.unwrap()).await;
    (queue, message)
}
