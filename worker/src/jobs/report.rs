//! What a job has to say: one table for people, one line of JSON for machines, one exit code.

use comfy_table::Table;
use serde::Serialize;

/// How a job came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did its work.
    Done,
    /// It found what it looks for.
    Found,
    /// It was asked to stop, and kept its state.
    Interrupted,
    /// Somebody was not allowed to answer.
    Unanswered,
}

impl Ending {
    /// 0, 1, 130, 69.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Found => 1,
            Self::Interrupted => 130,
            Self::Unanswered => 69,
        }
    }
}

/// The result of a job. Its JSON form is a contract of the command.
pub trait Report: Serialize {
    /// The form for people.
    fn table(&self) -> Table;

    /// How it came to its end.
    fn ending(&self) -> Ending;

    /// A line for CloudWatch, which goes to stdout before the result.
    fn metrics(&self) -> Option<String> {
        None
    }

    /// What a person should do next, for stderr: how to go on, or where what was left out is.
    fn advice(&self) -> Option<String> {
        None
    }
}

/// A table as all results look.
pub fn blank_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}
