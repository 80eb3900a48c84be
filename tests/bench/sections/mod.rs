//! What is measured: each section names the runs it needs, and its goals with their limits
//! (`docs/performance.md`).

mod calls;
mod cpu;
mod faults;
mod idle;
mod latency;
mod memory;
mod p99;
pub(crate) mod peers;
mod receivers;
mod redelivered;
mod repeats;
mod tasks;
mod telemetry;
mod trickle;

use crate::command::Section;
use crate::goals::Goal;
use crate::runs::Runs;
use crate::variants::Variant;

impl Section {
    /// What it needs, in the order of a round: what is compared is run close to each other.
    fn variants(self, quick: bool) -> Vec<Variant> {
        match self {
            Self::Calls => calls::variants(),
            Self::Cpu => cpu::variants(),
            Self::Memory => memory::variants(quick),
            Self::Latency => latency::variants(quick),
            Self::P99 => p99::variants(quick),
            Self::Peers => peers::variants(quick),
            Self::Telemetry => telemetry::variants(quick),
            Self::Trickle => trickle::variants(quick),
            Self::Repeats => repeats::variants(quick),
            Self::Tasks => tasks::variants(quick),
            Self::Receivers => receivers::variants(quick),
            Self::Faults => faults::variants(quick),
            Self::Idle => idle::variants(quick),
        }
    }

    fn goals(self, runs: &Runs) -> Vec<Goal> {
        match self {
            Self::Calls => calls::goals(runs),
            Self::Cpu => cpu::goals(runs),
            Self::Memory => memory::goals(runs),
            Self::Latency => latency::goals(runs),
            Self::P99 => p99::goals(runs),
            Self::Peers => peers::goals(runs),
            Self::Telemetry => telemetry::goals(runs),
            Self::Trickle => trickle::goals(runs),
            Self::Repeats => repeats::goals(runs),
            Self::Tasks => tasks::goals(runs),
            Self::Receivers => receivers::goals(runs),
            Self::Faults => faults::goals(runs),
            Self::Idle => idle::goals(runs),
        }
    }
}

/// What these sections need, each once.
pub(crate) fn variants(sections: &[Section], quick: bool) -> Vec<Variant> {
    let mut needed = Vec::<Variant>::new();
    for variant in sections.iter().flat_map(|section| section.variants(quick)) {
        if needed.iter().all(|other| other.name != variant.name) {
            needed.push(variant);
        }
    }
    needed
}

/// What was measured of these sections, each figure with its goal.
pub(crate) fn goals(sections: &[Section], runs: &Runs) -> Vec<Goal> {
    let of_sections = sections.iter().flat_map(|section| section.goals(runs));
    of_sections.chain(redelivered::goals(runs)).collect()
}
