//! The endpoints for other programs: the aws CLI, boto3, a second worker. Nothing is kept after the
//! end; nothing is checked of who calls, so it stays on loopback.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the variables are for stdout")]

use anyhow::Context;
use clap::Args;

use crate::cognito::{Pool, User};
use crate::demo::{QUEUE, TABLE};
use crate::stack::{self, Ports, Stack};
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
        ("QUEUE_URL", queues.queue),
        ("DEAD_LETTER_QUEUE_URL", queues.dead_letter),
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
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
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
