//! The runs in their order: one to warm up, then every variant once a round, so that what is compared
//! met the same machine.
//!
//! Must never keep a figure of a run that was not right in every respect: the first such run ends all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use harness::progress::Progress;
use tokio::time::timeout;

use crate::audit::Audit;
use crate::calls;
use crate::command::{Engine, Options, Section};
use crate::endpoints::Endpoints;
use crate::runs::{Run, Runs};
use crate::subject::Spent;
use crate::variants::{self, Variant};
use crate::{agreement, peers, production, report, scene, sections, workload};

struct Bench {
    worker: PathBuf,
    this: PathBuf,
}

/// Runs what was asked for and prints what came of it.
pub(crate) async fn benchmark(options: &Options) -> anyhow::Result<()> {
    let worker = match &options.worker {
        Some(path) => path.canonicalize().with_context(|| format!("there is no {}", path.display()))?,
        None => production::build()?,
    };
    let mut wanted = options.only.clone();
    if wanted.is_empty() {
        wanted.extend(Section::value_variants());
        // Installing them takes longer than everything else of a quick run.
        wanted.retain(|&section| !options.quick || section != Section::Peers);
    }
    let bench = Bench { worker, this: std::env::current_exe()? };
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    let begun = report::Machine::look();
    let (variants, skipped) = peers::install(sections::variants(&wanted, options.quick)).await;
    let runs = tokio::select! {
        runs = bench.rounds(&variants, rounds) => runs?,
        // Leaving this function is what ends the processes.
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    let goals = sections::goals(&wanted, &runs);
    report::write(&begun, options, &goals, &runs, &skipped)
}

impl Bench {
    async fn rounds(&self, variants: &[Variant], rounds: u32) -> anyhow::Result<Runs> {
        if variants.iter().any(|variant| variant.engine == Engine::Plain) {
            agreement::check().await?;
        }
        let progress = Progress::new(1 + variants.len() * rounds as usize);
        self.within(&variants::auto(), 0, &progress).await?;
        let mut runs = Runs::default();
        let mut order: Vec<_> = variants.iter().collect();
        for round in 1..=rounds {
            for &variant in &order {
                runs.add(self.within(variant, round, &progress).await?);
            }
            // A machine gets slower, or faster, from run to run: nobody is to be always the later of two.
            order.reverse();
        }
        Ok(runs)
    }

    /// One run, its deadlines and its line.
    async fn within(&self, variant: &Variant, round: u32, progress: &Progress) -> anyhow::Result<Run> {
        let turn = if round == 0 { "warm-up".to_owned() } else { format!("round {round}") };
        let what = format!("{turn}, {}", variant.name);
        progress.begin(&what);
        let run = self.run(variant, round).await.with_context(|| what.clone())?;
        progress.done(&if run.messages == 0 {
            format!("{what}: {:.0} ms CPU, {:.1} MB", run.cpu_ms, run.peak_mb)
        } else {
            format!(
                "{what}: {} messages, {:.0} a second, {:.1} ms CPU per 1,000, {:.1} MB, p99 {:.0} ms",
                run.messages,
                run.messages_per_second,
                run.cpu_ms_per_1000,
                run.peak_mb,
                run.seen.times.p99_ms
            )
        });
        Ok(run)
    }

    async fn run(&self, variant: &Variant, round: u32) -> anyhow::Result<Run> {
        let Variant { deadline, messages, .. } = *variant;
        let order = variant.endpoints();
        let started = timeout(deadline, Endpoints::start(&self.this, &order)).await;
        let mut endpoints =
            started.with_context(|| format!("the queue was not full after {deadline:?}"))??;
        let subject = variant.subject(&self.worker, &self.this, &endpoints.ready)?;
        let (spent, idle) = scene::play(variant, &subject, &mut endpoints).await?;
        let call_ms = endpoints.ready.call_ms;
        let audited = timeout(deadline, endpoints.audit()).await;
        let mut seen =
            audited.with_context(|| format!("the endpoints gave no account in {deadline:?}"))??;
        if !variant.paced {
            seen.times.deleted.clear();
        }
        ensure!(seen.faults.is_empty(), "wrong: {}", seen.faults.join("; "));
        let wanted = variant.conditions.faults.unwrap_or_default();
        ensure!(
            wanted.are(seen.throttled, seen.failed_deletes),
            "wrong: {} throttled and {} deletes failed, of {wanted:?}",
            seen.throttled,
            seen.failed_deletes
        );
        let redelivered = if variant.is_worker() { Some(account(&spent, variant, &seen)?) } else { None };
        let per_1000 = |amount: f64| amount * 1000.0 / messages as f64;
        Ok(Run {
            name: variant.name,
            round,
            messages,
            users: workload::distinct(messages, variant.conditions.repeats),
            messages_per_second: messages as f64 / seen.times.seconds,
            cpu_ms: spent.cpu.as_secs_f64() * 1000.0,
            cpu_ms_per_1000: per_1000(spent.cpu.as_secs_f64() * 1000.0),
            peak_mb: spent.peak_bytes as f64 / 1e6,
            calls_per_1000: calls::per_thousand(&seen.sqs_calls, messages)
                + calls::per_thousand(&seen.dynamodb_calls, messages),
            redelivered,
            delay_ms: order.delay_ms,
            call_ms,
            tasks: variant.tasks,
            idle,
            seen,
        })
    }
}

/// The worker's own account, held against what the endpoints saw: its calls, and its redeliveries.
fn account(spent: &Spent, variant: &Variant, seen: &Audit) -> anyhow::Result<u64> {
    let summary = spent.summary.as_ref().context("wrong: it wrote no summary")?;
    let count = |name: &str| summary[name].as_u64().with_context(|| format!("wrong: no {name} in {summary}"));
    let (received, created, present) = (count("received")?, count("created")?, count("already_present")?);
    let messages = variant.messages;
    let distinct = workload::distinct(messages, variant.conditions.repeats) as u64;
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
    for name in ["PutItem", "BatchExecuteStatement", "BatchGetItem"] {
        let told = calls.get(name).copied().unwrap_or_default();
        let came = seen.dynamodb_calls.get(name).copied().unwrap_or_default();
        ensure!(told == came, "wrong: {told} {name} told, {came} came");
    }
    Ok(received - messages as u64)
}

/// No more receivers than this are started.
const POLLS_GIVEN_UP: u64 = 128;
