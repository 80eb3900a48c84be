//! `profile-worker`: the whole life on one screen. Read the command line, read the settings, do, say
//! how it went.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "results and usage are for stdout and stderr")]

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use comfy_table::Table;
use tokio::signal::unix::{SignalKind, signal};
use worker::aws::clients::{Access, Clients};
use worker::cli::{self, Cli, Command, Logs, Output, Written};
use worker::config::{self, Config, Problem};
use worker::jobs::{JobError, Report, adopt, backfill, check, explain, quarantine, reconcile, redrive};
use worker::pipeline::{Ended, Stop};
use worker::service::{self, Summary};
use worker::stats::Stats;
use worker::telemetry::{Destinations, Telemetry, stdout};
use worker::{admin, telemetry};

/// What is allocated on one thread is freed on another, which the C library's allocator takes badly: on two cores
/// the worker needs two thirds of the CPU with this one (`docs/adr/0023-the-allocator.md`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const USAGE: u8 = 64;
const SOFTWARE: u8 = 70;
const OVERRUN: u8 = 75;
const CONFIGURATION: u8 = 78;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(answer) => {
            let _ = answer.print();
            return ExitCode::from(if answer.use_stderr() { USAGE } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("the async runtime cannot start: {fault}");
            return ExitCode::from(SOFTWARE);
        }
    };
    let done = runtime.block_on(dispatch(cli));
    // Who still reads from stdin would keep the process until there is something to read.
    runtime.shutdown_background();
    match done {
        Ok(code) => ExitCode::from(code),
        Err(problems) => {
            eprintln!("The configuration cannot work:");
            problems.iter().for_each(|problem| eprintln!("  {problem}"));
            ExitCode::from(CONFIGURATION)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<u8, Vec<Problem>> {
    let by_terminal = || if std::io::stdout().is_terminal() { Output::Table } else { Output::Json };
    let output = cli.output.unwrap_or_else(by_terminal);
    match cli.command {
        Command::Run { until_empty, written } => run(&written, until_empty.as_deref(), output).await,
        Command::Adopt { args, written } => {
            job(&written.logs, output, async |stop| adopt::run(&args, &written, stop).await).await
        }
        Command::Check { written } => check(&written, output).await,
        Command::Backfill { args, written } => {
            job(&written.logs, output, async |stop| Box::pin(backfill::run(&args, &written, stop)).await)
                .await
        }
        Command::Reconcile { args, written } => {
            job(&written.logs, output, async |stop| reconcile::run(&args, &written, stop).await).await
        }
        Command::Redrive { args, written } => {
            job(&written.logs, output, async |stop| redrive::run(&args, &written, stop).await).await
        }
        Command::Quarantine { action } => {
            let logs = action.written().logs.clone();
            job(&logs, output, async |stop| quarantine::run(&action, stop).await).await
        }
        Command::Explain { args, written } => {
            job(&written.logs, output, async |stop| explain::run(&args, &written, stop).await).await
        }
        Command::Health { written } => {
            let answer = admin::ask(config::admin_addr(&written)?).await;
            match output {
                Output::Table => println!("{}", answer.text),
                Output::Json => {
                    println!("{}", serde_json::json!({"healthy": answer.healthy, "detail": answer.text}));
                }
            }
            Ok(u8::from(!answer.healthy))
        }
    }
}

/// Reads the settings, with the problems of all of them together.
fn settings(written: &Written) -> Result<Config, Vec<Problem>> {
    match (config::logging(&written.logs), config::parse(written)) {
        (Ok(logging), Ok(config)) => {
            telemetry::init(logging.format, logging.filter);
            Ok(config)
        }
        (logging, config) => Err(logging
            .err()
            .unwrap_or_default()
            .into_iter()
            .chain(config.err().unwrap_or_default())
            .collect()),
    }
}

async fn run(written: &Written, until_empty: Option<&str>, output: Output) -> Result<u8, Vec<Problem>> {
    let until_empty = until_empty.map(config::until_empty).transpose();
    let config = match (settings(written), until_empty) {
        (Ok(config), Ok(until_empty)) => (config, until_empty),
        (config, until_empty) => {
            return Err(config
                .err()
                .unwrap_or_default()
                .into_iter()
                .chain(until_empty.err().unwrap_or_default())
                .collect());
        }
    };
    let (config, until_empty) = config;
    let stop = Stop::default();
    listen_for_signals(&stop).map_err(|problem| vec![problem])?;
    let telemetry = telemetry_for(&config).await?;
    let access = Access::from_environment().await;
    let summary = service::run(&config, &access, &telemetry, until_empty, stop).await;
    let summary = summary.map_err(|problem| vec![problem])?;
    let told = match output {
        Output::Json => serde_json::to_string(&summary).unwrap_or_default(),
        Output::Table => summary_table(&summary).to_string(),
    };
    let _ = tokio::time::timeout(stdout::PATIENCE, stdout::write(told)).await;
    telemetry.flush(config::TELEMETRY_FLUSH).await;
    Ok(match summary.ended {
        Ended::Drained => 0,
        Ended::Overrun => OVERRUN,
        Ended::StageFailed => SOFTWARE,
    })
}

async fn telemetry_for(config: &Config) -> Result<Telemetry, Vec<Problem>> {
    let export = config.export.clone();
    let places = Destinations::new(&config.queue_url, &config.table_name);
    // The exporters' client blocks while it is made.
    let made = tokio::task::spawn_blocking(move || Telemetry::new(&export, places)).await;
    made.ok().and_then(Result::ok).ok_or_else(|| {
        let fault = "telemetry cannot be set up for this endpoint";
        let mend = "compare it with http://localhost:4318, or set OTEL_SDK_DISABLED=true";
        vec![Problem {
            variable: "OTEL_EXPORTER_OTLP_ENDPOINT".into(),
            fault: fault.into(),
            mend: mend.into(),
        }]
    })
}

/// Runs a job and prints what it has to say.
async fn job<R: Report>(
    logs: &Logs,
    output: Output,
    run: impl AsyncFnOnce(Stop) -> Result<R, JobError>,
) -> Result<u8, Vec<Problem>> {
    let logging = config::logging(logs)?;
    telemetry::init(logging.format, logging.filter);
    let stop = Stop::default();
    listen_for_signals(&stop).map_err(|problem| vec![problem])?;
    let hard = stop.hard.clone();
    let ended = tokio::select! {
        biased;
        () = hard.cancelled() => {
            eprintln!("Ended at once. What was done and kept before still is; the same command goes on, with --resume where it has that.");
            return Ok(INTERRUPTED);
        }
        ended = run(stop) => ended,
    };
    Ok(match ended {
        Ok(report) => {
            if let Some(metrics) = report.metrics() {
                println!("{metrics}");
            }
            match output {
                Output::Json => println!("{}", serde_json::to_string(&report).unwrap_or_default()),
                Output::Table => println!("{}", report.table()),
            }
            if let Some(advice) = report.advice() {
                eprintln!("{advice}");
            }
            report.ending().exit_code()
        }
        Err(error) => {
            eprintln!("{error}");
            error.exit_code()
        }
    })
}

/// The first signal drains, the second ends at once.
fn listen_for_signals(stop: &Stop) -> Result<(), Problem> {
    let listen = |kind| {
        signal(kind).map_err(|fault| Problem {
            variable: "signals".into(),
            fault: format!("cannot be listened for ({fault})"),
            mend: "run on a platform with SIGTERM and SIGINT".into(),
        })
    };
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = stop.clone();
    tokio::spawn(async move {
        for token in [&stop.soft, &stop.hard] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(())
}

async fn check(written: &Written, output: Output) -> Result<u8, Vec<Problem>> {
    let config = settings(written)?;
    let clients = Clients::new(&Access::from_environment().await, &Arc::new(Stats::default()));
    let report = check::run(&config, &clients).await;
    match output {
        Output::Json => println!("{}", serde_json::to_string(&report).unwrap_or_default()),
        Output::Table => {
            let mut table = Table::new();
            table
                .load_style(comfy_table::presets::UTF8_FULL_CONDENSED)
                .set_header(["check", "verdict", "seen", "mend"]);
            table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
            for line in &report.checks {
                table.add_row([line.what, &line.verdict.to_string(), &line.seen, &line.mend]);
            }
            println!("{table}");
        }
    }
    Ok(report.exit_code())
}

fn summary_table(summary: &Summary) -> Table {
    let counts = &summary.counts;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED).set_header(["outcome", "deliveries"]);
    let mut row = |name: &str, value: String| {
        table.add_row([name, &value]);
    };
    row("received", counts.received.to_string());
    for (outcome, count) in counts.ended() {
        row(outcome.name(), count.to_string());
    }
    for (reason, count) in &counts.quarantined {
        row(&format!("quarantined: {reason}"), count.to_string());
    }
    if let Some(latency) = counts.confirmation_to_profile_ms {
        row("confirmation to profile, p50 / p99", format!("{} ms / {} ms", latency.p50, latency.p99));
    }
    row("drained", if summary.drained { "yes" } else { "no" }.to_owned());
    table
}
