//! The state machine of one standard queue: what is visible, in flight, delayed, expired or dead.
//!
//! Exists so that every rule of SQS that depends on time is decided in one place without a clock:
//! `now` is an argument. Must never scan: every step costs O(log n) however long the queue is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clock::Millis;
use super::letter::{Ask, Delivery, Letter, Taken};
use super::line::Line;
use super::receipt::{Key, Receipt};

/// A message may stay with one receiver for 12 hours in all, however often it extends.
pub(crate) const LONGEST_HOLD: Millis = 12 * 3600 * 1000;

/// Bound on dead messages handed out by one `receive`, so that a queue full of exhausted messages
/// does not hold the lock for long; the caller asks again.
const DEAD_PER_RECEIVE: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Visible,
    Delayed { until: Millis },
    InFlight { until: Millis, since: Millis },
}

struct Slot {
    letter: Letter,
    place: Place,
    /// Receives in this queue only: a dead-letter queue with a redrive policy of its own must not
    /// count those of the queue before it.
    receives_here: u32,
    latest_receive: u64,
    /// Real time of that receive.
    received: Duration,
}

/// Why a visibility timeout was not changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HoldRefused {
    /// Deleted, expired, moved, or received by someone else since.
    NotYours,
    NotInFlight,
    BeyondLongestHold,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

pub(crate) struct Queue {
    id: u64,
    retention: Millis,
    slots: BTreeMap<Key, Slot>,
    line: Line<Key>,
    hidden: BTreeSet<(Millis, Key)>,
    visible: usize,
    in_flight: usize,
    next_number: u64,
    next_receive: u64,
}

impl Queue {
    pub(crate) fn new(id: u64, retention: Millis) -> Self {
        Self {
            id,
            retention,
            slots: BTreeMap::new(),
            line: Line::new(),
            hidden: BTreeSet::new(),
            visible: 0,
            in_flight: 0,
            next_number: 0,
            next_receive: 0,
        }
    }

    pub(crate) fn set_retention(&mut self, retention: Millis) {
        self.retention = retention;
    }

    /// Takes a letter in; it keeps its `sent_at`, from which retention counts. That is how AWS ages
    /// a standard queue's message across the move into a dead-letter queue.
    pub(crate) fn put(&mut self, now: Millis, letter: Letter, delay: Millis) {
        let key = Key { enqueued_at: letter.sent_at, number: self.next_number };
        self.next_number += 1;
        let place = if delay == 0 {
            self.visible += 1;
            self.line.push(&letter.message.group, key);
            Place::Visible
        } else {
            let until = now.saturating_add(delay);
            self.hidden.insert((until, key));
            Place::Delayed { until }
        };
        let slot =
            Slot { letter, place, receives_here: 0, latest_receive: u64::MAX, received: Duration::ZERO };
        self.slots.insert(key, slot);
    }

    pub(crate) fn receive(&mut self, now: Millis, ask: Ask) -> Taken {
        self.catch_up(now);
        let room = ask.in_flight_limit.saturating_sub(self.in_flight);
        let want = ask.max.min(room);
        let mut taken = Taken {
            deliveries: Vec::with_capacity(want.min(self.visible)),
            dead: Vec::new(),
            at_limit: room == 0,
        };
        let until = now.saturating_add(ask.visibility);
        while taken.deliveries.len() < want && taken.dead.len() < DEAD_PER_RECEIVE {
            let Some(key) = self.pop_visible() else { break };
            let Some(slot) = self.slots.get_mut(&key) else {
                break;
            };
            if ask.dead_after.is_some_and(|limit| slot.receives_here >= limit) {
                // Still counted as visible, which `forget` undoes.
                taken.dead.extend(self.forget(key));
                continue;
            }
            slot.receives_here += 1;
            slot.letter.receives += 1;
            slot.letter.first_received_at.get_or_insert(now);
            slot.latest_receive = self.next_receive;
            slot.received = ask.running;
            slot.place = Place::InFlight { until, since: now };
            let receipt = Receipt { queue: self.id, key, receive: self.next_receive };
            self.next_receive += 1;
            self.visible -= 1;
            self.in_flight += 1;
            self.hidden.insert((until, key));
            taken.deliveries.push(Delivery { letter: slot.letter.clone(), receipt });
        }
        taken
    }

    /// Deletes if the handle is of the latest receive. An older handle does nothing and is no error:
    /// AWS says of it that "the request will succeed, but the message might not be deleted".
    pub(crate) fn delete(&mut self, receipt: &Receipt) -> bool {
        let latest = self.slots.get(&receipt.key).is_some_and(|slot| slot.latest_receive == receipt.receive);
        latest && self.forget(receipt.key).is_some()
    }

    /// When its message was sent and when the receive of this handle was, if it is the message's latest.
    pub(crate) fn received(&self, receipt: &Receipt) -> Option<(Millis, Duration)> {
        let slot = self.slots.get(&receipt.key)?;
        (slot.latest_receive == receipt.receive).then_some((slot.letter.sent_at, slot.received))
    }

    pub(crate) fn hold(
        &mut self,
        now: Millis,
        receipt: &Receipt,
        timeout: Millis,
    ) -> Result<(), HoldRefused> {
        self.catch_up(now);
        let slot = self
            .slots
            .get_mut(&receipt.key)
            .filter(|slot| slot.latest_receive == receipt.receive)
            .ok_or(HoldRefused::NotYours)?;
        let Place::InFlight { until, since } = slot.place else {
            return Err(HoldRefused::NotInFlight);
        };
        let wanted = now.saturating_add(timeout);
        if wanted > since.saturating_add(LONGEST_HOLD) {
            return Err(HoldRefused::BeyondLongestHold);
        }
        self.hidden.remove(&(until, receipt.key));
        slot.place = Place::InFlight { until: wanted, since };
        self.hidden.insert((wanted, receipt.key));
        self.catch_up(now);
        Ok(())
    }

    /// Takes the next visible message out without counting a receive: a move task, not a client.
    pub(crate) fn take(&mut self, now: Millis) -> Option<Letter> {
        self.catch_up(now);
        let key = self.pop_visible()?;
        self.forget(key)
    }

    pub(crate) fn purge(&mut self) {
        self.slots.clear();
        self.line.clear();
        self.hidden.clear();
        self.visible = 0;
        self.in_flight = 0;
    }

    pub(crate) fn counts(&mut self, now: Millis) -> Counts {
        self.catch_up(now);
        Counts {
            visible: self.visible,
            in_flight: self.in_flight,
            delayed: self.slots.len() - self.visible - self.in_flight,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// When the next hidden message becomes visible by itself.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        self.hidden.first().map(|(until, _)| *until)
    }

    /// Brings the queue to `now`. Retention goes first: what has expired must not become visible.
    fn catch_up(&mut self, now: Millis) {
        while let Some((key, _)) = self.slots.first_key_value()
            && key.enqueued_at.saturating_add(self.retention) <= now
        {
            let key = *key;
            self.forget(key);
        }
        while let Some((until, key)) = self.hidden.first().copied()
            && until <= now
        {
            self.hidden.remove(&(until, key));
            if let Some(slot) = self.slots.get_mut(&key) {
                if matches!(slot.place, Place::InFlight { .. }) {
                    self.in_flight -= 1;
                }
                slot.place = Place::Visible;
                self.visible += 1;
                self.line.push(&slot.letter.message.group, key);
            }
        }
    }

    /// The line may still hold keys of messages deleted or expired while visible; they are skipped
    /// here, so that deleting never has to search the line.
    fn pop_visible(&mut self) -> Option<Key> {
        if self.visible == 0 {
            self.line.clear();
            return None;
        }
        loop {
            let key = self.line.pop()?;
            if self.slots.contains_key(&key) {
                return Some(key);
            }
        }
    }

    fn forget(&mut self, key: Key) -> Option<Letter> {
        let slot = self.slots.remove(&key)?;
        match slot.place {
            Place::Visible => self.visible -= 1,
            Place::Delayed { until } => {
                self.hidden.remove(&(until, key));
            }
            Place::InFlight { until, .. } => {
                self.hidden.remove(&(until, key));
                self.in_flight -= 1;
            }
        }
        Some(slot.letter)
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
