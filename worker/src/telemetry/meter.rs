//! The meter: one provider, read by whoever scrapes `/metrics` and, where a collector is named, pushed by OTLP. Numbers
//! that are counted anyway are read from [`Stats`] when somebody asks, so that asking costs the message path nothing.

use std::sync::Arc;

use domain::Reason;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider, ObservableCounter, ObservableGauge};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::time::Instant;

use super::names::{self, Metric};
use crate::outcome::{Origin, Outcome};
use crate::ports::{Depth, ErrorClass};
use crate::stats::{Operation, Stats};

/// What a scrape reads.
#[derive(Clone)]
pub struct Exposition {
    registry: Registry,
}

impl Exposition {
    /// Every metric in Prometheus' text format, version 0.0.4.
    ///
    /// # Errors
    /// When the format cannot express a metric: a bug.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// Its content type.
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;
}

/// A provider that can be scraped; `builder` may push as well.
///
/// # Errors
/// When the exporter cannot be made: a bug.
pub fn provider(
    builder: MeterProviderBuilder,
    resource: Resource,
) -> Result<(SdkMeterProvider, Exposition), Box<dyn std::error::Error + Send + Sync>> {
    let registry = Registry::new();
    // CPU seconds, resident memory, open files; there are none where there is no /proc.
    #[cfg(target_os = "linux")]
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        // One scope, whose name would stand on every series.
        .scope_info_enabled(false)
        .build()?;
    let provider = builder.with_resource(resource).with_reader(scraped).build();
    Ok((provider, Exposition { registry }))
}

/// The meter of the worker.
pub fn meter(provider: &SdkMeterProvider) -> Meter {
    let scope = opentelemetry::InstrumentationScope::builder(names::SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(names::SCHEMA_URL)
        .build();
    provider.meter_with_scope(scope)
}

type Observed<T> = Box<dyn Fn(&Stats) -> Vec<(T, Vec<KeyValue>)> + Send + Sync>;

/// From now on what is counted in `stats` can be read through the meter.
pub fn observe(meter: &Meter, stats: &Arc<Stats>) {
    for (metric, read) in counters() {
        let (builder, stats) = (meter.u64_observable_counter(metric.name()), Arc::clone(stats));
        let _: ObservableCounter<u64> = builder
            .with_unit(metric.unit())
            .with_description(metric.description())
            .with_callback(move |observer| {
                read(&stats).into_iter().for_each(|(value, labels)| observer.observe(value, &labels));
            })
            .build();
    }
    for (metric, read) in gauges() {
        let (builder, stats) = (meter.u64_observable_gauge(metric.name()), Arc::clone(stats));
        let _: ObservableGauge<u64> = builder
            .with_unit(metric.unit())
            .with_description(metric.description())
            .with_callback(move |observer| {
                read(&stats).into_iter().for_each(|(value, labels)| observer.observe(value, &labels));
            })
            .build();
    }
}

/// One number, without labels.
fn number(read: fn(&Stats) -> u64) -> Observed<u64> {
    Box::new(move |stats| vec![(read(stats), Vec::new())])
}

/// Each from the start, at 0: who looks for a growth would miss a first one that comes from nowhere.
fn counters() -> Vec<(Metric, Observed<u64>)> {
    vec![
        (
            Metric::Outcomes,
            Box::new(|stats| {
                let each =
                    Outcome::ALL.into_iter().flat_map(|outcome| Origin::ALL.map(|origin| (outcome, origin)));
                let labels = |outcome: Outcome, origin: Origin| {
                    vec![
                        KeyValue::new(names::OUTCOME, outcome.name()),
                        KeyValue::new(names::SOURCE, origin.name()),
                    ]
                };
                each.map(|(outcome, origin)| (stats.outcomes_of(outcome, origin), labels(outcome, origin)))
                    .collect()
            }),
        ),
        (
            Metric::Quarantined,
            Box::new(|stats| {
                let labels = |reason: Reason| vec![KeyValue::new(names::REASON, reason.code())];
                Reason::ALL.map(|reason| (stats.quarantined_for(reason), labels(reason))).into()
            }),
        ),
        (
            Metric::Errors,
            Box::new(|stats| {
                let each = Operation::ALL
                    .into_iter()
                    .flat_map(|operation| ErrorClass::ALL.map(|class| (operation, class)));
                let labels = |operation: Operation, class: ErrorClass| {
                    vec![
                        KeyValue::new(names::OPERATION, operation.name()),
                        KeyValue::new(names::CLASS, class.name()),
                    ]
                };
                each.map(|(operation, class)| (stats.errors_of(operation, class), labels(operation, class)))
                    .collect()
            }),
        ),
        (Metric::LeasesExtended, number(Stats::leases_extended)),
        (Metric::LeasesLost, number(Stats::leases_lost)),
        (Metric::FailedDeletes, number(Stats::failed_deletes)),
        (Metric::ReceivesWithoutAttempt, number(Stats::receives_without_attempt)),
    ]
}

fn gauges() -> Vec<(Metric, Observed<u64>)> {
    vec![
        (Metric::InFlight, number(Stats::in_flight)),
        (Metric::EffectivePermits, number(|stats| stats.effective_permits() as u64)),
        (Metric::BreakerState, number(|stats| u64::from(stats.is_breaker_open()))),
        (Metric::Ready, number(|stats| u64::from(stats.is_ready()))),
        (
            Metric::OldestReceived,
            number(|stats| stats.oldest_received_seconds(Instant::now()).unwrap_or_default()),
        ),
        (
            Metric::QueueMessages,
            Box::new(|stats| {
                let queue = stats.queue_depth().map(|depth| depths("source", depth));
                let dead_letters = stats.dead_letters().map(|depth| depths("dead_letter", depth));
                queue.into_iter().chain(dead_letters).flatten().collect()
            }),
        ),
    ]
}

fn depths(queue: &'static str, depth: Depth) -> [(u64, Vec<KeyValue>); 3] {
    [("visible", depth.visible), ("in_flight", depth.in_flight), ("delayed", depth.delayed)].map(
        |(state, messages)| {
            (messages, vec![KeyValue::new(names::QUEUE, queue), KeyValue::new(names::STATE, state)])
        },
    )
}
