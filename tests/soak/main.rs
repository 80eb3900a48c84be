//! The soak: `cargo run -p system-tests --bin soak -- --minutes 60`. Two real workers, a crowd of users and
//! every fault there is, for as long as wanted. Nothing may be lost, made twice, overwritten or quarantined
//! in vain at any time, and a worker that is never restarted must not grow.
//!
//! Must never believe what a worker says of itself, except of its own balance; and never end well because
//! something could not be looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "no part of the product: it stops loudly, and its result is for stdout"
)]

mod command;
mod crowd;
mod faults;
mod fleet;
mod growth;
mod ledger;
mod load;
mod report;
mod run;
mod schedule;
mod violations;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use harness::progress::Progress;

use command::{Cli, Output};

/// The exit code of a command line that makes no sense, as the worker's.
const USAGE: u8 = 64;

/// The exit code after Ctrl-C, as shells report it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            let _ = told.print();
            return if told.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    // Not while somebody waits for an answer.
    harness::executables::executables();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            code = soak(&cli) => code,
            // Leaving this function is what ends the processes.
            _ = tokio::signal::ctrl_c() => INTERRUPTED.into(),
        }
    })
}

async fn soak(cli: &Cli) -> ExitCode {
    let seed = cli.seed.unwrap_or_else(|| fastrand::u32(..).into());
    let progress = Progress::new(60 * cli.minutes as usize);
    progress.say(&format!("soak: {} min, seed {seed}", cli.minutes));
    let Some(report) = run::soak(cli, seed, &progress).await else { return ExitCode::FAILURE };
    drop(progress);
    match cli.output() {
        Output::Table => println!("{}", report.table()),
        Output::Json => println!("{}", report.json()),
    }
    if report.is_clean() {
        return ExitCode::SUCCESS;
    }
    match report.keep_logs() {
        Ok(folder) => eprintln!("soak: what the workers logged is in {}", folder.display()),
        Err(fault) => eprintln!("soak: what the workers logged could not be kept: {fault:#}"),
    }
    ExitCode::FAILURE
}
