//! The commands besides `run`. Each is a short program that prints a result on stdout and ends with an
//! exit code that says what it found. What several need stands beside them: [`Context`], [`Report`],
//! [`files`], [`checkpoint`], [`pace`], [`policy`], [`progress`], [`sender`] and [`users`].

use std::sync::Arc;

use domain::Timestamp;

use crate::aws::clients::{Access, Clients};
use crate::aws::dynamodb::{key_mismatch, table_key};
use crate::cli::JobWritten;
use crate::config::{self, JobConfig, Needs, Problem};
use crate::pipeline::Stop;
use crate::stats::Stats;
use crate::telemetry::{self, Destinations, Traces};

pub mod adopt;
pub mod again;
pub mod backfill;
mod candidate;
pub mod check;
pub mod checkpoint;
pub mod dead_letters;
pub mod digests;
mod error;
pub mod explain;
pub mod files;
pub mod legacy;
pub mod lines;
pub mod pace;
pub mod policy;
pub mod progress;
pub mod quarantine;
pub mod reconcile;
pub mod redrive;
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
    /// Where spans go. The last of them are pushed when the last of these is dropped.
    pub traces: Traces,
    /// The first signal asks to finish what is in hand, the second ends at once.
    pub stop: Stop,
}

impl Context {
    /// Reads the settings and makes the clients.
    ///
    /// # Errors
    /// Every problem with the settings.
    pub async fn new(written: &JobWritten, needs: &Needs, stop: Stop) -> Result<Self, JobError> {
        Self::with(written, needs, Ok(()), stop).await.map(|(context, ())| context)
    }

    /// As [`Self::new`], with what was read from the job's own flags: their problems are told together.
    ///
    /// # Errors
    /// Every problem with the settings and with the flags.
    pub async fn with<F>(
        written: &JobWritten,
        needs: &Needs,
        flags: Result<F, Vec<Problem>>,
        stop: Stop,
    ) -> Result<(Self, F), JobError> {
        let (config, flags) = match (config::job(written, needs), flags) {
            (Ok(config), Ok(flags)) => (config, flags),
            (config, flags) => {
                let problems = config.err().into_iter().chain(flags.err()).flatten().collect();
                return Err(JobError::Configuration(problems));
            }
        };
        let clients = Clients::new(&Access::from_environment().await, &Arc::new(Stats::default()));
        let (export, about) = (config.export.clone(), Destinations::new(&config.queue_url, ""));
        // The exporter's client blocks while it is made.
        let traces = tokio::task::spawn_blocking(move || telemetry::traces(&export, about)).await;
        // A job goes on without: what it is for is done either way.
        let traces = traces.ok().and_then(Result::ok).unwrap_or_default();
        Ok((Self { config, clients, traces, stop }, flags))
    }
}

/// A table with another key has no row where one is looked for.
async fn table_fits(context: &Context) -> Result<(), JobError> {
    let config = &context.config;
    let key = table_key(&context.clients.dynamodb_calm, &config.table_name).await;
    let key = key.map_err(|error| JobError::call("dynamodb:DescribeTable", error))?;
    key_mismatch(&key, config.model.key_attributes()).map_or(Ok(()), |mismatch| {
        let mend = "point at the right table, or give the model its key (docs/model.md)";
        Err(JobError::problem("TABLE_NAME, PROFILE_MODEL", mismatch, mend))
    })
}

/// The time of day, for what is observed now.
fn now() -> Result<Timestamp, JobError> {
    Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond()).map_err(|_| JobError::Machine {
        what: "this machine's clock stands before 1970; set it".to_owned(),
        hint: String::new(),
    })
}
