//! How long it took, as a distribution that every stage may add to and everybody may read, without a lock: since the
//! start, and over the last minute. Must not grow with what it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::recent::{Turn, WINDOWS};
use super::snapshot::Percentiles;

/// Values below this many milliseconds are told apart; above, as many steps make up each doubling, so that a
/// value is known to one in 128.
const EXACT: u64 = 256;
const STEPS: u64 = EXACT / 2;

/// The longest latency told apart: 2^27 ms, a day and a half.
const LONGEST_MS: u64 = (1 << 27) - 1;

const BUCKETS: usize = place(LONGEST_MS) + 1;

#[allow(clippy::cast_possible_truncation, reason = "below BUCKETS for what is at most LONGEST_MS")]
const fn place(ms: u64) -> usize {
    if ms < EXACT {
        return ms as usize;
    }
    let shift = (u64::BITS - ms.leading_zeros()) as u64 - EXACT.trailing_zeros() as u64;
    (EXACT + (shift - 1) * STEPS + ((ms >> shift) - STEPS)) as usize
}

/// The longest of those that share this place.
const fn longest_at(place: usize) -> u64 {
    let place = place as u64;
    if place < EXACT {
        return place;
    }
    let (shift, step) = ((place - EXACT) / STEPS + 1, (place - EXACT) % STEPS);
    ((STEPS + step + 1) << shift) - 1
}

struct Buckets(Box<[AtomicU64]>);

impl Buckets {
    fn new() -> Self {
        Self(std::iter::repeat_with(AtomicU64::default).take(BUCKETS).collect())
    }

    fn add(&self, ms: u64) {
        if let Some(bucket) = self.0.get(place(ms)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn clear(&self) {
        self.0.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
    }
}

/// The distribution.
pub(super) struct Latency {
    total: Buckets,
    longest: AtomicU64,
    windows: [(Turn, Buckets); WINDOWS],
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            total: Buckets::new(),
            longest: AtomicU64::new(0),
            windows: std::array::from_fn(|_| (Turn::default(), Buckets::new())),
        }
    }
}

impl Latency {
    /// One more, `uptime` after the start.
    pub(super) fn add(&self, uptime: Duration, latency: Duration) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX).min(LONGEST_MS);
        self.total.add(ms);
        self.longest.fetch_max(ms, Ordering::Relaxed);
        if let Some((turn, window)) = self.windows.get(Turn::place(uptime)) {
            // Who adds to a window while another clears it may be forgotten: a few in a minute.
            if turn.begin(uptime) {
                window.clear();
            }
            window.add(ms);
        }
    }

    /// Since the start; `None` before the first.
    pub(super) fn since_start(&self) -> Option<Percentiles> {
        percentiles(&[&self.total], Some(self.longest.load(Ordering::Relaxed)))
    }

    /// Since the start: each length in milliseconds that there was, at most one in 128 too long, and how often.
    pub(super) fn counts(&self) -> Vec<(u64, u64)> {
        let counts = self.total.0.iter().map(load).enumerate();
        counts.filter(|(_, count)| *count > 0).map(|(place, count)| (longest_at(place), count)).collect()
    }

    /// Over the last minute; `None` without any.
    pub(super) fn last_minute(&self, uptime: Duration) -> Option<Percentiles> {
        let fresh = self.windows.iter().filter(|(turn, _)| turn.is_fresh(uptime));
        percentiles(&fresh.map(|(_, window)| window).collect::<Vec<_>>(), None)
    }
}

fn percentiles(of: &[&Buckets], longest: Option<u64>) -> Option<Percentiles> {
    let counts: Vec<u64> = (0..BUCKETS)
        .map(|place| of.iter().filter_map(|buckets| buckets.0.get(place)).map(load).sum())
        .collect();
    let count: u64 = counts.iter().sum();
    let highest = counts.iter().rposition(|count| *count > 0).map(longest_at)?;
    let max = longest.map_or(highest, |longest| longest.min(highest));
    let at = |hundredths: u64| {
        let rank = (count * hundredths).div_ceil(100).max(1);
        let mut seen = 0;
        let reached = |count: &u64| {
            seen += count;
            seen >= rank
        };
        counts.iter().position(reached).map_or(max, longest_at).min(max)
    };
    Some(Percentiles { p50: at(50), p99: at(99), max, count })
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_follow_each_other_and_hold_what_is_within_one_in_128() {
        let mut last = None;
        for ms in (0..100_000).chain((100_000..LONGEST_MS).step_by(997)).chain([LONGEST_MS]) {
            let place = place(ms);
            assert!(last.is_none_or(|last| place >= last), "{ms}");
            let longest = longest_at(place);
            assert!(longest >= ms && (longest - ms) * 128 <= ms.max(1), "{ms} is told as {longest}");
            last = Some(place);
        }
        assert_eq!((place(LONGEST_MS), longest_at(BUCKETS - 1)), (BUCKETS - 1, LONGEST_MS));
    }

    proptest! {
        #[test]
        fn a_percentile_is_that_of_the_sorted_list(mut list in proptest::collection::vec(0..200_000_000_u64, 1..300)) {
            let latency = Latency::default();
            for ms in &list {
                latency.add(Duration::ZERO, Duration::from_millis(*ms));
            }
            list.sort_unstable();
            let exact = |hundredths: usize| list[(list.len() * hundredths).div_ceil(100).max(1) - 1].min(LONGEST_MS);
            let told = latency.since_start().unwrap();
            prop_assert_eq!((told.count, told.max), (list.len() as u64, exact(100)));
            for (told, exact) in [(told.p50, exact(50)), (told.p99, exact(99))] {
                prop_assert!(told >= exact && (told - exact) * 128 <= exact.max(1), "{} for {}", told, exact);
            }
        }
    }

    #[test]
    fn every_one_is_counted_at_its_length() {
        let latency = Latency::default();
        for ms in [0, 7, 7, 255, 60_000, 60_000] {
            latency.add(Duration::ZERO, Duration::from_millis(ms));
        }
        assert_eq!(latency.counts(), [(0, 1), (7, 2), (255, 1), (longest_at(place(60_000)), 2)]);
    }

    #[test]
    fn a_minute_forgets_and_the_start_does_not() {
        let (latency, second) = (Latency::default(), Duration::from_secs(1));
        latency.add(second, second);
        for (uptime, count) in [(2, Some(1)), (59, Some(1)), (60, None), (3600, None)] {
            assert_eq!(latency.last_minute(uptime * second).map(|told| told.count), count, "{uptime}");
        }
        // The same place of the ring again.
        latency.add(71 * second, second);
        assert_eq!(latency.last_minute(71 * second).map(|told| told.count), Some(1));
        assert_eq!(latency.since_start().map(|told| told.count), Some(2));
    }
}
