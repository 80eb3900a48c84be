//! The whole of a run's telemetry: what counts, what is scraped, and what is pushed to a collector.
//!
//! Pushing is OTLP over HTTP by a blocking client on threads of its own, so that the smallest runtime can be flushed
//! (docs/adr/0019). A collector that is slow, refuses or is not there costs nothing but what it would have got: queues
//! are bounded, and what does not fit is dropped.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{MetricExporter, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::destinations::Destinations;
use super::instruments::Instruments;
use super::meter::{self, Exposition};
use super::traces::Traces;
use super::{events, names};
use crate::stats::Stats;

/// Where telemetry is pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// Where spans go, such as `http://127.0.0.1:4318/v1/traces`; `None` for nowhere.
    pub traces: Option<String>,
    /// Where metrics go; `None` for nowhere.
    pub metrics: Option<String>,
    /// What the worker calls itself.
    pub service_name: Option<String>,
}

/// How long one push may take. Two of them, and a pause, fit what the drain leaves for the last flush.
const PUSH: Duration = Duration::from_secs(2);

/// What counts, for one run.
pub struct Telemetry {
    /// The counters.
    pub stats: Arc<Stats>,
    /// What a scrape reads.
    pub exposition: Exposition,
    /// What spans are about; the dead-letter queue is told once it is known.
    pub destinations: Arc<Destinations>,
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
}

/// Why telemetry cannot be set up: a bug, or an endpoint that is no URL.
pub type SetupError = Box<dyn std::error::Error + Send + Sync>;

impl Telemetry {
    /// Sets it up. The exporters' clients start threads of their own: not to be called from async code.
    ///
    /// # Errors
    /// When an exporter cannot be made.
    pub fn new(export: &Export, destinations: Destinations) -> Result<Self, SetupError> {
        let resource = resource(export.service_name.as_deref());
        let mut meters = SdkMeterProvider::builder();
        if let Some(endpoint) = &export.metrics {
            let exporter = MetricExporter::builder()
                .with_http()
                .with_endpoint(endpoint)
                .with_timeout(PUSH)
                .with_retry_policy(RetryPolicy::disabled())
                .build()?;
            meters = meters.with_periodic_exporter(exporter);
        }
        let (meters, exposition) = meter::provider(meters, resource.clone())?;
        let tracers = tracers(export, resource)?;
        let destinations = Arc::new(destinations);
        let traces = tracers.as_ref().map(|tracers| traces_of(tracers, &destinations));
        let meter = meter::meter(&meters);
        let instruments = Instruments::new(&meter, traces.unwrap_or_default(), Arc::clone(&destinations));
        let stats = Arc::new(Stats::new(instruments));
        meter::observe(&meter, &stats);
        Ok(Self { stats, exposition, destinations, meters, tracers })
    }

    /// Without anybody to push to.
    ///
    /// # Errors
    /// When the meter cannot be made.
    pub fn unpushed(destinations: Destinations) -> Result<Self, SetupError> {
        Self::new(&Export::default(), destinations)
    }

    /// Pushes what is left, traces first, and ends it all; within `budget`, whatever the collector does.
    pub async fn flush(self, budget: Duration) {
        let Self { meters, tracers, .. } = self;
        // Both block, and the exporters need no runtime; one that hangs is left behind.
        let flush = tokio::task::spawn_blocking(move || {
            let spans = tracers.map_or(Ok(()), |tracers| tracers.shutdown_with_timeout(budget));
            spans.and(meters.shutdown_with_timeout(budget))
        });
        match tokio::time::timeout(budget, flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => events::telemetry_lost("refused"),
            Err(_) => events::telemetry_lost("timeout"),
        }
    }
}

/// Spans alone, for a job. What is left is pushed when the last of them is dropped.
///
/// # Errors
/// When the exporter cannot be made.
pub fn traces(export: &Export, destinations: Destinations) -> Result<Traces, SetupError> {
    let tracers = tracers(export, resource(export.service_name.as_deref()))?;
    Ok(tracers.map(|tracers| traces_of(&tracers, &Arc::new(destinations))).unwrap_or_default())
}

fn tracers(export: &Export, resource: Resource) -> Result<Option<SdkTracerProvider>, SetupError> {
    let Some(endpoint) = &export.traces else { return Ok(None) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .with_timeout(PUSH)
        .with_retry_policy(RetryPolicy::recommended().with_max_retries(1))
        .build()?;
    Ok(Some(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
}

fn traces_of(tracers: &SdkTracerProvider, destinations: &Arc<Destinations>) -> Traces {
    let scope = InstrumentationScope::builder(names::SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(names::SCHEMA_URL);
    Traces::new(tracers.tracer_with_scope(scope.build()), Arc::clone(destinations))
}

/// Who tells. `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win, as the specification has it.
fn resource(service_name: Option<&str>) -> Resource {
    let ours = [
        KeyValue::new(names::SERVICE_NAME, names::SERVICE),
        KeyValue::new(names::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
        KeyValue::new(names::SERVICE_INSTANCE_ID, uuid::Uuid::new_v4().to_string()),
    ];
    let named = service_name.map(|name| KeyValue::new(names::SERVICE_NAME, name.to_owned()));
    Resource::builder_empty()
        .with_schema_url(ours, names::SCHEMA_URL)
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())])
        .with_attributes(named)
        .build()
}
