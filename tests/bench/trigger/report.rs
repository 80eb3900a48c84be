//! The result: Markdown on stdout, every life as JSON in `target/bench/trigger.json`.

use std::fmt::Write;

use serde_json::json;

use super::life::Life;
use super::{Outcome, TriggerOptions};
use crate::goals::{Spread, figure};
use crate::production;
use crate::report::{Machine, goals_table};

/// Writes both.
pub(crate) fn write(options: &TriggerOptions, outcome: &Outcome) -> anyhow::Result<()> {
    let machine = Machine::look();
    print!("{}", goals_table(&outcome.goals));
    println!("\n{}", lives_table(outcome));
    let zip = outcome.zip_bytes.map_or("not built".to_owned(), megabytes);
    println!(
        "bootstrap {}, zip {zip}; a start reads {} authorities.{}",
        megabytes(outcome.bootstrap_bytes),
        outcome.authorities,
        if options.quick { " With --quick the figures are rough." } else { "" }
    );
    let path = production::target()?.join("bench/trigger.json");
    let result = json!({ "machine": machine, "quick": options.quick, "trigger": outcome });
    std::fs::write(&path, serde_json::to_string_pretty(&result)?)?;
    eprintln!("every life: {}", path.display());
    Ok(())
}

/// One life while it goes on.
pub(crate) fn line(life: &Life) -> String {
    format!(
        "turn {}, {}: init {} ms, first {} ms, CPU {} ms, {} MB",
        life.turn,
        life.name,
        figure(life.init_ms),
        figure(life.first_ms),
        figure(life.cpu_ms),
        figure(life.peak_mb)
    )
}

/// Medians over the lives; the warm invocations of all lives together.
fn lives_table(outcome: &Outcome) -> String {
    let mut text =
        "| function | cold starts | init ms | first ms | warm p50 / p99 ms | CPU ms a life | peak MB |\n\
                    |---|---|---|---|---|---|---|\n"
            .to_owned();
    let mut names: Vec<_> = outcome.lives.iter().map(|life| life.name).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    for name in names {
        let lives: Vec<_> = outcome.lives.iter().filter(|life| life.name == name).collect();
        let median = |of: fn(&Life) -> f64| figure(Spread::of(lives.iter().map(|life| of(life))).median);
        let mut warm: Vec<_> = lives.iter().flat_map(|life| life.warm_ms.iter().copied()).collect();
        warm.sort_by(f64::total_cmp);
        let at = |percent: usize| figure(warm[(warm.len() * percent / 100).min(warm.len() - 1)]);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} / {} | {} | {} |",
            lives.len(),
            median(|life| life.init_ms),
            median(|life| life.first_ms),
            at(50),
            at(99),
            median(|life| life.cpu_ms),
            median(|life| life.peak_mb)
        );
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", figure(bytes as f64 / 1e6))
}
