//! The process that plays SQS and DynamoDB for one run: fills the queue, says where it is, and when asked
//! says what came of it. Ends with its standard input, so that none is left behind.
//!
//! Must stay a process of its own: its CPU time and memory are not the worker's.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use harness::Collector;
use local::stack::{self, Queues, Stack};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, stdin};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;
use worker::aws::clients::Access;

use crate::audit::{self, Audit};
use crate::command::{EndpointsOrder, Engine};
use crate::delay;
use crate::table::Table;
use crate::workload::Workload;

pub(crate) const TABLE: &str = "UserProfile-bench-NONE";
const QUEUE: &str = "profile-confirmations";

/// Batches on their way into the queue at once.
const FILLING: usize = 8;

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
    let (plain, plain_address) = Table::start(TABLE).await?;
    let dynamodb = match order.engine {
        Engine::Plain => format!("http://{plain_address}"),
        Engine::Dynoxide => {
            stack::create_table(&dynoxide, TABLE, &["id"]).await?;
            stack.dynamodb_endpoint()
        }
    };
    let one_way = Duration::from_millis(order.delay_ms) / 2;
    let far = (far_end(stack.sqs_endpoint(), one_way)?, far_end(dynamodb, one_way)?);
    let workload = Workload::new(order.messages);
    fill(&sqs, &queues.queue, &workload).await?;
    let call_ms = call_ms(&Access::local(&far.0, &far.1), &queues).await?;
    let collector = Collector::start().await;
    let ready = Ready {
        sqs: far.0,
        dynamodb: far.1,
        queue: queues.queue.clone(),
        collector: collector.endpoint().to_owned(),
        call_ms,
    };
    println!("{}", serde_json::to_string(&ready)?);

    let mut lines = BufReader::new(stdin()).lines();
    if lines.next_line().await?.is_some() {
        let rows = match order.engine {
            Engine::Plain => plain.rows(),
            Engine::Dynoxide => stack::rows(&dynoxide, TABLE).await?,
        };
        let expected = workload.rows();
        let audit = audit::audit(order.messages, &expected, &rows, &stack.sqs, &sqs, &queues).await?;
        println!("{}", serde_json::to_string(&audit)?);
    }
    Ok(())
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

async fn fill(sqs: &aws_sdk_sqs::Client, queue: &str, workload: &Workload) -> anyhow::Result<()> {
    let mut sending = JoinSet::new();
    let mut bodies = workload.bodies().peekable();
    while bodies.peek().is_some() {
        if sending.len() == FILLING {
            sending.join_next().await.context("nothing was under way")???;
        }
        let mut request = sqs.send_message_batch().queue_url(queue);
        for (place, body) in bodies.by_ref().take(10).enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body);
            request = request.entries(entry.build()?);
        }
        sending.spawn(async move {
            ensure!(request.send().await?.failed.is_empty(), "a message was not sent");
            anyhow::Ok(())
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
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
            .args(["--engine", engine])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let line = stdout.next_line().await?.context("the endpoints did not start")?;
        Ok(Self { ready: serde_json::from_str(&line)?, child, stdin, stdout })
    }

    /// Asks what came of the run, and ends it.
    pub(crate) async fn audit(mut self) -> anyhow::Result<Audit> {
        self.stdin.write_all(b"audit\n").await?;
        let line = self.stdout.next_line().await?.context("the endpoints gave no account")?;
        let audit = serde_json::from_str(&line)?;
        ensure!(self.child.wait().await?.success(), "the endpoints did not end well");
        Ok(audit)
    }
}
