//! `backfill`: gives the users whom no event ever announced, or whose event was lost, the message that makes
//! their profile. From the user pool, or from a file. It only sends: the worker writes, and never twice, so
//! whatever is sent again does no harm. Must never keep a state that is ahead of the queue.

use domain::{Source, UserPoolId};

use super::candidate::Terms;
use super::checkpoint::Checkpoint;
use super::legacy::Legacy;
use super::progress::Progress;
use super::sender::Sender;
use super::users::Users;
use super::{Context, JobError, now, table_fits};
use crate::aws::cognito::CognitoPool;
use crate::aws::outbox::Outbox;
use crate::cli::JobWritten;
use crate::cli::jobs::Backfill;
use crate::pipeline::Stop;
use crate::ports::UserDirectory;
use file::Input;
use intake::Intake;
use options::{CreatedAt, From, Options};
use record::Unusable;
use rejects::Rejects;
use state::{At, Keeper, State};

mod command;
mod document;
mod file;
mod form;
mod intake;
mod lines;
mod options;
mod pool;
mod record;
mod rejects;
mod report;
mod state;
mod table;

pub use report::{Counts, Summary};

/// What a backfill works with.
struct Run {
    intake: Intake,
    /// None in a dry run.
    sender: Option<Sender>,
    /// What the sender had got rid of when it was last asked.
    taken: u64,
    rejects: Rejects,
    keeper: Keeper,
    progress: Progress,
    /// The pool of users who come without it.
    pool: Option<UserPoolId>,
    stop: Stop,
}

impl Run {
    async fn send(&mut self, body: String) -> Result<(), JobError> {
        match &mut self.sender {
            Some(sender) => sender.push_body(body).await,
            None => Ok(()),
        }
    }

    fn reject(&mut self, line: u64, text: &[u8], why: &Unusable) -> Result<(), JobError> {
        self.intake.counts.rejected += 1;
        self.rejects.add(line, text, why)
    }

    /// Makes sure of everything before `at`, then keeps it.
    async fn settle(&mut self, at: At) -> Result<(), JobError> {
        if let Some(sender) = &mut self.sender {
            let taken = sender.flush().await?;
            self.intake.counts.sent += taken - self.taken;
            self.taken = taken;
        }
        let rejects = self.rejects.save().await?;
        self.keeper.keep(at, &self.intake.counts, rejects).await
    }

    fn summary(self, interrupted: bool, dry_run: bool) -> Summary {
        Summary {
            seconds: (self.keeper.seconds() * 1000.0).round() / 1000.0,
            counts: self.intake.counts,
            interrupted,
            dry_run,
            checkpoint: self.keeper.place(),
            rejects: self.rejects.place().map(ToString::to_string),
            go_on: self.keeper.go_on(),
        }
    }
}

/// Runs the job.
///
/// # Errors
/// Settings and flags that cannot work, a call that failed for good, a file that cannot be read or written.
pub async fn run(args: &Backfill, written: &JobWritten, stop: Stop) -> Result<Summary, JobError> {
    let needs = options::needs(args);
    let (context, options) = Context::with(written, &needs, options::parse(args), stop).await?;
    let (config, clients) = (&context.config, &context.clients);
    let input = match &options.from {
        From::Cognito => None,
        From::File(place) => Some(Input::open(place, &clients.s3).await?),
    };
    let (checkpoint, state) = match options.checkpoint.clone() {
        None => (None, None),
        Some(place) => {
            let of = identity(&options, config.user_pool.as_ref(), input.as_ref());
            let (checkpoint, state) =
                Checkpoint::open::<State>(place, &of, options.resume, &clients.s3).await?;
            (Some(checkpoint), state)
        }
    };
    let keeper = Keeper::new(checkpoint, state.as_ref(), command::again(std::env::args_os()));
    let rejected = state.as_ref().map_or(0, |state| state.rejects);
    let rejects = Rejects::open(options.rejects.clone(), rejected, &clients.s3).await?;
    let sender = (!options.dry_run).then(|| {
        let outbox = Outbox::new(clients.sqs.clone(), config.queue_url.clone(), config.fair_groups);
        let outbox = outbox.traced(context.traces.clone());
        Sender::new(outbox, options.max_per_second)
    });
    let counts = state.as_ref().map(|state| state.counts.clone()).unwrap_or_default();
    let terms = Terms {
        source: if input.is_some() { Source::BackfillFile } else { Source::BackfillCognito },
        own_dates: options.created_at == CreatedAt::UserCreateDate,
        wanted: config.model.referenced_attributes().into_iter().map(str::to_owned).collect(),
    };
    let pools = config.user_pool.iter().cloned().collect();
    let pools = if config.user_pool.is_some() { pools } else { config.user_pools.clone() };
    let mut run = Run {
        intake: Intake { policy: options.policy.clone(), terms, pools, legacy: Legacy::none(), counts },
        sender,
        taken: 0,
        rejects,
        keeper,
        progress: Progress::none(),
        pool: config.user_pool.clone(),
        stop: context.stop.clone(),
    };
    let at = state.map(|state| state.at);
    let ended = work(&mut run, &context, &options, input, at).await;
    let ended = ended.map_err(|error| error.with_hint(&run.keeper.go_on()))?;
    if ended {
        run.keeper.done().await?;
    }
    Ok(run.summary(!ended, options.dry_run))
}

/// Answers whether it came to the end.
async fn work(
    run: &mut Run,
    context: &Context,
    options: &Options,
    input: Option<Input>,
    at: Option<At>,
) -> Result<bool, JobError> {
    if options.legacy_rows {
        table_fits(context).await?;
        let mut progress = Progress::new("rows under other keys", None);
        tokio::select! {
            biased;
            () = context.stop.soft.cancelled() => return Ok(false),
            legacy = Legacy::scan(context, &mut progress) => run.intake.legacy = legacy?,
        }
    }
    match (input, context.config.user_pool.clone()) {
        (Some(input), _) => {
            run.progress = Progress::of_file("backfill", input.length);
            let begin = if let Some(At::Byte(begin)) = at { begin } else { 0 };
            file::walk(run, input, begin).await
        }
        (None, Some(pool)) => {
            let directory = CognitoPool::new(context.clients.cognito.clone(), pool.clone());
            // Only to show how long it will take: who may not ask that may go on without.
            run.progress = Progress::new("backfill", directory.estimated_users().await.ok());
            run.progress.add(run.intake.counts.read);
            let token = if let Some(At::Page(token)) = at { token } else { None };
            let mut users = Users::new(directory, Some(options.rate), token);
            pool::walk(run, &mut users, &pool).await
        }
        // The settings would not have been accepted.
        (None, None) => Ok(true),
    }
}

/// What must not change between two runs that go on from one another.
fn identity(options: &Options, pool: Option<&UserPoolId>, input: Option<&Input>) -> String {
    let pool = pool.map_or("any pool", UserPoolId::as_str);
    let (statuses, created_at) = (options.policy.names(), options.created_at.name());
    match (&options.from, input) {
        (From::File(place), Some(input)) => {
            let file = input.identity();
            format!("backfill from {place} ({file}) of {pool}, {statuses}, createdAt {created_at}")
        }
        _ => format!("backfill from the pool {pool}, {statuses}, createdAt {created_at}"),
    }
}
