//! How often one and the same thing is said. In an outage it happens a thousand times a second; whoever reads the log
//! wants to hear it at once, then every second, and how often it was not said.

use std::time::Duration;

use tokio::time::Instant;

/// Said at once, before it is said by the second.
const BURST: u32 = 50;

/// Once a burst is used up.
const EVERY: Duration = Duration::from_secs(1);

/// One thing that may happen often.
#[derive(Debug)]
pub struct Repeats {
    left: u32,
    /// When one more may be said; the allowance grows by one each time.
    grows_at: Option<Instant>,
    unsaid: u64,
}

impl Repeats {
    /// It was never said.
    pub const fn new() -> Self {
        Self { left: BURST, grows_at: None, unsaid: 0 }
    }

    /// It happens. If it is to be said: how often it was not, since it was said last.
    pub fn on(&mut self, now: Instant) -> Option<u64> {
        if let Some(grows_at) = self.grows_at {
            let late = now.saturating_duration_since(grows_at);
            if now >= grows_at {
                let more = u32::try_from(late.as_secs() / EVERY.as_secs() + 1).unwrap_or(BURST);
                self.left = self.left.saturating_add(more).min(BURST);
                self.grows_at = Some(grows_at + EVERY * more.min(u32::MAX / 2));
            }
        } else {
            self.grows_at = Some(now + EVERY);
        }
        if self.left == 0 {
            self.unsaid += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

impl Default for Repeats {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_said_then_one_a_second_and_nothing_is_forgotten() {
        let (mut repeats, start) = (Repeats::new(), Instant::now());
        let mut said = 0;
        let mut unsaid = 0;
        for tenth in 0..600 {
            if let Some(before) = repeats.on(start + tenth * SECOND / 10) {
                said += 1;
                unsaid += before;
            }
        }
        // Fifty, and one for each second of the minute.
        assert_eq!(said, u64::from(BURST) + 59);
        assert_eq!(repeats.on(start + 60 * SECOND).map(|last| said + unsaid + last), Some(600));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_quiet_while_there_is_a_burst_again_and_no_more() {
        let (mut repeats, start) = (Repeats::new(), Instant::now());
        let in_a_row = |repeats: &mut Repeats, at| (0..1000).filter(|_| repeats.on(at).is_some()).count();
        assert_eq!(in_a_row(&mut repeats, start), BURST as usize);
        assert_eq!(in_a_row(&mut repeats, start + 3600 * SECOND), BURST as usize);
        assert_eq!(in_a_row(&mut repeats, start + 3605 * SECOND), 5);
        // A clock that stands earlier than it did says nothing new, and does not break.
        assert_eq!(in_a_row(&mut repeats, start), 0);
    }
}
