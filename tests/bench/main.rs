//! The benchmark: `cargo bench -p system-tests`. Runs the release build of `profile-worker` as a process
//! of its own against the embedded endpoints in another, in turns with what it is compared with, and
//! prints each goal with what was measured (`docs/performance.md`).
//!
//! Must never print a figure of a run that left a wrong table, nor hang: every run has a deadline.

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

mod agreement;
mod arrivals;
mod audit;
mod calls;
mod canvas;
mod command;
mod comparison;
mod conditions;
mod counting;
mod delay;
mod endpoints;
mod faults;
mod goals;
mod loops;
mod peers;
mod plot;
mod production;
mod records;
mod report;
mod rounds;
mod runs;
mod scene;
mod sections;
mod subject;
mod table;
mod timing;
mod trigger;
mod units;
mod variants;
mod workload;

use std::process::ExitCode;

use clap::Parser;

use command::{Cli, Role};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut runtime = match cli.role {
        // Waits for others, and leaves them the two cores.
        None => tokio::runtime::Builder::new_current_thread(),
        Some(_) => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build().unwrap();
    let done = match cli.role {
        None => runtime.block_on(rounds::benchmark(&cli.options)),
        Some(Role::Endpoints(order)) => runtime.block_on(endpoints::serve(&order)),
        Some(Role::Loop(order)) => runtime.block_on(loops::run(order)),
        Some(Role::Trigger(options)) => runtime.block_on(trigger::benchmark(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault:#}");
            ExitCode::FAILURE
        }
    }
}
