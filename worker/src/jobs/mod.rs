//! The commands besides `run`. Each is a short program that prints a result on stdout and ends with an
//! exit code that says what it found. What several need stands beside them: [`Context`], [`Report`],
//! [`files`], [`checkpoint`], [`pace`], [`policy`], [`progress`], [`sender`] and [`users`].

use std::sync::Arc;

use crate::aws::clients::{Access, Clients};
use crate::cli::JobWritten;
use crate::config::{self, JobConfig, Needs};
use crate::pipeline::Stop;
use crate::stats::Stats;

pub mod again;
pub mod check;
pub mod checkpoint;
pub mod digests;
mod error;
pub mod files;
pub mod legacy;
pub mod pace;
pub mod policy;
pub mod progress;
pub mod reconcile;
mod report;
pub mod rows;
pub mod sender;
pub mod users;

pub use error::JobError;
pub use report::{Ending, Report, blank_table};

/// What every job has at hand.
pub struct Context {
    /// Where things are.
    pub config: JobConfig,
    /// The way to them.
    pub clients: Clients,
    /// The first signal asks to finish what is in hand, the second ends at once.
    pub stop: Stop,
}

impl Context {
    /// Reads the settings and makes the clients.
    ///
    /// # Errors
    /// Every problem with the settings.
    pub async fn new(written: &JobWritten, needs: &Needs, stop: Stop) -> Result<Self, JobError> {
        let config = config::job(written, needs).map_err(JobError::Configuration)?;
        let clients = Clients::new(&Access::from_environment().await, &Arc::new(Stats::default()));
        Ok(Self { config, clients, stop })
    }
}
