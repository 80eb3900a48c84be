//! Many histories, on all cores: what they came to together, and which failed.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::history::{Report, run};
use crate::plan::Plan;

/// All of them together.
#[derive(Debug, Default)]
pub struct Totals {
    /// Histories lived.
    pub histories: u64,
    /// Faults, by kind.
    pub struck: BTreeMap<&'static str, u64>,
    /// Deliveries, by how they ended.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Workers, by how they ended.
    pub lives: BTreeMap<String, u64>,
    /// Rows made.
    pub rows: u64,
    /// The histories' own time.
    pub time: Duration,
    /// How often the message that came most often has come.
    pub most_receives: u32,
    /// Seeds that failed, each with what it violated.
    pub failed: Vec<(u64, Vec<String>)>,
}

impl Totals {
    fn add(&mut self, seed: u64, report: Report) {
        self.histories += 1;
        for (kind, count) in report.struck {
            *self.struck.entry(kind).or_default() += count;
        }
        for (outcome, count) in report.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        for (_, ended) in report.lives {
            *self.lives.entry(ended).or_default() += 1;
        }
        self.rows += report.rows as u64;
        self.time += report.took;
        self.most_receives = self.most_receives.max(report.most_receives);
        if !report.violations.is_empty() {
            self.failed.push((seed, report.violations));
        }
    }
}

/// Lives the histories of these seeds. `on_done` hears of each; with `stops` no more are begun after one
/// has failed.
pub fn run_all(seeds: &[u64], stops: bool, on_done: impl Fn(bool) + Sync) -> Totals {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let totals = Mutex::new(Totals::default());
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !(stops && stopped.load(Ordering::Relaxed)) {
                    let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)).copied() else { return };
                    let report = run_caught(seed);
                    let is_well = report.violations.is_empty();
                    stopped.fetch_or(!is_well, Ordering::Relaxed);
                    totals.lock().unwrap().add(seed, report);
                    on_done(is_well);
                }
            });
        }
    });
    let mut totals = totals.into_inner().unwrap();
    totals.failed.sort();
    totals
}

/// A panic of the worker is a violation like any other.
fn run_caught(seed: u64) -> Report {
    let lived = std::panic::catch_unwind(|| run(&Plan::of(seed), false));
    lived.unwrap_or_else(|_| Report { violations: vec!["panicked".into()], ..Report::default() })
}
