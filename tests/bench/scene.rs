//! How a run goes: one process or several, until the queue is empty, or through an idle while and a burst
//! after it, for which the benchmark and the endpoints speak with each other.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use local::sqs::SqsServer;
use local::stack::Queues;
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeSpec;
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::arrivals;
use crate::audit::depth;
use crate::endpoints::Endpoints;
use crate::subject::{Spent, Subject, dead_children};
use crate::variants::Variant;

const LOOK: Duration = Duration::from_millis(100);

/// What the endpoints are told while a worker idles, and after it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    /// Wait until somebody waits for messages.
    Polled,
    /// Say how it is.
    Now,
    /// All messages come.
    Burst,
    /// Wait until every message is gone.
    Emptied,
    /// Let the polls that wait end.
    Hurry,
}

/// What the endpoints answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Calls to SQS so far.
    calls: BTreeMap<String, u64>,
    /// Polls that waited as the word came.
    waiting: usize,
}

/// No long poll is longer (SQS API reference).
const LONGEST_POLL: Duration = Duration::from_secs(20);

impl Word {
    const ALL: [Self; 5] = [Self::Polled, Self::Now, Self::Burst, Self::Emptied, Self::Hurry];

    const fn text(self) -> &'static str {
        match self {
            Self::Polled => "polled",
            Self::Now => "now",
            Self::Burst => "burst",
            Self::Emptied => "emptied",
            Self::Hurry => "hurry",
        }
    }

    pub(crate) fn read(line: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.text() == line)
    }

    /// What the endpoints do.
    pub(crate) async fn act(
        self,
        server: &SqsServer,
        sqs: &aws_sdk_sqs::Client,
        queues: &Queues,
    ) -> anyhow::Result<Moment> {
        let mut waiting = server.open_polls();
        match self {
            Self::Polled => arrivals::polled(server).await,
            Self::Now => {}
            Self::Burst => waiting = arrivals::burst(server),
            Self::Emptied => {
                while depth(sqs, &queues.queue).await? != ["0", "0", "0"] {
                    sleep(LOOK).await;
                }
            }
            Self::Hurry => server.advance(LONGEST_POLL),
        }
        Ok(Moment { calls: server.calls(), waiting })
    }
}

/// What a worker did while it had nothing to do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Idle {
    pub(crate) seconds: f64,
    pub(crate) cpu_ms: f64,
    /// Calls to SQS that began meanwhile, and the poll that waited already.
    pub(crate) calls: BTreeMap<String, u64>,
}

/// Runs what is measured. Several processes come to one account: CPU and counts together, the largest memory.
pub(crate) async fn play(
    variant: &Variant,
    subject: &Subject,
    endpoints: &mut Endpoints,
) -> anyhow::Result<(Spent, Option<Idle>)> {
    let deadline = variant.deadline;
    if let Some(idle) = variant.idle {
        let beside = async |id| idling(id, endpoints, idle).await;
        let (spent, idle) = subject.run_beside(deadline, beside).await?;
        return Ok((spent, Some(idle)));
    }
    let spent = match (&subject.scraped_at, variant.tasks) {
        (Some(url), _) => subject.run_scraped(deadline, url).await?,
        (None, 1) => subject.run(deadline).await?,
        (None, tasks) => several(subject, tasks, deadline).await?,
    };
    Ok((spent, None))
}

/// Lets it idle, makes the messages come, and stops it when they are gone.
async fn idling(id: Pid, endpoints: &mut Endpoints, idle: Duration) -> anyhow::Result<Idle> {
    let before: Moment = endpoints.ask(Word::Polled.text()).await?;
    let cpu = cpu_of(id)?;
    sleep(idle).await;
    let cpu = cpu_of(id)?.saturating_sub(cpu);
    let after: Moment = endpoints.ask(Word::Now.text()).await?;
    let burst: Moment = endpoints.ask(Word::Burst.text()).await?;
    ensure!(burst.waiting > 0, "wrong: nobody waited for the messages");
    let _: Moment = endpoints.ask(Word::Emptied.text()).await?;
    kill(id, Signal::SIGTERM)?;
    // Heard by then, or the polls that follow take their time.
    sleep(LOOK).await;
    let _: Moment = endpoints.ask(Word::Hurry.text()).await?;
    let begun = |name: &String| before.calls.get(name).copied().unwrap_or_default();
    let calls = after.calls.into_iter().map(|(name, count)| {
        let waited = u64::from(name == "ReceiveMessage");
        (name.clone(), count - begun(&name) + waited)
    });
    let calls = calls.filter(|(_, count)| *count > 0).collect();
    Ok(Idle { seconds: idle.as_secs_f64(), cpu_ms: cpu.as_secs_f64() * 1000.0, calls })
}

/// CPU time of a process that lives, its ended threads included, to the nanosecond.
fn cpu_of(id: Pid) -> anyhow::Result<Duration> {
    let time: TimeSpec = clock_gettime(clock_getcpuclockid(id)?)?;
    Ok(Duration::from(time))
}

/// So many of the same, at once. Their CPU time can be told from others', not from each other's.
async fn several(subject: &Subject, tasks: usize, deadline: Duration) -> anyhow::Result<Spent> {
    let before = dead_children()?;
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let subject = subject.clone();
        running.spawn(async move { subject.run(deadline).await });
    }
    let mut all = Vec::new();
    while let Some(spent) = running.join_next().await {
        all.push(spent??);
    }
    let peak_bytes = all.iter().map(|spent| spent.peak_bytes).max().unwrap_or_default();
    let summaries = all.into_iter().map(|spent| spent.summary.context("wrong: one wrote no summary"));
    let summary = summaries.collect::<anyhow::Result<Vec<_>>>()?.into_iter().reduce(together);
    Ok(Spent { cpu: dead_children()?.saturating_sub(before), peak_bytes, summary })
}

/// Numbers are added, and what is not true of one is not true.
fn together(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (name, value) in other {
                let before = one.remove(&name).unwrap_or_default();
                one.insert(name, together(before, value));
            }
            Value::Object(one)
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_u64(), other.as_u64()) {
            (Some(one), Some(other)) => (one + other).into(),
            _ => Value::Null,
        },
        (Value::Bool(one), Value::Bool(other)) => (one && other).into(),
        (Value::Null, other) => other,
        (one, _) => one,
    }
}
