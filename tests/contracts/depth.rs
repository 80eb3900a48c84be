//! GetQueueAttributes: how many messages there are. "Approximate", and right "within 1 minute after the producers stop"
//! (API_GetQueueAttributes), so the checks wait for the numbers. `--until-empty` rests on them.

use std::time::Duration;

use worker::ports::{ConfirmationQueue, Depth};

use crate::finding::Finding;
use crate::subject::{Sent, Shape, Subject};
use crate::waiting::{LONG, settled, take};

fn told(depth: Depth) -> String {
    format!("{} visible, {} in flight, {} delayed", depth.visible, depth.in_flight, depth.delayed)
}

/// ApproximateNumberOfMessages, …NotVisible and …Delayed (API_GetQueueAttributes).
pub(crate) async fn what_waits_is_lent_and_is_delayed_is_told<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    for delay in [0, 0, 0, 0, 0, 900] {
        let delay = Duration::from_secs(delay);
        subject.send(Sent { body: "counted", delay, ..Sent::default() }).await;
    }
    let queue = subject.queue(LONG).await;
    take(&queue, 2).await;
    let expected = Depth { visible: 3, in_flight: 2, delayed: 1 };
    Finding::documented(told(expected), told(settled(expected, async || queue.depth().await.unwrap()).await))
}

/// A queue that nothing was sent to, and one whose messages were all deleted.
pub(crate) async fn an_empty_queue_says_so<S: Subject>(subject: &S) -> Finding {
    subject.make_queue(Shape::default()).await;
    let queue = subject.queue(LONG).await;
    let fresh = queue.depth().await.unwrap();
    for _ in 0..3 {
        subject.send(Sent { body: "soon gone", ..Sent::default() }).await;
    }
    let handles: Vec<_> = take(&queue, 3).await.into_iter().map(|message| message.handle).collect();
    queue.delete(&handles).await.unwrap();
    let used = settled(Depth::default(), async || queue.depth().await.unwrap()).await;
    let empty = told(Depth::default());
    Finding::documented(format!("{empty}; {empty}"), format!("{}; {}", told(fresh), told(used)))
}
