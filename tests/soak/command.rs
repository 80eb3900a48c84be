//! The command line. Decides nothing but the meaning of what was typed.

use std::io::IsTerminal;

use clap::{Parser, ValueEnum};

/// Runs two real workers for a long time under load, faults and restarts; exits with 1 if the promise was
/// broken or if a worker that was never restarted has grown.
#[derive(Debug, Clone, Parser)]
#[command(
    bin_name = "cargo run -p system-tests --bin soak --",
    after_help = "Exit codes: 0 nothing was found · 1 a violation, or growth · 64 usage · 130 interrupted"
)]
pub(crate) struct Cli {
    /// How long load and faults last; the end takes some seconds more.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=1440))]
    pub(crate) minutes: u32,
    /// What load and faults are derived from [default: drawn, and printed].
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Things that happen per second, on average: sign-ups, repeats, edits, poison.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub(crate) rate: u32,
    /// How the result looks on stdout [default: table on a terminal, json elsewhere].
    #[arg(long, value_enum)]
    output: Option<Output>,
}

/// How the result looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For machines.
    Json,
}

impl Cli {
    pub(crate) fn output(&self) -> Output {
        let by_terminal = if std::io::stdout().is_terminal() { Output::Table } else { Output::Json };
        self.output.unwrap_or(by_terminal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_told_as_a_fault_and_help_is_not() {
        for typed in [&["--minutes", "1"][..], &["--rate", "0"], &["--seed", "x"], &["--fast"], &["now"]] {
            let told = Cli::try_parse_from([&["soak"], typed].concat()).unwrap_err();
            assert!(told.use_stderr(), "{typed:?}");
        }
        assert!(!Cli::try_parse_from(["soak", "--help"]).unwrap_err().use_stderr());
        let cli = Cli::try_parse_from(["soak", "--minutes", "60", "--output", "json"]).unwrap();
        assert_eq!((cli.minutes, cli.output(), cli.seed), (60, Output::Json, None));
    }
}
