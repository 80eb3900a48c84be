//! What the tools for the dead-letter queue share: to look at it though SQS cannot be looked at ([`Peek`]), to
//! choose ([`Choice`]), and to send back ([`send_back`]). Must never delete a message that is nowhere else.

use std::sync::Arc;

pub(super) use super::now;
use super::{Context, JobError};
use crate::aws::dead_letters::DeadLetterQueue;
use crate::aws::sqs::{QueueFacts, queue_facts};
use crate::config::Problem;

mod choice;
mod letter;
mod peek;
mod send_back;

pub use choice::{Choice, rate};
pub use letter::{Identity, Letter};
pub use peek::{Peek, Seen};
pub use send_back::{SentBack, send_back};

/// Both, or the problems of both.
pub(super) fn both<A, B>(
    a: Result<A, Vec<Problem>>,
    b: Result<B, Vec<Problem>>,
) -> Result<(A, B), Vec<Problem>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.err().into_iter().chain(b.err()).flatten().collect()),
    }
}

/// The two queues of a job that moves messages between them.
pub struct Queues {
    /// What the queue says of itself.
    pub queue: QueueFacts,
    /// URL of the dead-letter queue.
    pub dead_letter_url: String,
    /// The dead-letter queue.
    pub dead_letters: Arc<DeadLetterQueue>,
}

impl Queues {
    /// Finds the dead-letter queue: the one that was named, else that of the queue's redrive policy.
    ///
    /// # Errors
    /// The queue cannot be asked, or has none.
    pub async fn find(context: &Context) -> Result<Self, JobError> {
        let queue = queue_facts(&context.clients.sqs_calm, &context.config.queue_url)
            .await
            .map_err(|error| JobError::call("sqs:GetQueueAttributes", error))?;
        let named = context.config.dead_letter_queue_url.clone();
        let Some(url) = named.or_else(|| queue.dead_letter_url.clone()) else {
            return Err(JobError::problem(
                "DEAD_LETTER_QUEUE_URL",
                "is not set, and the queue has no redrive policy",
                "set it to the URL of the dead-letter queue, or give the queue a RedrivePolicy",
            ));
        };
        let dead_letters = Arc::new(DeadLetterQueue::new(&context.clients, url.clone()));
        Ok(Self { queue, dead_letter_url: url, dead_letters })
    }
}
