//! Receipt handles: what a client gives back to delete or hold a message it received.
//!
//! Exists because a handle names one *receive* of one message, not the message. Must never be
//! accepted by another queue, nor by a queue of the same name made later.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::clock::Millis;
use super::protocol::{ApiError, Fault};

/// Place of a message in its queue; ordered by age, so that retention looks at the first one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) enqueued_at: Millis,
    pub(crate) number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: u64,
    pub(crate) key: Key,
    /// Counts the receives of the queue; the message remembers its latest.
    pub(crate) receive: u64,
}

impl Receipt {
    pub(crate) fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(32);
        let Key { enqueued_at, number } = self.key;
        for part in [self.queue, enqueued_at, number, self.receive] {
            bytes.extend_from_slice(&part.to_be_bytes());
        }
        STANDARD.encode(bytes)
    }

    pub(crate) fn decode(handle: &str, queue: u64) -> Result<Self, ApiError> {
        Self::parse(handle).filter(|receipt| receipt.queue == queue).ok_or_else(|| {
            Fault::ReceiptHandleIsInvalid
                .because(format!("The input receipt handle \"{handle}\" is not a valid receipt handle."))
        })
    }

    fn parse(handle: &str) -> Option<Self> {
        let bytes = STANDARD.decode(handle).ok()?;
        if bytes.len() != 32 {
            return None;
        }
        let mut parts = bytes.chunks_exact(8).filter_map(|part| part.try_into().ok().map(u64::from_be_bytes));
        Some(Self {
            queue: parts.next()?,
            key: Key { enqueued_at: parts.next()?, number: parts.next()? },
            receive: parts.next()?,
        })
    }
}
