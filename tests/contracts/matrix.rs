//! Judges findings, and shows at the end what every engine did on every check: in Markdown, so that it can be
//! pasted into a document as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use comfy_table::{Table, presets};

use crate::differences;
use crate::finding::Finding;

/// Cells by check and engine.
#[derive(Default)]
pub(crate) struct Matrix(Mutex<BTreeMap<(String, &'static str), String>>);

impl Matrix {
    /// Notes what was found, and says what is wrong with it.
    pub(crate) fn judge(&self, check: &str, engine: &'static str, finding: &Finding) -> Result<(), String> {
        let Finding { documented, observed } = finding;
        let (cell, verdict) = match (finding.holds(), differences::known(engine, check)) {
            (true, None) if finding.is_left_open() => (format!("open: {observed}"), Ok(())),
            (true, None) => ("as documented".to_owned(), Ok(())),
            (false, Some(known)) if known.instead == observed => (format!("**{observed}**"), Ok(())),
            (true, Some(known)) => (
                format!("as documented, though listed as: {}", known.instead),
                Err("the listed difference is gone: take it out of differences.rs".to_owned()),
            ),
            (false, known) => {
                let listed = known.map_or("nothing", |known| known.instead);
                let documented = documented.join("` or `");
                let fault =
                    format!("documented: `{documented}`\n  observed: `{observed}`\n    listed: `{listed}`");
                (format!("UNLISTED: {observed}"), Err(fault))
            }
        };
        self.note(check, engine, cell);
        verdict
    }

    /// Notes that the check has begun, for the case that it does not end.
    pub(crate) fn begun(&self, check: &str, engine: &'static str) {
        self.note(check, engine, "UNFINISHED".to_owned());
    }

    /// Notes that the engine cannot do it.
    pub(crate) fn skipped(&self, check: &str, engine: &'static str, need: &str) {
        self.note(check, engine, format!("skipped: no {need}"));
    }

    fn note(&self, check: &str, engine: &'static str, cell: String) {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cells.insert((check.to_owned(), engine), cell);
    }

    /// Writes the matrix to stdout, if there is anything in it.
    pub(crate) fn print(&self) {
        let cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.is_empty() {
            return;
        }
        let engines: BTreeSet<&str> = cells.keys().map(|(_, engine)| *engine).collect();
        let checks: BTreeSet<&str> = cells.keys().map(|(check, _)| check.as_str()).collect();
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(std::iter::once("check").chain(engines.iter().copied()));
        for check in checks {
            let cell =
                |engine: &&'static str| cells.get(&(check.to_owned(), *engine)).map_or("-", String::as_str);
            table.add_row(std::iter::once(check).chain(engines.iter().map(cell)));
        }
        let mut text = table.to_string();
        for (check, engine) in cells.keys() {
            if let Some(known) = differences::known(engine, check) {
                let _ = write!(text, "\n- {engine}, `{check}`: {}", known.because);
            }
        }
        let _ = writeln!(std::io::stdout(), "{text}\n");
    }
}
