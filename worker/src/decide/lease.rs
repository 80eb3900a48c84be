//! How long what was received stays ours. SQS lends a message for one visibility timeout; this table
//! knows which leases are open, which of them want another timeout, and when.
//!
//! A lease whose time has passed is lost for good: by then another worker may have the message, and an
//! extension that succeeds late, after this process was stopped say, must not bring it back. Nor may a
//! lease be extended that is being settled: the extension would race the delete.
//!
//! A state machine in the idiom of quinn-proto: time and chance come in as arguments.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::ports::ReceiptHandle;

/// SQS never keeps a message invisible for longer, counted from its receive (SQS API reference,
/// ChangeMessageVisibility).
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Between two attempts at one lease, at the least.
const PAUSE: Duration = Duration::from_secs(1);

/// Every lease that is open.
#[derive(Debug, Default)]
pub struct LeaseTable {
    leases: HashMap<u64, Lease>,
    agenda: Agenda,
    next_id: u64,
    lost: usize,
}

#[derive(Debug)]
struct Lease {
    handle: ReceiptHandle,
    received_at: Instant,
    visibility: Duration,
    until: Instant,
    state: State,
    /// When it is to be looked at, while it is waiting, ready or asked.
    at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Time enough, or none to be had: at `at` it wants an extension, or is found lost.
    Waiting,
    /// Wants an extension.
    Ready,
    /// One is in the air. Should no answer come, it is found lost when its time is up.
    Asked,
    /// About to be deleted or made visible.
    Settling,
    /// Its time has passed, or SQS refused its receipt.
    Lost,
}

/// Who is to be looked at when, and whom to ask for first. Every lease is in at most one of the two.
#[derive(Debug, Default)]
struct Agenda {
    /// Waiting and asked leases, by `at`.
    waiting: BTreeSet<(Instant, u64)>,
    /// Ready leases, by `until`.
    ready: BTreeSet<(Instant, u64)>,
}

impl Agenda {
    fn remove(&mut self, id: u64, lease: &Lease) {
        match lease.state {
            State::Waiting | State::Asked => self.waiting.remove(&(lease.at, id)),
            State::Ready => self.ready.remove(&(lease.until, id)),
            State::Settling | State::Lost => false,
        };
    }

    fn insert(&mut self, id: u64, lease: &Lease) {
        match lease.state {
            State::Waiting | State::Asked => self.waiting.insert((lease.at, id)),
            State::Ready => self.ready.insert((lease.until, id)),
            State::Settling | State::Lost => false,
        };
    }
}

impl Lease {
    /// Whether an extension asked for at `now` ends before SQS's limit, with one timeout to spare.
    fn may_be_extended(&self, now: Instant) -> bool {
        now + 2 * self.visibility <= self.received_at + LONGEST
    }

    fn is_held(&self, now: Instant) -> bool {
        self.state != State::Lost && now < self.until
    }

    /// Waits for `at`, or for the end if there is nothing to be had at `at`.
    fn wait_for(&mut self, at: Instant) {
        self.state = State::Waiting;
        self.at = if self.may_be_extended(at) { at.min(self.until) } else { self.until };
    }

    /// An extension may be in the air: the last one before it was to be settled, or the one asked for.
    fn is_awaiting_answer(&self) -> bool {
        matches!(self.state, State::Asked | State::Settling)
    }

    fn lose(&mut self, now: Instant) {
        self.state = State::Lost;
        self.until = self.until.min(now);
    }
}

impl LeaseTable {
    /// Entries in one call that extends leases (SQS API reference).
    pub const MOST: usize = 10;

    /// Opens a lease. `received_at` is from before the receive request was sent, `until` one visibility
    /// timeout later.
    pub fn open(&mut self, handle: ReceiptHandle, received_at: Instant, until: Instant) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let visibility = until.saturating_duration_since(received_at);
        let mut lease = Lease { handle, received_at, visibility, until, state: State::Waiting, at: until };
        lease.wait_for(received_at + visibility / 2);
        self.agenda.insert(id, &lease);
        self.leases.insert(id, lease);
        id
    }

    /// The receipt was settled, or given up. What is still said of it is ignored.
    pub fn close(&mut self, id: u64) {
        if let Some(lease) = self.leases.remove(&id) {
            self.agenda.remove(id, &lease);
        }
    }

    /// The receipt is about to be settled: no more extensions.
    pub fn settling(&mut self, id: u64) {
        self.change(id, |lease| {
            if lease.state != State::Lost {
                lease.state = State::Settling;
            }
        });
    }

    /// Whether the receipt may be acted on. Once it may not, it never may again.
    pub fn is_held(&self, id: u64, now: Instant) -> bool {
        self.leases.get(&id).is_some_and(|lease| lease.is_held(now))
    }

    /// When an open lease ends, at the earliest.
    pub fn until(&self, id: u64) -> Option<Instant> {
        self.leases.get(&id).map(|lease| lease.until)
    }

    /// At most ten leases of which no more than half is left, those that end first first. Each is to be
    /// answered for by [`Self::on_extended`] or [`Self::on_failed`] and is not handed out before that.
    /// To be called until it answers none.
    pub fn due(&mut self, now: Instant) -> Vec<(u64, ReceiptHandle)> {
        while self.agenda.waiting.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, id)) = self.agenda.waiting.pop_first()
        {
            self.change(
                id,
                |lease| if lease.is_held(now) { lease.state = State::Ready } else { lease.lose(now) },
            );
        }
        let mut due = Vec::new();
        while due.len() < Self::MOST
            && let Some((_, id)) = self.agenda.ready.pop_first()
        {
            let handle = self.change(id, |lease| {
                if !lease.is_held(now) {
                    lease.lose(now);
                } else if lease.may_be_extended(now) {
                    (lease.state, lease.at) = (State::Asked, lease.until);
                    return Some(lease.handle.clone());
                } else {
                    lease.wait_for(now);
                }
                None
            });
            due.extend(handle.flatten().map(|handle| (id, handle)));
        }
        due
    }

    /// SQS granted another `visibility`. It counts from `asked_at`, before the request was sent: SQS
    /// starts its clock somewhere between. Tells whether the lease is the longer for it; one whose time
    /// has passed meanwhile is lost all the same.
    pub fn on_extended(&mut self, id: u64, now: Instant, asked_at: Instant, visibility: Duration) -> bool {
        self.change(id, |lease| {
            let extended = lease.is_awaiting_answer() && lease.is_held(now);
            if extended {
                lease.until = asked_at + visibility;
                lease.visibility = visibility;
            }
            if lease.state == State::Asked {
                if lease.is_held(now) { lease.wait_for(asked_at + visibility / 2) } else { lease.lose(now) }
            }
            extended && lease.is_held(now)
        })
        .unwrap_or(false)
    }

    /// An extension failed. `permanent` says that SQS refuses the receipt; anything else is tried again
    /// while time is left. `chance` in 0..1 spreads the attempts. Tells whether it is worth mentioning:
    /// a receipt that is settled meanwhile is refused with good reason.
    pub fn on_failed(&mut self, id: u64, now: Instant, permanent: bool, chance: f64) -> bool {
        self.change(id, |lease| {
            if lease.state == State::Asked {
                if permanent || !lease.is_held(now) {
                    lease.lose(now);
                } else {
                    let left = lease.until.saturating_duration_since(now);
                    let pause = (left / 4).mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0);
                    lease.wait_for(now + pause.max(PAUSE));
                }
            }
            lease.state != State::Settling
        })
        .unwrap_or(false)
    }

    /// When [`Self::due`] wants to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        let ready = self.agenda.ready.first().and_then(|(_, id)| self.leases.get(id));
        let waiting = self.agenda.waiting.first().map(|(at, _)| *at);
        ready.map(|lease| lease.at).into_iter().chain(waiting).min()
    }

    /// The number of open leases, lost ones included.
    pub fn in_flight(&self) -> usize {
        self.leases.len()
    }

    /// The handles that may still be acted on, in the order they came.
    pub fn handles(&self, now: Instant) -> Vec<ReceiptHandle> {
        let mut held: Vec<_> = self.leases.iter().filter(|(_, lease)| lease.is_held(now)).collect();
        held.sort_unstable_by_key(|(id, _)| **id);
        held.into_iter().map(|(_, lease)| lease.handle.clone()).collect()
    }

    /// How many leases were lost since this was last asked. A lease that ends while it is being settled
    /// is not among them: its fate is told by whoever settles it.
    pub fn take_lost(&mut self) -> usize {
        std::mem::take(&mut self.lost)
    }

    /// Changes a lease, keeps the agenda true and counts what is lost.
    fn change<A>(&mut self, id: u64, change: impl FnOnce(&mut Lease) -> A) -> Option<A> {
        let lease = self.leases.get_mut(&id)?;
        self.agenda.remove(id, lease);
        let before = lease.state;
        let answer = change(lease);
        self.lost += usize::from(before != State::Lost && lease.state == State::Lost);
        self.agenda.insert(id, lease);
        Some(answer)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
