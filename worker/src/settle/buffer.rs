//! Receipts that are decided over and wait for nine others, so that one call settles ten.

use std::time::Duration;

use tokio::time::Instant;

use super::BATCH;
use crate::delivery::Delivery;
use crate::outcome::Outcome;

/// What a batch call does to its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Delete,
    MakeVisible,
}

/// One receipt, decided over.
pub(super) struct Entry {
    pub(super) delivery: Delivery,
    pub(super) outcome: Outcome,
    pub(super) action: Action,
    /// Only for [`Action::MakeVisible`].
    pub(super) delay: Duration,
}

impl Entry {
    pub(super) fn delete(delivery: Delivery, outcome: Outcome) -> Self {
        Self { delivery, outcome, action: Action::Delete, delay: Duration::ZERO }
    }

    pub(super) fn make_visible(delivery: Delivery, outcome: Outcome, delay: Duration) -> Self {
        Self { delivery, outcome, action: Action::MakeVisible, delay }
    }
}

/// Entries that wait for nine others.
pub(super) struct Buffer {
    pub(super) action: Action,
    entries: Vec<Entry>,
    pub(super) deadline: Option<Instant>,
}

impl Buffer {
    pub(super) const fn new(action: Action) -> Self {
        Self { action, entries: Vec::new(), deadline: None }
    }

    pub(super) fn push(&mut self, entry: Entry, linger: Duration) {
        self.entries.push(entry);
        self.deadline = self.deadline.or_else(|| Some(Instant::now() + linger));
    }

    /// The next batch: full, or due, or whatever there is when nothing more is coming.
    pub(super) fn pop(&mut self, now: Instant, closing: bool) -> Option<Vec<Entry>> {
        let due = closing || self.deadline.is_some_and(|deadline| deadline <= now);
        if self.entries.len() < BATCH && !due {
            return None;
        }
        let rest = self.entries.split_off(BATCH.min(self.entries.len()));
        let batch = std::mem::replace(&mut self.entries, rest);
        if self.entries.is_empty() {
            self.deadline = None;
        }
        (!batch.is_empty()).then_some(batch)
    }
}

impl Action {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::MakeVisible => "make_visible",
        }
    }
}
