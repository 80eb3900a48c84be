//! The settings of the jobs: where things are, and how to log. A job asks for what it needs; the rest may be
//! missing.

use std::collections::BTreeSet;

use domain::{ProfileModel, UserPoolId};

use super::reader::{Reader, given};
use super::{Problem, amplify, otel, table};
use crate::cli::JobWritten;
use crate::telemetry::{Export, Pseudonyms};

/// What a job cannot do without.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// The queue of confirmations.
    pub queue: bool,
    /// The table of profiles.
    pub table: bool,
    /// One user pool.
    pub pool: bool,
}

/// Where things are. What the job did not ask for is empty if it was not given.
#[derive(Debug, Clone)]
pub struct JobConfig {
    /// The queue.
    pub queue_url: String,
    /// The dead-letter queue, when it is not to be read from the queue's redrive policy.
    pub dead_letter_queue_url: Option<String>,
    /// The table.
    pub table_name: String,
    /// How items are made.
    pub model: ProfileModel,
    /// The pools whose users get profiles; empty for any.
    pub user_pools: BTreeSet<UserPoolId>,
    /// The pool to work on.
    pub user_pool: Option<UserPoolId>,
    /// Whether messages carry a MessageGroupId.
    pub fair_groups: bool,
    /// How users are named in logs.
    pub pseudonyms: Pseudonyms,
    /// Where telemetry is pushed.
    pub export: Export,
}

/// Reads the settings of a job.
///
/// # Errors
/// Every problem there is.
pub fn job(written: &JobWritten, needs: &Needs) -> Result<JobConfig, Vec<Problem>> {
    let mut reader = Reader::default();
    let places = &amplify::filled_from_outputs(&written.places, &mut reader.problems);
    let queue_url = reader.queue_url("QUEUE_URL", places.queue_url.as_deref()).unwrap_or_default();
    if needs.queue && given(places.queue_url.as_deref()).is_none() {
        reader.fault("QUEUE_URL", "is not set", "set it to the URL of the confirmations queue");
    }
    let dead_letter_queue_url =
        reader.queue_url("DEAD_LETTER_QUEUE_URL", places.dead_letter_queue_url.as_deref());
    let table_name = given(places.table_name.as_deref()).unwrap_or_default().to_owned();
    if needs.table || !table_name.is_empty() {
        reader.table_name(&table_name);
    }
    let model = reader.model(given(places.profile_model.as_deref()));
    let user_pools = reader.user_pools(given(places.user_pool_ids.as_deref()));
    let user_pool = reader.user_pool(given(written.user_pool_id.as_deref()), &user_pools, needs.pool);
    let fair_groups = reader.switch("FAIR_GROUPS", given(written.fair_groups.as_deref()), true);
    let export = otel::export(&written.otel, &mut reader);
    if reader.problems.is_empty() {
        reader.problems.extend(table::of_another_model(&table_name, &model));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    Ok(JobConfig {
        queue_url,
        dead_letter_queue_url,
        table_name,
        model,
        user_pools,
        user_pool,
        fair_groups,
        pseudonyms: Pseudonyms::new(given(written.logs.log_hash_key.as_deref())),
        export,
    })
}
