//! The endpoints for other programs: the aws CLI, boto3, a second worker; and, with `--worker`, a worker and people who
//! sign up, for somebody who wants to look at the status page. Nothing is kept after the end; nothing is checked of
//! who calls, so it stays on loopback.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the variables are for stdout")]

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use clap::Args;

use crate::cognito::{Pool, User};
use crate::demo::{self, QUEUE, TABLE};
use crate::stack::{self, Ports, Stack};
use worker::pipeline::Stop;
use worker::ports::UserStatus;

/// What may be chosen about the endpoints.
#[derive(Debug, Args)]
pub struct Options {
    /// SQS's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub sqs_port: u16,
    /// DynamoDB's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub dynamodb_port: u16,
    /// Cognito's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub cognito_port: u16,
    /// S3's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub s3_port: u16,
    /// Run a worker too, and let people sign up: for a look at its status page.
    #[arg(long)]
    pub worker: bool,
    /// The port of its status page.
    #[arg(long, default_value_t = 9464, requires = "worker", value_parser = clap::value_parser!(u16).range(1..))]
    pub page_port: u16,
    /// Sign-ups a second of `--worker`, on average, from 0.1 to 200.
    #[arg(long, default_value_t = 5.0, requires = "worker", value_parser = rate)]
    pub rate: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| "a number is needed".to_owned())?;
    if (0.1..=200.0).contains(&rate) { Ok(rate) } else { Err("from 0.1 to 200".into()) }
}

/// The bucket that is there for files of the jobs.
const BUCKET: &str = "profiles";

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When a port is taken.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let ports = Ports {
        sqs: options.sqs_port,
        dynamodb: options.dynamodb_port,
        cognito: options.cognito_port,
        s3: options.s3_port,
    };
    let stack = Stack::start_on(ports).await.context("the endpoints cannot be started; is a port taken?")?;
    let access = stack.access();
    let queues = stack::create_queues(&aws_sdk_sqs::Client::from_conf(access.sqs().build()), QUEUE).await?;
    let sqs = aws_sdk_sqs::Client::from_conf(access.sqs().build());
    stack::create_table(&aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build()), TABLE, &["id"])
        .await?;
    let pool = stack.cognito.create_pool("profiles");
    fill(&pool);
    stack.s3.create_bucket(BUCKET);
    for (name, value) in [
        ("AWS_ENDPOINT_URL_SQS", stack.sqs_endpoint()),
        ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb_endpoint()),
        ("AWS_REGION", "eu-central-1".into()),
        ("AWS_DEFAULT_REGION", "eu-central-1".into()),
        ("AWS_ACCESS_KEY_ID", "local".into()),
        ("AWS_SECRET_ACCESS_KEY", "local".into()),
        ("QUEUE_URL", queues.queue.clone()),
        ("DEAD_LETTER_QUEUE_URL", queues.dead_letter.clone()),
        ("TABLE_NAME", TABLE.into()),
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", stack.cognito_endpoint()),
        ("AWS_ENDPOINT_URL_S3", stack.s3_endpoint()),
        ("USER_POOL_ID", pool.id().into()),
    ] {
        println!("export {name}={value}");
    }
    eprintln!(
        "The pool has {} users, one in three of whom no profile is due; s3://{BUCKET}/ is empty.",
        pool.len()
    );
    eprintln!("Serving; paste the lines above into another shell. Ctrl-C ends it and forgets everything.");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let asked_to_end = async {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    };
    if options.worker {
        let page = SocketAddr::from((Ipv4Addr::LOCALHOST, options.page_port));
        eprintln!("People sign up, {} a second on average; the worker's page: http://{page}/", options.rate);
        let stop = Stop::default();
        let working = demo::work_with_page(&queues, &access, page, stop.clone());
        let endpoint = stack.sqs_endpoint();
        let sending = demo::trickle::send(&queues, &endpoint, &sqs, options.rate);
        tokio::pin!(working);
        tokio::select! {
            ended = &mut working => return ended.map(|_| true),
            ended = sending => ended?,
            asked = asked_to_end => asked?,
        }
        stop.soft.cancel();
        working.await?;
    } else {
        asked_to_end.await?;
    }
    drop(stack);
    Ok(true)
}

/// Users of every status that a job has to tell apart.
fn fill(pool: &Pool) {
    for n in 0..12 {
        pool.add(User::with_email(format!("confirmed-{n}@example.com")));
    }
    for (n, status) in UserStatus::NAMED.into_iter().enumerate() {
        let email = format!("{}@example.com", status.name().to_ascii_lowercase());
        let user = User::with_email(email).being(status.clone());
        // Those who come from elsewhere are named after it.
        let google = status == UserStatus::ExternalProvider;
        let username = if google { format!("Google_10000000000000000000{n}") } else { user.username.clone() };
        pool.add(User { username, ..user });
    }
    pool.add(User { enabled: false, ..User::with_email("disabled@example.com") });
    let phone = User::with_email("").with("phone_number", "+15555550100");
    let attributes =
        phone.attributes.clone().into_iter().filter(|(name, _)| !name.starts_with("email")).collect();
    pool.add(User { attributes, ..phone });
}
