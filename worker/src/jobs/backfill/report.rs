//! What a backfill counted, and how it says so. The names of the JSON are a contract of the command.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::{Deserialize, Serialize};

use crate::jobs::{Ending, Report, blank_table};
use crate::ports::UserStatus;

/// Who was read, and what became of each: `read` is the sum of `chosen`, `skipped_status`, `skipped_disabled`,
/// `legacy`, `rejected` and `unreadable`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Users or lines.
    pub read: u64,
    /// Users by Cognito's status, where one is told.
    pub by_status: BTreeMap<String, u64>,
    /// Who is to have a profile.
    pub chosen: u64,
    /// Messages that the queue took; nobody's in a dry run.
    pub sent: u64,
    /// Left out for their status.
    pub skipped_status: u64,
    /// Left out because they may not sign in.
    pub skipped_disabled: u64,
    /// Left alone because they have a row under another key.
    pub legacy: u64,
    /// Lines that cannot be used.
    pub rejected: u64,
    /// Users whom Cognito gave without a sub, a name or a date.
    pub unreadable: u64,
    /// Pages of the user pool.
    pub pages: u64,
}

impl Counts {
    pub(super) fn status(&mut self, status: &UserStatus) {
        // A file may hold anything in its place.
        let name = if let UserStatus::Other(_) = status { "OTHER" } else { status.name() };
        *self.by_status.entry(name.to_owned()).or_default() += 1;
    }
}

/// The result of a backfill.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What was counted, in all runs together that went on from one another.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long they took.
    pub seconds: f64,
    /// Asked to stop before the end.
    pub interrupted: bool,
    /// Nothing was to be sent.
    pub dry_run: bool,
    /// Where the state was kept, if there is something to go on from.
    pub checkpoint: Option<String>,
    /// Where the rejected lines are, if there are any.
    pub rejects: Option<String>,
    /// For a person: how to go on.
    #[serde(skip)]
    pub(super) go_on: String,
}

impl Report for Summary {
    fn table(&self) -> Table {
        let counts = &self.counts;
        let mut table = blank_table(&["backfill", "users"]);
        let mut row = |name: &str, value: String| {
            table.add_row([name, &value]);
        };
        row("read", counts.read.to_string());
        for (status, count) in &counts.by_status {
            row(&format!("  {status}"), count.to_string());
        }
        row(if self.dry_run { "would be sent" } else { "to be sent" }, counts.chosen.to_string());
        if !self.dry_run {
            row("sent", counts.sent.to_string());
        }
        row("skipped for their status", counts.skipped_status.to_string());
        row("skipped because disabled", counts.skipped_disabled.to_string());
        row("left alone: row under another key", counts.legacy.to_string());
        row("rejected lines", counts.rejected.to_string());
        row("unreadable users", counts.unreadable.to_string());
        row("pages", counts.pages.to_string());
        row("took", format!("{:.1} s", self.seconds));
        if self.interrupted {
            row("interrupted", "yes".to_owned());
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        table
    }

    fn ending(&self) -> Ending {
        if self.interrupted {
            Ending::Interrupted
        } else if self.counts.rejected + self.counts.unreadable > 0 {
            Ending::Found
        } else {
            Ending::Done
        }
    }

    fn advice(&self) -> Option<String> {
        let mut lines = Vec::new();
        if let Some(rejects) = &self.rejects {
            lines.push(format!(
                "{} lines could not be used; {rejects} holds them with the reasons (personal data). Mend and give \
                 them again: whoever was sent already gets no second item.",
                self.counts.rejected
            ));
        }
        if self.counts.unreadable > 0 {
            lines.push(format!(
                "{} users came without a sub, a name or a date, and got no message: look at the pool, and tell AWS.",
                self.counts.unreadable
            ));
        }
        if self.counts.legacy > 0 {
            lines.push(format!(
                "{} users have a row under another key and were left alone; see profile-worker adopt.",
                self.counts.legacy
            ));
        }
        if self.interrupted {
            lines.push(self.go_on.clone());
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        Summary {
            counts: Counts::default(),
            seconds: 1.5,
            interrupted: false,
            dry_run: false,
            checkpoint: None,
            rejects: None,
            go_on: "go on with: it".to_owned(),
        }
    }

    #[test]
    fn the_names_are_those_of_the_contract() {
        let json = serde_json::to_value(summary()).unwrap();
        let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "read",
            "by_status",
            "chosen",
            "sent",
            "skipped_status",
            "skipped_disabled",
            "legacy",
            "rejected",
            "unreadable",
            "pages",
            "seconds",
            "interrupted",
            "dry_run",
            "checkpoint",
            "rejects",
        ];
        expected.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn what_was_not_used_is_a_finding_and_an_interruption_comes_first() {
        assert_eq!(summary().ending(), Ending::Done);
        assert_eq!(summary().advice(), None);
        for counts in
            [Counts { rejected: 1, ..Counts::default() }, Counts { unreadable: 1, ..Counts::default() }]
        {
            let found = Summary { counts: counts.clone(), ..summary() };
            assert_eq!(found.ending(), Ending::Found);
            let interrupted = Summary { counts, interrupted: true, ..summary() };
            assert_eq!(interrupted.ending(), Ending::Interrupted);
            assert!(interrupted.advice().unwrap().ends_with("go on with: it"));
        }
    }

    #[test]
    fn a_status_nobody_knows_is_not_named() {
        let mut counts = Counts::default();
        counts.status(&UserStatus::parse("ana@example.com"));
        counts.status(&UserStatus::Confirmed);
        assert_eq!(counts.by_status.keys().collect::<Vec<_>>(), ["CONFIRMED", "OTHER"]);
    }
}
