//! Puts the messages of a run into its queue: before it, one by one while it runs, or all in one moment.
//!
//! Must never send one in another order than the workload's, but for batches under way together.

use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use local::sqs::SqsServer;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::conditions::Arrivals;
use crate::workload::Workload;

/// Batches on their way into the queue at once.
const FILLING: usize = 8;

/// The longest delay there is (SQS API reference): longer than any worker idles here.
const DELAYED: i32 = 900;

const LOOK: Duration = Duration::from_millis(5);

/// What is in the queue before the worker starts.
pub(crate) async fn before(
    arrivals: Arrivals,
    sqs: &Client,
    queue: &str,
    workload: &Workload,
) -> anyhow::Result<()> {
    match arrivals {
        Arrivals::Standing => fill(sqs, queue, workload, 0).await,
        Arrivals::Burst => fill(sqs, queue, workload, DELAYED).await,
        Arrivals::Steady { .. } => Ok(()),
    }
}

/// What comes while it runs by itself.
pub(crate) async fn during(
    arrivals: Arrivals,
    server: &SqsServer,
    sqs: &Client,
    queue: &str,
    workload: &Workload,
) -> anyhow::Result<()> {
    let Arrivals::Steady { per_second } = arrivals else { return Ok(()) };
    polled(server).await;
    let mut sending = JoinSet::new();
    // Late ticks are made up for, so that the rate is kept.
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    for body in workload.bodies() {
        ticks.tick().await;
        let request = sqs.send_message().queue_url(queue).message_body(body);
        sending.spawn(request.send());
        while let Some(sent) = sending.try_join_next() {
            sent??;
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

/// Waits until somebody waits for messages.
pub(crate) async fn polled(server: &SqsServer) {
    while server.open_polls() == 0 {
        sleep(LOOK).await;
    }
}

/// The moment of a burst. Answers how many polls waited for it.
pub(crate) fn burst(server: &SqsServer) -> usize {
    let waiting = server.open_polls();
    server.advance(Duration::from_secs(u64::from(DELAYED.unsigned_abs())));
    waiting
}

async fn fill(sqs: &Client, queue: &str, workload: &Workload, delay: i32) -> anyhow::Result<()> {
    let mut sending = JoinSet::new();
    let mut bodies = workload.bodies().peekable();
    while bodies.peek().is_some() {
        if sending.len() == FILLING {
            sending.join_next().await.context("nothing was under way")???;
        }
        let mut request = sqs.send_message_batch().queue_url(queue);
        for (place, body) in bodies.by_ref().take(10).enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body);
            request = request.entries(entry.delay_seconds(delay).build()?);
        }
        sending.spawn(async move {
            ensure!(request.send().await?.failed.is_empty(), "a message was not sent");
            anyhow::Ok(())
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}
