//! Receipts that are decided over and wait for nine others, so that one call settles ten.

use std::time::Duration;

use tokio::time::Instant;

use super::BATCH;
use crate::delivery::Delivery;
use crate::outcome::Outcome;
use crate::stats::Operation;

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
    pub(super) const fn operation(self) -> Operation {
        match self {
            Self::Delete => Operation::Delete,
            Self::MakeVisible => Operation::MakeVisible,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.operation().name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixture::{self, NoQueue, NoTable};

    const LINGER: Duration = Duration::from_millis(50);

    async fn buffer(entries: usize) -> Buffer {
        let shared = fixture::shared(NoQueue, NoTable, fixture::settings());
        let mut buffer = Buffer::new(Action::Delete);
        for nth in 0..entries {
            let delivery = fixture::delivery(&shared, &nth, LINGER).await;
            buffer.push(Entry::delete(delivery, Outcome::Created), LINGER);
        }
        buffer
    }

    fn names(batch: Option<Vec<Entry>>) -> Vec<String> {
        batch.unwrap_or_default().into_iter().map(|entry| entry.delivery.message.id).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn ten_go_at_once_in_order_and_the_rest_keeps_its_time() {
        let (now, mut buffer) = (Instant::now(), buffer(12).await);
        assert_eq!(names(buffer.pop(now, false)), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert!(buffer.pop(now, false).is_none());
        assert_eq!(buffer.deadline, Some(now + LINGER), "nobody looks at the rest again");
        assert!(buffer.pop(now + LINGER - Duration::from_nanos(1), false).is_none());
        assert_eq!(names(buffer.pop(now + LINGER, false)), ["10", "11"]);
        assert_eq!((buffer.deadline, buffer.pop(now + LINGER, false).is_none()), (None, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_waits_for_nobody_and_nine_do() {
        let now = Instant::now();
        assert!(buffer(9).await.pop(now, false).is_none());
        assert_eq!(names(buffer(10).await.pop(now, false)).len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn when_nothing_more_is_coming_nothing_is_kept() {
        let (now, mut buffer) = (Instant::now(), buffer(11).await);
        assert_eq!(names(buffer.pop(now, true)).len(), 10);
        assert_eq!(names(buffer.pop(now, true)), ["10"]);
        assert!(buffer.pop(now, true).is_none());
    }
}
