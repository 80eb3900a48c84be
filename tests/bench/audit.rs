//! What the endpoints saw of a run: whether everything is as it must be, and the times only they know.
//!
//! Must never believe what the subject of the run says of itself.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use local::sqs::{Residence, SqsServer};
use local::stack::Queues;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The endpoints' account of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Audit {
    /// What is wrong; nothing, or the run has no figures.
    pub(crate) faults: Vec<String>,
    /// Calls as they arrived at SQS.
    pub(crate) sqs_calls: BTreeMap<String, u64>,
    /// From the first receive to the last delete.
    pub(crate) seconds: f64,
    /// Receive to delete, in milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// Compares what is there with what must be, and takes the times, of which there must be one a message.
pub(crate) async fn audit(
    messages: usize,
    expected: &BTreeMap<String, Value>,
    rows: &BTreeMap<String, Value>,
    server: &SqsServer,
    sqs: &aws_sdk_sqs::Client,
    queues: &Queues,
) -> anyhow::Result<Audit> {
    let mut faults = Vec::new();
    let wrong = expected.iter().filter(|(id, row)| rows.get(*id) != Some(row)).count();
    let strangers = rows.keys().filter(|id| !expected.contains_key(*id)).count();
    if wrong + strangers > 0 {
        faults.push(format!("{wrong} users have no row or a wrong one, {strangers} rows belong to nobody"));
    }
    for (name, url) in [("queue", &queues.queue), ("dead-letter queue", &queues.dead_letter)] {
        let left = depth(sqs, url).await?;
        if left != ["0", "0", "0"] {
            faults.push(format!("the {name} is not empty (visible, in flight, delayed): {left:?}"));
        }
    }
    let residences = server.residences();
    if residences.len() != messages {
        faults.push(format!("{} deletions of {messages} messages", residences.len()));
    }
    let mut times: Vec<Duration> = residences.iter().map(Residence::time).collect();
    times.sort_unstable();
    let at = |part: f64| ms(times.get(rank(part, times.len())).copied());
    let first = residences.iter().map(|one| one.received).min().unwrap_or_default();
    let last = residences.iter().map(|one| one.deleted).max().unwrap_or_default();
    Ok(Audit {
        faults,
        sqs_calls: server.calls(),
        seconds: last.saturating_sub(first).as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: at(1.0),
    })
}

/// The place of the smallest value that is not below this part of them.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among some")]
fn rank(part: f64, of: usize) -> usize {
    ((part * of as f64).ceil() as usize).saturating_sub(1)
}

fn ms(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64() * 1000.0
}

async fn depth(sqs: &aws_sdk_sqs::Client, url: &str) -> anyhow::Result<[String; 3]> {
    use QueueAttributeName as Name;
    let names = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let request = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let counts = request.send().await?.attributes.unwrap_or_default();
    Ok(names.map(|name| counts.get(&name).cloned().unwrap_or_default()))
}
