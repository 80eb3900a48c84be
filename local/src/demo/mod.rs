//! The demo: a crowd signs up, and every one of them must end with exactly one item.
//!
//! Everything on the way is real: the trigger's handler, SQS and DynamoDB over HTTP, the AWS SDK, the
//! worker. Only what is expected is worked out here, by other code than the worker's.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the demo's result is for stdout")]

mod crowd;
mod report;
pub(crate) mod trickle;
mod verify;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use producer_lambda::{Announcement, Credentials, Producer, SharedCredentialsProvider};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use worker::cli::{Places, Written};
use worker::config;
use worker::pipeline::Stop;
use worker::service::{self, Summary};
use worker::stats::Stats;
use worker::telemetry::{self, Telemetry};

use crate::stack::{self, Queues, Stack};
use crowd::{Crowd, Sent};

/// What may be chosen about the demo.
#[derive(Debug, Args)]
pub struct Options {
    /// Events to feed in: sign-ups with repeats, resets and a few bad messages among them.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub events: u32,
    /// How the result looks on stdout [default: table on a terminal, json elsewhere].
    #[arg(long, value_enum)]
    pub output: Option<Output>,
}

/// How the result looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For machines, one line.
    Json,
}

/// The table's name, in the form Amplify gives it.
pub const TABLE: &str = "UserProfile-local-NONE";

/// The queue's name.
pub const QUEUE: &str = "profile-confirmations";

/// The pool the crowd signs up in, and the only one the worker accepts.
pub const USER_POOL: &str = "eu-central-1_A1b2C3d4E";

/// Sign-ups on their way to the queue at once.
const FEEDERS: usize = 8;

/// The worker is started when this part of the crowd, in tenths, waits in the queue: it has to catch up
/// with a rush, and the rest comes while it does.
const WAITING_TENTHS: usize = 9;

/// How long the queue must have been empty for the demo to be over.
const QUIET: &str = "1s";

/// Runs the demo; answers whether the table holds exactly what it must.
///
/// # Errors
/// When the endpoints cannot be started or asked.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let stack = Stack::start().await.context("the endpoints cannot be started on loopback")?;
    let access = stack.access();
    let sqs = aws_sdk_sqs::Client::from_conf(access.sqs().build());
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build());
    let queues = stack::create_queues(&sqs, QUEUE).await?;
    stack::create_table(&dynamodb, TABLE, &["id"]).await?;

    let crowd = Crowd::new(options.events);
    verify::put_rows(&dynamodb, TABLE, crowd.rows_before()).await?;

    eprintln!(
        "SQS on {}, DynamoDB on {}: {} events through trigger and queue; the worker starts late, when nine in ten of them wait",
        stack.sqs_endpoint(),
        stack.dynamodb_endpoint(),
        crowd.messages.len()
    );
    let begun = Instant::now();
    let telemetry = quiet_telemetry(&queues)?;
    let stats = Arc::clone(&telemetry.stats);
    let stop = Stop::default();
    let progress = JoinSet::from_iter([show_progress(Arc::clone(&stats), crowd.messages.len() as u64)]);
    let endpoint = stack.sqs_endpoint();
    let waiting = Notify::new();
    let feeding = feed(&crowd, &queues, &endpoint, &sqs, &waiting);
    let working = async {
        waiting.notified().await;
        work(&queues, &access, &telemetry, "off", Some(QUIET), stop.clone()).await
    };
    let (fed, summary) = tokio::join!(feeding, working);
    drop(progress);
    let (fed, summary) = (fed?, summary?);
    if fed.failed > 0 {
        bail!("{} of the trigger's announcements failed on loopback", fed.failed);
    }
    let took = begun.elapsed();

    let verdict = verify::compare(&crowd, &dynamodb, TABLE, &sqs, &queues, &summary).await?;
    match options.output.unwrap_or_else(by_terminal) {
        Output::Table => report::print_table(&summary, &verdict, took),
        Output::Json => report::print_json(&summary, &verdict, took),
    }
    Ok(verdict.is_exact())
}

fn by_terminal() -> Output {
    if std::io::stdout().is_terminal() { Output::Table } else { Output::Json }
}

/// The worker, from its library, with the settings a person would give the binary.
async fn work(
    queues: &Queues,
    access: &worker::aws::clients::Access,
    telemetry: &Telemetry,
    admin_addr: &str,
    until_empty: Option<&str>,
    stop: Stop,
) -> anyhow::Result<Summary> {
    let places = Places {
        queue_url: Some(queues.queue.clone()),
        table_name: Some(TABLE.into()),
        user_pool_ids: Some(USER_POOL.into()),
        ..Places::default()
    };
    let written = Written { places, admin_addr: Some(admin_addr.into()), ..Written::default() };
    let problems = |problems: Vec<config::Problem>| {
        anyhow::anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let config = config::parse(&written).map_err(problems)?;
    let quiet = until_empty.map(config::until_empty).transpose().map_err(problems)?;
    service::run(&config, access, telemetry, quiet, stop).await.map_err(|problem| problems(vec![problem]))
}

/// The same for somebody who looks: with its status page at this address, until stopped.
///
/// # Errors
/// When the address is taken.
pub(crate) async fn work_with_page(
    queues: &Queues,
    access: &worker::aws::clients::Access,
    page: SocketAddr,
    stop: Stop,
) -> anyhow::Result<Summary> {
    let telemetry = quiet_telemetry(queues)?;
    let working = work(queues, access, &telemetry, &page.to_string(), None, stop).await;
    working.context("the worker cannot run; --page-port chooses another port")
}

/// Counted, and told to nobody.
fn quiet_telemetry(queues: &Queues) -> anyhow::Result<Telemetry> {
    Telemetry::unpushed(telemetry::Destinations::new(&queues.queue, TABLE))
        .map_err(|fault| anyhow::anyhow!("{fault}"))
}

struct Fed {
    failed: u64,
}

/// Sends the crowd's messages: events through the trigger's handler, the rest straight to the queue. Tells
/// `waiting` when most of them are there.
async fn feed(
    crowd: &Crowd,
    queues: &Queues,
    endpoint: &str,
    sqs: &aws_sdk_sqs::Client,
    waiting: &Notify,
) -> anyhow::Result<Fed> {
    // Also when feeding fails: the worker has to start to come to an end.
    let result = feed_all(crowd, queues, endpoint, sqs, waiting).await;
    waiting.notify_one();
    result
}

async fn feed_all(
    crowd: &Crowd,
    queues: &Queues,
    endpoint: &str,
    sqs: &aws_sdk_sqs::Client,
    waiting: &Notify,
) -> anyhow::Result<Fed> {
    let mut config = producer_lambda::Config::queue(&queues.queue, "eu-central-1");
    config.endpoint_url = Some(endpoint.to_owned());
    config.credentials =
        SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    let producer = Producer::new(config);

    let mut sending = JoinSet::new();
    let mut fed = Fed { failed: 0 };
    let mut join_one = async |sending: &mut JoinSet<anyhow::Result<bool>>| {
        if let Some(sent) = sending.join_next().await {
            fed.failed += u64::from(!sent??);
        }
        anyhow::Ok(())
    };
    let most = crowd.messages.len() * WAITING_TENTHS / 10;
    for (nth, message) in crowd.messages.iter().enumerate() {
        if nth == most {
            waiting.notify_one();
        }
        if sending.len() >= FEEDERS {
            join_one(&mut sending).await?;
        }
        match message.clone() {
            Sent::Event(event) => {
                let producer = producer.clone();
                sending.spawn(
                    async move { Ok(producer.announce(&event, None).await == Announcement::Enqueued) },
                );
            }
            Sent::Body(body) => {
                let request = sqs.send_message().queue_url(&queues.queue).message_body(body);
                sending.spawn(async move { Ok(request.send().await.is_ok()) });
            }
        }
    }
    while !sending.is_empty() {
        join_one(&mut sending).await?;
    }
    Ok(fed)
}

/// A bar on a terminal, nothing elsewhere.
async fn show_progress(stats: Arc<Stats>, messages: u64) {
    let bar = ProgressBar::new(messages);
    let style = "{elapsed_precise} {wide_bar:.cyan/blue} {pos}/{len} settled, {msg}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        let counts = stats.snapshot(Instant::now());
        let count = |outcome| counts.outcomes.get(outcome).copied().unwrap_or_default();
        bar.set_position(counts.received.saturating_sub(counts.in_flight));
        bar.set_message(format!(
            "{} created, {} already present",
            count("created"),
            count("already_present")
        ));
    }
}
