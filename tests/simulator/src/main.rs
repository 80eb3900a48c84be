//! `simulator run` lives many histories, `simulator replay` tells one, `simulator scale` lives millions of messages.

#![allow(clippy::print_stdout, reason = "what it finds is its result")]

mod scale_command;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use simulator::campaign::{Totals, run_all};
use simulator::plan::Plan;
use simulator::{run, shrink, timeline};

/// The whole worker on virtual time, against a model of SQS and DynamoDB that fails from a seed.
#[derive(Parser)]
#[command(name = "simulator", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Live many histories; exit 1 when one of them breaks the promise, with the smallest history that does
    Run {
        /// How many
        #[arg(default_value_t = 2000)]
        histories: u64,
        /// The first seed
        #[arg(long, default_value_t = 0, conflicts_with = "fresh")]
        from: u64,
        /// Begin at a seed that nobody knows; it is printed
        #[arg(long)]
        fresh: bool,
        /// Go on after a failure, and list all of them in the end
        #[arg(long)]
        keep_going: bool,
    },
    /// Live one history again and tell what one of its messages went through
    Replay {
        /// The history
        seed: u64,
        /// The message [default: the one that most is told of, or that a violation is about]
        #[arg(long)]
        message: Option<u64>,
        /// Only these troubles of its plan, by number; nothing for none
        #[arg(long, value_delimiter = ',', num_args = 0..)]
        troubles: Option<Vec<usize>>,
        /// Only these workers
        #[arg(long, value_delimiter = ',', num_args = 0..)]
        workers: Option<Vec<usize>>,
        /// Only these messages, by nonce
        #[arg(long, value_delimiter = ',', num_args = 1..)]
        nonces: Option<Vec<u64>>,
    },
    /// Live millions of messages and many workers; exit 1 when a run breaks the promise
    Scale(scale_command::Scale),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run { histories, from, fresh, keep_going } => {
            // Low enough that every seed after it is a number, too.
            let from = if fresh { fastrand::u64(..1 << 48) } else { from };
            run_many(from, histories, keep_going)
        }
        Command::Replay { seed, message, troubles, workers, nonces } => {
            let mut plan = Plan::of(seed);
            keep(&mut plan.troubles, troubles.as_deref());
            keep(&mut plan.lives, workers.as_deref());
            if let Some(nonces) = nonces {
                plan.messages.retain(|(_, sent)| nonces.contains(&sent.nonce));
            }
            replay(&plan, message)
        }
        Command::Scale(asked) => scale_command::scale(&asked),
    }
}

fn keep<E: Clone>(list: &mut Vec<E>, places: Option<&[usize]>) {
    if let Some(places) = places {
        *list = places.iter().filter_map(|place| list.get(*place).cloned()).collect();
    }
}

fn run_many(from: u64, histories: u64, keep_going: bool) -> ExitCode {
    println!("histories {from} to {}", from.saturating_add(histories).saturating_sub(1));
    let bar = ProgressBar::new(histories);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {per_sec} eta {eta} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    let seeds: Vec<u64> = (from..from.saturating_add(histories)).collect();
    let totals = run_all(&seeds, !keep_going, |is_well| {
        bar.inc(1);
        if !is_well {
            bar.set_message("a failure");
        }
    });
    bar.finish_and_clear();
    tell(&totals);
    let Some((seed, violations)) = totals.failed.first() else { return ExitCode::SUCCESS };
    for (seed, violations) in totals.failed.iter().take(20) {
        println!("seed {seed}: {}", violations.join("; "));
    }
    let plan = Plan::of(*seed);
    println!("\nseed {seed} fails; looking for the smallest history that does");
    if violations.first().is_some_and(|violation| violation == "panicked") {
        println!("it panicked: `simulator replay {seed}` shows where");
        return ExitCode::FAILURE;
    }
    let violation = violations.first().map(String::as_str).unwrap_or_default();
    let (small, violation) = shrink::shrink(&plan, violation, |plan| run(plan, false).violations);
    println!("{violation}\n{small}\nsimulator replay {}", selection(&plan, &small));
    ExitCode::FAILURE
}

/// The arguments by which `replay` makes `small` out of `plan`.
fn selection(plan: &Plan, small: &Plan) -> String {
    fn places<E: PartialEq>(all: &[E], kept: &[E]) -> String {
        let is_kept = |entry: &&E| kept.contains(*entry);
        let places = all.iter().enumerate().filter(|(_, entry)| is_kept(entry));
        places.map(|(place, _)| place.to_string()).collect::<Vec<_>>().join(",")
    }
    let nonces: Vec<_> = small.messages.iter().map(|(_, sent)| sent.nonce.to_string()).collect();
    let (troubles, workers) = (places(&plan.troubles, &small.troubles), places(&plan.lives, &small.lives));
    format!("{} --troubles {troubles} --workers {workers} --nonces {}", plan.seed, nonces.join(","))
}

fn tell(totals: &Totals) {
    let list = |counts: &mut dyn Iterator<Item = (String, u64)>| {
        counts.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let faults: u64 = totals.struck.values().sum();
    println!("histories  {} ({} hours of their own time)", totals.histories, totals.time.as_secs() / 3600);
    println!("workers    {}", list(&mut totals.lives.iter().map(|(name, count)| ((*name).into(), *count))));
    println!(
        "faults     {faults}: {}",
        list(&mut totals.struck.iter().map(|(name, count)| ((*name).into(), *count)))
    );
    println!(
        "outcomes   {}",
        list(&mut totals.outcomes.iter().map(|(name, count)| ((*name).into(), *count)))
    );
    println!("rows       {}; at most {} receives of one message", totals.rows, totals.most_receives);
    println!("violations {}", totals.failed.len());
}

fn replay(plan: &Plan, message: Option<u64>) -> ExitCode {
    let report = run(plan, true);
    println!("{plan}");
    // Ids are given in the order of sending.
    let mut sent: Vec<_> = plan.messages.clone();
    sent.sort_by_key(|(at, _)| *at);
    let mut numbered = (0..).zip(sent.into_iter().map(|(_, sent)| sent));
    let told = match message {
        Some(message) => numbered.find(|(id, _)| *id == message),
        None => timeline::most_telling(&report, numbered),
    };
    match told {
        Some((id, sent)) => println!("{}", timeline::of_message(&report, id, sent)),
        None => println!("there is no such message in this history"),
    }
    for (number, life) in report.lives.iter().enumerate() {
        println!("worker {number}: {} after {:?}, {} steps", life.ending(), life.at, life.steps);
    }
    println!("digest {:016x}", report.digest);
    if report.violations.is_empty() {
        println!("nothing was violated");
        return ExitCode::SUCCESS;
    }
    report.violations.iter().for_each(|violation| println!("VIOLATED: {violation}"));
    ExitCode::FAILURE
}
