//! The trigger's cold start and size: `cargo bench -p system-tests -- trigger`. Lives of the trigger and of
//! what it is compared with take turns behind a Runtime API; each begins with a cold start.
//!
//! Must never fail because Node or a peer is missing, nor because of a time: a goal that is missed is a
//! line. What does not depend on the machine's load, `--strict` holds to.

mod build;
mod goals;
mod life;
mod peers;
mod report;
mod runtime_api;
mod services;
mod subjects;
#[path = "../../../producer-lambda/tests/tls/mod.rs"]
mod tls;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use harness::progress::Progress;
use serde::Serialize;

use crate::goals::Goal;
use crate::production;
use life::Life;
use subjects::Programs;

/// What may be chosen.
#[derive(Debug, Clone, Args)]
pub(crate) struct TriggerOptions {
    /// Two cold starts of each with ten invocations: shows that it works, the figures are rough.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Cold starts of each, in turns [default: 12, or 2 with --quick].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) turns: Option<u32>,
    /// Measures this bootstrap in place of building the present sources.
    #[arg(long, value_name = "PATH")]
    pub(crate) trigger: Option<PathBuf>,
    /// An earlier build, measured beside it.
    #[arg(long, value_name = "PATH")]
    pub(crate) before: Option<PathBuf>,
    /// The zip whose size counts [default: infra/assets/trigger-<this machine's processor>.zip].
    #[arg(long, value_name = "PATH")]
    pub(crate) zip: Option<PathBuf>,
    /// Fails if memory, CPU or the zip's size miss their goals. Times never fail.
    #[arg(long)]
    pub(crate) strict: bool,
    /// What cargo itself says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) goals: Vec<Goal>,
    pub(crate) lives: Vec<Life>,
    pub(crate) bootstrap_bytes: u64,
    pub(crate) zip_bytes: Option<u64>,
    /// Certificates that a start has to read.
    pub(crate) authorities: usize,
    /// What was left out, and why.
    pub(crate) skipped: Vec<String>,
}

/// Measures, prints a table and writes every life to `target/bench/trigger.json`.
pub(crate) async fn benchmark(options: &TriggerOptions) -> anyhow::Result<()> {
    let outcome = measure(options).await?;
    report::write(options, &outcome)?;
    let missed: Vec<_> = outcome.goals.iter().filter(|goal| goals::holds_anywhere(goal)).collect();
    ensure!(
        !options.strict || missed.iter().all(|goal| goal.met != Some(false)),
        "a goal was missed that no load excuses"
    );
    Ok(())
}

/// Lets all of them live in turns.
pub(crate) async fn measure(options: &TriggerOptions) -> anyhow::Result<Outcome> {
    let out = production::target()?.join("bench/trigger");
    std::fs::create_dir_all(&out)?;
    let built = match &options.trigger {
        Some(path) => build::Built { trigger: there(path)?, floor: None },
        None => build::build()?,
    };
    let before = options.before.as_deref().map(there).transpose()?;
    let mut skipped = Vec::new();
    let node =
        peers::Node::install(&out).map_err(|reason| skipped.push(format!("Node's handlers: {reason}"))).ok();
    if built.floor.is_none() {
        skipped.push("echo in Rust: built only together with the trigger".to_owned());
    }
    let zip = options.zip.clone().or_else(build::zip);
    let zip_bytes = zip.as_deref().and_then(services::size);
    if zip_bytes.is_none() {
        skipped.push("the zip: npm run assets, in infra/, makes it".to_owned());
    }
    for line in &skipped {
        eprintln!("skipped: {line}");
    }
    let subjects = subjects::all(&Programs {
        trigger: &built.trigger,
        before: before.as_deref(),
        floor: built.floor.as_deref(),
        node: node.as_ref(),
    });
    let (turns, invocations) = if options.quick { (2, 10) } else { (12, 40) };
    let turns = options.turns.unwrap_or(turns);

    let mut services = services::Services::start().await?;
    let progress = Progress::new(subjects.len() * turns as usize);
    let mut lives = Vec::new();
    let mut order = subjects.clone();
    // The first turn warms the machine's caches, and is thrown away.
    for turn in 0..=turns {
        for subject in &order {
            progress.begin(subject.name);
            let life = life::live(subject, turn, invocations, &mut services).await?;
            if turn > 0 {
                progress.done(&report::line(&life));
                lives.push(life);
            }
        }
        // Nobody is to be always the later of two.
        order.reverse();
    }
    let bootstrap_bytes = services::size(&built.trigger).context("there is no trigger")?;
    let goals = goals::judge(&lives, zip_bytes);
    Ok(Outcome { goals, lives, bootstrap_bytes, zip_bytes, authorities: services.authorities, skipped })
}

fn there(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| format!("there is no {}", path.display()))
}
