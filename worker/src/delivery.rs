//! A received message in our hands: the message, the lease on it and the permit it rides on.
//!
//! A `Delivery` cannot be cloned and settling takes it by value, so settling twice does not compile.
//! Dropping it, on whatever path, closes the lease and gives the permit back; nothing else may.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::permits::Permit;
use crate::ports::{Message, ReceiptHandle};

/// One received message, until it is settled.
pub struct Delivery {
    /// What came.
    pub message: Message,
    /// How long it is ours.
    pub lease: Lease,
    _permit: Permit,
}

impl Delivery {
    /// Takes charge of a message. `received_at` is from before the receive request was sent: SQS starts
    /// its clock somewhere between, and the pessimist is never wrong.
    pub fn new(
        message: Message,
        received_at: Instant,
        visibility: Duration,
        leases: &Arc<Leases>,
        permit: Permit,
    ) -> Self {
        let lease = Leases::open(leases, message.handle.clone(), received_at, received_at + visibility);
        Self { message, lease, _permit: permit }
    }
}

/// The right to settle one receipt, while its visibility timeout lasts. Dropping it closes it.
pub struct Lease {
    id: u64,
    received_at: Instant,
    until: Instant,
    leases: Arc<Leases>,
}

impl Lease {
    /// When the visibility timeout ends, at the earliest.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// From before the receive request was sent.
    pub fn received_at(&self) -> Instant {
        self.received_at
    }

    /// Whether the receipt may still be acted on.
    pub fn is_held(&self, now: Instant) -> bool {
        now < self.until
    }
}

impl Lease {
    /// The receipt was settled, or given up.
    pub fn close(self) {
        self.leases.lock().remove(&self.id);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.leases.frozen.load(Ordering::Relaxed) {
            self.leases.lock().remove(&self.id);
        }
    }
}

/// Every lease that is open: what is in flight, and what to release when all else fails.
#[derive(Default)]
pub struct Leases {
    open: Mutex<HashMap<u64, ReceiptHandle>>,
    next: AtomicU64,
    frozen: AtomicBool,
}

impl Leases {
    fn open(leases: &Arc<Self>, handle: ReceiptHandle, received_at: Instant, until: Instant) -> Lease {
        let id = leases.next.fetch_add(1, Ordering::Relaxed);
        leases.lock().insert(id, handle);
        Lease { id, received_at, until, leases: Arc::clone(leases) }
    }

    /// The number of open leases.
    pub fn in_flight(&self) -> usize {
        self.lock().len()
    }

    /// From now on only settling closes a lease: what stages drop when they are ended by force stays
    /// listed, to be released.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::Relaxed);
    }

    /// The handles of every open lease.
    pub fn handles(&self) -> Vec<ReceiptHandle> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, ReceiptHandle>> {
        // A map of handles cannot be left half-changed by a panic elsewhere.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_lease_is_closed_unless_stages_are_being_ended_by_force() {
        let leases = Arc::new(Leases::default());
        let open =
            |name: &str| Leases::open(&leases, ReceiptHandle(name.into()), Instant::now(), Instant::now());
        drop(open("dropped"));
        assert_eq!(leases.in_flight(), 0);
        let (settled, aborted) = (open("settled"), open("aborted"));
        leases.freeze();
        settled.close();
        drop(aborted);
        assert_eq!(leases.handles(), [ReceiptHandle("aborted".into())]);
    }
}
