//! What each job can be told, besides where things are.

use clap::{Args, Subcommand};

use super::{Emf, JobWritten};

/// What does not fit a flag's line.
pub const BACKFILL_HELP: &str = "\
Files are JSON lines or CSV, whichever their first bytes say, in any mixture of lines: Cognito PostConfirmation \
events, user.confirmed envelopes, each bare or in an EventBridge event, and records of ListUsers; also what `aws \
cognito-idp list-users` prints, up to 64 MiB. A CSV has a header with the columns sub and cognito:username (or \
username), and as far as there are any email, email_verified, UserStatus, Enabled, UserCreateDate, userPoolId, and \
attributes by their names. Users without a status are taken: who made the file vouches for them. Users without a \
pool are of USER_POOL_ID.

Lines that cannot be used go to the reject file, one JSON object a line: line, reason, detail, text. The text is the \
line itself, so THE REJECT FILE IS PERSONAL DATA; it is readable by its owner alone (mode 0600). Mend the texts and \
give them again: nobody gets a second item.

Give PROFILE_MODEL as the worker has it: only attributes that the model names are sent.

The state is kept after each page, or some thousand lines, once the queue has taken them. Ctrl-C finishes what is in \
hand, keeps the state and prints the command that goes on; a second Ctrl-C ends at once.";

/// `backfill`. (Its command's variant has a group of the same name.)
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Backfill {
    /// Where the users come from: cognito, a file, - for stdin, or s3://bucket/key.
    #[arg(long, value_name = "cognito|FILE|-|s3://…")]
    pub from: String,
    /// ListUsers calls a second at most; the account's quota is shared with the live application.
    #[arg(long, value_name = "N", default_value = "5")]
    pub rate: String,
    /// Messages a second at most [default: no limit].
    #[arg(long, value_name = "N")]
    pub max_per_second: Option<String>,
    /// Statuses that get a profile, in place of the default; FORCE_CHANGE_PASSWORD may be added. Disabled users
    /// get none.
    #[arg(long, value_name = "S,…", default_value = "CONFIRMED,EXTERNAL_PROVIDER,RESET_REQUIRED")]
    pub include_status: String,
    /// What createdAt and updatedAt of new items say, where a record tells when its user was made.
    #[arg(long, value_name = "now|user-create-date", default_value = "now")]
    pub created_at: String,
    /// Count by status and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Go on where an interrupted run stopped.
    #[arg(long)]
    pub resume: bool,
    /// Where the state is kept; a path or s3://bucket/key. Of stdin and of a dry run none is kept.
    #[arg(long, value_name = "FILE", default_value = "profile-worker-backfill.json")]
    pub checkpoint: String,
    /// Where lines that cannot be used go, with the reason; personal data [default: the input's name with
    /// .rejected.jsonl]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<String>,
    /// The table holds no rows of the documented handler (random ids): it is not scanned for them.
    #[arg(long)]
    pub no_legacy_rows: bool,
}

/// `reconcile`.
// clap gives a variant's flags the group of the same name.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Reconcile {
    /// Scan the table too, for orphans, duplicates, conflicts, malformed rows and changed e-mail addresses.
    #[arg(long)]
    pub full: bool,
    /// Users changed within this time are left out: their message may be on its way.
    #[arg(long, value_name = "DURATION", default_value = "15m")]
    pub grace: String,
    /// Enqueue what is missing.
    #[arg(long, value_name = "missing")]
    pub fix: Option<String>,
    /// The table holds no rows of the documented handler (random ids): it is not scanned for them.
    #[arg(long)]
    pub no_legacy_rows: bool,
    /// ListUsers calls a second at most; the account's quota is shared with the live application.
    #[arg(long, value_name = "N", default_value = "5")]
    pub rate: String,
    /// Statuses that are to have a profile, in place of the default.
    #[arg(long, value_name = "S,…", default_value = "CONFIRMED,EXTERNAL_PROVIDER,RESET_REQUIRED")]
    pub include_status: String,
    /// Write the findings one by one, as JSON lines that name users, to a file that only you can read.
    #[arg(long, value_name = "FILE")]
    pub list: Option<String>,
    /// What is printed beside the result.
    #[command(flatten)]
    pub emf: Emf,
}

/// `adopt`.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Adopt {
    /// Change rows; without it the plan is shown and nothing is changed.
    #[arg(long)]
    pub apply: bool,
    /// Where every user's old and new keys are written, with what is kept and what differs. Holds personal data.
    #[arg(long, value_name = "FILE", default_value = "profile-worker-adopt.plan.jsonl")]
    pub plan: String,
    /// Where rows go before they are changed, as DynamoDB JSON. Holds personal data.
    #[arg(long, value_name = "FILE", default_value = "profile-worker-adopt.backup.jsonl")]
    pub backup: String,
    /// Users a second at most.
    #[arg(long, value_name = "N", default_value = "50")]
    pub rate: String,
}

/// `redrive`.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Redrive {
    /// Messages a second at most, up to 500.
    #[arg(long, value_name = "N", default_value = "50")]
    pub rate: String,
    /// Only messages quarantined for this reason. SQS itself cannot choose; this program then moves them.
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Only messages quarantined at least this long ago.
    #[arg(long, value_name = "DURATION")]
    pub older_than: Option<String>,
    /// Only messages that SQS itself moved: they carry no reason.
    #[arg(long, conflicts_with = "reason")]
    pub without_reason: bool,
    /// Show what SQS is moving, or has moved.
    #[arg(long, conflicts_with_all = ["reason", "older_than", "without_reason", "cancel"])]
    pub status: bool,
    /// Stop what SQS is moving.
    #[arg(long, conflicts_with_all = ["reason", "older_than", "without_reason"])]
    pub cancel: bool,
}

/// `quarantine`.
#[derive(Debug, Clone, Subcommand)]
pub enum Quarantine {
    /// Count what is in the dead-letter queue, by reason.
    List {
        /// Which.
        #[command(flatten)]
        chosen: Chosen,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Show single messages, without personal data unless asked.
    Show {
        /// Which.
        #[command(flatten)]
        chosen: Chosen,
        /// Messages at most.
        #[arg(long, value_name = "N", default_value = "100")]
        limit: String,
        /// Show the message body as well.
        #[arg(long)]
        show_personal_data: bool,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Send messages back to the queue.
    Retry {
        /// Which.
        #[command(flatten)]
        chosen: Chosen,
        /// Messages a second at most, up to 500.
        #[arg(long, value_name = "N", default_value = "50")]
        rate: String,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
    /// Delete messages; a backup is written first.
    Drop {
        /// Which.
        #[command(flatten)]
        chosen: Chosen,
        /// Where messages go before they are deleted; they are added to what is there.
        #[arg(long, value_name = "FILE", default_value = "profile-worker-dropped.jsonl")]
        backup: String,
        /// Do it; without it, what would be deleted is counted.
        #[arg(long)]
        yes: bool,
        /// The settings.
        #[command(flatten)]
        written: Box<JobWritten>,
    },
}

/// Which messages of the dead-letter queue.
#[derive(Debug, Clone, Default, Args)]
pub struct Chosen {
    /// Only those quarantined for this reason, or moved_by_sqs.
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Only this one, by the id it had in the queue.
    #[arg(long, value_name = "ID")]
    pub message_id: Option<String>,
    /// Only those quarantined at least this long ago.
    #[arg(long, value_name = "DURATION")]
    pub older_than: Option<String>,
}

/// `explain`.
#[derive(Clone, Args)]
#[group(skip)]
pub struct Explain {
    /// The user's sub.
    pub sub: String,
    /// Look for rows of this user under other keys too: reads the whole table.
    #[arg(long)]
    pub scan: bool,
    /// Show the user's data.
    #[arg(long)]
    pub show_personal_data: bool,
}

/// A sub is a person.
impl std::fmt::Debug for Explain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explain(…)")
    }
}
