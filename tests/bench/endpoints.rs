//! The process that plays SQS and DynamoDB for one run: fills the queue, says where it is, and when asked
//! says what came of it. Ends with its standard input, so that none is left behind.
//!
//! Must stay a process of its own: its CPU time and memory are not the worker's.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use harness::Collector;
use local::stack::{self, Queues, Stack};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, stdin};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;
use worker::aws::clients::Access;

use crate::arrivals;
use crate::audit::{self, Audit, Came, Rows};
use crate::command::{EndpointsOrder, Engine};
use crate::conditions::Conditions;
use crate::counting::{Counting, since};
use crate::delay;
use crate::faults::{self, Dice};
use crate::scene;
use crate::table::Table;
use crate::workload::Workload;

pub(crate) const TABLE: &str = "UserProfile-bench-NONE";
const QUEUE: &str = "profile-confirmations";

/// Where everything is, once the queue is full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) sqs: String,
    pub(crate) dynamodb: String,
    pub(crate) queue: String,
    /// Where telemetry is taken.
    pub(crate) collector: String,
    /// What a call to SQS takes from here, delay included: the median of some.
    pub(crate) call_ms: f64,
}

/// Plays the endpoints of one run.
pub(crate) async fn serve(order: &EndpointsOrder) -> anyhow::Result<()> {
    let stack = Stack::start().await?;
    let access = stack.access();
    let sqs = aws_sdk_sqs::Client::from_conf(access.sqs().build());
    let dynoxide = aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build());
    let queues = stack::create_queues(&sqs, QUEUE).await?;
    let Conditions { arrivals, repeats, faults } = order.conditions;
    let throttling = Dice::new(faults.map_or(0.0, |faults| faults.throttled));
    let failing = Dice::new(faults.map_or(0.0, |faults| faults.failed_deletes));
    let (plain, plain_address) = Table::start(TABLE, throttling.clone()).await?;
    let (dynamodb, counting) = match order.engine {
        Engine::Plain => (format!("http://{plain_address}"), plain.counting.clone()),
        Engine::Dynoxide => {
            stack::create_table(&dynoxide, TABLE, &["id"]).await?;
            (stack.dynamodb_endpoint(), Counting::of_dynoxide()?)
        }
    };
    let one_way = Duration::from_millis(order.delay_ms) / 2;
    let near = match faults {
        Some(_) => faults::failing_deletes(stack.sqs_endpoint(), failing.clone()).await,
        None => stack.sqs_endpoint(),
    };
    let far = (far_end(near, one_way)?, far_end(dynamodb, one_way)?);
    let workload = Workload::new(order.messages, repeats);
    arrivals::before(arrivals, &sqs, &queues.queue, &workload).await?;
    let call_ms = call_ms(&Access::local(&far.0, &far.1), &queues).await?;
    // Some clients take the host of the queue's URL for the endpoint.
    let queue = queues.queue.replacen(&stack.sqs_endpoint(), &far.0, 1);
    let collector = Collector::start().await;
    let before = Came { sqs: stack.sqs.calls(), dynamodb: counting.calls() };
    let ready =
        Ready { sqs: far.0, dynamodb: far.1, queue, collector: collector.endpoint().to_owned(), call_ms };
    println!("{}", serde_json::to_string(&ready)?);

    let audit = async || {
        let came = Came {
            sqs: since(&before.sqs, stack.sqs.calls()),
            dynamodb: since(&before.dynamodb, counting.calls()),
        };
        let rows = match order.engine {
            Engine::Plain => plain.rows(),
            Engine::Dynoxide => rows(&dynoxide).await?,
        };
        let expected = workload.rows();
        let mut audit =
            audit::audit(order.messages, &expected, &rows, came, &stack.sqs, &sqs, &queues).await?;
        audit.write_units = (order.engine == Engine::Plain).then(|| plain.units());
        (audit.throttled, audit.failed_deletes) = (throttling.failed(), failing.failed());
        anyhow::Ok(audit)
    };
    let told = async {
        let mut lines = BufReader::new(stdin()).lines();
        while let Some(line) = lines.next_line().await? {
            if line == "audit" {
                println!("{}", serde_json::to_string(&audit().await?)?);
                break;
            }
            let Some(word) = scene::Word::read(&line) else { bail!("the endpoints are told {line}") };
            println!("{}", serde_json::to_string(&word.act(&stack.sqs, &sqs, &queues).await?)?);
        }
        Ok(())
    };
    let coming = async {
        arrivals::during(arrivals, &stack.sqs, &sqs, &queues.queue, &workload).await?;
        std::future::pending().await
    };
    tokio::select! {
        told = told => told,
        fault = coming => fault,
    }
}

/// Every row, without ever holding all of them.
async fn rows(client: &aws_sdk_dynamodb::Client) -> anyhow::Result<Rows> {
    let mut rows = Rows::default();
    let mut pages = client.scan().table_name(TABLE).consistent_read(true).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let row: Map<String, Value> = item?.into_iter().map(|(name, value)| (name, shown(value))).collect();
        let id = row.get("id").and_then(|id| id.get("S")?.as_str()).unwrap_or_default().to_owned();
        rows.add(id, &row.into());
    }
    Ok(rows)
}

/// Text as DynamoDB's JSON has it; there is nothing else in these items.
fn shown(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        other => json!(format!("{other:?}")),
    }
}

/// The same endpoint at the far end of a line, or itself.
fn far_end(endpoint: String, one_way: Duration) -> anyhow::Result<String> {
    if one_way.is_zero() {
        return Ok(endpoint);
    }
    let port = endpoint.rsplit(':').next().context("an endpoint without a port")?.parse()?;
    let line = delay::line(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), one_way)?;
    Ok(format!("http://{line}"))
}

/// The median of some calls, one after another.
async fn call_ms(access: &Access, queues: &Queues) -> anyhow::Result<f64> {
    const CALLS: usize = 21;
    let sqs = aws_sdk_sqs::Client::from_conf(access.sqs().build());
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let begun = Instant::now();
        sqs.get_queue_attributes().queue_url(&queues.queue).send().await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[CALLS / 2].as_secs_f64() * 1000.0)
}

/// Such a process, seen from the one that started it.
pub(crate) struct Endpoints {
    pub(crate) ready: Ready,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Endpoints {
    /// Starts it and waits until the queue is full.
    pub(crate) async fn start(this: &Path, order: &EndpointsOrder) -> anyhow::Result<Self> {
        let engine = match order.engine {
            Engine::Dynoxide => "dynoxide",
            Engine::Plain => "plain",
        };
        let mut child = Command::new(this)
            .arg("endpoints")
            .args(["--messages", &order.messages.to_string(), "--delay-ms", &order.delay_ms.to_string()])
            .args(["--engine", engine, "--conditions", &order.conditions.argument()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let line = stdout.next_line().await?.context("the endpoints did not start")?;
        Ok(Self { ready: serde_json::from_str(&line)?, child, stdin, stdout })
    }

    /// Says a word to it and waits for the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&mut self, word: &str) -> anyhow::Result<T> {
        self.stdin.write_all(format!("{word}\n").as_bytes()).await?;
        let line = self.stdout.next_line().await?.with_context(|| format!("no answer to {word}"))?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Asks what came of the run, and ends it.
    pub(crate) async fn audit(mut self) -> anyhow::Result<Audit> {
        let audit = self.ask("audit").await?;
        ensure!(self.child.wait().await?.success(), "the endpoints did not end well");
        Ok(audit)
    }
}
