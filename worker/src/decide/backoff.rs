//! How long to wait before the next attempt. The policy names are those of the `backoff` crate, the
//! arithmetic is `backon`'s, its maintained successor (docs/adr/0002); this is the one file to change.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// An exponential back-off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// The delay after the first failure.
    pub initial_interval: Duration,
    /// What each further delay grows by.
    pub multiplier: f32,
    /// The longest delay.
    pub max_interval: Duration,
    /// How long to go on trying in all; `None` for ever.
    pub max_elapsed_time: Option<Duration>,
}

impl Policy {
    /// The delay after failure number `failures` (from 1). `chance` in 0..1 spreads it over the upper
    /// half of the interval, so that workers that failed together do not come back together.
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        let nth = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(64);
        let full = ExponentialBuilder::default()
            .with_min_delay(self.initial_interval)
            .with_factor(self.multiplier)
            .with_max_delay(self.max_interval)
            .without_max_times()
            .build()
            .nth(nth)
            .unwrap_or(self.max_interval);
        full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// Whether another attempt may start after `elapsed`.
    pub fn may_continue(&self, elapsed: Duration) -> bool {
        self.max_elapsed_time.is_none_or(|max| elapsed < max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: Policy = Policy {
        initial_interval: Duration::from_secs(1),
        multiplier: 2.0,
        max_interval: Duration::from_secs(900),
        max_elapsed_time: Some(Duration::from_secs(10)),
    };

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays: Vec<u64> = (1..=12).map(|n| POLICY.delay(n, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    }

    #[test]
    fn elapsed_time_ends_the_attempts() {
        assert!(POLICY.may_continue(Duration::from_secs(9)));
        assert!(!POLICY.may_continue(Duration::from_secs(10)));
        assert!(Policy { max_elapsed_time: None, ..POLICY }.may_continue(Duration::MAX));
    }

    proptest! {
        #[test]
        fn chance_never_leaves_the_upper_half(failures in any::<u32>(), chance in 0.0..1.0_f64) {
            let delay = POLICY.delay(failures, chance);
            let full = POLICY.delay(failures, 1.0);
            prop_assert!(delay >= full / 2 && delay <= full && full <= POLICY.max_interval);
        }
    }
}
