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
mod tests;
