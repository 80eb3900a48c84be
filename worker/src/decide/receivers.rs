//! How many polls may be in the air, and when may the next begin? One long poll waits while nothing
//! comes; more join while receives come back full; between the two, a short pause lets messages gather
//! in the queue, where waiting costs nothing, so that one receive brings ten.
//!
//! Must never pause for longer than the linger, nor poll an empty queue in a tight loop.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Policy;

/// What one receive brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// An error.
    Failed,
    /// So many messages of those asked for.
    Brought {
        /// What came.
        messages: usize,
        /// What was asked for.
        asked: usize,
    },
}

/// The receivers of one queue.
#[derive(Debug, Clone)]
pub struct Receivers {
    most: usize,
    linger: Duration,
    wait_time: Duration,
    wanted: usize,
    in_the_air: usize,
    pause: Duration,
    not_before: Option<Instant>,
    full_in_a_row: u32,
    failures: u32,
    /// When the last failure came that was counted.
    failed: Option<Instant>,
    /// When messages came last.
    brought: Option<Instant>,
}

/// After a failed receive. The SDK does not retry receives: this owns them.
const AFTER_FAILURE: Policy = Policy {
    initial_interval: Duration::from_millis(200),
    multiplier: 2.0,
    max_interval: Duration::from_secs(20),
    max_elapsed_time: None,
};

/// The pause reaches the linger in so many receives that did not come back full.
const STEPS: u32 = 16;

/// What a pause shrinks by when a second receive in a row comes back full. Gentler than [`STEPS`] are
/// steep, so that at a trickle most receives come back nearly full (a test below counts them).
const SHORTER: f64 = 0.85;

/// So many full receives in a row are a backlog: no more pauses, and more receivers.
const BACKLOG: u32 = 4;

/// Between two polls that find nothing, where polls do not wait.
const SHORT_POLLS: Duration = Duration::from_millis(100);

impl Receivers {
    /// At most `most` at once, pausing for at most `linger`; each poll waits `wait_time`.
    pub fn new(most: usize, linger: Duration, wait_time: Duration) -> Self {
        Self {
            most: most.max(1),
            linger,
            wait_time,
            wanted: 1,
            in_the_air: 0,
            pause: Duration::ZERO,
            not_before: None,
            full_in_a_row: 0,
            failures: 0,
            failed: None,
            brought: None,
        }
    }

    /// Whether one more poll is wanted, of the `allowed` there may be.
    pub fn wants_another(&self, allowed: usize) -> bool {
        self.in_the_air < self.wanted.min(allowed.max(1))
    }

    /// When the next poll may begin; `None` for now.
    pub fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// Polls that wait for an answer.
    pub fn in_the_air(&self) -> usize {
        self.in_the_air
    }

    /// Failed receives since the last that was answered.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// A poll begins.
    pub fn on_poll(&mut self) {
        self.in_the_air += 1;
    }

    /// A poll ended that began at `asked_at`; there is `room` for another hand of messages, or there is
    /// not and more receivers would only wait for it. Tells whether more messages are to be expected
    /// within the linger, so that a batch should wait for them.
    pub fn on_answer(
        &mut self,
        now: Instant,
        asked_at: Instant,
        answer: Answer,
        room: bool,
        chance: f64,
    ) -> bool {
        self.in_the_air = self.in_the_air.saturating_sub(1);
        self.not_before = None;
        let Answer::Brought { messages, asked } = answer else {
            // Polls that were in the air together fail together, and are one failure.
            if self.failed.is_none_or(|failed| asked_at >= failed) {
                self.failures = self.failures.saturating_add(1);
                self.failed = Some(now);
            }
            self.full_in_a_row = 0;
            self.wanted = 1;
            self.not_before = Some(now + AFTER_FAILURE.delay(self.failures, chance));
            return false;
        };
        self.failures = 0;
        if messages == 0 {
            self.full_in_a_row = 0;
            self.wanted = 1;
            self.pause = Duration::ZERO;
            // An empty answer long before its time: short polls, or SQS's quota of messages in flight.
            if now.saturating_duration_since(asked_at) < self.wait_time / 2 || self.wait_time.is_zero() {
                self.not_before = Some(now + self.linger.max(SHORT_POLLS));
            }
            return false;
        }
        let steady = self.brought.replace(now).is_some_and(|before| now <= before + 2 * self.linger);
        if messages >= asked {
            self.full_in_a_row = self.full_in_a_row.saturating_add(1);
            if self.full_in_a_row >= BACKLOG && room {
                self.wanted = (self.wanted + 1).min(self.most);
            }
            if self.full_in_a_row > 1 {
                self.pause = self.pause.mul_f64(SHORTER);
            }
        } else {
            self.full_in_a_row = 0;
            if self.wanted == 1 {
                self.pause = (self.pause + self.linger / STEPS).min(self.linger);
            } else if messages < asked.div_ceil(2) {
                // SQS may bring a little less than there is, so only a half-empty hand says that it is
                // the last.
                self.wanted -= 1;
            }
        }
        if !self.pause.is_zero() && self.full_in_a_row < BACKLOG {
            self.not_before = Some(now + self.pause);
        }
        messages >= asked || self.in_the_air > 0 || steady
    }
}

#[cfg(test)]
mod tests;
