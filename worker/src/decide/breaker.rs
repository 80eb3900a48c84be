//! Stops asking for messages while the table cannot take them. A message received during an outage
//! comes to nothing and costs one of its receives; left in the queue it costs nothing, where waiting is
//! free.
//!
//! Opens on failures of calls, never of one item: only when several fail in a row without one answer
//! between them. It closes by itself, through one message at a time.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Policy;

/// May the receiver poll?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// For as many as there are permits.
    Full,
    /// For one message, to find out.
    Probe,
    /// Not before this moment.
    NotBefore(Instant),
}

/// The state of the table, as far as the writes have shown it.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    probe_patience: Duration,
    epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        failed_probes: u32,
    },
    /// A probe is on its way. Should its message end without a write, the next may go after `until`.
    Probing {
        until: Instant,
        failed_probes: u32,
    },
}

/// The first probe comes soon, for the outage of seconds; the last ones are so rare that a message
/// which is alone in the queue survives half a day on fewer than 100 receives.
const PROBES: Policy = Policy {
    initial_interval: Duration::from_secs(1),
    multiplier: 2.0,
    max_interval: Duration::from_secs(900),
    max_elapsed_time: None,
};

/// Spread over the upper quarter only: the intervals bound the receives an outage may cost.
fn interval(nth: u32, chance: f64) -> Duration {
    PROBES.delay(nth, 0.5 + chance / 2.0)
}

impl Breaker {
    /// So many failed calls in a row are an outage.
    pub const LIMIT: u32 = 5;

    /// A closed breaker. `probe_patience` is how long a probe may take from its poll to its write.
    pub fn new(probe_patience: Duration) -> Self {
        Self { state: State::Closed { failures: 0 }, probe_patience, epoch: 0 }
    }

    /// The table answered, whatever it said of the item. Tells whether this closed the breaker.
    pub fn on_answer(&mut self) -> bool {
        let was_open = self.is_open();
        self.state = State::Closed { failures: 0 };
        was_open
    }

    /// Counts the probes. To be read before a call, so that its failure can be told from a probe's.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A call failed that was begun in `epoch`. Tells whether this opened the breaker.
    pub fn on_failure(&mut self, now: Instant, epoch: u64, chance: f64) -> bool {
        match self.state {
            State::Closed { failures } if failures + 1 < Self::LIMIT => {
                self.state = State::Closed { failures: failures + 1 };
                false
            }
            State::Closed { .. } => {
                self.state = State::Open { until: now + interval(1, chance), failed_probes: 0 };
                true
            }
            // What was in the air when it opened fails as well; that says nothing new, nor of the probe.
            State::Open { .. } => false,
            State::Probing { .. } if epoch != self.epoch => false,
            State::Probing { failed_probes, .. } => {
                let failed_probes = failed_probes.saturating_add(1);
                let until = now + interval(failed_probes.saturating_add(1), chance);
                self.state = State::Open { until, failed_probes };
                false
            }
        }
    }

    /// Asked before every poll.
    pub fn poll(&mut self, now: Instant) -> Poll {
        match self.state {
            State::Closed { .. } => Poll::Full,
            State::Open { until, .. } | State::Probing { until, .. } if now < until => Poll::NotBefore(until),
            State::Open { failed_probes, .. } | State::Probing { failed_probes, .. } => {
                self.epoch += 1;
                self.state = State::Probing { until: now + self.probe_patience, failed_probes };
                Poll::Probe
            }
        }
    }

    /// The probe found no message to try: the next may go at once, an empty poll costs nobody a receive.
    pub fn on_empty_probe(&mut self, now: Instant) {
        if let State::Probing { failed_probes, .. } = self.state {
            self.state = State::Open { until: now, failed_probes };
        }
    }

    /// Whether writes are known to fail. A write that would only join them goes back to the queue.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// Whether nothing is to be tried: open, and no probe on its way.
    pub fn holds_back(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(PATIENCE);
        for failure in 1..=Breaker::LIMIT {
            assert_eq!(breaker.on_failure(now, 0, 1.0), failure == Breaker::LIMIT);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_between_answers_are_items_and_failures_in_a_row_are_an_outage() {
        let now = Instant::now();
        let mut breaker = Breaker::new(PATIENCE);
        for _ in 0..100 {
            for _ in 1..Breaker::LIMIT {
                assert!(!breaker.on_failure(now, 0, 0.5));
            }
            assert!(!breaker.on_answer());
        }
        assert_eq!(breaker.poll(now), Poll::Full);
        assert!(matches!(opened(now).poll(now), Poll::NotBefore(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn it_probes_with_one_message_and_closes_on_an_answer() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let Poll::NotBefore(probe) = breaker.poll(now) else { panic!("polls while open") };
        assert!(breaker.holds_back());
        assert_eq!(breaker.poll(probe), Poll::Probe);
        assert!(!breaker.holds_back(), "the probe itself must be tried");
        assert_eq!(breaker.poll(probe), Poll::NotBefore(probe + PATIENCE), "two probes at once");
        assert!(breaker.on_answer());
        assert_eq!(breaker.poll(probe), Poll::Full);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_a_message_costs_nothing_and_one_that_vanishes_is_replaced() {
        let now = Instant::now() + Duration::from_secs(10);
        let mut breaker = opened(now - Duration::from_secs(10));
        assert_eq!(breaker.poll(now), Poll::Probe);
        breaker.on_empty_probe(now);
        assert_eq!(breaker.poll(now), Poll::Probe);
        assert_eq!(breaker.poll(now + PATIENCE), Poll::Probe);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_from_before_the_outage_does_not_fail_the_probe() {
        let now = Instant::now() + Duration::from_secs(10);
        let mut breaker = opened(now - Duration::from_secs(10));
        let before = breaker.epoch();
        assert_eq!(breaker.poll(now), Poll::Probe);
        breaker.on_failure(now, before, 0.5);
        assert!(!breaker.holds_back(), "the probe would be turned away untried");
        breaker.on_failure(now, breaker.epoch(), 0.5);
        assert!(breaker.holds_back());
    }

    /// 13 hours, past SQS's cap of 12 on one receive: a queue with one message.
    #[tokio::test(start_paused = true)]
    async fn a_long_outage_spends_far_fewer_than_a_hundred_receives() {
        let begun = Instant::now();
        for chance in [0.0, 0.5, 1.0] {
            let (mut now, mut breaker, mut receives) = (begun, opened(begun), 1);
            while now < begun + Duration::from_secs(13 * 3600) {
                match breaker.poll(now) {
                    Poll::NotBefore(until) => now = until,
                    Poll::Probe => {
                        receives += 1;
                        breaker.on_failure(now, breaker.epoch(), chance);
                    }
                    Poll::Full => panic!("closed without an answer"),
                }
            }
            assert!(receives < 90, "{receives} receives at chance {chance}");
        }
    }

    proptest! {
        #[test]
        fn an_open_breaker_never_lets_a_full_poll_through_and_always_probes_again(
            steps in prop::collection::vec((0..4_u8, 0..2000_u64), 0..200),
        ) {
            let mut now = Instant::now();
            let mut breaker = Breaker::new(PATIENCE);
            for (step, seconds) in steps {
                now += Duration::from_secs(seconds);
                match step {
                    0 => drop(breaker.on_failure(now, breaker.epoch(), 0.5)),
                    1 => drop(breaker.on_answer()),
                    2 => breaker.on_empty_probe(now),
                    _ => {
                        let open = breaker.is_open();
                        match breaker.poll(now) {
                            Poll::Full => prop_assert!(!open),
                            Poll::Probe => prop_assert!(open && !breaker.holds_back()),
                            Poll::NotBefore(until) => prop_assert!(open && until > now && until <= now + Duration::from_secs(900)),
                        }
                    }
                }
            }
            prop_assert!(breaker.poll(now + Duration::from_secs(901)) != Poll::NotBefore(now));
        }
    }
}
