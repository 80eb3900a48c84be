//! The endpoints for other programs: the aws CLI, boto3, a second worker. Nothing is kept after the
//! end; nothing is checked of who calls, so it stays on loopback.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the variables are for stdout")]

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use clap::Args;

use crate::demo::{QUEUE, TABLE};
use crate::stack::{self, Stack};

/// What may be chosen about the endpoints.
#[derive(Debug, Args)]
pub struct Options {
    /// SQS's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub sqs_port: u16,
    /// DynamoDB's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub dynamodb_port: u16,
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When a port is taken.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stack = Stack::start_on(on(options.sqs_port), on(options.dynamodb_port))
        .await
        .context("the endpoints cannot be started; is a port taken?")?;
    let access = stack.access();
    let queues = stack::create_queues(&aws_sdk_sqs::Client::from_conf(access.sqs().build()), QUEUE).await?;
    stack::create_table(&aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build()), TABLE, &["id"])
        .await?;
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
    ] {
        println!("export {name}={value}");
    }
    eprintln!("Serving; paste the lines above into another shell. Ctrl-C ends it and forgets everything.");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    drop(stack);
    Ok(true)
}
