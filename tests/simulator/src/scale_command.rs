//! `simulator scale`: lives the scenarios and tells what came of them, to people or to machines. Nothing is decided
//! here.

use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use simulator::scale::capacity::Provision;
use simulator::scale::report::{Report, Sample};
use simulator::scale::scenario::Asked;
use simulator::scale::{Scenario, run};

/// Lines of a run's course, before and after nothing more is to come.
const COURSE: [usize; 2] = [3, 12];

/// Arguments of `simulator scale`.
#[derive(Args)]
pub(crate) struct Scale {
    /// Which [default: all of them, one after the other]
    scenarios: Vec<Name>,
    /// How many messages [default: 200,000; 600,000; 500,000; 50,000]. Takes memory only for what is in flight, and a
    /// byte for each user
    #[arg(long)]
    messages: Option<u64>,
    /// Fleets of so many workers, one run each [default: 1,4,16,64 for the backlog; 4; 4; 1]
    #[arg(long, value_delimiter = ',')]
    workers: Option<Vec<usize>>,
    /// Of all dice; equal seeds are equal runs
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What a call takes, there and back, in milliseconds [default: 10-20]
    #[arg(long, value_parser = range)]
    latency_ms: Option<RangeInclusive<u64>>,
    /// vCPUs of one task [default: 0.25]. 0 is a processor that takes no time
    #[arg(long)]
    vcpus: Option<f64>,
    /// The table: new takes 4,000 writes a second and doubles, warm takes 40,000 [default: warm; new; new; both]
    #[arg(long)]
    table: Option<TableIs>,
    /// Seconds before a new table takes twice its peak [default: 1800; 60 in throttling, so that it shows]
    #[arg(long)]
    warm_up_s: Option<u64>,
    /// The share of users whose keys crowd into one partition, beside its own share, in the second run of throttling; 0
    /// for no second run
    #[arg(long, default_value_t = 0.3)]
    hot: f64,
    /// Hours for which the table is away, in the outage
    #[arg(long, default_value_t = 13.0)]
    hours: f64,
    /// MAX_IN_FLIGHT of every worker [default: 1000]
    #[arg(long)]
    max_in_flight: Option<usize>,
    /// MAX_RECEIVERS of every worker [default: 16]
    #[arg(long)]
    max_receivers: Option<usize>,
    /// maxReceiveCount of the queue [default: 100, as the constructs make it]
    #[arg(long)]
    max_receive_count: Option<u32>,
    /// Also tell how each run went, moment by moment
    #[arg(long)]
    course: bool,
    /// For machines, with all that was seen meanwhile
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// A backlog that stands there when the workers start
    Backlog,
    /// A new table that warms up, then one with a hot partition
    Throttling,
    /// A table that is away for hours, while users sign up
    Outage,
    /// Many sign up in one moment, and the worker is idle
    Burst,
}

#[derive(Clone, Copy, ValueEnum)]
enum TableIs {
    /// 4,000 writes a second, doubling
    New,
    /// 40,000 writes a second
    Warm,
    /// Whatever is asked for
    Unlimited,
}

impl From<Name> for Scenario {
    fn from(name: Name) -> Self {
        match name {
            Name::Backlog => Self::Backlog,
            Name::Throttling => Self::Throttling,
            Name::Outage => Self::Outage,
            Name::Burst => Self::Burst,
        }
    }
}

fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse::<u64>().map_err(|_| "write two numbers, such as 10-20".to_owned());
    let (from, to) = (number(from)?, number(to)?);
    if from <= to { Ok(from..=to) } else { Err("the smaller number comes first".into()) }
}

/// Lives what was asked for; 1 if a run broke the promise.
pub(crate) fn scale(asked: &Scale) -> ExitCode {
    let scenarios: Vec<Scenario> = if asked.scenarios.is_empty() {
        Scenario::ALL.to_vec()
    } else {
        asked.scenarios.iter().map(|name| (*name).into()).collect()
    };
    let wanted = wanted(asked);
    let (mut is_well, mut told) = (true, Vec::new());
    for scenario in scenarios {
        let mut table = head();
        let mut courses = Vec::new();
        for (about, plan) in scenario.plans(&wanted) {
            let bar = bar(scenario, plan.messages);
            let report = run(&plan, |deleted, now| {
                bar.set_position(deleted);
                bar.set_message(clock(now));
            });
            bar.finish_and_clear();
            is_well &= report.violations.is_empty();
            row(&mut table, &about, &report);
            for violation in &report.violations {
                println!("VIOLATED: {}, {} workers: {violation}", scenario.name(), report.workers);
            }
            courses.push((about.clone(), report.workers, course(&report, plan.ends())));
            told.push(json!({ "scenario": scenario.name(), "about": about, "report": report }));
        }
        if !asked.json {
            println!("{}\n{table}", scenario.name());
            for (about, workers, course) in courses.into_iter().filter(|_| asked.course) {
                println!("{} {about}, {workers} worker(s)\n{course}", scenario.name());
            }
        }
    }
    if asked.json {
        println!("{}", json!(told));
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wanted(asked: &Scale) -> Asked {
    let warm_up = asked.warm_up_s.map(Duration::from_secs);
    let provision = asked.table.map(|table| match table {
        TableIs::New => Provision::New(warm_up.unwrap_or(simulator::scale::capacity::WARM_UP)),
        TableIs::Warm => Provision::Warm,
        TableIs::Unlimited => Provision::Unlimited,
    });
    Asked {
        messages: asked.messages,
        workers: asked.workers.clone(),
        seed: asked.seed,
        latency_ms: asked.latency_ms.clone(),
        vcpus: asked.vcpus,
        warm_up,
        hot: asked.hot,
        outage: Duration::from_secs_f64(asked.hours * 3600.0),
        provision,
        max_in_flight: asked.max_in_flight,
        max_receivers: asked.max_receivers,
        max_receive_count: asked.max_receive_count,
    }
}

fn bar(scenario: Scenario, messages: u64) -> ProgressBar {
    let bar = ProgressBar::new(messages).with_prefix(scenario.name());
    if let Ok(style) =
        ProgressStyle::with_template("{prefix} {wide_bar} {human_pos}/{human_len} {per_sec} {msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// The run's own time.
fn clock(now: Duration) -> String {
    let seconds = now.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn blank(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(headings);
    table
}

fn add(table: &mut Table, cells: impl IntoIterator<Item = String>) {
    table.add_row(cells.into_iter().map(|text| Cell::new(text).set_alignment(CellAlignment::Right)));
}

fn head() -> Table {
    blank(&[
        "",
        "workers",
        "backlog",
        "drained in s",
        "messages/s",
        "calls/1,000",
        "CPU ms/1,000",
        "wasted receives",
        "throttled",
        "p50/p99 ms",
        "polls",
        "first poll, all polls s",
        "rows",
        "edits met",
        "dead",
    ])
}

fn row(table: &mut Table, about: &str, report: &Report) {
    let cells = [
        about.to_owned(),
        report.workers.to_string(),
        report.backlog.to_string(),
        format!("{:.1}", report.drained_in_s),
        format!("{:.0}", report.messages_per_s),
        format!("{:.0}", report.calls_per_1000),
        format!("{:.1}", report.cpu_ms_per_1000),
        format!(
            "{} ({:.5} each, at most {})",
            report.receives_wasted, report.wasted_per_message, report.most_receives
        ),
        format!("{:.2} %", report.throttled_share * 100.0),
        format!("{}/{}", report.receive_to_delete_p50_ms, report.receive_to_delete_p99_ms),
        report.most_polls.to_string(),
        format!("{:.2}, {:.2}", report.first_receive_s, report.receivers_grown_s),
        report.rows.to_string(),
        format!("{} of {}", report.met_an_edit, report.edits),
        report.dead_letters.to_string(),
    ];
    add(table, cells);
}

/// How it went, in a few lines.
#[allow(clippy::cast_precision_loss, reason = "rates of counts far below 2^53")]
fn course(report: &Report, ends: Duration) -> Table {
    let mut table = blank(&[
        "to s",
        "waiting",
        "in flight",
        "polls",
        "permits",
        "deleted/s",
        "inserts/s",
        "throttled",
        "table takes/s",
    ]);
    let later = report.samples.partition_point(|sample| sample.at_s <= ends.as_secs_f64());
    let (earlier, later) = report.samples.split_at(later);
    let parts = [earlier, later].into_iter().zip(COURSE);
    let parts = parts.flat_map(|(samples, lines)| samples.chunks(samples.len().div_ceil(lines).max(1)));
    let mut before = Sample::default();
    for last in parts.filter_map(<[Sample]>::last) {
        let time = (last.at_s - before.at_s).max(0.001);
        let inserts = last.inserts - before.inserts;
        let throttled = last.throttled - before.throttled;
        let cells = [
            format!("{:.0}", last.at_s),
            last.visible.to_string(),
            last.in_flight.to_string(),
            last.polls.to_string(),
            last.permits.to_string(),
            format!("{:.0}", (last.deleted - before.deleted) as f64 / time),
            format!("{:.0}", inserts as f64 / time),
            format!("{:.2} %", 100.0 * throttled as f64 / inserts.max(1) as f64),
            last.capacity.map_or_else(|| "any".into(), |units| format!("{units:.0}")),
        ];
        add(&mut table, cells);
        before = *last;
    }
    table
}
