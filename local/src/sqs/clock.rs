//! The server's one clock: real time plus whatever `advance` added.
//!
//! Exists so that tests and demos go through hours of back-off without sleeping. Must never go back,
//! and no other file of this module may read the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Milliseconds since the Unix epoch, on the server's clock. One unit for deadlines and for the
/// timestamps clients see, so that the two can never disagree.
pub(crate) type Millis = u64;

pub(crate) struct Clock {
    started: Instant,
    started_at: Millis,
    ahead: AtomicU64,
    /// Told when the clock jumps; who sleeps towards a moment of this clock listens.
    pub(crate) jumped: Notify,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started: Instant::now(),
            started_at: millis(since_epoch),
            ahead: AtomicU64::new(0),
            jumped: Notify::new(),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.started_at
            .saturating_add(millis(self.started.elapsed()))
            .saturating_add(self.ahead.load(Ordering::Acquire))
    }

    /// Real time since the server started, whatever `advance` added: what durations are made of.
    pub(crate) fn running(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(millis(by), Ordering::AcqRel);
        self.jumped.notify_waiters();
    }
}

pub(crate) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn seconds(seconds: u32) -> Millis {
    u64::from(seconds) * 1000
}
