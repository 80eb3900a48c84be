//! One life of a function: a cold start and some invocations, each checked, and what it cost.
//!
//! Must never give a figure of a life in which something was wrong: an event that did not come back as it
//! was, a message too few or too many.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use harness::confirmations::Person;
use harness::vitals;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

use super::runtime_api::RuntimeApi;
use super::services::Services;
use super::subjects::Subject;

/// Far beyond what a life takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// What one life came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Life {
    pub(crate) name: &'static str,
    pub(crate) turn: u32,
    /// From the start of the process until it asks for its first event.
    pub(crate) init_ms: f64,
    pub(crate) first_ms: f64,
    pub(crate) warm_ms: Vec<f64>,
    /// User and system time of the process, from its start to its end.
    pub(crate) cpu_ms: f64,
    pub(crate) peak_mb: f64,
}

/// Lives it.
pub(crate) async fn live(
    subject: &Subject,
    turn: u32,
    invocations: usize,
    services: &mut Services,
) -> anyhow::Result<Life> {
    let place = services.place(subject.wire, subject.does).await?;
    let mut api = RuntimeApi::start().await?;
    let crowd = Person::crowd(invocations);
    let before = dead_children()?;
    let mut command = subject.command(&place, services, &api.address.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let begun = Instant::now();
    let mut child = command.spawn().context("it cannot be started")?;
    let mut stderr = child.stderr.take().context("no stderr")?;
    let living = async {
        let init_ms = ms(api.asked().await? - begun);
        let mut times = Vec::new();
        for person in &crowd {
            let event = person.event("PostConfirmation_ConfirmSignUp");
            let (took, echo) = api.invoke(&event.to_string()).await?;
            let echo: Value = serde_json::from_str(&echo).context("wrong: the answer is no JSON")?;
            ensure!(echo == event, "wrong: the event did not come back as it was");
            times.push(ms(took));
            api.asked().await?;
        }
        let peak = vitals::high_water(child.id().context("it has ended")?).context("it has no memory")?;
        anyhow::Ok((init_ms, times, peak as f64 / 1e6))
    };
    let lived = timeout(DEADLINE, living).await.unwrap_or_else(|_| bail!("not over after {DEADLINE:?}"));
    child.start_kill()?;
    child.wait().await?;
    let (init_ms, times, peak_mb) = match lived {
        Ok(lived) => lived,
        Err(fault) => {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said).await;
            return Err(fault.context(format!("{}; its log: {said}", subject.name)));
        }
    };
    let cpu_ms = ms(dead_children()?.saturating_sub(before));
    services.audit(&place, subject.does, &crowd).await.with_context(|| subject.name)?;
    let (first, warm) = times.split_first().context("no invocation")?;
    let (first_ms, warm_ms) = (*first, warm.to_vec());
    Ok(Life { name: subject.name, turn, init_ms, first_ms, warm_ms, cpu_ms, peak_mb })
}

/// What all children together took, once they are dead: lives come one after another.
fn dead_children() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    Ok(micros(usage.user_time()) + micros(usage.system_time()))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
