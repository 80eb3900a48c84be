//! `reconcile`: who is confirmed and has no profile? Compares the user pool with the table, for the users whom no
//! event ever announced. Must never write to the table, and never enqueue before the whole comparison is done.
//!
//! Without `--full` only the rows under the users' own keys are looked at. `--fix missing` then scans for rows of the
//! documented handler first, which have other keys: their users are left alone. A user who was deleted meanwhile may
//! be enqueued; the worker asks the pool about late messages (VERIFY_LATE).

use std::sync::Arc;

use domain::UserPoolId;

use super::legacy::Legacy;
use super::progress::Progress;
use super::rows::Rows;
use super::sender::Sender;
use super::users::Users;
use super::{Context, JobError, now, table_fits};
use crate::aws::cognito::CognitoPool;
use crate::aws::dynamodb::DynamoDbTable;
use crate::aws::outbox::Outbox;
use crate::aws::scan::TableScan;
use crate::cli::JobWritten;
use crate::cli::jobs::Reconcile;
use crate::config::Needs;
use crate::pipeline::Stop;
use crate::ports::UserDirectory;

pub mod compare;
pub mod findings;
pub mod judge;
pub mod lookup;
pub mod person;
pub mod report;
pub mod settings;
pub mod spool;
pub mod table;

use compare::{Comparison, Known, Went};
use findings::Findings;
use report::{Counts, Outcome};
use settings::Settings;
use spool::Spool;
use table::Columns;

/// Runs the job.
///
/// # Errors
/// What it cannot go on without. Nothing is half-counted: there is a result, or an error.
pub async fn run(args: &Reconcile, written: &JobWritten, stop: Stop) -> Result<Outcome, JobError> {
    let needs = Needs { queue: args.fix.is_some(), table: true, pool: true };
    let (context, settings) = Context::with(written, &needs, Settings::read(args), stop).await?;
    let Some(pool) = context.config.user_pool.clone() else {
        return Err(JobError::problem("USER_POOL_ID", "is not set", "set it to the pool to compare"));
    };
    settings.list.as_ref().map_or(Ok(()), findings::can_be_written)?;
    table_fits(&context).await?;
    let hint = "Nothing was enqueued, and part of a count is none. Run it again; it begins anew.";
    compared(&context, &settings, &pool).await.map_err(|error| match error {
        JobError::Call { ref hint, .. } | JobError::Machine { ref hint, .. } if !hint.is_empty() => error,
        error => error.with_hint(hint),
    })
}

async fn compared(context: &Context, settings: &Settings, pool: &UserPoolId) -> Result<Outcome, JobError> {
    let (config, clients) = (&context.config, &context.clients);
    // A model without an owner asks for the key: that it is there is all there is to know.
    let owner = config.model.owner_attribute().or_else(|| config.model.key_attributes().next());
    let table = DynamoDbTable::new(clients.clone(), config.table_name.clone(), owner.map(str::to_owned));
    let directory = CognitoPool::new(clients.cognito.clone(), pool.clone());
    // For the bar alone, and asked for with a permission that may be wanting.
    let about = context.stop.soft.run_until_cancelled(directory.estimated_users()).await;
    let about = about.and_then(Result::ok).filter(|users| *users > 0);
    let mut comparison = Comparison {
        model: &config.model,
        pool,
        settings,
        table: Arc::new(table),
        stop: context.stop.soft.clone(),
        begun: now()?,
        counts: Counts::default(),
        findings: Findings::new(settings.list.is_some()),
        unreadable: 0,
        candidates: Spool::default(),
    };
    let (missing, mut went) = all_of_it(&mut comparison, context, directory, about).await?;
    if let Some(place) = &settings.list
        && went == Went::Through
    {
        std::mem::take(&mut comparison.findings).write(place, &clients.s3).await?;
    }
    let mut enqueued = settings.fix.then_some(0);
    if settings.fix && went == Went::Through {
        let (sent, sending) = enqueue(context, missing, comparison.counts.missing).await?;
        (enqueued, went) = (Some(sent), sending);
    }
    Ok(Outcome {
        counts: comparison.counts,
        full: settings.full,
        legacy_known: settings.fix && settings.legacy_rows,
        enqueued,
        interrupted: went == Went::Interrupted,
        unreadable: comparison.unreadable,
        other_pools: config.user_pools.len() > 1,
        metrics: settings.metrics.then(|| (pool.clone(), comparison.begun)),
    })
}

/// The table first, then the pool, then once more who seems to have nothing. Gives those who are missing.
async fn all_of_it(
    comparison: &mut Comparison<'_, DynamoDbTable>,
    context: &Context,
    directory: CognitoPool,
    about: Option<u64>,
) -> Result<(Spool, Went), JobError> {
    let settings = comparison.settings;
    let stopped = || Ok((Spool::default(), Went::Interrupted));
    let reading = || Progress::new("reading the table", about);
    let mut known = if settings.full {
        let Some(table) = comparison.read_table(scan(context), &mut reading()).await? else {
            return stopped();
        };
        Known::Table(table)
    } else if settings.fix && settings.legacy_rows {
        let mut progress = reading();
        let scan = Legacy::scan(context, &mut progress);
        let Some(legacy) = context.stop.soft.run_until_cancelled(scan).await.transpose()? else {
            return stopped();
        };
        Known::Legacy(legacy)
    } else {
        Known::Legacy(Legacy::none())
    };
    let users = Users::new(directory, Some(settings.rate), None);
    let mut progress = Progress::new("walking the pool", about);
    if Box::pin(comparison.walk(users, &mut known, &mut progress)).await? == Went::Interrupted {
        return stopped();
    }
    drop(progress);
    if let Known::Table(table) = &known {
        comparison.counts.orphan = table.orphans();
        if comparison.findings.wanted()
            && comparison.counts.orphan > 0
            && comparison.name_orphans(table, scan(context)).await? == Went::Interrupted
        {
            return stopped();
        }
    }
    drop(known);
    comparison.look_again(&mut Progress::new("looking again", None)).await
}

fn scan(context: &Context) -> Rows {
    let model = &context.config.model;
    Rows::of(TableScan::new(
        context.clients.dynamodb.clone(),
        context.config.table_name.clone(),
        model.key_attributes().map(str::to_owned).collect(),
        Columns::of(model).names,
    ))
}

/// Sends all of them to the queue. Asked to stop, it ends after what was begun.
async fn enqueue(context: &Context, missing: Spool, count: u64) -> Result<(u64, Went), JobError> {
    let config = &context.config;
    let outbox = Outbox::new(context.clients.sqs.clone(), config.queue_url.clone(), config.fair_groups)
        .traced(context.traces.clone());
    let mut sender = Sender::new(outbox, None);
    let mut progress = Progress::new("enqueueing", Some(count));
    let mut missing = missing.read()?;
    let mut went = Went::Through;
    let hint = "Some of the missing may have been enqueued. Run it again: nobody gets two profiles.";
    while let Some(line) = missing.next_line()? {
        if context.stop.soft.is_cancelled() {
            went = Went::Interrupted;
            break;
        }
        let now = now()?;
        let user = domain::Confirmation { observed_at: now, ..compare::written(&line, now)? };
        sender.push(&user).await.map_err(|error| error.with_hint(hint))?;
        progress.add(1);
    }
    let sent = sender.flush().await.map_err(|error| error.with_hint(hint))?;
    Ok((sent, went))
}
