//! What is run: which program, with what settings, on how many messages, how far from its endpoints.

use std::path::Path;
use std::time::Duration;

use harness::confirmations::POOL;
use harness::http::free_port;

use crate::command::{EndpointsOrder, Engine, Section};
use crate::endpoints::{Ready, TABLE};
use crate::subject::Subject;

/// On every call, half of it each way.
pub(crate) const DELAY_MS: u64 = 20;

/// One thing that is run once in every round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    /// The worker as it comes.
    Auto,
    /// Each item by a call of its own.
    Put,
    /// As it comes, with a long backlog.
    Crowd,
    /// As it comes, with the plain table: the check of the table that the next ones are run with.
    Plain,
    /// As it comes, far from its endpoints.
    Far,
    /// Far, with eight times the concurrency.
    Greedy,
    /// Far, the sequential loop in the place of the worker.
    Sequential,
    /// Far, the eight loops in the place of the worker.
    Concurrent,
    /// As it comes, telling nobody anything.
    Silent,
    /// As it comes, with a collector to push to, and scraped every second.
    Told,
}

impl Variant {
    /// In the order of a round: what is compared with each other is run close to each other.
    const ALL: [Self; 10] = [
        Self::Auto,
        Self::Put,
        Self::Crowd,
        Self::Plain,
        Self::Far,
        Self::Concurrent,
        Self::Sequential,
        Self::Greedy,
        Self::Silent,
        Self::Told,
    ];

    /// What these sections need, each once.
    pub(crate) fn needed(sections: &[Section]) -> Vec<Self> {
        let needs = |section: &Section| match section {
            Section::Calls => vec![Self::Auto],
            Section::Cpu => vec![Self::Auto, Self::Put],
            Section::Memory => vec![Self::Auto, Self::Crowd],
            Section::Latency => vec![Self::Plain, Self::Far, Self::Sequential, Self::Concurrent],
            Section::P99 => vec![Self::Plain, Self::Far, Self::Greedy],
            Section::Telemetry => vec![Self::Silent, Self::Told],
        };
        let needed: Vec<_> = sections.iter().flat_map(needs).collect();
        Self::ALL.into_iter().filter(|variant| needed.contains(variant)).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Put => "put",
            Self::Crowd => "auto, long backlog",
            Self::Plain => "auto, plain table",
            Self::Far => "auto, 20 ms",
            Self::Greedy => "auto, 20 ms, 128 receivers",
            Self::Sequential => "sequential loop, 20 ms",
            Self::Concurrent => "8 loops, 20 ms",
            Self::Silent => "auto, telling nobody",
            Self::Told => "auto, pushing and scraped",
        }
    }

    /// Slow ones get less to do; speed is messages by time.
    pub(crate) fn messages(self, quick: bool) -> usize {
        match (self, quick) {
            (Self::Auto | Self::Put | Self::Plain, _) => 10_000,
            (Self::Silent | Self::Told, false) => 60_000,
            (Self::Silent | Self::Told, true) => 20_000,
            (Self::Crowd, false) => 200_000,
            (Self::Crowd, true) => 50_000,
            (Self::Far | Self::Greedy, false) => 20_000,
            (Self::Far | Self::Greedy, true) => 6_000,
            (Self::Sequential, false) => 400,
            (Self::Sequential, true) => 100,
            (Self::Concurrent, false) => 4_000,
            (Self::Concurrent, true) => 1_600,
        }
    }

    /// Several times what the slowest machine needed, so that only a run that hangs exceeds it.
    pub(crate) fn deadline(self) -> Duration {
        Duration::from_secs(if self == Self::Crowd { 600 } else { 180 })
    }

    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Sequential | Self::Concurrent)
    }

    pub(crate) fn endpoints(self, quick: bool) -> EndpointsOrder {
        let real = matches!(self, Self::Auto | Self::Put | Self::Crowd | Self::Silent | Self::Told);
        let near = real || self == Self::Plain;
        EndpointsOrder {
            messages: self.messages(quick),
            delay_ms: if near { 0 } else { DELAY_MS },
            engine: if real { Engine::Dynoxide } else { Engine::Plain },
        }
    }

    pub(crate) fn subject(self, worker: &Path, this: &Path, at: &Ready) -> Subject {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_SQS", at.sqs.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", at.dynamodb.clone()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ];
        if self.is_peer() {
            let habit = if self == Self::Sequential { "sequential" } else { "concurrent" };
            let arguments = ["peer", "--habit", habit, "--queue", &at.queue, "--table", TABLE];
            let program = this.to_owned();
            return Subject { program, arguments: owned(&arguments), variables, scraped_at: None };
        }
        let admin = if self == Self::Told { format!("127.0.0.1:{}", free_port()) } else { "off".to_owned() };
        let settings = [
            ("QUEUE_URL", at.queue.as_str()),
            ("TABLE_NAME", TABLE),
            ("USER_POOL_IDS", POOL),
            ("ADMIN_ADDR", admin.as_str()),
            ("WRITE_STRATEGY", if self == Self::Put { "put" } else { "auto" }),
        ];
        variables.extend(settings.map(|(name, value)| (name, value.to_owned())));
        if self == Self::Greedy {
            // Eight times the defaults of 16 and 1000.
            let settings = [("MAX_RECEIVERS", "128"), ("MAX_IN_FLIGHT", "8000")];
            variables.extend(settings.map(|(name, value)| (name, value.to_owned())));
        }
        if self == Self::Told {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", at.collector.clone()));
        }
        let scraped_at = (self == Self::Told).then(|| format!("http://{admin}/metrics"));
        let arguments = owned(&["run", "--until-empty", "1s", "--output", "json"]);
        Subject { program: worker.to_owned(), arguments, variables, scraped_at }
    }
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}
