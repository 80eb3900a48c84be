//! The command line, and the hidden roles in which the benchmark runs itself again.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::conditions::Conditions;
use crate::loops::Habit;
use crate::trigger::TriggerOptions;

/// Measures the release build of profile-worker against local endpoints; some fifteen minutes after
/// building, --quick about two.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p system-tests --", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What may be chosen.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One round with fewer messages: shows that it works, the figures are rough.
    #[arg(long)]
    pub(crate) quick: bool,
    /// What to measure, separated by commas [default: everything].
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Section>,
    /// How often each run is repeated, in turns [default: 3, or 1 with --quick].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: Option<u32>,
    /// Puts the tables, every run and the plot there as well.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) save: Option<PathBuf>,
    /// Measures this binary in place of building the present sources.
    #[arg(long, value_name = "PATH")]
    pub(crate) worker: Option<PathBuf>,
    /// What cargo itself says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One group of goals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// API calls per 1,000 messages.
    Calls,
    /// CPU time, auto against put.
    Cpu,
    /// Peak memory, and whether it grows with the backlog.
    Memory,
    /// Speed with 20 ms on every call, against plain loops.
    Latency,
    /// Receive to delete with 20 ms on every call.
    P99,
    /// The worker beside consumers in Rust, Node and Python, at 0, 5 and 20 ms; --quick only if named here.
    Peers,
    /// What telling costs: OTLP to a collector and a scrape a second, against neither.
    Telemetry,
    /// 200 messages a second with 20 ms on every call: API calls, and send to delete.
    Trickle,
    /// The last messages, and write units, where users come again.
    Repeats,
    /// Two worker processes against one.
    Tasks,
    /// 1 to 128 receivers.
    Receivers,
    /// Throttled statements and failed deletes, against neither.
    Faults,
    /// An empty queue, and 50,000 messages that come all at once after it.
    Idle,
}

/// What a process of this executable is.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    #[command(hide = true)]
    Endpoints(EndpointsOrder),
    #[command(hide = true)]
    Loop(LoopOrder),
    /// Measures the trigger's cold start and size, against handlers in Node.
    Trigger(TriggerOptions),
}

/// What the endpoints are to be.
#[derive(Debug, Clone, Args)]
pub(crate) struct EndpointsOrder {
    #[arg(long)]
    pub(crate) messages: usize,
    /// Added to every call, half of it each way.
    #[arg(long)]
    pub(crate) delay_ms: u64,
    #[arg(long, value_enum)]
    pub(crate) engine: Engine,
    #[arg(long, value_parser = Conditions::from_argument)]
    pub(crate) conditions: Conditions,
}

/// What plays DynamoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// The engine of `local`: a real implementation, on SQLite in memory.
    Dynoxide,
    /// The benchmark's own, for runs in which the engine must not be what is measured.
    Plain,
}

/// What a loop is to do.
#[derive(Debug, Args)]
pub(crate) struct LoopOrder {
    #[arg(long, value_enum)]
    pub(crate) habit: Habit,
    #[arg(long)]
    pub(crate) queue: String,
    #[arg(long)]
    pub(crate) table: String,
}
