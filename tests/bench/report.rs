//! The result: Markdown on stdout, and every run as JSON in `target/bench/results.json`.

use std::fmt::Write;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use crate::command::Options;
use crate::goals::{Goal, Spread, figure, thousands};
use crate::production;
use crate::rounds::{Run, Runs};

/// What the figures were measured on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    /// Others' work just before the first run.
    load_before: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let about = read("/proc/cpuinfo");
        let model = about.lines().find(|line| line.starts_with("model name"));
        Self {
            processor: model
                .and_then(|line| line.split_once(": "))
                .map_or("unknown", |(_, name)| name)
                .to_owned(),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            load_before: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// Writes both.
pub(crate) fn write(machine: &Machine, options: &Options, goals: &[Goal], runs: &Runs) -> anyhow::Result<()> {
    let rounds = runs.values().map(Vec::len).max().unwrap_or_default();
    println!("{} cores, {}, load {} before\n", machine.cores, machine.processor, machine.load_before);
    print!("{}", goals_table(goals));
    println!(
        "\nMedian of {rounds} round(s), lowest and highest in brackets.{}{}\n",
        rough(options),
        calls(runs)
    );
    print!("{}", runs_table(runs));

    let path = production::target()?.join("bench/results.json");
    let all: Vec<&Run> = runs.values().flatten().collect();
    let result = json!({
        "machine": machine, "quick": options.quick, "rounds": rounds, "goals": goals, "runs": all,
    });
    std::fs::create_dir_all(path.parent().context("no target directory")?)?;
    std::fs::write(&path, serde_json::to_string_pretty(&result)?)?;
    eprintln!("every run: {}", path.display());
    Ok(())
}

fn rough(options: &Options) -> &'static str {
    if options.quick { " With --quick the figures are rough." } else { "" }
}

/// What 20 ms came to: the delay is exact to some tenths, waking up is not free.
fn calls(runs: &Runs) -> String {
    let calls = runs.values().flatten().filter(|run| run.delay_ms > 0).map(|run| run.call_ms);
    let calls: Vec<_> = calls.collect();
    if calls.is_empty() {
        return String::new();
    }
    format!(" One call with 20 ms of delay took {} ms.", figure(Spread::of(calls).median))
}

fn goals_table(goals: &[Goal]) -> String {
    let mut text = "| | goal | measured | |\n|---|---|---|---|\n".to_owned();
    for goal in goals {
        let met = goal.met.map_or("", |met| if met { "met" } else { "**missed**" });
        let measured = spread(&goal.measured, goal.unit);
        let _ = writeln!(text, "| {} | {} | {measured} | {met} |", goal.what, goal.limit);
    }
    text
}

fn spread(spread: &Spread, unit: &str) -> String {
    let (median, min, max) = (figure(spread.median), figure(spread.min), figure(spread.max));
    if min == max { format!("{median}{unit}") } else { format!("{median}{unit} ({min}–{max})") }
}

fn runs_table(runs: &Runs) -> String {
    let mut text = "| run | messages | msg/s | CPU ms / 1,000 | peak MB | calls / 1,000 | p50 / p99 ms | redelivered |\n\
                    |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for runs in runs.values() {
        let median = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure)).median;
        let [first, ..] = runs.as_slice() else { continue };
        let calls =
            first.calls_per_1000.map(|_| figure(median(|run| run.calls_per_1000.unwrap_or(f64::NAN))));
        let again =
            first.redelivered.map(|_| runs.iter().filter_map(|run| run.redelivered).max().unwrap_or(0));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} / {} | {} |",
            first.name,
            thousands(first.messages),
            figure(median(|run| run.messages_per_second)),
            figure(median(|run| run.cpu_ms_per_1000)),
            figure(median(|run| run.peak_mb)),
            calls.unwrap_or_default(),
            figure(median(|run| run.seen.p50_ms)),
            figure(median(|run| run.seen.p99_ms)),
            again.map_or(String::new(), |again| again.to_string()),
        );
    }
    text
}
