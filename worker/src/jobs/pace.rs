//! So many a second, evenly. For quotas that are shared with the live application.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A pace. Time that was not used is not saved up.
#[derive(Debug)]
pub struct Pace {
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// `rate` a second; without one, as fast as it goes.
    pub fn new(rate: Option<f64>) -> Self {
        let interval = rate.filter(|rate| *rate > 0.0).map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { interval, next: Instant::now() }
    }

    /// Waits until `count` more may go.
    pub async fn wait(&mut self, count: u32) {
        let Some(interval) = self.interval else { return };
        let now = Instant::now();
        let start = self.next.max(now);
        self.next = start + interval * count;
        sleep_until(start).await;
    }

    /// Nothing goes for this long: the service asked for less.
    pub fn pause(&mut self, duration: Duration) {
        self.next = self.next.max(Instant::now() + duration);
        if self.interval.is_none() {
            self.interval = Some(Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn goes_at_its_pace_and_saves_nothing_up() {
        let begun = Instant::now();
        let mut pace = Pace::new(Some(5.0));
        for _ in 0..11 {
            pace.wait(1).await;
        }
        assert_eq!(begun.elapsed().as_millis(), 2000);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begun = Instant::now();
        for _ in 0..6 {
            pace.wait(1).await;
        }
        assert_eq!(begun.elapsed().as_millis(), 1000);
        pace.wait(10).await;
        pace.wait(1).await;
        assert_eq!(begun.elapsed().as_millis(), 1200 + 2000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_even_without_a_pace() {
        let begun = Instant::now();
        for mut pace in [Pace::new(None), Pace::new(Some(1000.0))] {
            pace.wait(1).await;
            pace.pause(Duration::from_secs(3));
            pace.wait(1).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 6);
    }
}
