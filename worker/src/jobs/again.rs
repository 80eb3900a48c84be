//! A call that is made again while there is hope, and later each time. For the calls of the jobs whose clients make
//! no retries of their own.

use std::time::Duration;

use tokio::time::sleep;

use super::JobError;
use crate::decide::backoff::Policy;
use crate::ports::{CallError, ErrorClass};
use crate::telemetry::events;

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(250),
    multiplier: 2.0,
    max_interval: Duration::from_secs(15),
    max_elapsed_time: None,
};

/// Asked so often: some two minutes.
pub const ATTEMPTS: u32 = 12;

/// One call, asked as often as it takes.
#[derive(Debug)]
pub struct Again {
    action: &'static str,
    failures: u32,
}

impl Again {
    /// Before the first time.
    pub fn new(action: &'static str) -> Self {
        Self { action, failures: 0 }
    }

    /// Waits until it is time to ask again.
    ///
    /// # Errors
    /// This failure, where asking again has no chance (permission, a table that is not there), or has been tried
    /// long enough.
    pub async fn after(&mut self, error: CallError) -> Result<(), JobError> {
        self.failures += 1;
        let hopeless = !matches!(error.class, ErrorClass::Throttled | ErrorClass::Unavailable);
        if hopeless || self.failures == ATTEMPTS {
            return Err(JobError::call(self.action, error));
        }
        let delay = RETRY.delay(self.failures, fastrand::f64());
        events::job_retries(self.action, &error, delay);
        sleep(delay).await;
        Ok(())
    }
}
