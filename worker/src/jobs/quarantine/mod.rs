//! `quarantine`: what lies in the dead-letter queue, for people. By default nobody is named: a message is shown by
//! its reason and times, a user by the pseudonym he has in the logs.

use comfy_table::Table;
use serde::Serialize;

use super::dead_letters::{Choice, both};
use super::{Ending, JobError, Report};
use crate::cli::JobWritten;
use crate::cli::jobs::Quarantine;
use crate::config::Needs;
use crate::pipeline::Stop;

mod drop;
mod list;
mod retry;
pub mod show;

pub use retry::Retried;
pub(super) use retry::by_ourselves;

/// What each of them needs.
const NEEDS: Needs = Needs { queue: true, table: false, pool: false };

impl Quarantine {
    /// The settings.
    pub fn written(&self) -> &JobWritten {
        match self {
            Self::List { written, .. }
            | Self::Show { written, .. }
            | Self::Retry { written, .. }
            | Self::Drop { written, .. } => written,
        }
    }
}

/// The result of whichever it was.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Quarantined {
    /// Of `list`, and of `drop` that was not told to do it.
    Listed(list::Listed),
    /// Of `show`.
    Shown(show::Shown),
    /// Of `retry`.
    Retried(retry::Retried),
    /// Of `drop`.
    Dropped(drop::Dropped),
}

/// Does it.
///
/// # Errors
/// What the settings, the queues or the backup have against it.
pub async fn run(action: &Quarantine, stop: Stop) -> Result<Quarantined, JobError> {
    match action {
        Quarantine::List { chosen, written } => {
            list::run(written, Choice::parse(chosen), stop).await.map(Quarantined::Listed)
        }
        Quarantine::Show { chosen, limit, show_personal_data, written } => {
            let flags = both(Choice::parse(chosen), show::limit(limit).map_err(|problem| vec![problem]));
            show::run(written, flags, *show_personal_data, stop).await.map(Quarantined::Shown)
        }
        Quarantine::Retry { chosen, rate, written } => {
            let rate = super::dead_letters::rate(rate).map_err(|problem| vec![problem]);
            retry::run(written, both(Choice::parse(chosen), rate), stop).await.map(Quarantined::Retried)
        }
        Quarantine::Drop { chosen, backup, yes, written } => {
            let flags = both(Choice::parse(chosen), drop::backup(backup).map_err(|problem| vec![problem]));
            if *yes {
                drop::run(written, flags, stop).await.map(Quarantined::Dropped)
            } else {
                let choice = flags.map(|(choice, _)| choice);
                let listed = list::run(written, choice, stop).await?;
                Ok(Quarantined::Listed(listed.of_what_would_be_dropped()))
            }
        }
    }
}

impl Quarantined {
    fn report(&self) -> &dyn Told {
        match self {
            Self::Listed(listed) => listed,
            Self::Shown(shown) => shown,
            Self::Retried(retried) => retried,
            Self::Dropped(dropped) => dropped,
        }
    }
}

/// What a [`Report`] says, of any of them.
trait Told {
    fn table(&self) -> Table;
    fn ending(&self) -> Ending;
    fn advice(&self) -> String;
}

impl Report for Quarantined {
    fn table(&self) -> Table {
        self.report().table()
    }

    fn ending(&self) -> Ending {
        self.report().ending()
    }

    fn advice(&self) -> Option<String> {
        Some(self.report().advice())
    }
}
