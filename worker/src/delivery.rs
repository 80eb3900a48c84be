//! A received message in our hands: the message, the lease on it and the permit it rides on.
//!
//! A `Delivery` cannot be cloned and settling takes it by value, so settling twice does not compile.
//! Dropping it, on whatever path, closes the lease and gives the permit back; nothing else may.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::decide::lease::LeaseTable;
use crate::outcome::Origin;
use crate::permits::Permit;
use crate::ports::{Message, ReceiptHandle};

/// One received message, until it is settled.
pub struct Delivery {
    /// What came.
    pub message: Message,
    /// How long it is ours.
    pub lease: Lease,
    /// Why it was sent, once it was read.
    pub origin: Origin,
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
        Self { message, lease, origin: Origin::Unknown, _permit: permit }
    }
}

/// The right to settle one receipt, while its visibility timeout lasts. The heartbeat extends it.
/// Dropping it closes it.
pub struct Lease {
    id: u64,
    received_at: Instant,
    leases: Arc<Leases>,
}

impl Lease {
    /// When the receive was asked for that brought the message.
    pub fn received_at(&self) -> Instant {
        self.received_at
    }

    /// When the visibility timeout ends, at the earliest, as far as it has been extended by now.
    pub fn until(&self) -> Instant {
        self.leases.table().until(self.id).unwrap_or(self.received_at)
    }

    /// Whether the receipt may still be acted on. Once it may not, it never may again.
    pub fn is_held(&self, now: Instant) -> bool {
        self.leases.table().is_held(self.id, now)
    }

    /// The receipt is about to be settled: from now on it is not extended, which would race the delete.
    pub fn begin_settling(&self) {
        self.leases.table().settling(self.id);
    }

    /// The receipt was settled, or given up.
    pub fn close(self) {
        self.leases.table().close(self.id);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.leases.frozen.load(Ordering::Relaxed) {
            self.leases.table().close(self.id);
        }
    }
}

/// Every lease that is open: what is in flight, what to extend, and what to release when all else
/// fails. Only locking, waking and the clock; [`LeaseTable`] decides.
///
/// The clock is read under the lock, so that nobody is told that a lease is held after somebody else
/// was told that it is lost.
#[derive(Default)]
pub struct Leases {
    table: Mutex<LeaseTable>,
    sooner: Notify,
    frozen: AtomicBool,
}

impl Leases {
    fn open(leases: &Arc<Self>, handle: ReceiptHandle, received_at: Instant, until: Instant) -> Lease {
        let mut table = leases.table();
        let before = table.next_deadline();
        let id = table.open(handle, received_at, until);
        let after = table.next_deadline();
        drop(table);
        // Nearly every lease is due after those that are open already, and wakes nobody.
        if before.is_none() || after < before {
            leases.sooner.notify_one();
        }
        Lease { id, received_at, leases: Arc::clone(leases) }
    }

    /// The number of open leases.
    pub fn in_flight(&self) -> usize {
        self.table().in_flight()
    }

    /// From now on only settling closes a lease: what stages drop when they are ended by force stays
    /// listed, to be released.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::Relaxed);
    }

    /// The handles of every open lease that is not lost.
    pub fn handles(&self) -> Vec<ReceiptHandle> {
        self.with(|table, now| table.handles(now))
    }

    /// Asks the table, or tells it, at this moment. One moment for all that is said of one call.
    pub fn with<A>(&self, say: impl FnOnce(&mut LeaseTable, Instant) -> A) -> A {
        let mut table = self.table();
        say(&mut table, Instant::now())
    }

    /// When [`LeaseTable::due`] wants to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.table().next_deadline()
    }

    /// Waits until [`Self::next_deadline`] has moved to an earlier moment by a lease that was opened.
    /// For one who waits; what happened before the call counts too.
    pub async fn sooner(&self) {
        self.sooner.notified().await;
    }

    fn table(&self) -> MutexGuard<'_, LeaseTable> {
        // The table changes its parts one after the other and runs no code of others between.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn open(leases: &Arc<Leases>, name: &str, received_at: Instant) -> Lease {
        Leases::open(leases, ReceiptHandle(name.into()), received_at, received_at + MINUTE)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_lease_is_closed_unless_stages_are_being_ended_by_force() {
        let leases = Arc::new(Leases::default());
        let now = Instant::now();
        drop(open(&leases, "dropped", now));
        assert_eq!(leases.in_flight(), 0);
        let (settled, aborted) = (open(&leases, "settled", now), open(&leases, "aborted", now));
        leases.freeze();
        settled.close();
        drop(aborted);
        assert_eq!(leases.handles(), [ReceiptHandle("aborted".into())]);
        tokio::time::sleep(MINUTE).await;
        assert_eq!((leases.handles(), leases.in_flight()), (vec![], 1), "a lost lease is not acted on");
    }

    #[tokio::test(start_paused = true)]
    async fn the_heartbeat_is_woken_only_by_what_is_due_before_all_others() {
        let leases = Arc::new(Leases::default());
        let start = Instant::now();
        let woken = async || tokio::time::timeout(MINUTE / 60, leases.sooner()).await.is_ok();
        let _first = open(&leases, "first", start);
        assert!(woken().await);
        let _same = open(&leases, "same", start);
        let _later = open(&leases, "later", start + MINUTE / 4);
        assert!(!woken().await);
        let _shorter = Leases::open(&leases, ReceiptHandle("shorter".into()), start, start + MINUTE / 2);
        assert!(woken().await);
        assert!(!woken().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_held_to_its_end_and_due_until_it_is_being_settled() {
        let leases = Arc::new(Leases::default());
        let start = Instant::now();
        let lease = open(&leases, "only", start);
        assert!(lease.is_held(start + MINUTE - Duration::from_nanos(1)) && !lease.is_held(start + MINUTE));
        assert_eq!(leases.next_deadline(), Some(start + MINUTE / 2));
        lease.begin_settling();
        assert_eq!(leases.next_deadline(), None);
    }
}
