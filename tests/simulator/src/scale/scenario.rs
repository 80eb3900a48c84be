//! What there is to try: a plan is data, from which a run follows. Every figure that a service or a machine is taken
//! to have stands here or in [`super::capacity`] and [`super::processor`], with its source.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use worker::pipeline::{Settings, WriteStrategy};

use super::capacity::{NEW, Provision};
use super::queue::IN_FLIGHT_QUOTA;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A run before it is lived.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Of all dice.
    pub seed: u64,
    /// How many, from the beginning on.
    pub workers: usize,
    /// Of every worker.
    pub settings: Settings,
    /// How many come, every tenth of them a repeat.
    pub messages: u64,
    /// When they come: evenly, from the first to the last of these moments.
    pub arrive: Range<Duration>,
    /// When every call to the table fails.
    pub outage: Option<Range<Duration>>,
    /// When every seventh user who has a row by then edits it.
    pub edits: Option<Duration>,
    /// The table's capacity.
    pub provision: Provision,
    /// The share of users whose keys crowd into one partition.
    pub hot: f64,
    /// How long a call takes, there and back, in milliseconds: evenly between these.
    pub latency_ms: RangeInclusive<u64>,
    /// Of one task. 0 for a processor that takes no time.
    pub vcpus: f64,
    /// Messages that the queue hands out at once, at the most.
    pub in_flight_quota: usize,
    /// At this receive SQS moves a message to the dead-letter queue.
    pub max_receive_count: u32,
}

impl Plan {
    /// Workers as they are by default before a backlog that stands there when they start.
    ///
    /// 10 to 20 ms a call are AWS's own example of 20 ms for SQS (developer guide, "Increasing throughput using
    /// horizontal scaling and action batching") and "single-digit millisecond" for DynamoDB, with the way between.
    pub fn standing(workers: usize, messages: u64) -> Self {
        Self {
            seed: 0,
            workers,
            settings: defaults(),
            messages,
            arrive: Duration::ZERO..Duration::ZERO,
            outage: None,
            edits: None,
            provision: Provision::Warm,
            hot: 0.0,
            latency_ms: 10..=20,
            vcpus: 0.25,
            in_flight_quota: IN_FLIGHT_QUOTA,
            max_receive_count: 100,
        }
    }

    /// When nothing more happens by itself.
    pub fn ends(&self) -> Duration {
        self.outage.as_ref().map_or(self.arrive.end, |outage| outage.end.max(self.arrive.end))
    }
}

/// `profile-worker run` without any variable (docs/configuration.md).
fn defaults() -> Settings {
    Settings {
        max_in_flight: 1000,
        max_receivers: 16,
        wait_time: 20 * SECOND,
        visibility_timeout: 60 * SECOND,
        linger: Duration::from_millis(50),
        write_deadline: 10 * SECOND,
        hold_budget: 60 * MINUTE,
        drain_deadline: 90 * SECOND,
        write_strategy: WriteStrategy::Auto,
    }
}

/// What there is to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A backlog that stands there when the workers start.
    Backlog,
    /// A new table that warms up, and one with a hot partition.
    Throttling,
    /// A table that is away for hours, while users sign up.
    Outage,
    /// Many sign up in one moment, and the worker is idle.
    Burst,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Backlog, Self::Throttling, Self::Outage, Self::Burst];

    /// As the command calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Throttling => "throttling",
            Self::Outage => "outage",
            Self::Burst => "burst",
        }
    }

    /// Its plans, each with what is particular to it.
    pub fn plans(self, asked: &Asked) -> Vec<(String, Plan)> {
        let messages = |usual| asked.messages.unwrap_or(usual);
        let fleet = |usual: &[usize]| asked.workers.clone().unwrap_or_else(|| usual.to_vec());
        let mut plans = Vec::new();
        match self {
            Self::Backlog => {
                for workers in fleet(&[1, 4, 16, 64]) {
                    plans.push((String::new(), Plan::standing(workers, messages(200_000))));
                }
            }
            Self::Throttling => {
                for workers in fleet(&[4]) {
                    let shares = if asked.hot > 0.0 { vec![0.0, asked.hot] } else { vec![0.0] };
                    for hot in shares {
                        let provision = Provision::New(asked.warm_up.unwrap_or(MINUTE));
                        let plan = Plan { provision, hot, ..Plan::standing(workers, messages(600_000)) };
                        let about =
                            if hot > 0.0 { format!("{:.0} % hot", hot * 100.0) } else { "even".into() };
                        plans.push((about, plan));
                    }
                }
            }
            Self::Outage => {
                for workers in fleet(&[4]) {
                    let away = MINUTE..MINUTE + asked.outage;
                    let plan = Plan {
                        arrive: Duration::ZERO..away.end,
                        edits: Some(MINUTE),
                        // It has seen little so far.
                        provision: Provision::New(asked.warm_up.unwrap_or(super::capacity::WARM_UP)),
                        outage: Some(away),
                        ..Plan::standing(workers, messages(500_000))
                    };
                    plans.push((format!("{:.1} h away", asked.outage.as_secs_f64() / 3600.0), plan));
                }
            }
            Self::Burst => {
                for workers in fleet(&[1]) {
                    for (about, provision) in
                        [("warm table", Provision::Warm), ("new table", Provision::New(MINUTE * 30))]
                    {
                        // In the middle of a poll.
                        let at = 30 * SECOND;
                        let arrive = at..at;
                        let plan = Plan { arrive, provision, ..Plan::standing(workers, messages(50_000)) };
                        plans.push((about.to_owned(), plan));
                    }
                }
            }
        }
        for (_, plan) in &mut plans {
            asked.apply(plan);
        }
        plans
    }
}

/// What was asked for in place of a scenario's own figures.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How many messages.
    pub messages: Option<u64>,
    /// Fleets of so many workers, one run each.
    pub workers: Option<Vec<usize>>,
    /// Of all dice.
    pub seed: u64,
    /// How long a call takes, in milliseconds.
    pub latency_ms: Option<RangeInclusive<u64>>,
    /// Of one task.
    pub vcpus: Option<f64>,
    /// What has to pass before a new table takes twice its peak.
    pub warm_up: Option<Duration>,
    /// The share of keys in one partition.
    pub hot: f64,
    /// How long the table is away.
    pub outage: Duration,
    /// The table's capacity, in every scenario.
    pub provision: Option<Provision>,
    /// Of every worker.
    pub max_in_flight: Option<usize>,
    /// Of every worker.
    pub max_receivers: Option<usize>,
    /// Of the queue.
    pub max_receive_count: Option<u32>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            messages: None,
            workers: None,
            seed: 0,
            latency_ms: None,
            vcpus: None,
            warm_up: None,
            hot: 1.2 * super::capacity::PARTITION / NEW,
            outage: 13 * 60 * MINUTE,
            provision: None,
            max_in_flight: None,
            max_receivers: None,
            max_receive_count: None,
        }
    }
}

impl Asked {
    fn apply(&self, plan: &mut Plan) {
        plan.seed = self.seed;
        plan.latency_ms = self.latency_ms.clone().unwrap_or_else(|| plan.latency_ms.clone());
        plan.vcpus = self.vcpus.unwrap_or(plan.vcpus);
        plan.provision = self.provision.unwrap_or(plan.provision);
        plan.settings.max_in_flight = self.max_in_flight.unwrap_or(plan.settings.max_in_flight);
        plan.settings.max_receivers = self.max_receivers.unwrap_or(plan.settings.max_receivers);
        plan.max_receive_count = self.max_receive_count.unwrap_or(plan.max_receive_count);
    }
}
