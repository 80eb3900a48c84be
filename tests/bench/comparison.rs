//! The consumers side by side: a table for each delay, the one with the least CPU first.

use std::fmt::Write;

use crate::goals::{Spread, figure, thousands};
use crate::runs::{CALLS, CPU, Figure, MEMORY, P99, Run, Runs, SPEED};
use crate::sections::peers::{DELAYS_MS, LINES};

/// One consumer's runs by delay; none where it was not run.
pub(crate) struct Row<'a> {
    pub(crate) who: &'static str,
    runs: [&'a [Run]; 3],
    starts: &'a [Run],
}

impl Row<'_> {
    /// By delay.
    pub(crate) fn medians(&self, figure: Figure) -> [Option<f64>; 3] {
        self.runs.map(|runs| median(runs, figure))
    }
}

fn median(runs: &[Run], figure: Figure) -> Option<f64> {
    (!runs.is_empty()).then(|| Spread::of(runs.iter().map(figure)).median)
}

/// The consumers that were run with every delay, by CPU without any; empty if only others were.
pub(crate) fn rows(runs: &Runs) -> Vec<Row<'_>> {
    let lines = LINES.iter().map(|line| Row {
        who: line.who,
        runs: line.names.map(|name| runs.of(name)),
        starts: runs.of(line.start),
    });
    let mut rows: Vec<_> = lines.filter(|row| row.runs.iter().all(|runs| !runs.is_empty())).collect();
    rows.sort_by(|one, other| cpu(one, 0).total_cmp(&cpu(other, 0)));
    rows
}

fn cpu(row: &Row<'_>, place: usize) -> f64 {
    median(row.runs[place], CPU).unwrap_or(f64::INFINITY)
}

/// As Markdown; empty if no peers were run.
pub(crate) fn tables(runs: &Runs) -> String {
    let mut text = String::new();
    let mut rows = rows(runs);
    let Some(ours) = LINES.first().filter(|_| !rows.is_empty()) else { return text };
    for (place, delay) in DELAYS_MS.into_iter().enumerate() {
        rows.sort_by(|one, other| cpu(one, place).total_cmp(&cpu(other, place)));
        let _ = writeln!(text, "\n### {delay} ms on every call\n\n{HEAD}");
        for row in &rows {
            let runs_of = row.runs[place];
            let shown = |of: Figure| figure(median(runs_of, of).unwrap_or(f64::NAN));
            // With fewer messages it is more of what each costs.
            let starting = median(row.starts, |run| run.cpu_ms).unwrap_or(f64::NAN) * 1000.0
                / runs_of[0].messages as f64;
            let right = if runs_of.iter().all(|run| run.seen.faults.is_empty()) { "yes" } else { "**no**" };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} / {} / {} | {right} |",
                row.who,
                thousands(runs_of[0].messages),
                shown(SPEED),
                shown(CPU),
                figure(starting),
                figure(runs.ratio(row_name(row, place), ours.names[place], CPU).median),
                shown(CALLS),
                shown(MEMORY),
                shown(|run| run.seen.times.p50_ms),
                shown(P99),
                shown(|run| run.seen.times.p999_ms),
            );
        }
    }
    text
}

const HEAD: &str = "| consumer | messages | msg/s | CPU ms / 1,000 | of it to start | × profile-worker | calls / 1,000 \
                    | peak MB \
                    | p50 / p99 / p99.9 ms | table exact, queue empty |\n|---|---|---|---|---|---|---|---|---|---|";

fn row_name(row: &Row<'_>, place: usize) -> &'static str {
    row.runs[place][0].name
}
