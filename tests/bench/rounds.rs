//! The runs in their order: one to warm up, then every variant once a round, so that what is compared
//! met the same machine.
//!
//! Must never keep a figure of a run that was not right in every respect: the first such run ends all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use harness::progress::Progress;
use serde::Serialize;
use tokio::time::timeout;

use crate::audit::Audit;
use crate::calls;
use crate::command::{Options, Section};
use crate::endpoints::Endpoints;
use crate::subject::Spent;
use crate::variants::Variant;
use crate::{agreement, goals, production, report, workload};

/// What one run came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) round: u32,
    pub(crate) messages: usize,
    pub(crate) messages_per_second: f64,
    pub(crate) cpu_ms_per_1000: f64,
    pub(crate) peak_mb: f64,
    /// Of the worker, as its summary counts them; a peer counts none.
    pub(crate) calls: Option<BTreeMap<String, u64>>,
    pub(crate) calls_per_1000: Option<f64>,
    /// Deliveries beyond the first of each message.
    pub(crate) redelivered: Option<u64>,
    pub(crate) delay_ms: u64,
    /// What one call took before the run, delay included.
    pub(crate) call_ms: f64,
    #[serde(flatten)]
    pub(crate) seen: Audit,
}

/// Every run of one variant, by round.
pub(crate) type Runs = BTreeMap<Variant, Vec<Run>>;

struct Bench {
    worker: PathBuf,
    this: PathBuf,
    quick: bool,
}

/// Runs what was asked for and prints what came of it.
pub(crate) async fn benchmark(options: &Options) -> anyhow::Result<()> {
    let worker = match &options.worker {
        Some(path) => path.canonicalize().with_context(|| format!("there is no {}", path.display()))?,
        None => production::build()?,
    };
    let all =
        [Section::Calls, Section::Cpu, Section::Memory, Section::Latency, Section::P99, Section::Telemetry];
    let sections = if options.only.is_empty() { &all[..] } else { &options.only };
    let bench = Bench { worker, this: std::env::current_exe()?, quick: options.quick };
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    let begun = report::Machine::look();
    let variants = Variant::needed(sections);
    let runs = tokio::select! {
        runs = bench.rounds(&variants, rounds) => runs?,
        // Leaving this function is what ends the processes.
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    let goals = goals::judge(sections, &runs);
    report::write(&begun, options, &goals, &runs)
}

impl Bench {
    async fn rounds(&self, variants: &[Variant], rounds: u32) -> anyhow::Result<Runs> {
        if variants.contains(&Variant::Plain) {
            agreement::check().await?;
        }
        let progress = Progress::new(1 + variants.len() * rounds as usize);
        self.within(Variant::Auto, 0, &progress).await?;
        let mut runs = Runs::new();
        let mut order = variants.to_vec();
        for round in 1..=rounds {
            for &variant in &order {
                let run = self.within(variant, round, &progress).await?;
                runs.entry(variant).or_default().push(run);
            }
            // A machine gets slower, or faster, from run to run: nobody is to be always the later of two.
            order.reverse();
        }
        Ok(runs)
    }

    /// One run, its deadlines and its line.
    async fn within(&self, variant: Variant, round: u32, progress: &Progress) -> anyhow::Result<Run> {
        let turn = if round == 0 { "warm-up".to_owned() } else { format!("round {round}") };
        let what = format!("{turn}, {}", variant.name());
        progress.begin(&what);
        let run = self.run(variant, round).await.with_context(|| what.clone())?;
        progress.done(&format!(
            "{what}: {} messages, {:.0} a second, {:.1} ms CPU per 1,000, {:.1} MB, p99 {:.0} ms",
            run.messages, run.messages_per_second, run.cpu_ms_per_1000, run.peak_mb, run.seen.p99_ms
        ));
        Ok(run)
    }

    async fn run(&self, variant: Variant, round: u32) -> anyhow::Result<Run> {
        let deadline = variant.deadline();
        let messages = variant.messages(self.quick);
        let order = variant.endpoints(self.quick);
        let started = timeout(deadline, Endpoints::start(&self.this, &order)).await;
        let endpoints = started.with_context(|| format!("the queue was not full after {deadline:?}"))??;
        let subject = variant.subject(&self.worker, &self.this, &endpoints.ready);
        let spent = match &subject.scraped_at {
            Some(url) => subject.run_scraped(deadline, url).await?,
            None => subject.run(deadline).await?,
        };
        let call_ms = endpoints.ready.call_ms;
        let audited = timeout(deadline, endpoints.audit()).await;
        let seen = audited.with_context(|| format!("the endpoints gave no account in {deadline:?}"))??;
        ensure!(seen.faults.is_empty(), "wrong: {}", seen.faults.join("; "));
        let account = if variant.is_peer() { None } else { Some(account(&spent, messages, &seen)?) };
        let per_1000 = |amount: f64| amount * 1000.0 / messages as f64;
        let (calls, redelivered) = account.unzip();
        Ok(Run {
            name: variant.name(),
            round,
            messages,
            messages_per_second: messages as f64 / seen.seconds,
            cpu_ms_per_1000: per_1000(spent.cpu.as_secs_f64() * 1000.0),
            peak_mb: spent.peak_bytes as f64 / 1e6,
            calls_per_1000: calls.as_ref().map(|calls| calls::per_thousand(calls, messages)),
            calls,
            redelivered,
            delay_ms: order.delay_ms,
            call_ms,
            seen,
        })
    }
}

/// The worker's own account, held against what the endpoints saw: its calls, and its redeliveries.
fn account(spent: &Spent, messages: usize, seen: &Audit) -> anyhow::Result<(BTreeMap<String, u64>, u64)> {
    let summary = spent.summary.as_ref().context("wrong: it wrote no summary")?;
    let count = |name: &str| summary[name].as_u64().with_context(|| format!("wrong: no {name} in {summary}"));
    let (received, created, present) = (count("received")?, count("created")?, count("already_present")?);
    let distinct = workload::distinct(messages) as u64;
    ensure!(
        summary["drained"] == true
            && count("in_flight")? == 0
            && created == distinct
            && received == created + present
            && received >= messages as u64,
        "wrong: {messages} messages of {distinct} users do not add up to {summary}"
    );
    let calls: BTreeMap<String, u64> = serde_json::from_value(summary["api_calls"].clone())?;
    for name in ["ReceiveMessage", "DeleteMessageBatch", "DeleteMessage", "ChangeMessageVisibilityBatch"] {
        let told = calls.get(name).copied().unwrap_or_default();
        let came = seen.sqs_calls.get(name).copied().unwrap_or_default();
        // A poll that is given up when the run ends may have been counted and not sent.
        ensure!(told >= came && told - came <= POLLS_GIVEN_UP, "wrong: {told} {name} told, {came} came");
    }
    Ok((calls, received - messages as u64))
}

/// No more receivers than this are started.
const POLLS_GIVEN_UP: u64 = 128;
