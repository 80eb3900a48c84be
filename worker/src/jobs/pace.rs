//! So many a second, evenly. For quotas that are shared with the live application.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::config::Problem;

/// Reads a rate from what was written for `flag`.
///
/// # Errors
/// What is wrong with it; the value itself is not repeated.
pub fn per_second(flag: &str, text: &str, most: f64) -> Result<f64, Problem> {
    match text.trim().parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= most => Ok(rate),
        _ => Err(Problem::new(
            flag,
            format!("is not a number above 0 and up to {most}"),
            "write how many a second, such as 5 or 0.5",
        )),
    }
}

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

    #[test]
    fn a_rate_is_a_number_above_nothing() {
        assert_eq!(per_second("--rate", " 0.5 ", 1000.0), Ok(0.5));
        for bad in ["", "0", "-1", "NaN", "inf", "1001", "five", "1e400"] {
            let problem = per_second("--rate", bad, 1000.0).unwrap_err();
            assert_eq!(problem.variable, "--rate", "{bad}");
        }
    }

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
