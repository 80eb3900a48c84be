//! How long deleted messages had been out: from the receive that handed out the deleting handle to its
//! deletion, seen from the server; and how old they were.
//!
//! Exists because no client can measure this of itself. Must stay bounded. Being out goes by real time only:
//! `advance` moves visibility, not durations; an age goes by the clock that `advance` moves.

use std::collections::VecDeque;
use std::time::Duration;

/// Older ones make room for newer ones; 48 bytes each.
const KEPT: usize = 1 << 20;

/// When one deleted message was out, counted from the start of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residence {
    /// The receive that handed out the handle by which it was deleted.
    pub received: Duration,
    /// Its deletion.
    pub deleted: Duration,
    /// Since it was sent, in whole milliseconds by the server's clock.
    pub age: Duration,
}

impl Residence {
    /// How long it was out.
    pub fn time(&self) -> Duration {
        self.deleted.saturating_sub(self.received)
    }
}

/// The latest residences, in the order of deletion.
#[derive(Default)]
pub(crate) struct Residences(VecDeque<Residence>);

impl Residences {
    pub(crate) fn record(&mut self, residence: Residence) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(residence);
    }

    pub(crate) fn all(&self) -> Vec<Residence> {
        self.0.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_no_more() {
        let mut residences = Residences::default();
        for second in 0..KEPT as u64 + 3 {
            let received = Duration::from_secs(second);
            residences.record(Residence {
                received,
                deleted: received + Duration::from_millis(40),
                age: Duration::ZERO,
            });
        }
        let all = residences.all();
        assert_eq!(all.len(), KEPT);
        assert_eq!(all[0].received, Duration::from_secs(3));
        assert!(all.iter().all(|residence| residence.time() == Duration::from_millis(40)));
    }
}
