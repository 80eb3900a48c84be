//! Stops asking for messages while the table cannot take them, and finds out when it can again. A
//! message received during an outage comes to nothing and costs one of its receives; left in the queue
//! it costs nothing, where waiting is free.
//!
//! Opens on failures of calls, never of one item: only when several fail in a row without one answer
//! between them, or when the table refuses whatever it is given. It closes by itself, through a probe:
//! one write of the work that is held in hand. Only when nothing is held, or for long only one write, does
//! it let a poll through, for one message, and few of those.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Policy;

/// May this write begin?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// With everything.
    Pass,
    /// With one item, to find out.
    Probe,
    /// Not before this moment.
    NotBefore(Instant),
}

/// May the receiver poll?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// For as many as there are permits.
    Full,
    /// For one message, to find out with.
    Invite,
    /// Not before this moment, or before there is news.
    NotBefore(Instant),
}

/// The state of the table, as far as the writes have shown it.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    patience: Patience,
    epoch: u64,
    /// A poll for one message is in the air, until this moment at the latest.
    invited: Option<Instant>,
    /// The last two polls of this outage that brought a message to probe with.
    spent: [Option<Instant>; 2],
    /// How many of them there were.
    found: u32,
    opened: Option<Instant>,
    /// It was opened for refusals: another refusal says nothing new.
    tripped: bool,
}

/// How long the breaker waits for others.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a probe, from its turn to its answer.
    pub probe: Duration,
    /// For a poll, from its start until its message wants a turn.
    pub invite: Duration,
    /// For how long a message is held: in the long run two are received in that time.
    pub hold: Duration,
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
    /// A probe is on its way. Should it end without an answer, the next may go after `until`.
    Probing {
        until: Instant,
        failed_probes: u32,
    },
}

/// The first probe comes soon, for the outage of seconds. It costs one call and no receive, so the last
/// ones are half a minute apart, which is what an outage then lasts longer than itself.
const PROBES: Policy = Policy {
    initial_interval: Duration::from_secs(1),
    multiplier: 2.0,
    max_interval: Duration::from_secs(30),
    max_elapsed_time: None,
};

/// Two messages are received in this time, however short the time that one is held for.
const SHORTEST_HOLD: Duration = Duration::from_secs(900);

/// With nothing in hand nobody finds out that the outage is over. A second message is asked for at once,
/// more of them ever more rarely, in the end two in the time that one is held for.
fn empty_handed(found: u32) -> Duration {
    let nth = found.checked_sub(2);
    nth.map_or(Duration::ZERO, |nth| Duration::from_secs(30).saturating_mul(2_u32.saturating_pow(nth)))
}

/// After a poll that brought nothing to probe with; long polls take longer by themselves.
const AFTER_EMPTY: Duration = Duration::from_secs(1);

impl Breaker {
    /// So many failed calls in a row are an outage.
    pub const LIMIT: u32 = 5;

    /// A closed breaker.
    pub fn new(patience: Patience) -> Self {
        Self {
            state: State::Closed { failures: 0 },
            patience,
            epoch: 0,
            invited: None,
            spent: [None; 2],
            found: 0,
            opened: None,
            tripped: false,
        }
    }

    /// The table answered, whatever it said of the item. Tells whether this closed the breaker.
    pub fn on_answer(&mut self) -> bool {
        let was_open = self.is_open();
        self.state = State::Closed { failures: 0 };
        self.invited = None;
        self.tripped = false;
        // Of this outage. The next one has to be found over as well, be it within the hour.
        (self.spent, self.found) = ([None; 2], 0);
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
            State::Closed { .. } => self.open(now, chance),
            // What was in the air when it opened fails as well; that says nothing new, nor of the probe.
            State::Open { .. } => false,
            State::Probing { .. } if epoch != self.epoch => false,
            State::Probing { failed_probes, .. } => {
                let failed_probes = failed_probes.saturating_add(1);
                let until = now + PROBES.delay(failed_probes.saturating_add(1), chance);
                self.state = State::Open { until, failed_probes };
                false
            }
        }
    }

    /// A probe was refused: the table answers, which ends an outage; but where it was opened because
    /// everything is refused, that goes on. Tells whether this closed the breaker.
    pub fn on_refusal(&mut self, now: Instant, chance: f64) -> bool {
        if !self.tripped {
            return self.on_answer();
        }
        self.on_failure(now, self.epoch, chance);
        false
    }

    /// The table refuses whatever it is given: opens it at once. Tells whether it was closed.
    pub fn trip(&mut self, now: Instant, chance: f64) -> bool {
        self.tripped = true;
        self.open(now, chance)
    }

    fn open(&mut self, now: Instant, chance: f64) -> bool {
        if self.is_open() {
            return false;
        }
        self.state = State::Open { until: now + PROBES.delay(1, chance), failed_probes: 0 };
        self.opened = Some(now);
        true
    }

    /// Asked before every write, by whoever has waited longest.
    pub fn turn(&mut self, now: Instant) -> Turn {
        match self.state {
            State::Closed { .. } => Turn::Pass,
            State::Open { until, .. } | State::Probing { until, .. } if now < until => Turn::NotBefore(until),
            State::Open { failed_probes, .. } | State::Probing { failed_probes, .. } => {
                self.epoch += 1;
                self.state = State::Probing { until: now + self.patience.probe, failed_probes };
                Turn::Probe
            }
        }
    }

    /// Asked before every poll. `held` writes wait for their turn.
    pub fn poll(&mut self, now: Instant, held: usize) -> Poll {
        let until = match self.state {
            State::Closed { .. } => return Poll::Full,
            State::Probing { until, .. } if now < until => return Poll::NotBefore(until),
            State::Probing { failed_probes, .. } => {
                // The probe vanished: its lease was lost, say.
                self.state = State::Open { until: now, failed_probes };
                now
            }
            State::Open { until, .. } => until,
        };
        let window = self.patience.hold.max(SHORTEST_HOLD);
        let [before_last, last] = self.spent;
        let after = |spent: Option<Instant>, time| spent.map_or(now, |at: Instant| at + time);
        let not_before = match held {
            // What they brought has gone without an answer: its leases were lost, say.
            0 => until.max(after(last, empty_handed(self.found).min(window / 2))),
            // One that waits may be the one that always fails: after a while another is tried as well.
            1 => until.max(after(before_last, window)).max(after(last.max(self.opened), window / 2)),
            _ => now + window,
        };
        let not_before = not_before.max(self.invited.unwrap_or(now));
        if now < not_before {
            return Poll::NotBefore(not_before);
        }
        self.invited = Some(now + self.patience.invite);
        Poll::Invite
    }

    /// What the poll brought that [`Poll::Invite`] allowed: a message to probe with, or nothing.
    pub fn on_invited(&mut self, now: Instant, brought: bool) {
        self.invited = None;
        if brought {
            self.spent = [self.spent[1], Some(now)];
            self.found = self.found.saturating_add(1);
        } else if let State::Open { until, failed_probes } = self.state {
            self.state = State::Open { until: until.max(now + AFTER_EMPTY), failed_probes };
        }
    }

    /// Whether the table is known to fail.
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

    const HOUR: Duration = Duration::from_secs(3600);

    const PATIENCE: Patience =
        Patience { probe: Duration::from_secs(15), invite: Duration::from_secs(30), hold: HOUR };

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
        assert_eq!((breaker.poll(now, 0), breaker.turn(now)), (Poll::Full, Turn::Pass));
        let mut breaker = opened(now);
        assert!(matches!(breaker.poll(now, 0), Poll::NotBefore(_)));
        assert!(matches!(breaker.turn(now), Turn::NotBefore(_)));
        assert!(!breaker.trip(now, 0.5), "opened twice");
        assert!(breaker.on_answer() && breaker.trip(now, 0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_probe_ends_an_outage_but_not_the_refusing_of_everything() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let Turn::NotBefore(probe) = breaker.turn(now) else { panic!("writes while open") };
        assert_eq!(breaker.turn(probe), Turn::Probe);
        assert!(breaker.on_refusal(probe, 0.5) && !breaker.is_open());
        assert!(breaker.trip(probe, 0.5));
        let Turn::NotBefore(probe) = breaker.turn(probe) else { panic!("writes while open") };
        assert_eq!(breaker.turn(probe), Turn::Probe);
        assert!(!breaker.on_refusal(probe, 0.5) && breaker.is_open());
        assert!(matches!(breaker.turn(probe), Turn::NotBefore(next) if next > probe));
        // Whichever came first.
        let mut breaker = opened(now);
        assert!(!breaker.trip(now, 0.5) && !breaker.on_refusal(now, 0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn work_in_hand_probes_one_at_a_time_and_an_answer_closes_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let Turn::NotBefore(probe) = breaker.turn(now) else { panic!("writes while open") };
        assert!(breaker.holds_back());
        assert!(matches!(breaker.poll(probe, 7), Poll::NotBefore(_)), "received although work is in hand");
        assert_eq!(breaker.turn(probe), Turn::Probe);
        assert!(!breaker.holds_back(), "the probe itself must be tried");
        assert_eq!(breaker.turn(probe), Turn::NotBefore(probe + PATIENCE.probe), "two probes at once");
        assert!(matches!(breaker.poll(probe, 0), Poll::NotBefore(_)), "received while a probe is on its way");
        assert!(breaker.on_answer());
        assert_eq!((breaker.poll(probe, 0), breaker.turn(probe)), (Poll::Full, Turn::Pass));
    }

    #[tokio::test(start_paused = true)]
    async fn probes_that_fail_are_ever_further_apart_up_to_half_a_minute() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let Turn::NotBefore(at) = breaker.turn(now) else { panic!("probes at once") };
            waits.push((at - now).as_secs());
            now = at;
            assert_eq!(breaker.turn(now), Turn::Probe);
            breaker.on_failure(now, breaker.epoch(), 1.0);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_vanishes_is_replaced_and_a_write_from_before_does_not_fail_it() {
        let now = Instant::now() + Duration::from_secs(10);
        let mut breaker = opened(now - Duration::from_secs(10));
        let before = breaker.epoch();
        assert_eq!(breaker.turn(now), Turn::Probe);
        breaker.on_failure(now, before, 0.5);
        assert!(!breaker.holds_back(), "the probe would be turned away untried");
        assert_eq!(breaker.turn(now + PATIENCE.probe), Turn::Probe);
        assert_eq!(breaker.poll(now + 2 * PATIENCE.probe, 0), Poll::Invite, "waits for a probe that is gone");
        breaker.on_invited(now, false);
        assert_eq!(breaker.turn(now + 3 * PATIENCE.probe), Turn::Probe);
        breaker.on_failure(now, breaker.epoch(), 0.5);
        assert!(breaker.holds_back());
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_poll_is_repeated_and_one_that_brought_a_message_is_rare() {
        let mut now = Instant::now() + Duration::from_secs(10);
        let mut breaker = opened(now - Duration::from_secs(10));
        for _ in 0..100 {
            assert_eq!(breaker.poll(now, 0), Poll::Invite);
            assert!(matches!(breaker.poll(now, 0), Poll::NotBefore(_)), "two polls at once");
            breaker.on_invited(now, false);
            assert!(matches!(breaker.poll(now, 0), Poll::NotBefore(_)), "polls in a tight loop");
            now += AFTER_EMPTY;
        }
        for _ in 0..2 {
            assert_eq!(breaker.poll(now, 0), Poll::Invite);
            breaker.on_invited(now, true);
        }
        // Both are gone, and others are asked for ever more rarely.
        for pause in [30, 60, 120, 240, 480, 960, 1800, 1800, 1800] {
            let next = now + Duration::from_secs(pause);
            assert_eq!(breaker.poll(now, 0), Poll::NotBefore(next));
            now = next;
            assert_eq!(breaker.poll(now, 0), Poll::Invite);
            breaker.on_invited(now, true);
        }
        // One message waits and may be the one that always fails.
        assert_eq!(opened(now).poll(now + HOUR / 3, 1), Poll::NotBefore(now + HOUR / 2));
        assert_eq!(breaker.poll(now, 1), Poll::NotBefore(now + HOUR / 2));
        assert_eq!(breaker.poll(now + HOUR / 2, 1), Poll::Invite);
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_outage_spent_does_not_keep_the_next_one_from_being_found_over() {
        let mut now = Instant::now() + Duration::from_secs(10);
        let mut breaker = opened(now - Duration::from_secs(10));
        for _ in 0..2 {
            assert_eq!(breaker.poll(now, 0), Poll::Invite);
            breaker.on_invited(now, true);
        }
        assert!(breaker.on_answer() && breaker.trip(now, 1.0));
        now += Duration::from_secs(10);
        assert_eq!(breaker.poll(now, 0), Poll::Invite, "nothing in hand, and nothing asked for");
    }

    /// Thirteen hours, past SQS's cap of 12 on one receive: one message and eight workers, of which one
    /// holds it for an hour and gives it back for a quarter of one.
    #[tokio::test(start_paused = true)]
    async fn a_long_outage_spends_few_receives_on_one_message_among_eight_workers() {
        let begun = Instant::now();
        let pause = Duration::from_secs(900);
        for chance in [0.0, 0.5, 1.0] {
            let mut workers: Vec<_> = (0..8).map(|_| opened(begun)).collect();
            let (mut holder, mut free_at, mut receives, mut probes) = (None, begun, 0, 0);
            let mut now = begun;
            while now < begun + 13 * HOUR {
                if let Some((_, since)) = holder
                    && now >= since + HOUR
                {
                    (holder, free_at) = (None, now + pause);
                }
                for (nth, breaker) in workers.iter_mut().enumerate() {
                    let holds = holder.is_some_and(|(who, _)| who == nth);
                    if holds && breaker.turn(now) == Turn::Probe {
                        probes += 1;
                        breaker.on_failure(now, breaker.epoch(), chance);
                    }
                    match breaker.poll(now, usize::from(holds)) {
                        Poll::Full => panic!("closed without an answer"),
                        Poll::NotBefore(at) => assert!(at > now),
                        Poll::Invite => {
                            let brought = holder.is_none() && now >= free_at;
                            breaker.on_invited(now, brought);
                            if brought {
                                (holder, receives) = (Some((nth, now)), receives + 1);
                            }
                        }
                    }
                }
                now += Duration::from_secs(1);
            }
            assert!(receives <= 13, "{receives} receives at chance {chance}");
            assert!(probes >= 13 * 60, "{probes} probes in 13 hours");
        }
    }

    proptest! {
        #[test]
        fn an_open_breaker_lets_nothing_through_but_probes_and_always_probes_again(
            steps in prop::collection::vec((0..7_u8, 0..2000_u64, 0..3_usize), 0..200),
        ) {
            let mut now = Instant::now();
            let mut breaker = Breaker::new(PATIENCE);
            let mut received: Vec<Instant> = Vec::new();
            for (step, seconds, held) in steps {
                now += Duration::from_secs(seconds);
                let open = breaker.is_open();
                match step {
                    0 => {
                        breaker.on_failure(now, breaker.epoch(), 0.5);
                    }
                    1 => {
                        breaker.on_answer();
                        received.clear();
                    }
                    2 => {
                        breaker.trip(now, 0.5);
                    }
                    3 => match breaker.turn(now) {
                        Turn::Pass => prop_assert!(!open),
                        Turn::Probe => prop_assert!(open && !breaker.holds_back()),
                        Turn::NotBefore(at) => prop_assert!(open && at > now && at <= now + Duration::from_secs(30)),
                    },
                    _ => match breaker.poll(now, held) {
                        Poll::Full => prop_assert!(!open),
                        Poll::NotBefore(at) => prop_assert!(open && at > now),
                        Poll::Invite => {
                            prop_assert!(open && held < 2);
                            breaker.on_invited(now, step > 4);
                            if step > 4 {
                                received.push(now);
                                let lately = received.iter().filter(|at| now < **at + HOUR).count();
                                prop_assert!(lately <= 9, "{lately} receives in one hold budget");
                                let hours = now.duration_since(received[0]).as_secs() / HOUR.as_secs();
                                let most = 9 + 2 * hours;
                                prop_assert!(received.len() as u64 <= most, "{} in {hours} hours", received.len());
                            }
                        }
                    },
                }
            }
            let later = now + Duration::from_secs(31);
            prop_assert!(!matches!(breaker.turn(later), Turn::NotBefore(_)));
        }
    }
}
