//! A message on its way: the facts that follow it from queue to queue, and what one receive asks for
//! and gets.
//!
//! Exists because a message outlives its place in a queue: redrive and move tasks carry it on. Must
//! never hold what belongs to one queue only (visibility, receipt), which stays in `queue.rs`.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::clock::Millis;
use super::message::Message;
use super::receipt::Receipt;

/// A message with the facts that travel with it from queue to queue.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) id: Uuid,
    pub(crate) message: Arc<Message>,
    pub(crate) sent_at: Millis,
    /// Shown to clients and kept on the way into a dead-letter queue, as consoles show it.
    pub(crate) receives: u32,
    pub(crate) first_received_at: Option<Millis>,
    /// ARN of the queue whose redrive policy moved it here.
    pub(crate) dead_from: Option<Arc<str>>,
}

impl Letter {
    pub(crate) fn new(id: Uuid, message: Arc<Message>, sent_at: Millis) -> Self {
        Self { id, message, sent_at, receives: 0, first_received_at: None, dead_from: None }
    }
}

/// What one receive asks for.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) max: usize,
    pub(crate) visibility: Millis,
    /// Receives after which a message is dead; `None` without a (reachable) dead-letter queue.
    pub(crate) dead_after: Option<u32>,
    pub(crate) in_flight_limit: usize,
    /// Real time of this receive, which the message carries until it is deleted.
    pub(crate) running: Duration,
}

pub(crate) struct Delivery {
    pub(crate) letter: Letter,
    pub(crate) receipt: Receipt,
}

pub(crate) struct Taken {
    pub(crate) deliveries: Vec<Delivery>,
    /// To be put into the dead-letter queue by the caller: this queue has forgotten them.
    pub(crate) dead: Vec<Letter>,
    pub(crate) at_limit: bool,
}
