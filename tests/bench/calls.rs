//! API calls of a run, and the fewest with which its work can be done.

use std::collections::BTreeMap;

use crate::conditions::Repeats;
use crate::workload;

/// Looking for queue and table, and whether the queue is empty; no message makes them. And sending, which
/// is the producers'.
const ASIDE: [&str; 4] = ["DescribeTable", "GetQueueAttributes", "SendMessage", "SendMessageBatch"];

/// The most messages of one receive or delete, and the most statements of one batch (SQS and DynamoDB
/// API references).
const MESSAGES: usize = 10;
const STATEMENTS: usize = 25;

/// Calls made for messages, per 1,000 of them.
pub(crate) fn per_thousand(calls: &BTreeMap<String, u64>, messages: usize) -> f64 {
    let made: u64 = calls.iter().filter(|(name, _)| !ASIDE.contains(&name.as_str())).map(|(_, n)| n).sum();
    made as f64 * 1000.0 / messages as f64
}

/// Full receives, full batches of each user once, full deletes: per 1,000 messages.
pub(crate) fn floor(messages: usize) -> f64 {
    let writes = workload::distinct(messages, Repeats::Mixed).div_ceil(STATEMENTS);
    (2 * messages.div_ceil(MESSAGES) + writes) as f64 * 1000.0 / messages as f64
}
