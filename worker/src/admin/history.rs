//! The last ten minutes, a sample a second: what the charts of the status page are drawn from. Pure: the feed tells it
//! the time and the numbers. Holds numbers only, in a ring that does not grow.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::stats::Snapshot;

/// Ten minutes of seconds.
pub(super) const MOST: usize = 600;

/// Over which the rate is taken: short enough to move, long enough to be read.
const RATE: Duration = Duration::from_secs(10);

/// What "lately" means in the headline.
const LATELY: Duration = Duration::from_secs(60);

/// One moment of the charts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Point {
    /// Milliseconds since the page's clock began.
    pub t: u64,
    /// Profiles made a second.
    pub rate: f64,
    /// Confirmation to profile in milliseconds, of the last minute.
    pub p99: Option<u64>,
    /// Messages in hand.
    pub in_flight: u64,
    /// How many may be.
    pub permits: usize,
    /// Messages visible in the queue.
    pub waiting: Option<u64>,
    /// Whether nothing is asked for.
    pub open: bool,
}

/// What the last minute brought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Lately {
    /// Profiles made a second, just now.
    pub rate: f64,
    /// Profiles made within the minute.
    pub created: u64,
    /// Deliveries within the minute whose profiles were there.
    pub repeated: u64,
}

/// The ring.
#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<Sample>,
}

#[derive(Debug)]
struct Sample {
    point: Point,
    created: u64,
    repeated: u64,
}

impl History {
    /// One more sample, `since_start` by the page's clock, which never goes back.
    pub(super) fn push(&mut self, since_start: Duration, snapshot: &Snapshot) {
        let count = |name| snapshot.outcomes.get(name).copied().unwrap_or_default();
        let created = count("created");
        let rate = self.before(since_start, RATE).map_or(0.0, |earlier| {
            let ms = millis(since_start).saturating_sub(earlier.point.t).max(1);
            per_second(created.saturating_sub(earlier.created), ms)
        });
        let point = Point {
            t: millis(since_start),
            rate,
            p99: snapshot.confirmation_to_profile_last_minute_ms.map(|latency| latency.p99),
            in_flight: snapshot.in_flight,
            permits: snapshot.effective_permits,
            waiting: snapshot.queue.map(|depth| depth.visible),
            open: snapshot.breaker_open || !snapshot.ready,
        };
        if self.samples.len() == MOST {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { point, created, repeated: count("already_present") });
    }

    /// Everything there is, the oldest first.
    pub(super) fn points(&self) -> impl Iterator<Item = &Point> {
        self.samples.iter().map(|sample| &sample.point)
    }

    /// The newest.
    pub(super) fn last(&self) -> Option<&Point> {
        self.samples.back().map(|sample| &sample.point)
    }

    /// The last minute, up to the newest sample.
    pub(super) fn lately(&self) -> Lately {
        let Some(newest) = self.samples.back() else { return Lately::default() };
        let Some(earlier) = self.before(Duration::from_millis(newest.point.t), LATELY) else {
            return Lately::default();
        };
        Lately {
            rate: newest.point.rate,
            created: newest.created.saturating_sub(earlier.created),
            repeated: newest.repeated.saturating_sub(earlier.repeated),
        }
    }

    /// The oldest sample that is no older than `span`.
    fn before(&self, now: Duration, span: Duration) -> Option<&Sample> {
        let from = millis(now.saturating_sub(span));
        self.samples.get(self.samples.partition_point(|sample| sample.point.t < from))
    }
}

/// To one decimal: nobody reads more, and it is sent to every listener.
#[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn per_second(count: u64, ms: u64) -> f64 {
    (count as f64 * 10_000.0 / ms as f64).round() / 10.0
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::stats::Stats;

    fn snapshot(created: u64, repeated: u64) -> Snapshot {
        let mut snapshot = Stats::default().snapshot(Instant::now());
        snapshot.outcomes.insert("created", created);
        snapshot.outcomes.insert("already_present", repeated);
        snapshot
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn ten_minutes_are_kept_and_no_more_the_oldest_first() {
        let mut history = History::default();
        for second in 0..MOST as u64 + 50 {
            history.push(seconds(second), &snapshot(second, 0));
        }
        let times: Vec<_> = history.points().map(|point| point.t).collect();
        assert_eq!(times.len(), MOST);
        assert_eq!((times[0], times[MOST - 1]), (50_000, 649_000));
        assert!(times.is_sorted());
        assert_eq!(history.last().unwrap().t, 649_000);
    }

    #[test]
    fn the_rate_is_of_the_last_ten_seconds_and_a_pause_ends_it() {
        let mut history = History::default();
        history.push(seconds(0), &snapshot(1000, 0));
        assert_eq!(history.last().unwrap().rate.to_bits(), 0.0_f64.to_bits(), "one sample is no rate");
        for second in 1..=20 {
            history.push(seconds(second), &snapshot(1000 + 38 * second, 0));
        }
        assert_eq!(history.last().unwrap().rate.to_bits(), 38.0_f64.to_bits());
        for second in 21..=31 {
            history.push(seconds(second), &snapshot(1760, 0));
        }
        assert_eq!(history.last().unwrap().rate.to_bits(), 0.0_f64.to_bits());
        assert_eq!(history.lately(), Lately { rate: 0.0, created: 760, repeated: 0 });
    }

    #[test]
    fn what_was_a_minute_ago_is_not_lately() {
        let mut history = History::default();
        assert_eq!(history.lately(), Lately::default());
        history.push(seconds(0), &snapshot(0, 0));
        history.push(seconds(1), &snapshot(5, 7));
        assert_eq!((history.lately().created, history.lately().repeated), (5, 7));
        history.push(seconds(60), &snapshot(5, 9));
        assert_eq!((history.lately().created, history.lately().repeated), (5, 9));
        history.push(seconds(61), &snapshot(5, 9));
        assert_eq!((history.lately().created, history.lately().repeated), (0, 2));
    }

    #[test]
    fn a_counter_that_went_back_is_no_rate_below_zero() {
        let mut history = History::default();
        history.push(seconds(0), &snapshot(10, 10));
        history.push(seconds(1), &snapshot(3, 3));
        assert_eq!(history.lately(), Lately::default());
    }

    #[test]
    fn a_point_says_when_nothing_is_asked_for() {
        let stats = Stats::default();
        let mut history = History::default();
        let mut open_at = |second, stats: &Stats| {
            history.push(seconds(second), &stats.snapshot(Instant::now()));
            history.last().unwrap().open
        };
        assert!(open_at(0, &stats), "not ready yet");
        stats.set_ready();
        assert!(!open_at(1, &stats));
        stats.set_breaker_open(true);
        assert!(open_at(2, &stats));
    }
}
