//! What the settings mean. Parsed, then related to each other, then used: a worker whose numbers
//! cannot work together does not start. Every fault is reported at once, each with its mend.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::aws::clients::ATTEMPT;
use crate::cli::{Emf, Logs, Written};
use crate::decide::decode::Rules;
use crate::pipeline::Settings;
use crate::telemetry::{Export, LogFormat, Pseudonyms};
use reader::{Reader, given};

mod amplify;
mod job;
mod otel;
mod reader;
mod table;

pub use job::{JobConfig, Needs, job};

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable, or the variables that do not fit together.
    pub variable: String,
    /// What is wrong with it.
    pub fault: String,
    /// What to do.
    pub mend: String,
}

impl Problem {
    pub(crate) fn new(variable: &str, fault: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { variable: variable.into(), fault: fault.into(), mend: mend.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.variable, self.fault, self.mend)
    }
}

/// A configuration that can work.
#[derive(Debug, Clone)]
pub struct Config {
    /// The queue.
    pub queue_url: String,
    /// The dead-letter queue, when it is not to be read from the queue's redrive policy.
    pub dead_letter_queue_url: Option<String>,
    /// The table.
    pub table_name: String,
    /// What is accepted and how it becomes an item.
    pub rules: Rules,
    /// The numbers.
    pub settings: Settings,
    /// How many late messages a second are asked after; `None` for none.
    pub verify_late: Option<u32>,
    /// When the platform kills.
    pub stop_timeout: Duration,
    /// How users are named in logs. Not the key itself, which would undo them.
    pub pseudonyms: Pseudonyms,
    /// The admin endpoint.
    pub admin_addr: Option<SocketAddr>,
    /// Whether metrics are printed for CloudWatch.
    pub metrics_emf: bool,
    /// Where telemetry is pushed.
    pub export: Export,
}

/// What a command needs to say anything at all.
#[derive(Debug)]
pub struct Logging {
    /// How lines look.
    pub format: LogFormat,
    /// Which lines there are.
    pub filter: EnvFilter,
}

/// The default of `ADMIN_ADDR`.
const ADMIN_ADDR: &str = "127.0.0.1:9464";

/// What the drain leaves for the telemetry's last flush.
pub const TELEMETRY_FLUSH: Duration = Duration::from_secs(5);

/// SQS's quota of messages in flight on one standard queue (SQS developer guide, "Quotas").
const SQS_IN_FLIGHT: u64 = 120_000;

/// Polls of one process at most; sixteen fill a fresh table's quota at 20 ms a call.
const MOST_RECEIVERS: u64 = 256;

/// How long one receive can keep a message invisible in all (SQS API reference, ChangeMessageVisibility).
/// Holding begins a long poll and a linger after the receive; the two timeouts kept back are longer.
const SQS_VISIBILITY: Duration = Duration::from_secs(12 * 3600);

/// Reads the settings of the pipeline.
///
/// # Errors
/// Every problem there is.
pub fn parse(written: &Written) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader::default();
    let places = &amplify::filled_from_outputs(&written.places, &mut reader.problems);

    let queue_url = reader.queue_url("QUEUE_URL", places.queue_url.as_deref()).unwrap_or_default();
    if given(places.queue_url.as_deref()).is_none() {
        reader.fault("QUEUE_URL", "is not set", "set it to the URL of the confirmations queue");
    }
    let dead_letter_queue_url =
        reader.queue_url("DEAD_LETTER_QUEUE_URL", places.dead_letter_queue_url.as_deref());
    let table_name = given(places.table_name.as_deref()).unwrap_or_default().to_owned();
    reader.table_name(&table_name);
    let rules = Rules {
        model: reader.model(given(places.profile_model.as_deref())),
        user_pools: reader.user_pools(given(places.user_pool_ids.as_deref())),
        trigger_sources: reader.trigger_sources(given(written.trigger_sources.as_deref())),
    };

    let seconds = Duration::from_secs;
    let max_in_flight = reader.max_in_flight(given(written.max_in_flight.as_deref()));
    let settings = Settings {
        write_strategy: reader.write_strategy(given(written.write_strategy.as_deref())),
        max_in_flight,
        max_receivers: reader.max_receivers(given(written.max_receivers.as_deref()), max_in_flight),
        wait_time: reader.duration(
            "WAIT_TIME",
            written.wait_time.as_deref(),
            seconds(20),
            Duration::ZERO..=seconds(20),
        ),
        visibility_timeout: reader.duration(
            "VISIBILITY_TIMEOUT",
            written.visibility_timeout.as_deref(),
            seconds(60),
            seconds(1)..=seconds(43_200),
        ),
        linger: reader.duration(
            "LINGER",
            written.linger.as_deref(),
            Duration::from_millis(50),
            Duration::ZERO..=seconds(10),
        ),
        write_deadline: reader.duration(
            "WRITE_DEADLINE",
            written.write_deadline.as_deref(),
            seconds(10),
            Duration::from_millis(100)..=seconds(3600),
        ),
        hold_budget: reader.duration(
            "HOLD_BUDGET",
            written.hold_budget.as_deref(),
            seconds(3600),
            Duration::ZERO..=seconds(11 * 3600),
        ),
        drain_deadline: reader.duration(
            "DRAIN_DEADLINE",
            written.drain_deadline.as_deref(),
            seconds(90),
            seconds(1)..=seconds(3600),
        ),
    };
    let verify_late = reader.switch("VERIFY_LATE", given(written.verify_late.as_deref()), false);
    let verify_late_rate = reader.verify_late_rate(given(written.verify_late_rate.as_deref()));
    let stop_timeout = reader.duration(
        "STOP_TIMEOUT",
        written.stop_timeout.as_deref(),
        seconds(120),
        seconds(1)..=seconds(7200),
    );
    let admin_addr = reader.admin_addr(given(written.admin_addr.as_deref()));
    let metrics_emf = reader.metrics_emf(&written.emf);
    let export = otel::export(&written.otel, &mut reader);
    // The values are what was asked for only if every one could be read.
    if reader.problems.is_empty() {
        relate(&settings, stop_timeout, &mut reader.problems);
        reader.problems.extend(table::of_another_model(&table_name, &rules.model));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    Ok(Config {
        queue_url,
        dead_letter_queue_url,
        table_name,
        rules,
        settings,
        verify_late: verify_late.then_some(verify_late_rate),
        stop_timeout,
        pseudonyms: Pseudonyms::new(given(written.logs.log_hash_key.as_deref())),
        admin_addr,
        metrics_emf,
        export,
    })
}

/// Reads how to log. Apart from [`parse`], so that its problems can be logged.
///
/// # Errors
/// Every problem there is.
pub fn logging(written: &Logs) -> Result<Logging, Vec<Problem>> {
    let mut problems = Vec::new();
    let format = match given(written.log_format.as_deref()) {
        None => LogFormat::by_terminal(),
        Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(_) => {
            problems.push(Problem::new("LOG_FORMAT", "is no format", "write text or json"));
            LogFormat::Json
        }
    };
    let filter = given(written.log_filter.as_deref()).unwrap_or("info");
    match EnvFilter::try_new(filter) {
        Ok(filter) if problems.is_empty() => Ok(Logging { format, filter }),
        Ok(_) => Err(problems),
        // The library's own words quote the filter.
        Err(_) => {
            problems.push(Problem::new("RUST_LOG", "is no log filter", "write info, or worker=debug,info"));
            Err(problems)
        }
    }
}

/// Reads where the admin endpoint is, which is all `health` needs to know.
///
/// # Errors
/// The problem with `ADMIN_ADDR`, also when it is off.
pub fn admin_addr(written: &Written) -> Result<SocketAddr, Vec<Problem>> {
    let mut reader = Reader::default();
    match reader.admin_addr(given(written.admin_addr.as_deref())) {
        Some(addr) if reader.problems.is_empty() => Ok(addr),
        _ => {
            if reader.problems.is_empty() {
                reader.fault(
                    "ADMIN_ADDR",
                    "is off, so nobody can be asked",
                    "give the worker and this command the same address",
                );
            }
            Err(reader.problems)
        }
    }
}

/// Reads whether metrics are printed for CloudWatch.
///
/// # Errors
/// The problem with `METRICS_EMF`.
pub fn metrics_emf(written: &Emf) -> Result<bool, Vec<Problem>> {
    let mut reader = Reader::default();
    let on = reader.metrics_emf(written);
    if reader.problems.is_empty() { Ok(on) } else { Err(reader.problems) }
}

/// Reads the duration of `--until-empty`.
///
/// # Errors
/// The problem with it.
pub fn until_empty(text: &str) -> Result<Duration, Vec<Problem>> {
    let mut reader = Reader::default();
    let range = Duration::from_millis(100)..=Duration::from_secs(3600);
    let duration = reader.duration("--until-empty", Some(text), Duration::ZERO, range);
    if reader.problems.is_empty() { Ok(duration) } else { Err(reader.problems) }
}

/// The relations that must hold, each with the reason it must.
fn relate(settings: &Settings, stop_timeout: Duration, problems: &mut Vec<Problem>) {
    let mut demand = |variables: &str, value: Duration, least: Duration, why: &str, variable: &str| {
        if value < least {
            let (value, least) = (humantime::format_duration(value), humantime::format_duration(least));
            problems.push(Problem::new(
                variables,
                format!("{value} is too short: {why}"),
                format!("set {variable} to at least {least}"),
            ));
        }
    };
    demand(
        "VISIBILITY_TIMEOUT, WAIT_TIME, WRITE_DEADLINE",
        settings.visibility_timeout,
        settings.wait_time + ATTEMPT + 2 * settings.write_deadline,
        "a message must stay ours through the long poll and two write deadlines",
        "VISIBILITY_TIMEOUT",
    );
    demand(
        "DRAIN_DEADLINE, WAIT_TIME, WRITE_DEADLINE",
        settings.drain_deadline,
        (settings.wait_time + ATTEMPT).max(settings.write_deadline) + ATTEMPT,
        "a drain waits for the poll in the air and the writes in hand, then deletes",
        "DRAIN_DEADLINE",
    );
    demand(
        "STOP_TIMEOUT, DRAIN_DEADLINE",
        stop_timeout,
        settings.drain_deadline + TELEMETRY_FLUSH + Duration::from_secs(1),
        "the platform would kill the worker before it has drained",
        "STOP_TIMEOUT (and the ECS stopTimeout it mirrors)",
    );
    let longest_hold = SQS_VISIBILITY.saturating_sub(2 * settings.visibility_timeout);
    if settings.hold_budget > longest_hold {
        let (hold, longest) =
            (humantime::format_duration(settings.hold_budget), humantime::format_duration(longest_hold));
        problems.push(Problem::new(
            "HOLD_BUDGET, VISIBILITY_TIMEOUT",
            format!("{hold} is too long: SQS lets one receive keep a message for 12h in all, two visibility timeouts of which are kept back"),
            format!("set HOLD_BUDGET to at most {longest}, or a shorter VISIBILITY_TIMEOUT"),
        ));
    }
    if settings.max_in_flight / 10 < settings.max_receivers && settings.max_receivers > 1 {
        let (in_flight, receivers) = (settings.max_in_flight, settings.max_receivers);
        problems.push(Problem::new(
            "MAX_IN_FLIGHT, MAX_RECEIVERS",
            format!("{in_flight} messages are too few for {receivers} receivers, each of which asks for ten"),
            format!(
                "set MAX_IN_FLIGHT to at least {}, or MAX_RECEIVERS to at most {}",
                10 * receivers,
                (in_flight / 10).max(1)
            ),
        ));
    }
}

#[cfg(test)]
mod tests;
