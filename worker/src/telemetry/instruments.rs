//! What the stages tell as it happens and only the meter keeps: distributions. Everything that is a plain number is
//! counted in [`crate::stats`] and read from there when somebody asks. Without a meter nothing is kept.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use super::destinations::{Destinations, Queue};
use super::names::{self, Kind, Metric};
use super::traces::Traces;
use crate::outcome::Origin;
use crate::ports::{CallError, Message};

/// The distributions, and where spans go. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Instruments {
    inner: Option<Arc<Inner>>,
    /// Where spans go.
    pub traces: Traces,
}

struct Inner {
    profiles: Histogram<f64>,
    origins: [[KeyValue; 1]; Origin::ALL.len()],
    batches: Histogram<u64>,
    drains: Histogram<f64>,
    messaging: Histogram<f64>,
    consumed: Counter<u64>,
    processing: Histogram<f64>,
    database: Histogram<f64>,
    destinations: Arc<Destinations>,
}

/// A call to SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messaging {
    /// ReceiveMessage.
    Receive,
    /// DeleteMessageBatch.
    Delete,
    /// ChangeMessageVisibilityBatch.
    MakeVisible,
    /// SendMessage, to the dead-letter queue.
    Quarantine,
}

impl Messaging {
    /// The API's name of it, the value of `messaging.operation.name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "ReceiveMessage",
            Self::Delete => "DeleteMessageBatch",
            Self::MakeVisible => "ChangeMessageVisibilityBatch",
            Self::Quarantine => "SendMessage",
        }
    }

    /// The value of `rpc.method`.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Receive => "SQS/ReceiveMessage",
            Self::Delete => "SQS/DeleteMessageBatch",
            Self::MakeVisible => "SQS/ChangeMessageVisibilityBatch",
            Self::Quarantine => "SQS/SendMessage",
        }
    }

    /// The value of `messaging.operation.type`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Delete | Self::MakeVisible => "settle",
            Self::Quarantine => "send",
        }
    }
}

// The SDK's futures are large, and each layer around one would hold it once more on the stack: those that make a call
// below put it into a box before anything else.
impl Instruments {
    /// Those of this meter, about these destinations.
    pub fn new(meter: &Meter, traces: Traces, destinations: Arc<Destinations>) -> Self {
        let origins = Origin::ALL.map(|origin| [KeyValue::new(names::SOURCE, origin.name())]);
        let inner = Inner {
            profiles: seconds(meter, Metric::ConfirmationToProfile),
            origins,
            batches: meter
                .u64_histogram(Metric::WriteBatchSize.name())
                .with_unit(Metric::WriteBatchSize.unit())
                .with_description(Metric::WriteBatchSize.description())
                .with_boundaries(bounds(Metric::WriteBatchSize))
                .build(),
            drains: seconds(meter, Metric::DrainDuration),
            messaging: seconds(meter, Metric::MessagingCalls),
            consumed: meter
                .u64_counter(Metric::Consumed.name())
                .with_unit(Metric::Consumed.unit())
                .with_description(Metric::Consumed.description())
                .build(),
            processing: seconds(meter, Metric::Processing),
            database: seconds(meter, Metric::DatabaseCalls),
            destinations,
        };
        Self { inner: Some(Arc::new(inner)), traces }
    }

    /// Makes the call that brings messages.
    pub fn receiving(
        &self,
        call: impl Future<Output = Result<Vec<Message>, CallError>>,
    ) -> impl Future<Output = Result<Vec<Message>, CallError>> {
        let call = Box::pin(call);
        async move {
            let (answer, call) = self.traces.call(call).await;
            let messages = answer.as_deref().unwrap_or_default();
            let error = answer.as_ref().err();
            self.on_messaging(Messaging::Receive, call.took(), error);
            if let Some(inner) = &self.inner {
                let labels = of_queue(Messaging::Receive.name(), &inner.destinations.queue);
                inner.consumed.add(messages.len() as u64, &labels);
            }
            self.traces.messaging(Messaging::Receive, messages.len(), messages.iter(), call, error);
            answer
        }
    }

    /// Makes a call about so many messages that are in hand; about which, where that is known.
    pub fn settling<'a, A>(
        &self,
        kind: Messaging,
        messages: usize,
        about: impl Iterator<Item = &'a Message>,
        call: impl Future<Output = Result<A, CallError>>,
    ) -> impl Future<Output = Result<A, CallError>> {
        let call = Box::pin(call);
        async move {
            let (answer, call) = self.traces.call(call).await;
            let error = answer.as_ref().err();
            self.on_messaging(kind, call.took(), error);
            self.traces.messaging(kind, messages, about, call, error);
            answer
        }
    }

    /// Makes a call to DynamoDB about so many rows, of which so many were there before.
    pub fn asking<A>(
        &self,
        operation: &'static str,
        rows: usize,
        call: impl Future<Output = Result<A, CallError>>,
        present: impl FnOnce(&A) -> usize,
    ) -> impl Future<Output = Result<A, CallError>> {
        let call = Box::pin(call);
        async move {
            let (answer, call) = self.traces.call(call).await;
            let error = answer.as_ref().err();
            self.on_database(operation, call.took(), error);
            self.traces.database(operation, rows, answer.as_ref().map_or(0, present), call, error);
            answer
        }
    }

    /// An item was made, this long after its confirmation.
    pub fn on_profile(&self, origin: Origin, latency: Duration) {
        if let Some(inner) = &self.inner
            && let Some(origin) = inner.origins.get(origin as usize)
        {
            inner.profiles.record(latency.as_secs_f64(), origin);
        }
    }

    /// So many items went out in one call.
    pub fn on_write(&self, items: usize) {
        if let Some(inner) = &self.inner {
            inner.batches.record(items as u64, &[]);
        }
    }

    /// The stop took this long.
    pub fn on_drained(&self, took: Duration) {
        if let Some(inner) = &self.inner {
            inner.drains.record(took.as_secs_f64(), &[]);
        }
    }

    /// A call to SQS ended.
    fn on_messaging(&self, call: Messaging, took: Duration, error: Option<&CallError>) {
        let Some(inner) = &self.inner else { return };
        let queue = match (call, inner.destinations.dead_letters.get()) {
            (Messaging::Quarantine, Some(dead_letters)) => dead_letters,
            _ => &inner.destinations.queue,
        };
        let [system, name, destination] = of_queue(call.name(), queue);
        let kind = KeyValue::new(names::MESSAGING_OPERATION_TYPE, call.kind());
        record(&inner.messaging, took, [system, name, destination, kind], error);
    }

    /// A batch had its turn.
    pub fn on_processed(&self, took: Duration) {
        let Some(inner) = &self.inner else { return };
        record(&inner.processing, took, of_queue("process", &inner.destinations.queue), None);
    }

    /// A call to DynamoDB ended.
    fn on_database(&self, operation: &'static str, took: Duration, error: Option<&CallError>) {
        let Some(inner) = &self.inner else { return };
        let labels = [
            KeyValue::new(names::DB_SYSTEM_NAME, names::AWS_DYNAMODB),
            KeyValue::new(names::DB_OPERATION_NAME, operation),
        ];
        record(&inner.database, took, labels, error);
    }
}

fn of_queue(operation: &'static str, queue: &Queue) -> [KeyValue; 3] {
    [
        KeyValue::new(names::MESSAGING_SYSTEM, names::AWS_SQS),
        KeyValue::new(names::MESSAGING_OPERATION_NAME, operation),
        KeyValue::new(names::MESSAGING_DESTINATION_NAME, queue.name.clone()),
    ]
}

fn record<const N: usize>(
    histogram: &Histogram<f64>,
    took: Duration,
    labels: [KeyValue; N],
    error: Option<&CallError>,
) {
    match error {
        None => histogram.record(took.as_secs_f64(), &labels),
        Some(error) => {
            let labels: Vec<_> = labels.into_iter().chain([error_type(error)]).collect();
            histogram.record(took.as_secs_f64(), &labels);
        }
    }
}

/// Of low cardinality: the class is one of five. The service's own code may be anything a proxy thinks of.
pub(super) fn error_type(error: &CallError) -> KeyValue {
    KeyValue::new(names::ERROR_TYPE, error.class.name())
}

fn seconds(meter: &Meter, metric: Metric) -> Histogram<f64> {
    meter
        .f64_histogram(metric.name())
        .with_unit(metric.unit())
        .with_description(metric.description())
        .with_boundaries(bounds(metric))
        .build()
}

fn bounds(metric: Metric) -> Vec<f64> {
    match metric.kind() {
        Kind::Histogram(bounds) => bounds.to_vec(),
        Kind::Counter | Kind::Gauge => Vec::new(),
    }
}
