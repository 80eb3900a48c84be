//! Your own events into the queue of `serve`: Cognito events through the trigger's handler, envelopes
//! as they are. A bad line is named by its number and the rest goes on; what is in it is not shown.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the result is for stdout")]

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use domain::{Timestamp, body, envelope};
use producer_lambda::{Announcement, Credentials, Producer, SharedCredentialsProvider};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use worker::aws::clients::Access;

/// What to send, and where.
#[derive(Debug, Args)]
pub struct Options {
    /// A file with one JSON object a line, or - for standard input.
    pub file: PathBuf,
    /// The queue, as `serve` prints it.
    #[arg(long, env = "QUEUE_URL")]
    pub queue_url: String,
    /// The endpoint, as `serve` prints it. Required, so that nothing reaches AWS by accident.
    #[arg(long, env = "AWS_ENDPOINT_URL_SQS")]
    pub endpoint: String,
}

#[derive(Default)]
struct Tally {
    sent: u64,
    ignored: u64,
    bad: u64,
}

/// Sends every line; answers whether all of them could be.
///
/// # Errors
/// When the file cannot be read or the endpoint does not answer.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let mut config = producer_lambda::Config::queue(&options.queue_url, "eu-central-1");
    config.endpoint_url = Some(options.endpoint.clone());
    config.credentials =
        SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    let producer = Producer::new(config);
    let sqs =
        aws_sdk_sqs::Client::from_conf(Access::local(&options.endpoint, &options.endpoint).sqs().build());

    let mut tally = Tally::default();
    if options.file.as_os_str() == "-" {
        send_lines(BufReader::new(tokio::io::stdin()), &producer, &sqs, options, &mut tally).await?;
    } else {
        let file = tokio::fs::File::open(&options.file).await;
        let file = file.with_context(|| format!("{} cannot be opened", options.file.display()))?;
        send_lines(BufReader::new(file), &producer, &sqs, options, &mut tally).await?;
    }
    let result = serde_json::json!({"sent": tally.sent, "ignored": tally.ignored, "bad_lines": tally.bad});
    println!("{result}");
    Ok(tally.bad == 0)
}

async fn send_lines(
    mut lines: impl AsyncBufRead + Unpin,
    producer: &Producer,
    sqs: &aws_sdk_sqs::Client,
    options: &Options,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).await.context("the file cannot be read on")? == 0 {
            break;
        }
        let Ok(text) = std::str::from_utf8(&line).map(str::trim) else {
            complain(number, "is not UTF-8", tally);
            continue;
        };
        if text.is_empty() {
            continue;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(value) if value.as_object().is_some_and(envelope::looks_like_envelope) => {
                if let Err(rejection) = body::read(text, Timestamp::from_epoch_ms(0)?, |_| true) {
                    complain(number, &rejection.to_string(), tally);
                    continue;
                }
                let request = sqs.send_message().queue_url(&options.queue_url).message_body(text);
                request.send().await.context("the queue does not take messages; is `serve` running?")?;
                tally.sent += 1;
            }
            Ok(event) => match producer.announce(&event, None).await {
                Announcement::Enqueued => tally.sent += 1,
                Announcement::Ignored => tally.ignored += 1,
                Announcement::Invalid(rejection) => complain(number, &rejection.to_string(), tally),
                Announcement::Failed(class) => {
                    bail!("the queue does not take messages ({}); is `serve` running?", class.code())
                }
            },
            Err(fault) => complain(number, &format!("is not JSON at column {}", fault.column()), tally),
        }
    }
    Ok(())
}

fn complain(number: u64, fault: &str, tally: &mut Tally) {
    tally.bad += 1;
    eprintln!("line {number}: {fault}");
}
