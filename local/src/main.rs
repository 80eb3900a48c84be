//! `local`: watch confirmations become profiles on this machine. No AWS account, no credentials, no
//! network beyond loopback.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program answers on stdout")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::{demo, send, serve};

/// The whole main job on this machine: trigger, queue, worker, table.
///
/// Without a command: the demo. It starts SQS and DynamoDB on free loopback ports, feeds Cognito
/// confirmation events through the trigger's handler, runs the worker, and compares the table with
/// what it must hold. Exit code 0 only if it holds exactly that.
#[derive(Parser)]
#[command(name = "local", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Options,
}

#[derive(Subcommand)]
enum Command {
    /// Keep both endpoints up, with queue and table, and print the variables for other programs.
    Serve(serve::Options),
    /// Send your own events, one Cognito event or envelope a line, to the queue of `serve`.
    Send(send::Options),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            let _ = answer.print();
            return ExitCode::from(if answer.use_stderr() { 64 } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("the async runtime cannot start: {fault}");
            return ExitCode::from(70);
        }
    };
    let ended = runtime.block_on(async {
        match cli.command {
            None => demo::run(&cli.demo).await,
            Some(Command::Serve(options)) => Box::pin(serve::run(&options)).await,
            Some(Command::Send(options)) => send::run(&options).await,
        }
    });
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("{fault:#}");
            ExitCode::from(70)
        }
    }
}
