//! The result: Markdown on stdout, and with every run as JSON and the plot in `target/bench`, or where it was
//! asked for.

use std::fmt::Write;

use serde::Serialize;
use serde_json::json;

use crate::command::Options;
use crate::goals::{Goal, Spread, figure, thousands};
use crate::runs::{Run, Runs};
use crate::variants::DELAY_MS;
use crate::{comparison, plot, production};

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

/// Prints the tables and writes everything; the plot only if there were peers to draw.
pub(crate) fn write(
    machine: &Machine,
    options: &Options,
    goals: &[Goal],
    runs: &Runs,
    skipped: &[String],
) -> anyhow::Result<()> {
    let rounds = runs.by_variant().map(<[Run]>::len).max().unwrap_or_default();
    let about =
        format!("{} cores, {}, load {} before", machine.cores, machine.processor, machine.load_before);
    let mut tables = format!("{about}\n\n{}", goals_table(goals));
    let brackets = "lowest and highest in brackets.";
    let _ = writeln!(tables, "\nMedian of {rounds} round(s), {brackets}{}{}", rough(options), calls(runs));
    tables += &comparison::tables(runs);
    for line in skipped {
        let _ = writeln!(tables, "\n{line}");
    }
    let _ = write!(tables, "\n### Every run\n\n{}", runs_table(runs));
    print!("{tables}");

    let all: Vec<&Run> = runs.all().collect();
    let result = json!({
        "machine": machine, "quick": options.quick, "rounds": rounds, "skipped": skipped, "goals": goals,
        "runs": all,
    });
    let result = serde_json::to_string_pretty(&result)? + "\n";
    let about = format!("{about}; median of {rounds} round(s).{}", rough(options));
    for folder in [Some(production::target()?.join("bench")), options.save.clone()].into_iter().flatten() {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("results.json"), &result)?;
        std::fs::write(folder.join("tables.md"), &tables)?;
        plot::save(&folder.join("plot.png"), runs, &about, skipped)?;
        eprintln!("tables.md, results.json: {}", folder.display());
    }
    Ok(())
}

fn rough(options: &Options) -> &'static str {
    if options.quick { " With --quick the figures are rough." } else { "" }
}

/// What 20 ms came to: the delay is exact to some tenths, waking up is not free.
fn calls(runs: &Runs) -> String {
    let calls = runs.all().filter(|run| run.delay_ms == DELAY_MS).map(|run| run.call_ms);
    let calls: Vec<_> = calls.collect();
    if calls.is_empty() {
        return String::new();
    }
    format!(" One call with 20 ms of delay took {} ms.", figure(Spread::of(calls).median))
}

pub(crate) fn goals_table(goals: &[Goal]) -> String {
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
    let mut text = "| run | messages | msg/s | CPU ms / 1,000 | peak MB | calls / 1,000 | p50 / p99 / p99.9 ms | redelivered |\n\
                    |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    // Per message there is nothing to say of a run without any.
    for runs in runs.by_variant().filter(|runs| runs[0].messages > 0) {
        let median = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure)).median;
        let [first, ..] = runs else { continue };
        let again =
            first.redelivered.map(|_| runs.iter().filter_map(|run| run.redelivered).max().unwrap_or(0));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} / {} / {} | {} |",
            first.name,
            thousands(first.messages),
            figure(median(|run| run.messages_per_second)),
            figure(median(|run| run.cpu_ms_per_1000)),
            figure(median(|run| run.peak_mb)),
            figure(median(|run| run.calls_per_1000)),
            figure(median(|run| run.seen.times.p50_ms)),
            figure(median(|run| run.seen.times.p99_ms)),
            figure(median(|run| run.seen.times.p999_ms)),
            again.map_or(String::new(), |again| again.to_string()),
        );
    }
    text
}
