//! What telemetry is about: the queues and the table, as spans and labels call them. Their texts are shared, since each
//! call names them.

use std::sync::{Arc, OnceLock};

use opentelemetry::StringValue;

/// The queues and the table of one process.
#[derive(Debug)]
pub struct Destinations {
    pub(super) queue: Queue,
    pub(super) dead_letters: OnceLock<Queue>,
    pub(super) table: StringValue,
}

/// One queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) url: StringValue,
    pub(super) name: StringValue,
}

impl Destinations {
    /// By the queue's URL and the table's name.
    pub fn new(queue_url: &str, table: &str) -> Self {
        Self { queue: Queue::new(queue_url), dead_letters: OnceLock::new(), table: shared(table) }
    }

    /// Which queue the dead-letter queue is, once that is known; the first word counts.
    pub fn on_dead_letters(&self, url: &str) {
        let _ = self.dead_letters.set(Queue::new(url));
    }
}

impl Queue {
    pub(super) fn new(url: &str) -> Self {
        Self { url: shared(url), name: shared(queue_name(url)) }
    }
}

fn shared(text: &str) -> StringValue {
    StringValue::from(Arc::<str>::from(text))
}

/// A queue's name, from its URL.
pub fn queue_name(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}
