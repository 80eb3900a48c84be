//! One run of the worker, from settings to summary: finds the queue and the table, or waits for them;
//! runs the pipeline; watches, reports and stops. Used by `profile-worker run` and by the local demo.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::aws::clients::{ATTEMPT, Access, Clients};
use crate::aws::cognito::CognitoPools;
use crate::aws::dynamodb::{DynamoDbTable, key_mismatch, table_key};
use crate::aws::sqs::{SqsQueue, depth, queue_facts};
use crate::config::{Config, Problem};
use crate::decide::backoff::Policy;
use crate::decide::breaker::Patience;
use crate::delivery::Leases;
use crate::gate::Gate;
use crate::permits::Permits;
use crate::pipeline::{self, Ended, Shared, Stop};
use crate::ports::{CallError, ConfirmationQueue, Depth};
use crate::stats::{Snapshot, Stats};
use crate::telemetry::emf::Printer;
use crate::telemetry::{Telemetry, events, queue_name};
use crate::verify::Verifier;

/// What a run has to say when it ends.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Everything that was counted.
    #[serde(flatten)]
    pub counts: Snapshot,
    /// Whether everything received was settled.
    pub drained: bool,
    /// How it ended.
    #[serde(skip)]
    pub ended: Ended,
}

/// How often the `status` event is logged.
const STATUS: Duration = Duration::from_secs(60);

/// How often the queues are asked what they hold: two requests each time, some 175,000 a month.
const QUEUES: Duration = Duration::from_secs(30);

/// Between two looks for a queue or table that is not there.
const LOOK: Policy = Policy {
    initial_interval: Duration::from_millis(500),
    multiplier: 1.5,
    max_interval: Duration::from_secs(15),
    max_elapsed_time: None,
};

/// Runs until stopped, or until the queue has been empty for `until_empty`.
///
/// # Errors
/// What only a person can mend: a queue or a table that is there but does not fit, or an admin address
/// that is taken. What may mend itself is waited for.
pub async fn run(
    config: &Config,
    access: &Access,
    telemetry: &Telemetry,
    until_empty: Option<Duration>,
    stop: Stop,
) -> Result<Summary, Problem> {
    let stats = Arc::clone(&telemetry.stats);
    let clients = Clients::new(access, &stats);
    let leases = Arc::new(Leases::default());
    let mut aside = JoinSet::new();
    if let Some(addr) = config.admin_addr {
        let listener = TcpListener::bind(addr).await.map_err(|fault| {
            Problem::new(
                "ADMIN_ADDR",
                format!("{addr} cannot be listened on ({fault})"),
                "choose a free address, or off",
            )
        })?;
        // With port 0 the address is known only now.
        events::admin_listening(listener.local_addr().unwrap_or(addr));
        aside.spawn(admin::serve(listener, Arc::clone(&stats), telemetry.exposition.clone()));
    }
    if config.rules.user_pools.is_empty() {
        events::any_pool_accepted();
    }
    aside.spawn(report_status(Arc::clone(&stats)));
    let printer = config
        .metrics_emf
        .then(|| Printer::start(Arc::clone(&stats), queue_name(&config.queue_url).to_owned()));

    let ended = match stop.soft.run_until_cancelled(find(config, &clients, &stats)).await {
        None => Ended::Drained,
        Some(found) => {
            let dead_letter_url = found?;
            stats.set_ready();
            stats.set_write_deadline(config.settings.write_deadline);
            events::ready(dead_letter_url.is_some());
            if let Some(url) = &dead_letter_url {
                telemetry.destinations.on_dead_letters(url);
            }
            let sqs = clients.sqs_calm.clone();
            let urls = (config.queue_url.clone(), dead_letter_url.clone());
            aside.spawn(watch_queues(sqs, urls, Arc::clone(&stats)));
            let settings = settings_for(config, until_empty);
            let queue = SqsQueue::new(
                clients.clone(),
                config.queue_url.clone(),
                dead_letter_url,
                settings.visibility_timeout,
                settings.wait_time,
            );
            let cognito = clients.cognito.clone();
            let owner = config.rules.model.owner_attribute().map(str::to_owned);
            let table = DynamoDbTable::new(clients, config.table_name.clone(), owner);
            let shared = Arc::new(Shared {
                queue,
                table,
                rules: config.rules.clone(),
                settings,
                stats: Arc::clone(&stats),
                leases,
                permits: Permits::new(config.settings.max_in_flight, Arc::clone(&stats)),
                gate: Gate::new(patience(&config.settings), Arc::clone(&stats)),
                pseudonyms: config.pseudonyms.clone(),
                give_up: CancellationToken::new(),
            });
            if let Some(quiet) = until_empty {
                aside.spawn(stop_when_empty(Arc::clone(&shared), quiet, stop.soft.clone()));
            }
            let verifier =
                config.verify_late.map(|per_second| Verifier { pools: CognitoPools(cognito), per_second });
            pipeline::run(shared, verifier, stop).await
        }
    };
    aside.shutdown().await;
    // Last of all: its lines together are the summary.
    if let Some(printer) = printer {
        printer.finish().await;
    }
    Ok(Summary { counts: stats.snapshot(Instant::now()), drained: ended == Ended::Drained, ended })
}

/// How long the breaker waits for others: for a write and a poll as long as the SDK may take for them.
pub fn patience(settings: &pipeline::Settings) -> Patience {
    Patience {
        probe: settings.write_deadline + ATTEMPT,
        invite: settings.wait_time + 2 * ATTEMPT,
        hold: settings.hold_budget,
    }
}

/// A worker that is to stop when nothing comes must not sit in a poll for longer than that.
fn settings_for(config: &Config, until_empty: Option<Duration>) -> pipeline::Settings {
    let mut settings = config.settings.clone();
    if let Some(quiet) = until_empty {
        settings.wait_time = settings.wait_time.min(quiet);
    }
    settings
}

/// Finds the queue and the table, however long it takes: an ECS crash loop is no way to wait. Answers
/// the dead-letter queue's URL.
async fn find(config: &Config, clients: &Clients, stats: &Stats) -> Result<Option<String>, Problem> {
    let mut failures = 0;
    loop {
        let (what, error) = match look(config, clients).await {
            Ok(found) => return found,
            Err(missing) => missing,
        };
        failures += 1;
        stats.on_not_ready(Instant::now(), error.class);
        let delay = LOOK.delay(failures, fastrand::f64());
        events::waiting(what, &error, delay);
        sleep(delay).await;
    }
}

type Found = Result<Option<String>, Problem>;

/// One look. The outer error may mend itself; the inner one may not.
async fn look(config: &Config, clients: &Clients) -> Result<Found, (&'static str, CallError)> {
    let facts = queue_facts(&clients.sqs_calm, &config.queue_url).await.map_err(|error| ("queue", error))?;
    let key =
        table_key(&clients.dynamodb_calm, &config.table_name).await.map_err(|error| ("table", error))?;
    if let Some(mismatch) = key_mismatch(&key, config.rules.model.key_attributes()) {
        return Ok(Err(Problem::new(
            "TABLE_NAME, PROFILE_MODEL",
            mismatch,
            "point at the right table, or give the model its key (docs/model.md)",
        )));
    }
    Ok(Ok(config.dead_letter_queue_url.clone().or(facts.dead_letter_url)))
}

/// Stops the run once the queue has nothing more, in whatever state, and nothing has come for `quiet`.
async fn stop_when_empty<Q: ConfirmationQueue, T: Send + Sync + 'static>(
    shared: Arc<Shared<Q, T>>,
    quiet: Duration,
    stop: CancellationToken,
) {
    let begun = Instant::now();
    loop {
        sleep((quiet / 4).min(Duration::from_millis(500))).await;
        let now = Instant::now();
        let idle = shared.stats.idle_for(now).min(now.saturating_duration_since(begun));
        if idle < quiet || shared.leases.in_flight() > 0 {
            continue;
        }
        if shared.queue.depth().await.is_ok_and(Depth::is_empty)
            && shared.stats.idle_for(Instant::now()) >= quiet
        {
            stop.cancel();
            return;
        }
    }
}

/// Sees every now and then what the queues hold.
async fn watch_queues(sqs: aws_sdk_sqs::Client, urls: (String, Option<String>), stats: Arc<Stats>) {
    let look = async |url: &str| depth(&sqs, url).await.ok();
    let mut ticks = interval_at(Instant::now(), QUEUES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let queue = look(&urls.0).await;
        let dead_letters = match &urls.1 {
            Some(url) => look(url).await,
            None => None,
        };
        stats.set_depths(queue, dead_letters);
    }
}

async fn report_status(stats: Arc<Stats>) {
    let mut ticks = interval_at(Instant::now() + STATUS, STATUS);
    loop {
        ticks.tick().await;
        events::status(&stats.snapshot(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::captured::Lines;

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_is_logged_every_minute_with_every_outcome() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let stats = Arc::new(Stats::default());
        let _ = tokio::time::timeout(STATUS * 9 / 10, report_status(Arc::clone(&stats))).await;
        assert!(lines.read().is_empty());
        stats.on_receive(Instant::now(), 2, None);
        stats.on_outcome(Instant::now(), crate::outcome::Outcome::Created, crate::outcome::Origin::Live);
        let _ = tokio::time::timeout(3 * STATUS + STATUS / 2, report_status(stats)).await;
        let logged = lines.read();
        assert_eq!(logged.len(), 3);
        for line in logged {
            assert_eq!((&line["event"], &line["level"]), (&"status".into(), &"INFO".into()));
            assert_eq!((&line["received"], &line["in_flight"]), (&2.into(), &1.into()));
            for outcome in crate::outcome::Outcome::ALL {
                assert!(line[outcome.name()].is_u64(), "{} is not in {line}", outcome.name());
            }
        }
    }
}
