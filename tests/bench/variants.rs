//! What is run: which program, with what settings, on which messages, how far from its endpoints.

use std::path::Path;
use std::time::Duration;

use harness::confirmations::POOL;
use harness::http::free_port;

use crate::command::{EndpointsOrder, Engine};
use crate::conditions::Conditions;
use crate::endpoints::{Ready, TABLE};
use crate::loops::Habit;
use crate::peers::Peer;
use crate::subject::Subject;

/// On every call, half of it each way.
pub(crate) const DELAY_MS: u64 = 20;

/// One thing that is run once in every round. Sections that need the same one share it, by its name.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) who: Who,
    pub(crate) messages: usize,
    pub(crate) delay_ms: u64,
    pub(crate) engine: Engine,
    /// So many worker processes at once, of the same settings.
    pub(crate) tasks: usize,
    pub(crate) conditions: Conditions,
    /// How long it has nothing to do before the messages come, if it is to have nothing to do.
    pub(crate) idle: Option<Duration>,
    /// Whether its pace is kept, slice by slice.
    pub(crate) paced: bool,
    /// Several times what the slowest machine needed, so that only a run that hangs exceeds it.
    pub(crate) deadline: Duration,
}

/// Which program does the work.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    Worker(Settings),
    Loop(Habit),
    Peer(Peer),
}

/// The worker's, where they are not its defaults.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// Pushes to a collector, and is scraped every second.
    pub(crate) told: bool,
    /// Runs until it is told to stop, not until the queue is empty.
    pub(crate) stays: bool,
}

/// The worker as it comes, beside a real engine, with enough to do for a stable figure.
pub(crate) fn auto() -> Variant {
    Variant {
        name: "auto",
        who: Who::Worker(Settings::default()),
        messages: 10_000,
        delay_ms: 0,
        engine: Engine::Dynoxide,
        tasks: 1,
        conditions: Conditions::default(),
        idle: None,
        paced: false,
        deadline: Duration::from_secs(180),
    }
}

/// The worker as it comes, far from its endpoints.
pub(crate) fn far(quick: bool) -> Variant {
    Variant {
        name: "auto, 20 ms",
        messages: if quick { 6_000 } else { 20_000 },
        delay_ms: DELAY_MS,
        engine: Engine::Plain,
        ..auto()
    }
}

/// As it comes, with the plain table: the check of the table that the far ones are run with.
pub(crate) fn plain() -> Variant {
    Variant { name: "auto, plain table", engine: Engine::Plain, ..auto() }
}

impl Variant {
    pub(crate) fn is_worker(&self) -> bool {
        matches!(self.who, Who::Worker(_))
    }

    pub(crate) fn endpoints(&self) -> EndpointsOrder {
        EndpointsOrder {
            messages: self.messages,
            delay_ms: self.delay_ms,
            engine: self.engine,
            conditions: self.conditions,
        }
    }

    pub(crate) fn subject(&self, worker: &Path, this: &Path, at: &Ready) -> anyhow::Result<Subject> {
        let variables = vec![
            ("AWS_ENDPOINT_URL_SQS", at.sqs.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", at.dynamodb.clone()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ];
        match &self.who {
            Who::Loop(habit) => {
                let arguments = ["loop", "--habit", habit.word(), "--queue", &at.queue, "--table", TABLE];
                let program = this.to_owned();
                Ok(Subject { program, arguments: owned(&arguments), variables, scraped_at: None })
            }
            Who::Peer(peer) => peer.subject(variables, at),
            Who::Worker(settings) => Ok(settings.subject(worker, variables, at)),
        }
    }
}

impl Settings {
    fn subject(self, worker: &Path, mut variables: Vec<(&'static str, String)>, at: &Ready) -> Subject {
        let admin = if self.told { format!("127.0.0.1:{}", free_port()) } else { "off".to_owned() };
        let settings = [
            ("QUEUE_URL", at.queue.as_str()),
            ("TABLE_NAME", TABLE),
            ("USER_POOL_IDS", POOL),
            ("ADMIN_ADDR", admin.as_str()),
        ];
        let settings = settings.into_iter().chain(self.variables.iter().copied());
        variables.extend(settings.map(|(name, value)| (name, value.to_owned())));
        if self.told {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", at.collector.clone()));
        }
        let scraped_at = self.told.then(|| format!("http://{admin}/metrics"));
        let until: &[&str] = if self.stays { &[] } else { &["--until-empty", "1s"] };
        let arguments = owned(&[&["run", "--output", "json"], until].concat());
        Subject { program: worker.to_owned(), arguments, variables, scraped_at }
    }
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}
