//! Every name that leaves the worker for a dashboard, an alert or a trace, once. OpenTelemetry's own where it has one
//! (semantic conventions for messaging, AWS SQS, database and DynamoDB clients; all but the database ones are still
//! "Development", so one version is pinned as the schema URL). No name is ever that of a person or a message.

pub use opentelemetry_semantic_conventions::SCHEMA_URL;
pub use opentelemetry_semantic_conventions::attribute::{
    AWS_DYNAMODB_TABLE_NAMES, AWS_REQUEST_ID, AWS_SQS_QUEUE_URL, DB_OPERATION_BATCH_SIZE, DB_OPERATION_NAME,
    DB_SYSTEM_NAME, ERROR_TYPE, MESSAGING_BATCH_MESSAGE_COUNT, MESSAGING_DESTINATION_NAME,
    MESSAGING_MESSAGE_ID, MESSAGING_OPERATION_NAME, MESSAGING_OPERATION_TYPE, MESSAGING_SYSTEM, RPC_METHOD,
    RPC_SYSTEM_NAME, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION,
};
use opentelemetry_semantic_conventions::metric;

/// The value of `messaging.system` for SQS.
pub const AWS_SQS: &str = "aws_sqs";

/// The value of `db.system.name` for DynamoDB.
pub const AWS_DYNAMODB: &str = "aws.dynamodb";

/// What the worker calls itself where `OTEL_SERVICE_NAME` does not say otherwise.
pub const SERVICE: &str = "profile-worker";

/// The instrumentation scope.
pub const SCOPE: &str = "profile_worker";

/// Of a metric of ours: how the delivery ended.
pub const OUTCOME: &str = "outcome";
/// Of a metric of ours: why the confirmation was sent.
pub const SOURCE: &str = "source";
/// Of a metric of ours: the reason of a quarantine.
pub const REASON: &str = "reason";
/// Of a metric of ours: the operation that failed.
pub const OPERATION: &str = "operation";
/// Of a metric of ours: what may be done about a failed call.
pub const CLASS: &str = "class";
/// Of a metric of ours: which of the two queues.
pub const QUEUE: &str = "queue";
/// Of a metric of ours: how messages are there.
pub const STATE: &str = "state";

/// Of a span of ours: how many rows of a call were there before.
pub const ALREADY_PRESENT: &str = "profile_worker.already_present";

/// How a metric is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution with these upper bounds.
    Histogram(&'static [f64]),
}

/// What the conventions advise for the duration of calls. They end at ten seconds.
const CALLS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A long poll takes up to twenty seconds, and answers in time are no slow ones.
const POLLS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0];

/// From a sign-up to its profile. The objective's threshold is a bound, so that the share within it is exact.
const PROFILES: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, OBJECTIVE, 120.0, 300.0, 900.0, 3600.0];

/// The latency objective in seconds: 99 of 100 live confirmations have their item within it.
pub const OBJECTIVE: f64 = 60.0;

const BATCHES: &[f64] = &[1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0];

const DRAINS: &[f64] = &[0.1, 0.5, 1.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0];

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:expr, $unit:literal, $kind:expr;)+) => {
        /// Every metric of the worker.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in OpenTelemetry.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its unit (UCUM).
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)+ }
            }

            /// How it is told.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => $kind,)+ }
            }

            /// What it means, for the help line of a scrape.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim(),)+ }
            }
        }
    };
}

metrics! {
    /// Deliveries that ended, by outcome and by why the confirmation was sent.
    Outcomes = "profile_worker.outcomes", "{delivery}", Kind::Counter;
    /// From the confirmation to its item, for each item made.
    ConfirmationToProfile = "profile_worker.confirmation_to_profile", "s", Kind::Histogram(PROFILES);
    /// Messages sent to the dead-letter queue, by reason.
    Quarantined = "profile_worker.quarantined", "{message}", Kind::Counter;
    /// Failed calls, by operation and class.
    Errors = "profile_worker.errors", "{call}", Kind::Counter;
    /// Deliveries in hand.
    InFlight = "profile_worker.in_flight", "{delivery}", Kind::Gauge;
    /// Deliveries that may be in hand at this load.
    EffectivePermits = "profile_worker.effective_permits", "{delivery}", Kind::Gauge;
    /// 1 while polling is suspended because the table cannot be written, else 0.
    BreakerState = "profile_worker.breaker.state", "{state}", Kind::Gauge;
    /// 1 once the queue and the table were found.
    Ready = "profile_worker.ready", "{state}", Kind::Gauge;
    /// Extensions of visibility timeouts that succeeded, each message counted each time.
    LeasesExtended = "profile_worker.leases.extended", "{lease}", Kind::Counter;
    /// Messages whose visibility timeout ran out in hand.
    LeasesLost = "profile_worker.leases.lost", "{lease}", Kind::Counter;
    /// Deletes that failed for good.
    FailedDeletes = "profile_worker.failed_deletes", "{message}", Kind::Counter;
    /// Polls started while the breaker was open, other than to probe: must stay 0.
    ReceivesWithoutAttempt = "profile_worker.receives_without_attempt", "{poll}", Kind::Counter;
    /// Items in one write call.
    WriteBatchSize = "profile_worker.write.batch_size", "{item}", Kind::Histogram(BATCHES);
    /// How long the stop took.
    DrainDuration = "profile_worker.drain.duration", "s", Kind::Histogram(DRAINS);
    /// What the queue and its dead-letter queue hold, as SQS says; approximate.
    QueueMessages = "profile_worker.queue.messages", "{message}", Kind::Gauge;
    /// Age, when received, of the oldest message received within the last minute; 0 without any.
    OldestReceived = "profile_worker.oldest_received", "s", Kind::Gauge;
    /// Messages received.
    Consumed = metric::MESSAGING_CLIENT_CONSUMED_MESSAGES, "{message}", Kind::Counter;
    /// Calls to SQS; a long poll takes as long as nothing comes.
    MessagingCalls = metric::MESSAGING_CLIENT_OPERATION_DURATION, "s", Kind::Histogram(POLLS);
    /// From a batch's turn to its answer, held time included.
    Processing = metric::MESSAGING_PROCESS_DURATION, "s", Kind::Histogram(CALLS);
    /// Calls to DynamoDB.
    DatabaseCalls = metric::DB_CLIENT_OPERATION_DURATION, "s", Kind::Histogram(CALLS);
}

impl Metric {
    /// Its name in Prometheus' text format, without the suffixes of a histogram's parts (OpenTelemetry
    /// specification, "Prometheus and OpenMetrics compatibility").
    pub fn prometheus_name(self) -> String {
        let unit = if self.unit() == "s" { "_seconds" } else { "" };
        let total = if self.kind() == Kind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.name().replace('.', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_bounds_grow() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.prometheus_name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for metric in Metric::ALL {
            assert!(!metric.description().is_empty());
            if let Kind::Histogram(bounds) = metric.kind() {
                assert!(bounds.is_sorted_by(|a, b| a < b), "{metric:?}");
            }
        }
    }
}
