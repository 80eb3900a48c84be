//! The process that is measured: started with an environment of its own, watched until its end.
//!
//! CPU time is what the kernel adds to this process's account of dead children when it takes this one's
//! status: exact, and only right if nobody else's is taken meanwhile. Peak memory is read while it lives;
//! a dead process has none, and `ru_maxrss` begins with the size of the process that forked.

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use harness::http::get;
use harness::vitals;
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

/// The subject idles a second before it ends, so the last look sees the peak.
const LOOK: Duration = Duration::from_millis(25);

/// How much of a log is shown when a run fails.
const SHOWN: usize = 4000;

/// A command line with its whole environment.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Where it is to be asked for its metrics every second, if it is.
    pub(crate) scraped_at: Option<String>,
}

/// What a process cost, and what it said.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
    /// The last line on stdout, if it is JSON.
    pub(crate) summary: Option<Value>,
}

/// As Prometheus does it in haste; its default is a minute.
const SCRAPE: Duration = Duration::from_secs(1);

impl Subject {
    /// Runs it, and asks it for its metrics all along.
    pub(crate) async fn run_scraped(&self, deadline: Duration, url: &str) -> anyhow::Result<Spent> {
        let mut scrapes = 0_u32;
        let scraping = async {
            let mut ticks = interval(SCRAPE);
            loop {
                ticks.tick().await;
                // It may not listen yet.
                scrapes += u32::from(get(url).await.is_ok_and(|(code, _)| code == 200));
            }
        };
        let spent = tokio::select! {
            spent = self.run(deadline) => spent?,
            never = scraping => never,
        };
        ensure!(scrapes > 0, "wrong: it was never scraped");
        Ok(spent)
    }

    /// Runs it to its end, or kills it at its deadline; an end that is no success is a fault.
    pub(crate) async fn run(&self, deadline: Duration) -> anyhow::Result<Spent> {
        Ok(self.run_beside(deadline, async |_| Ok(())).await?.0)
    }

    /// The same, with what is to be done beside it while it runs.
    pub(crate) async fn run_beside<T>(
        &self,
        deadline: Duration,
        beside: impl AsyncFnOnce(Pid) -> anyhow::Result<T>,
    ) -> anyhow::Result<(Spent, T)> {
        let before = dead_children()?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let id = Pid::from_raw(child.id().context("it has no id")?.try_into()?);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let out = child.stdout.take().context("no stdout")?;
        let err = child.stderr.take().context("no stderr")?;
        let ended = timeout(deadline, async {
            let drained = async { Ok(tokio::join!(drain(out, &mut stdout), drain(err, &mut stderr))) };
            // What fails beside it ends it.
            tokio::try_join!(beside(id), peak(&mut child), drained)
        });
        let Ok(ended) = ended.await else {
            anyhow::bail!("not over after {deadline:?}; its log ends with:\n{}", end_of(&stderr));
        };
        let (beside, (peak_bytes, success), _) = ended?;
        let cpu = dead_children()?.saturating_sub(before);
        ensure!(success, "it failed; its log ends with:\n{}", end_of(&stderr));
        let stdout = String::from_utf8_lossy(&stdout);
        let summary = stdout.lines().last().and_then(|line| serde_json::from_str(line).ok());
        Ok((Spent { cpu, peak_bytes, summary }, beside))
    }
}

/// Waits for the end; answers the largest size seen, and whether it ended well.
async fn peak(child: &mut Child) -> anyhow::Result<(u64, bool)> {
    let id = child.id().context("it has no id")?;
    let mut looks = interval(LOOK);
    let mut peak = 0;
    loop {
        tokio::select! {
            ended = child.wait() => return Ok((peak, ended?.success())),
            _ = looks.tick() => peak = vitals::high_water(id).unwrap_or_default().max(peak),
        }
    }
}

/// CPU time of all children whose status was taken so far.
pub(crate) fn dead_children() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or_default())
    };
    Ok(micros(usage.user_time()) + micros(usage.system_time()))
}

/// Keeps what has come when it is given up at a deadline, which `read_to_end` does not.
async fn drain(mut from: impl AsyncRead + Unpin, into: &mut Vec<u8>) {
    while from.read_buf(into).await.is_ok_and(|length| length > 0) {}
}

fn end_of(log: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&log[log.len().saturating_sub(SHOWN)..])
}
