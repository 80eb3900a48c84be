//! Sends confirmations to the queue in full batches, several at once. What SQS did not take is sent again:
//! a message that comes twice makes no second item. Must never count a message that SQS did not name as taken.

use std::time::Duration;

use domain::{Confirmation, envelope};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::JobError;
use super::pace::Pace;
use crate::aws::outbox::{MOST_BYTES, MOST_ENTRIES, Outbox};
use crate::decide::backoff::Policy;
use crate::ports::{CallError, ErrorClass};
use crate::telemetry::events;

const ACTION: &str = "sqs:SendMessage";

/// Batches in the air at most.
const AT_ONCE: usize = 16;

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(250),
    multiplier: 2.0,
    max_interval: Duration::from_secs(15),
    max_elapsed_time: None,
};

/// Asked again this often: some two minutes.
const ATTEMPTS: u32 = 12;

/// The way to the queue.
pub struct Sender {
    outbox: Outbox,
    pace: Pace,
    batch: Vec<String>,
    bytes: usize,
    flying: JoinSet<Result<u64, CallError>>,
    taken: u64,
}

impl Sender {
    /// At most `per_second` messages a second.
    pub fn new(outbox: Outbox, per_second: Option<f64>) -> Self {
        Self {
            outbox,
            pace: Pace::new(per_second),
            batch: Vec::new(),
            bytes: 0,
            flying: JoinSet::new(),
            taken: 0,
        }
    }

    /// Sends one, with others.
    ///
    /// # Errors
    /// A batch that SQS would not take. What was pushed since the last flush may or may not be there.
    pub async fn push(&mut self, confirmation: &Confirmation) -> Result<(), JobError> {
        self.push_body(envelope::write(confirmation)).await
    }

    /// Sends one body as it is, with others.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn push_body(&mut self, body: String) -> Result<(), JobError> {
        if self.bytes + body.len() > MOST_BYTES {
            self.send_off().await?;
        }
        self.bytes += body.len();
        self.batch.push(body);
        if self.batch.len() == MOST_ENTRIES { self.send_off().await } else { Ok(()) }
    }

    /// Waits until SQS has taken everything that was pushed. Answers how many it took since the beginning.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn flush(&mut self) -> Result<u64, JobError> {
        self.send_off().await?;
        while let Some(landed) = self.flying.join_next().await {
            self.landed(landed)?;
        }
        Ok(self.taken)
    }

    async fn send_off(&mut self) -> Result<(), JobError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.pace.wait(u32::try_from(self.batch.len()).unwrap_or(u32::MAX)).await;
        while self.flying.len() >= AT_ONCE {
            if let Some(landed) = self.flying.join_next().await {
                self.landed(landed)?;
            }
        }
        let (outbox, batch) = (self.outbox.clone(), std::mem::take(&mut self.batch));
        self.bytes = 0;
        self.flying.spawn(async move { until_taken(&outbox, batch).await });
        Ok(())
    }

    fn landed(
        &mut self,
        landed: Result<Result<u64, CallError>, tokio::task::JoinError>,
    ) -> Result<(), JobError> {
        let unfinished = |_| CallError::new(ErrorClass::Unavailable, "task_ended_early");
        match landed.map_err(unfinished).flatten() {
            Ok(taken) => {
                self.taken += taken;
                Ok(())
            }
            Err(error) => Err(JobError::call(ACTION, error)),
        }
    }
}

/// Sends until each is taken. What has no chance ends it: permission, the queue, the text itself.
async fn until_taken(outbox: &Outbox, mut batch: Vec<String>) -> Result<u64, CallError> {
    let all = u64::try_from(batch.len()).unwrap_or(u64::MAX);
    let mut failures = 0;
    loop {
        let error = match outbox.send(&batch).await {
            Ok(results) => {
                let mut left = Vec::new();
                let mut last = None;
                for (body, result) in batch.into_iter().zip(results) {
                    if let Err(error) = result {
                        left.push(body);
                        last = Some(error);
                    }
                }
                batch = left;
                match last {
                    None => return Ok(all),
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        failures += 1;
        let hopeless = !matches!(error.class, ErrorClass::Throttled | ErrorClass::Unavailable);
        if hopeless || failures == ATTEMPTS {
            return Err(error);
        }
        let delay = RETRY.delay(failures, fastrand::f64());
        events::job_retries(ACTION, &error, delay);
        sleep(delay).await;
    }
}
