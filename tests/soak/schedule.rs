//! When which fault begins and ends: two decks of cards, one of what the wire does and one of what happens
//! to the processes, dealt anew whenever they are empty.
//!
//! A function of the seed and the length. Every quarter of a run has the same number of cycles, and every
//! cycle ends calm, so that what is measured then can be compared.

use std::time::Duration;

use fastrand::Rng;

/// What the wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Wire {
    /// Some statements and puts are throttled.
    Throttling,
    /// Half of all calls end in a 5xx.
    ServerErrors,
    /// Some calls take effect and their answers are lost.
    LostAnswers,
    /// Some entries of batches fail inside an HTTP 200.
    EntriesFail,
    /// Neither service can be reached, for longer than the visibility timeout.
    CutOff,
    /// The table takes no write.
    TableThrottled,
    /// Answers come late, some after the worker has given up.
    SlowAnswers,
    /// The table takes no write, and what is in hand cannot be kept.
    LeasesFail,
    /// Both services refuse the credentials.
    TokenExpired,
    /// The table does not exist.
    TableGone,
    /// The dead-letter queue takes nothing.
    DeadLettersRefused,
}

/// What happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// SIGTERM, a drain, a new process.
    Drain,
    /// SIGKILL, a new process.
    Kill,
    /// SIGTERM over and over, a new process.
    Storm,
    /// The worker that is restarted sleeps for longer than the visibility timeout.
    Suspend,
    /// The worker that is never restarted does.
    SuspendSteady,
}

/// A card of a deck.
pub(crate) trait Card: Copy + PartialEq + 'static {
    const ALL: &'static [Self];
    /// How long it is played.
    fn lasts(self) -> Duration;
    fn name(self) -> &'static str;
}

impl Card for Wire {
    const ALL: &'static [Self] = &[
        Self::Throttling,
        Self::ServerErrors,
        Self::LostAnswers,
        Self::EntriesFail,
        Self::CutOff,
        Self::TableThrottled,
        Self::SlowAnswers,
        Self::LeasesFail,
        Self::TokenExpired,
        Self::TableGone,
        Self::DeadLettersRefused,
    ];

    fn lasts(self) -> Duration {
        Duration::from_secs(match self {
            Self::CutOff | Self::LeasesFail => 10,
            Self::TableThrottled => 8,
            Self::Throttling | Self::ServerErrors | Self::LostAnswers | Self::EntriesFail => 4,
            Self::SlowAnswers => 4,
            Self::TokenExpired | Self::TableGone | Self::DeadLettersRefused => 3,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Throttling => "throttling",
            Self::ServerErrors => "server_errors",
            Self::LostAnswers => "lost_answers",
            Self::EntriesFail => "entries_fail",
            Self::CutOff => "cut_off",
            Self::TableThrottled => "table_throttled",
            Self::SlowAnswers => "slow_answers",
            Self::LeasesFail => "leases_fail",
            Self::TokenExpired => "token_expired",
            Self::TableGone => "table_gone",
            Self::DeadLettersRefused => "dead_letters_refused",
        }
    }
}

impl Card for Blow {
    const ALL: &'static [Self] = &[Self::Drain, Self::Kill, Self::Storm, Self::Suspend, Self::SuspendSteady];

    fn lasts(self) -> Duration {
        Duration::from_secs(match self {
            Self::Suspend | Self::SuspendSteady => 10,
            Self::Drain | Self::Storm => 3,
            Self::Kill => 2,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Drain => "sigterm",
            Self::Kill => "sigkill",
            Self::Storm => "sigterm_storm",
            Self::Suspend => "sigstop",
            Self::SuspendSteady => "sigstop_steady",
        }
    }
}

/// One card on the table, counted from the beginning of the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window<T> {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) what: T,
}

/// The whole run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) length: Duration,
    cycle: Duration,
    pub(crate) wire: Vec<Window<Wire>>,
    pub(crate) blows: Vec<Window<Blow>>,
}

/// No cycle is much longer: calm has to come often.
const LONGEST_CYCLE: Duration = Duration::from_secs(45);

/// The part of a cycle in which something happens.
const BUSY: f64 = 0.75;

/// What was disturbed may calm down for so long before it counts as calm.
const SETTLING: Duration = Duration::from_secs(3);

/// Between two cards of one deck.
const PAUSE: Duration = Duration::from_secs(1);

impl Schedule {
    pub(crate) fn new(seed: u64, length: Duration) -> Self {
        let quarter = length / 4;
        let mut cycles = 1;
        while quarter / cycles > LONGEST_CYCLE {
            cycles += 1;
        }
        let cycle = quarter / cycles;
        let mut chance = Rng::with_seed(seed);
        let wire = deal(&mut chance, cycle, cycles * 4);
        let blows = deal(&mut chance, cycle, cycles * 4);
        Self { length, cycle, wire, blows }
    }

    /// Whether nothing happens at this moment, and has not for a while.
    pub(crate) fn is_calm(&self, at: Duration) -> bool {
        self.since_cycle_began(at) >= self.cycle.mul_f64(BUSY) + SETTLING
    }

    /// Whether nothing happens at this moment.
    pub(crate) fn is_quiet(&self, at: Duration) -> bool {
        self.since_cycle_began(at) >= self.cycle.mul_f64(BUSY)
    }

    /// Which cycle it is, from 0.
    pub(crate) fn cycle(&self, at: Duration) -> u128 {
        at.as_nanos() / self.cycle.as_nanos()
    }

    /// Which quarter of the run it is, from 0; the last does not end.
    pub(crate) fn quarter(&self, at: Duration) -> usize {
        let quarter = at.as_nanos() * 4 / self.length.as_nanos();
        usize::try_from(quarter).unwrap_or(usize::MAX).min(3)
    }

    fn since_cycle_began(&self, at: Duration) -> Duration {
        at.saturating_sub(self.cycle * u32::try_from(self.cycle(at)).unwrap_or(u32::MAX))
    }
}

/// Plays the deck through the busy parts of so many cycles; of what is left in it, the first that fits.
fn deal<T: Card>(chance: &mut Rng, cycle: Duration, cycles: u32) -> Vec<Window<T>> {
    let mut deck: Vec<T> = Vec::new();
    let mut windows = Vec::new();
    for nth in 0..cycles {
        let end = cycle * nth + cycle.mul_f64(BUSY);
        let mut at = cycle * nth + PAUSE;
        loop {
            if deck.is_empty() {
                deck = T::ALL.to_vec();
                chance.shuffle(&mut deck);
            }
            let Some(fits) = deck.iter().position(|card| at + card.lasts() <= end) else { break };
            let what = deck.remove(fits);
            windows.push(Window { from: at, to: at + what.lasts(), what });
            at += what.lasts() + PAUSE;
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_MINUTES: Duration = Duration::from_secs(120);

    #[test]
    fn two_minutes_are_enough_for_every_fault_whatever_the_seed() {
        for seed in 0..2000 {
            let schedule = Schedule::new(seed, TWO_MINUTES);
            for wire in Wire::ALL {
                assert!(schedule.wire.iter().any(|window| window.what == *wire), "{seed}: no {wire:?}");
            }
            for blow in Blow::ALL {
                assert!(schedule.blows.iter().any(|window| window.what == *blow), "{seed}: no {blow:?}");
            }
        }
    }

    #[test]
    fn nothing_overlaps_on_one_deck_nor_reaches_into_the_calm() {
        fn check<T: Card + std::fmt::Debug>(schedule: &Schedule, windows: &[Window<T>]) {
            let mut free = Duration::ZERO;
            for window in windows {
                assert!(window.from >= free && window.to <= schedule.length, "{window:?}");
                free = window.to;
                for at in [window.from, window.to.saturating_sub(Duration::from_millis(1))] {
                    assert!(!schedule.is_quiet(at) && !schedule.is_calm(at), "{window:?}");
                }
            }
        }
        for (seed, minutes) in [(1, 2), (2, 3), (3, 7), (4, 20), (5, 60)] {
            let schedule = Schedule::new(seed, Duration::from_secs(60 * minutes));
            check(&schedule, &schedule.wire);
            check(&schedule, &schedule.blows);
        }
    }

    #[test]
    fn every_quarter_has_as_much_calm_as_the_others() {
        for minutes in [2, 3, 10, 61] {
            let schedule = Schedule::new(7, Duration::from_secs(60 * minutes));
            let mut calm = [0_u32; 4];
            for at in (0..schedule.length.as_millis()).step_by(10) {
                let at = Duration::from_millis(u64::try_from(at).unwrap());
                if schedule.is_calm(at) {
                    calm[schedule.quarter(at)] += 1;
                }
            }
            // In steps of 10 ms.
            assert!(calm[0] >= 400, "{calm:?}");
            assert!(calm.iter().all(|quarter| calm[0].abs_diff(*quarter) < 20), "{calm:?}");
        }
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(Schedule::new(9, TWO_MINUTES), Schedule::new(9, TWO_MINUTES));
        assert_ne!(Schedule::new(9, TWO_MINUTES).wire, Schedule::new(10, TWO_MINUTES).wire);
    }
}
