//! The processor of one task. The worker runs on virtual time, in which thinking takes none, so what it would have
//! cost is added to its calls: an answer waits until the processor has dealt with the one before.
//!
//! The cost is fitted to two measurements of docs/performance.md, the same work in 241 calls and in 1,167 for 1,000
//! messages: 66.0 and 212 ms of one processor. That is 0.158 ms a call and 0.028 ms a message.

use std::time::Duration;

use tokio::time::Instant;

/// For each call.
pub const A_CALL: Duration = Duration::from_nanos(157_667);
/// For each message that is received, until it is deleted.
pub const A_MESSAGE: Duration = Duration::from_nanos(28_002);

/// One task's processor.
#[derive(Debug)]
pub struct Processor {
    /// Of one processor; nothing for one that takes no time.
    share: f64,
    free_at: Instant,
    busy: Duration,
}

impl Processor {
    /// One with so many vCPUs. With 0 it costs nothing.
    pub fn new(share: f64) -> Self {
        Self { share, free_at: Instant::now(), busy: Duration::ZERO }
    }

    /// An answer arrives now and brings so many messages: when the task has dealt with it.
    pub fn takes(&mut self, now: Instant, messages: usize) -> Instant {
        if self.share <= 0.0 {
            return now;
        }
        let cost = A_CALL + A_MESSAGE * u32::try_from(messages).unwrap_or(u32::MAX);
        self.busy += cost;
        self.free_at = self.free_at.max(now) + cost.div_f64(self.share);
        self.free_at
    }

    /// What it has cost so far, on one whole processor.
    pub fn busy(&self) -> Duration {
        self.busy
    }
}
