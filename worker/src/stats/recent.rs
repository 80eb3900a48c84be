//! The last minute in windows of ten seconds, which are used in turn. Without locks: who reads while a window
//! begins anew may miss a little of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A minute, and one window in which nothing is read any more while it begins anew.
pub(super) const WINDOWS: usize = 7;

const WINDOW: u64 = 10;
const MINUTE: u64 = 60 / WINDOW;

/// Which ten seconds since the start a window is about, counted from one; 0 for none.
#[derive(Default)]
pub(super) struct Turn(AtomicU64);

impl Turn {
    fn number(uptime: Duration) -> u64 {
        uptime.as_secs() / WINDOW + 1
    }

    /// Which window's turn it is.
    #[allow(clippy::cast_possible_truncation, reason = "a remainder of WINDOWS")]
    pub(super) fn place(uptime: Duration) -> usize {
        (Self::number(uptime) % WINDOWS as u64) as usize
    }

    /// Whether the window begins its turn with this call: for one caller, once.
    pub(super) fn begin(&self, uptime: Duration) -> bool {
        let (now, before) = (Self::number(uptime), self.0.load(Ordering::Relaxed));
        before < now && self.0.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether the window is of the last minute.
    pub(super) fn is_fresh(&self, uptime: Duration) -> bool {
        let turn = self.0.load(Ordering::Relaxed);
        turn > 0 && Self::number(uptime).saturating_sub(turn) < MINUTE
    }
}

/// The largest value of the last minute.
#[derive(Default)]
pub(super) struct Largest([(Turn, AtomicU64); WINDOWS]);

impl Largest {
    /// One more value.
    pub(super) fn add(&self, uptime: Duration, value: u64) {
        if let Some((turn, largest)) = self.0.get(Turn::place(uptime)) {
            if turn.begin(uptime) {
                largest.store(value, Ordering::Relaxed);
            } else {
                largest.fetch_max(value, Ordering::Relaxed);
            }
        }
    }

    /// The largest; `None` without any.
    pub(super) fn of_the_last_minute(&self, uptime: Duration) -> Option<u64> {
        let fresh = self.0.iter().filter(|(turn, _)| turn.is_fresh(uptime));
        fresh.map(|(_, largest)| largest.load(Ordering::Relaxed)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_that_of_the_last_minute() {
        let (largest, second) = (Largest::default(), Duration::from_secs(1));
        assert_eq!(largest.of_the_last_minute(second), None);
        largest.add(second, 7);
        largest.add(2 * second, 5);
        largest.add(35 * second, 6);
        assert_eq!(largest.of_the_last_minute(40 * second), Some(7));
        assert_eq!(largest.of_the_last_minute(65 * second), Some(6));
        assert_eq!(largest.of_the_last_minute(120 * second), None);
        largest.add(71 * second, 1);
        assert_eq!(largest.of_the_last_minute(75 * second), Some(6), "the window of 71 s began anew");
    }
}
