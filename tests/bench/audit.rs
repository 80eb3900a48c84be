//! What the endpoints saw of a run: whether everything is as it must be, and the times only they know.
//!
//! Must never believe what the subject of the run says of itself.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_sqs::types::QueueAttributeName;
use local::sqs::SqsServer;
use local::stack::Queues;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::timing::{Timing, timing};

/// What a table holds, by id: a fingerprint of each row, as a million rows are too much to hold twice.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows(HashMap<String, u64>);

impl FromIterator<(String, Value)> for Rows {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(rows: T) -> Self {
        Self(rows.into_iter().map(|(id, row)| (id, fingerprint(&row))).collect())
    }
}

impl Rows {
    pub(crate) fn add(&mut self, id: String, row: &Value) {
        self.0.insert(id, fingerprint(row));
    }
}

/// Attributes in whatever order are the same row.
fn fingerprint(row: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    let attributes = row.as_object().into_iter().flatten();
    for (name, value) in attributes.collect::<BTreeMap<_, _>>() {
        (name, value.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

/// Calls as they arrived from the subject, by operation.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) sqs: BTreeMap<String, u64>,
    pub(crate) dynamodb: BTreeMap<String, u64>,
}

/// The endpoints' account of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Audit {
    /// What is wrong; nothing, or the run has no figures.
    pub(crate) faults: Vec<String>,
    /// Calls as they arrived at SQS.
    pub(crate) sqs_calls: BTreeMap<String, u64>,
    /// Calls as they arrived at DynamoDB.
    pub(crate) dynamodb_calls: BTreeMap<String, u64>,
    #[serde(flatten)]
    pub(crate) times: Timing,
    /// Write units as DynamoDB bills them; only the plain table counts them.
    pub(crate) write_units: Option<u64>,
    /// Inserts that were throttled, and deletes that were said to have failed, because the run is to have some.
    pub(crate) throttled: u64,
    pub(crate) failed_deletes: u64,
}

/// Compares what is there with what must be, and takes the times, of which there must be one a message.
pub(crate) async fn audit(
    messages: usize,
    expected: &Rows,
    rows: &Rows,
    came: Came,
    server: &SqsServer,
    sqs: &aws_sdk_sqs::Client,
    queues: &Queues,
) -> anyhow::Result<Audit> {
    let mut faults = Vec::new();
    let wrong = expected.0.iter().filter(|(id, row)| rows.0.get(*id) != Some(row)).count();
    let strangers = rows.0.keys().filter(|id| !expected.0.contains_key(*id)).count();
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
    Ok(Audit {
        faults,
        sqs_calls: came.sqs,
        dynamodb_calls: came.dynamodb,
        times: timing(&residences),
        write_units: None,
        throttled: 0,
        failed_deletes: 0,
    })
}

/// Messages visible, in flight and delayed.
pub(crate) async fn depth(sqs: &aws_sdk_sqs::Client, url: &str) -> anyhow::Result<[String; 3]> {
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
