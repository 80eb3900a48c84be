//! The breaker where the stages meet it: writes tell it what they saw and wait here for their turn while
//! the table fails; the receiver asks it before every poll. Only locking, waiting in line and telling;
//! [`Breaker`] decides.
//!
//! Who waits here holds messages, so nobody may wait for longer than he says, nor past a stop.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::decide::breaker::{self, Breaker, Patience, Poll};
use crate::ports::CallError;
use crate::stats::Stats;
use crate::telemetry::events;

/// One breaker, shared by all stages.
pub struct Gate {
    state: Mutex<State>,
    changed: Notify,
    leaving: CancellationToken,
    stats: Arc<Stats>,
}

struct State {
    breaker: Breaker,
    /// Who waits for a turn, the longest first.
    line: BTreeSet<u64>,
    next: u64,
}

/// How waiting at the gate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The table takes writes.
    Pass,
    /// Whether it does is to be found out, with one item.
    Probe,
    /// The time was up.
    TimeUp,
    /// The worker stops, and nothing is held for a table that fails.
    Stopped,
}

impl Gate {
    /// A closed gate.
    pub fn new(patience: Patience, stats: Arc<Stats>) -> Self {
        let state = State { breaker: Breaker::new(patience), line: BTreeSet::new(), next: 0 };
        Self { state: Mutex::new(state), changed: Notify::new(), leaving: CancellationToken::new(), stats }
    }

    /// The table answered.
    pub fn on_answer(&self) {
        let closed = self.state().breaker.on_answer();
        if closed {
            self.after_answer();
        }
    }

    fn after_answer(&self) {
        self.stats.set_breaker_open(false);
        events::breaker_closed();
        self.changed.notify_waiters();
    }

    /// To be read before a call to the table.
    pub fn epoch(&self) -> u64 {
        self.state().breaker.epoch()
    }

    /// A call to the table failed that was begun in `epoch`.
    pub fn on_failure(&self, epoch: u64, error: &CallError) {
        let opened = self.state().breaker.on_failure(Instant::now(), epoch, fastrand::f64());
        self.after_failure(opened, error);
    }

    /// The table refused one item, with an answer of its own.
    pub fn on_refusal(&self, error: &CallError) {
        let closed = {
            let mut state = self.state();
            if !state.breaker.is_open() {
                return;
            }
            state.breaker.on_refusal(Instant::now(), fastrand::f64())
        };
        if closed {
            self.after_answer();
        } else {
            self.after_failure(false, error);
        }
    }

    /// The table refuses whatever it is given.
    pub fn trip(&self, error: &CallError) {
        let opened = self.state().breaker.trip(Instant::now(), fastrand::f64());
        self.after_failure(opened, error);
    }

    fn after_failure(&self, opened: bool, error: &CallError) {
        if opened {
            self.stats.set_breaker_open(true);
            events::breaker_opened(error);
        }
        // A probe that failed has moved the moment of the next one.
        self.changed.notify_waiters();
    }

    /// Asked before every poll.
    pub fn poll(&self) -> Poll {
        let mut state = self.state();
        let held = state.line.len();
        state.breaker.poll(Instant::now(), held)
    }

    /// What an invited poll brought: a message to be written, or nothing.
    pub fn on_invited(&self, brought: bool) {
        self.state().breaker.on_invited(Instant::now(), brought);
    }

    /// Whether a write would only join those that fail.
    pub fn holds_back(&self) -> bool {
        self.state().breaker.holds_back()
    }

    /// Whether the table is known to fail.
    pub fn is_open(&self) -> bool {
        self.state().breaker.is_open()
    }

    /// From now on nobody is kept waiting.
    pub fn stop_holding(&self) {
        self.leaving.cancel();
    }

    /// Waits for a turn to write, at most until `until`. Turns to probe go round: who fails and comes
    /// again is the last in line.
    pub async fn turn(&self, until: Instant) -> Turn {
        let mut place: Option<Place<'_>> = None;
        loop {
            // Listened for before asking, so that no news falls between the two.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            let not_before = match self.ask(now, &mut place) {
                breaker::Turn::Pass => return Turn::Pass,
                breaker::Turn::Probe => return Turn::Probe,
                breaker::Turn::NotBefore(at) => at,
            };
            if now >= until {
                return Turn::TimeUp;
            }
            tokio::select! {
                biased;
                () = self.leaving.cancelled() => return Turn::Stopped,
                () = changed => {}
                () = sleep_until(not_before.min(until)) => {}
            }
        }
    }

    fn ask<'gate>(&'gate self, now: Instant, place: &mut Option<Place<'gate>>) -> breaker::Turn {
        let mut state = self.state();
        if !state.breaker.is_open() {
            return breaker::Turn::Pass;
        }
        let number = match place {
            Some(place) => place.number,
            None => {
                let number = state.next;
                state.next += 1;
                state.line.insert(number);
                *place = Some(Place { gate: self, number });
                number
            }
        };
        if state.line.first() == Some(&number) {
            state.breaker.turn(now)
        } else {
            // Whoever is before this one leaves with news.
            breaker::Turn::NotBefore(now + FAR)
        }
    }

    /// Waits until `until`, or until there is news: then ask [`Self::poll`] again.
    pub async fn wait(&self, until: Instant) {
        let changed = self.changed.notified();
        if !self.is_open() {
            return;
        }
        tokio::select! {
            biased;
            () = changed => {}
            () = sleep_until(until) => {}
        }
    }

    /// Writes that wait for their turn.
    pub fn held(&self) -> usize {
        self.state().line.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A few numbers cannot be left half-changed by a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer than anybody waits here.
const FAR: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// A place in the line, until it is dropped.
struct Place<'gate> {
    gate: &'gate Gate,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.state().line.remove(&self.number);
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
