//! What a test lets go wrong. Everything is off at first; nothing here waits unless it is asked to.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::locked;
use super::protocol::{ApiError, Fault};

/// The switches. They act from the next call on, and count from when they are set.
#[derive(Default)]
pub struct Trouble(Mutex<Set>);

#[derive(Default)]
struct Set {
    throttle_every: Option<(u64, u64)>,
    deny_after: Option<u64>,
    rate: Option<Bucket>,
    delay: Option<Duration>,
    page_sizes: Vec<usize>,
}

/// As many calls as fit into one second may come at once; more come in as time goes by.
struct Bucket {
    per_second: f64,
    level: f64,
    filled_at: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.filled_at).as_secs_f64() * self.per_second;
        self.level = (self.level + gained).min(self.per_second.max(1.0));
        self.filled_at = now;
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

impl Trouble {
    /// Every n-th call is answered with TooManyRequestsException; 0 ends it.
    pub fn throttle_every(&self, n: u64) {
        locked(&self.0).throttle_every = (n > 0).then_some((n, 0));
    }

    /// So many calls succeed, then all are answered with AccessDeniedException.
    pub fn deny_after(&self, calls: u64) {
        locked(&self.0).deny_after = Some(calls);
    }

    /// Ends that.
    pub fn allow(&self) {
        locked(&self.0).deny_after = None;
    }

    /// What is above so many calls a second is answered with TooManyRequestsException. `None` ends it.
    pub fn limit_rate(&self, per_second: Option<f64>) {
        let bucket =
            |per_second: f64| Bucket { per_second, level: per_second.max(1.0), filled_at: Instant::now() };
        locked(&self.0).rate = per_second.map(bucket);
    }

    /// Every answer takes this much longer.
    pub fn delay(&self, by: Duration) {
        locked(&self.0).delay = Some(by).filter(|by| !by.is_zero());
    }

    /// The pages of each ListUsers hold so many users at most, again and again from the first of these numbers. Cognito
    /// promises no more: "You can receive multiple pages in a row with zero results". None at all ends it, and so
    /// do numbers that are all 0: nobody would come to an end.
    pub fn page_sizes(&self, sizes: &[usize]) {
        let some = sizes.iter().any(|size| *size > 0);
        locked(&self.0).page_sizes = if some { sizes.to_vec() } else { Vec::new() };
    }

    /// How many users the page of this number holds at most.
    pub(crate) fn page_size(&self, number: usize) -> Option<usize> {
        let sizes = &locked(&self.0).page_sizes;
        number.checked_rem(sizes.len()).and_then(|at| sizes.get(at).copied())
    }

    /// One call meets what is set.
    pub(crate) async fn meet(&self, operation: &str) -> Result<(), ApiError> {
        let delay = locked(&self.0).delay;
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let mut set = locked(&self.0);
        if let Some(left) = &mut set.deny_after {
            if *left == 0 {
                let message = format!("User: local is not authorized to perform: cognito-idp:{operation}");
                return Err(Fault::AccessDenied.because(message));
            }
            *left -= 1;
        }
        let too_many = || Err(Fault::TooManyRequests.because("Rate exceeded"));
        if let Some((every, count)) = &mut set.throttle_every {
            *count += 1;
            if *count % *every == 0 {
                return too_many();
            }
        }
        let in_time = set.rate.as_mut().is_none_or(|bucket| bucket.take(Instant::now()));
        if in_time { Ok(()) } else { too_many() }
    }
}
