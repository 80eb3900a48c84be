//! What was typed. Every setting is an environment variable and a flag; here they are only collected,
//! as text, so that [`crate::config`] can report every fault at once instead of the first.

use std::ffi::OsString;
use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub mod jobs;

/// Gives every confirmed Cognito user exactly one profile item in DynamoDB.
#[derive(Debug, Parser)]
#[command(
    name = "profile-worker",
    version,
    about,
    after_help = "Exit codes: 0 done, drained clean · 1 the job found what it looks for (check, health, reconcile: missing; \
                  backfill: lines rejected) · 64 usage · 69 AWS unreachable or permission denied (jobs and check; run \
                  waits) · 70 a stage failed · 75 drain deadline overrun, work released · 78 configuration · 130 \
                  interrupted, state kept"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How results look on stdout [default: table on a terminal, json elsewhere].
    #[arg(long, global = true, value_enum)]
    pub output: Option<Output>,
}

/// How results look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For machines; the last line is the result.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receive confirmations and write profile items until SIGTERM or SIGINT.
    Run {
        /// Stop once nothing is visible, invisible or delayed and nothing arrived for this long.
        #[arg(long, value_name = "DURATION")]
        until_empty: Option<String>,
        /// The settings.
        #[command(flatten)]
        written: Box<Written>,
    },
    /// Look at queue, dead-letter queue, table, permissions and time budgets; name what to mend.
    Check {
        /// The settings.
        #[command(flatten)]
        written: Box<Written>,
    },
    /// Move rows of the documented Amplify handler (random ids) under their users' keys.
    ///
    /// Shows the plan and changes nothing without --apply. Of several rows of one user the one he edited is kept,
    /// else the oldest; if he edited two, all are left alone.
    Adopt {
        /// What to do.
        #[command(flatten)]
        args: jobs::Adopt,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Bring messages back from the dead-letter queue.
    Redrive {
        /// Which, and how fast.
        #[command(flatten)]
        args: jobs::Redrive,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Give users whom no event announced their message: from the user pool, or from a file.
    #[command(after_help = jobs::BACKFILL_HELP)]
    Backfill {
        /// What to send, and how.
        #[command(flatten)]
        args: Box<jobs::Backfill>,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Compare the user pool with the table: who is confirmed and has no profile?
    Reconcile {
        /// What to do.
        #[command(flatten)]
        args: jobs::Reconcile,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Look at what is in the dead-letter queue, retry it or drop it.
    Quarantine {
        /// What to do with it.
        #[command(subcommand)]
        action: jobs::Quarantine,
    },
    /// Tell where the profile of one user is, and what happens next.
    Explain {
        /// Who.
        #[command(flatten)]
        args: jobs::Explain,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Ask a running worker's admin endpoint whether it is well (for the container's health check).
    Health {
        /// The settings.
        #[command(flatten)]
        written: Box<Written>,
    },
}

/// Where things are, as it was written, if it was.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Settings (each also an environment variable)")]
pub struct Places {
    /// URL of the standard queue of confirmations.
    #[arg(long, env = "QUEUE_URL", hide_env_values = true, value_name = "URL")]
    pub queue_url: Option<String>,
    /// URL of the dead-letter queue [default: from the queue's RedrivePolicy].
    #[arg(long, env = "DEAD_LETTER_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    pub dead_letter_queue_url: Option<String>,
    /// Name of the DynamoDB table of profiles.
    #[arg(long, env = "TABLE_NAME", hide_env_values = true, value_name = "NAME")]
    pub table_name: Option<String>,
    /// How items are made: path of a TOML file, or the TOML itself [default: Amplify's documented UserProfile].
    #[arg(long, env = "PROFILE_MODEL", hide_env_values = true, value_name = "PATH|TOML")]
    pub profile_model: Option<String>,
    /// User pools whose users get profiles, comma-separated [default: any, with a warning].
    #[arg(long, env = "USER_POOL_IDS", hide_env_values = true, value_name = "IDS")]
    pub user_pool_ids: Option<String>,
    /// Path of amplify_outputs.json; fills queue, table and pool where they are not given.
    #[arg(long, env = "AMPLIFY_OUTPUTS", hide_env_values = true, value_name = "PATH")]
    pub amplify_outputs: Option<String>,
}

/// How to log, as it was written, if it was.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Settings (each also an environment variable)")]
pub struct Logs {
    /// Keys the hash by which users are named in logs [default: random per process].
    #[arg(long, env = "LOG_HASH_KEY", hide_env_values = true, value_name = "KEY")]
    pub log_hash_key: Option<String>,
    /// text or json [default: text on a terminal, json elsewhere].
    #[arg(long, env = "LOG_FORMAT", hide_env_values = true, value_name = "text|json")]
    pub log_format: Option<String>,
    /// Log filter, such as info or worker=debug [default: info].
    #[arg(long, env = "RUST_LOG", hide_env_values = true, value_name = "FILTER")]
    pub log_filter: Option<String>,
}

/// Where telemetry is pushed, as it was written, if it was: OpenTelemetry's own variables.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Telemetry (OpenTelemetry's own variables)")]
pub struct Otel {
    /// Where a collector listens for OTLP over HTTP, such as http://localhost:4318 [default: nothing is pushed].
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, value_name = "URL")]
    pub otel_exporter_otlp_endpoint: Option<String>,
    /// The same for spans alone, with the whole path.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", hide_env_values = true, value_name = "URL")]
    pub otel_exporter_otlp_traces_endpoint: Option<String>,
    /// The same for metrics alone, with the whole path.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", hide_env_values = true, value_name = "URL")]
    pub otel_exporter_otlp_metrics_endpoint: Option<String>,
    /// Only http/protobuf.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_PROTOCOL", hide_env_values = true, value_name = "PROTOCOL")]
    pub otel_exporter_otlp_protocol: Option<String>,
    /// Whether spans are pushed [default: otlp if there is an endpoint].
    #[arg(long, env = "OTEL_TRACES_EXPORTER", hide_env_values = true, value_name = "otlp|none")]
    pub otel_traces_exporter: Option<String>,
    /// Whether metrics are pushed [default: otlp if there is an endpoint].
    #[arg(long, env = "OTEL_METRICS_EXPORTER", hide_env_values = true, value_name = "otlp|none")]
    pub otel_metrics_exporter: Option<String>,
    /// What the worker calls itself [default: profile-worker].
    #[arg(long, env = "OTEL_SERVICE_NAME", hide_env_values = true, value_name = "NAME")]
    pub otel_service_name: Option<String>,
    /// true pushes nothing.
    #[arg(long, env = "OTEL_SDK_DISABLED", hide_env_values = true, value_name = "true|false")]
    pub otel_sdk_disabled: Option<String>,
}

/// Whether metrics are printed, as it was written, if it was; of `run` and of `reconcile`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings (each also an environment variable)")]
pub struct Emf {
    /// Print metrics for CloudWatch on stdout (embedded metric format), before the result [default: off].
    #[arg(long, env = "METRICS_EMF", hide_env_values = true, value_name = "on|off")]
    pub metrics_emf: Option<String>,
}

/// Every setting of the worker as it was written, if it was.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Settings (each also an environment variable)")]
pub struct Written {
    /// Where things are.
    #[command(flatten)]
    pub places: Places,
    /// Trigger sources that make profiles [default: ConfirmSignUp,ConfirmForgotPassword].
    #[arg(long, env = "TRIGGER_SOURCES", hide_env_values = true, value_name = "NAMES")]
    pub trigger_sources: Option<String>,
    /// How items are written: auto (one by PutItem, several by BatchExecuteStatement), put or batch [default: auto].
    #[arg(long, env = "WRITE_STRATEGY", hide_env_values = true, value_name = "auto|put|batch")]
    pub write_strategy: Option<String>,
    /// Messages in hand at most [default: 1000].
    #[arg(long, env = "MAX_IN_FLIGHT", hide_env_values = true, value_name = "N")]
    pub max_in_flight: Option<String>,
    /// Polls in the air at most [default: 16, or a tenth of MAX_IN_FLIGHT if that is less].
    #[arg(long, env = "MAX_RECEIVERS", hide_env_values = true, value_name = "N")]
    pub max_receivers: Option<String>,
    /// The long poll, up to 20s [default: 20s].
    #[arg(long, env = "WAIT_TIME", hide_env_values = true, value_name = "DURATION")]
    pub wait_time: Option<String>,
    /// Visibility timeout sent with every receive [default: 60s].
    #[arg(long, env = "VISIBILITY_TIMEOUT", hide_env_values = true, value_name = "DURATION")]
    pub visibility_timeout: Option<String>,
    /// How long writes (1.4 times this) and deletes (a fifth) wait for company [default: 50ms].
    #[arg(long, env = "LINGER", hide_env_values = true, value_name = "DURATION")]
    pub linger: Option<String>,
    /// How long one write may be tried before its message goes back to the queue [default: 10s].
    #[arg(long, env = "WRITE_DEADLINE", hide_env_values = true, value_name = "DURATION")]
    pub write_deadline: Option<String>,
    /// How long messages are held in hand while the table cannot be written [default: 1h].
    #[arg(long, env = "HOLD_BUDGET", hide_env_values = true, value_name = "DURATION")]
    pub hold_budget: Option<String>,
    /// How long stopping may take [default: 90s].
    #[arg(long, env = "DRAIN_DEADLINE", hide_env_values = true, value_name = "DURATION")]
    pub drain_deadline: Option<String>,
    /// Ask Cognito whether the users of late messages still exist: replays, and what is older than a day [default: off].
    #[arg(long, env = "VERIFY_LATE", hide_env_values = true, value_name = "on|off")]
    pub verify_late: Option<String>,
    /// Questions of VERIFY_LATE a second at most; the quota is shared with the live application [default: 20].
    #[arg(long, env = "VERIFY_LATE_RATE", hide_env_values = true, value_name = "N")]
    pub verify_late_rate: Option<String>,
    /// When the platform kills after SIGTERM (ECS stopTimeout) [default: 120s].
    #[arg(long, env = "STOP_TIMEOUT", hide_env_values = true, value_name = "DURATION")]
    pub stop_timeout: Option<String>,
    /// Address of the admin endpoint, or off [default: 127.0.0.1:9464].
    #[arg(long, env = "ADMIN_ADDR", hide_env_values = true, value_name = "ADDR|off")]
    pub admin_addr: Option<String>,
    /// What is printed.
    #[command(flatten)]
    pub emf: Emf,
    /// How to log.
    #[command(flatten)]
    pub logs: Logs,
    /// Where telemetry is pushed.
    #[command(flatten)]
    pub otel: Otel,
}

/// Every setting of a job as it was written, if it was.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Settings (each also an environment variable)")]
pub struct JobWritten {
    /// Where things are.
    #[command(flatten)]
    pub places: Places,
    /// The user pool [default: the only one in USER_POOL_IDS].
    #[arg(long, env = "USER_POOL_ID", hide_env_values = true, value_name = "ID")]
    pub user_pool_id: Option<String>,
    /// Whether sent messages carry a MessageGroupId, so that live sign-ups go first [default: on].
    #[arg(long, env = "FAIR_GROUPS", hide_env_values = true, value_name = "on|off")]
    pub fair_groups: Option<String>,
    /// How to log.
    #[command(flatten)]
    pub logs: Logs,
    /// Where telemetry is pushed.
    #[command(flatten)]
    pub otel: Otel,
}

/// One of the settings is a key, and what stands in the others was not looked at yet.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(…)")
    }
}

impl fmt::Debug for JobWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobWritten(…)")
    }
}

/// Reads the command line and the environment.
///
/// # Errors
/// clap's own, for what is not a setting: unknown commands and flags; also for `--help` and `--version`.
pub fn parse<I, T>(args: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    Cli::try_parse_from(args).map_err(discreet)
}

/// What was typed in the wrong place may be anything. Of a mistake only a flag's name is shown again.
fn discreet(mut mistake: clap::Error) -> clap::Error {
    let typed = match mistake.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::InvalidValue => ContextKind::InvalidValue,
        _ => return mistake,
    };
    let is_flag = |text: &str| {
        let name = text.strip_prefix("--").unwrap_or_default();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    if !matches!(mistake.get(typed), Some(ContextValue::String(text)) if is_flag(text)) {
        mistake.insert(typed, ContextValue::String("…".to_owned()));
        // Tips how to pass it all the same.
        mistake.remove(ContextKind::Suggested);
    }
    mistake
}
