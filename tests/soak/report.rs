//! The result: a table for a person, JSON for a machine, the logs of the workers if something was wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use comfy_table::{Attribute, Cell, CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

use crate::fleet::Account;
use crate::violations::Violations;
use crate::watch::{Look, Vitals};

/// Everything that one run came to.
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) minutes: u32,
    pub(crate) seconds: u64,
    pub(crate) done: Done,
    pub(crate) faults: BTreeMap<&'static str, Dealt>,
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    /// Of the worker that was never restarted; `None` if it was not looked at often enough.
    pub(crate) steady: Option<Vitals>,
    pub(crate) longest_idle_seconds: u64,
    /// The most that was seen of the processes of the one that was.
    pub(crate) restarted: Option<Look>,
    pub(crate) curve: Vec<Option<Look>>,
    pub(crate) violations: Violations,
    pub(crate) accounts: Vec<Account>,
}

/// What there was to do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Done {
    pub(crate) messages: u64,
    pub(crate) users: usize,
    pub(crate) rows: usize,
    pub(crate) rows_looked_at: u64,
    pub(crate) edits: u64,
    pub(crate) dead_letters: usize,
    pub(crate) dead_letters_twice: u64,
    pub(crate) processes: usize,
}

/// One kind of fault.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Dealt {
    pub(crate) times: u64,
    /// Calls that it hit, where it hits single calls.
    pub(crate) calls: u64,
}

impl Report {
    /// What has grown, or was not looked at often enough to say so.
    fn growth(&self) -> Vec<String> {
        let Some(vitals) = &self.steady else {
            return vec![
                "too few looks at the worker that is never restarted to say whether it grows".to_owned(),
            ];
        };
        let grown = vitals.all().into_iter().filter(|(_, course)| course.grown);
        let told = grown.map(|(name, course)| {
            format!(
                "{name} grew from {} to {}, allowed {}",
                shown(name, course.second_quarter),
                shown(name, course.last_quarter),
                shown(name, course.allowed)
            )
        });
        told.collect()
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.violations.count() == 0 && self.growth().is_empty()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "clean": self.is_clean(), "seed": self.seed, "minutes": self.minutes, "seconds": self.seconds,
            "violations": self.violations.count(), "first_violations": self.violations.first(),
            "growth": self.growth(), "done": self.done, "faults": self.faults, "outcomes": self.outcomes,
            "steady": self.steady, "restarted_peak": self.restarted,
            "longest_idle_seconds": self.longest_idle_seconds,
            "curve": self.curve, "processes": self.accounts,
        })
    }

    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        let mut row = |name: &str, value: String| {
            table.add_row([Cell::new(name), Cell::new(value).set_alignment(CellAlignment::Right)]);
        };
        row("seed", self.seed.to_string());
        row("minutes of load and faults", self.minutes.to_string());
        row("took", format!("{} s", self.seconds));
        row("messages sent", self.done.messages.to_string());
        row("users who must have a row, and rows", format!("{} / {}", self.done.users, self.done.rows));
        row("edits by users during the run", self.done.edits.to_string());
        row("rows looked at", self.done.rows_looked_at.to_string());
        row(
            "dead letters, of these come twice",
            format!("{} / {}", self.done.dead_letters, self.done.dead_letters_twice),
        );
        row("worker processes", self.done.processes.to_string());
        for (name, count) in self.outcomes.iter().filter(|(_, count)| **count > 0) {
            row(&format!("workers: {name}"), count.to_string());
        }
        for (name, dealt) in &self.faults {
            let calls = if dealt.calls > 0 { format!(", {} calls", dealt.calls) } else { String::new() };
            row(&format!("fault: {name}"), format!("{} ×{calls}", dealt.times));
        }
        for (name, course) in self.steady.iter().flat_map(Vitals::all) {
            let [second, last, allowed, peak] =
                [course.second_quarter, course.last_quarter, course.allowed, course.peak]
                    .map(|figure| shown(name, figure));
            let label = format!("{name}: 2nd quarter → last (allowed; peak)");
            row(&label, format!("{second} → {last} ({allowed}; {peak})"));
        }
        row("longest time without a message received", format!("{} s", self.longest_idle_seconds));
        for (name, figure) in self.restarted.iter().flat_map(Look::all) {
            row(&format!("{name} of the restarted worker: peak"), shown(name, figure as f64));
        }
        row("violations", self.violations.count().to_string());
        let verdict = if self.is_clean() { "clean" } else { "WRONG" };
        table.add_row([
            Cell::new("the run is").add_attribute(Attribute::Bold),
            Cell::new(verdict).set_alignment(CellAlignment::Right).add_attribute(Attribute::Bold),
        ]);
        let mut text = table.to_string();
        for fault in self.growth().into_iter().chain(self.violations.first()) {
            text.push_str("\n  ");
            text.push_str(&fault);
        }
        text
    }

    /// Keeps what the workers logged, for who wants to know why; answers where.
    pub(crate) fn keep_logs(&self) -> anyhow::Result<PathBuf> {
        // target/<profile>/soak
        let this = std::env::current_exe()?;
        let folder =
            this.ancestors().nth(2).context("no target directory")?.join(format!("soak/{}", self.seed));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(&self.json())?)?;
        for account in &self.accounts {
            fs::write(folder.join(format!("{}.log", account.worker.replace(' ', "-"))), &account.log)?;
        }
        Ok(folder)
    }
}

/// A figure with its unit.
fn shown(name: &str, figure: f64) -> String {
    if name.ends_with("_bytes") { format!("{:.1} MB", figure / 1e6) } else { format!("{figure:.0}") }
}
