//! What a check needs of an engine: a queue and a table of its own behind the worker's ports, and, around the
//! ports, the little that a producer, an operator and a clock do. Must not let a check reach past it: what a check
//! can see here is what the worker can see.

use std::time::Duration;

use harness::{Capability, Letter};
use serde_json::Value;
use tokio::runtime::Runtime;
use worker::ports::{ConfirmationQueue, ProfileTable};

/// The owner attribute of every table here, that of the built-in model.
pub(crate) const OWNER: &str = "profileOwner";

/// How the queue of a check is made.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// MessageRetentionPeriod.
    pub(crate) retention: Duration,
    /// The redrive policy's maxReceiveCount.
    pub(crate) max_receive_count: u32,
}

impl Default for Shape {
    fn default() -> Self {
        Self { retention: Duration::from_secs(4 * 24 * 3600), max_receive_count: 100 }
    }
}

/// A message as a producer sends it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sent<'a> {
    pub(crate) body: &'a str,
    /// DelaySeconds.
    pub(crate) delay: Duration,
    /// The message attribute of that name.
    pub(crate) traceparent: Option<&'a str>,
}

/// One engine, with one queue, one dead-letter queue and one table for one check.
pub(crate) trait Subject: Sized + 'static {
    type Queue: ConfirmationQueue;
    type Table: ProfileTable;

    /// The engine's name, as in the table of differences.
    fn engine() -> &'static str;

    /// Whether the engine can do what a check needs.
    fn supports(need: Capability) -> bool;

    /// What a check runs on, with or without a clock that only moves when all wait.
    fn runtime() -> std::io::Result<Runtime>;

    /// Reaches the engine, and starts it where it is ours to start.
    async fn start(check: &str) -> anyhow::Result<Self>;

    /// Makes the queue and its dead-letter queue.
    async fn make_queue(&self, shape: Shape);

    /// The queue, for a worker that lends for so long. Before [`Self::make_queue`]: one that is not there.
    async fn queue(&self, visibility: Duration) -> Self::Queue;

    /// Sends a message and answers with its id.
    async fn send(&self, message: Sent<'_>) -> String;

    /// Waits until the dead-letter queue holds exactly so many messages, and receives them.
    async fn dead_letters(&self, count: usize) -> Vec<Letter>;

    /// Makes the table with these key attributes, the partition key first.
    async fn make_table(&self, key: &[&str]);

    /// Deletes it.
    async fn drop_table(&self);

    /// The table, whether it is there or not.
    fn table(&self) -> Self::Table;

    /// Every item of the table in DynamoDB's JSON.
    async fn items(&self) -> Vec<Value>;

    /// Moves the clock where the engine has one. Elsewhere time passes by itself, and whoever needs it to have passed
    /// waits for something that shows it.
    async fn advance(&self, by: Duration);
}
