//! A collector of OpenTelemetry: an OTLP receiver over HTTP that keeps what it is sent, decoded, to be looked at. Or
//! one that takes every connection and never answers.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A collector that runs. It ends when it is dropped.
pub struct Collector {
    endpoint: String,
    kept: Arc<Kept>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Kept {
    traces: Mutex<Vec<ExportTraceServiceRequest>>,
    metrics: Mutex<Vec<ExportMetricsServiceRequest>>,
    asked: Mutex<usize>,
}

/// A span, and who told it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The span.
    pub span: Span,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The resource's.
    pub resource: BTreeMap<String, String>,
    /// The schema of the span's scope.
    pub schema_url: String,
}

impl Collector {
    /// One that takes everything.
    pub async fn start() -> Self {
        let kept = Arc::new(Kept::default());
        let app =
            Router::new().route("/v1/traces", post(take_traces)).route("/v1/metrics", post(take_metrics));
        Self::serve(app.with_state(Arc::clone(&kept)), kept).await
    }

    /// One that never answers.
    pub async fn hanging() -> Self {
        let kept = Arc::new(Kept::default());
        let hang = async |State(kept): State<Arc<Kept>>| -> StatusCode {
            *kept.asked.lock().unwrap() += 1;
            pending().await
        };
        Self::serve(Router::new().fallback(hang).with_state(Arc::clone(&kept)), kept).await
    }

    async fn serve(app: Router, kept: Arc<Kept>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, kept, serving }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many pushes it has left without an answer.
    pub fn asked(&self) -> usize {
        *self.kept.asked.lock().unwrap()
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Told> {
        let traces = lock(&self.kept.traces);
        let resources = traces.iter().flat_map(|request| &request.resource_spans);
        let each = resources.flat_map(|resource| {
            let attributes = resource.resource.as_ref().map(|resource| texts(&resource.attributes));
            let attributes = attributes.unwrap_or_default();
            resource.scope_spans.iter().flat_map(move |scope| {
                let attributes = attributes.clone();
                scope.spans.iter().map(move |span| Told {
                    span: span.clone(),
                    attributes: texts(&span.attributes),
                    resource: attributes.clone(),
                    schema_url: scope.schema_url.clone(),
                })
            })
        });
        each.collect()
    }

    /// The sum over all series of a counter or gauge, as it was told last; `None` before.
    pub fn sum(&self, name: &str) -> Option<f64> {
        let metric = self.metric(name)?;
        let points = match metric.data? {
            metric::Data::Sum(sum) => sum.data_points,
            metric::Data::Gauge(gauge) => gauge.data_points,
            other => panic!("{name} is {other:?}"),
        };
        let value = |value| match value {
            number_data_point::Value::AsDouble(value) => value,
            #[allow(clippy::cast_precision_loss, reason = "a count of a test")]
            number_data_point::Value::AsInt(value) => value as f64,
        };
        Some(points.into_iter().filter_map(|point| point.value).map(value).sum())
    }

    /// How many values a histogram holds, as it was told last.
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.metric(name)?.data? {
            metric::Data::Histogram(histogram) => {
                Some(histogram.data_points.iter().map(|point| point.count).sum())
            }
            other => panic!("{name} is {other:?}"),
        }
    }

    fn metric(&self, name: &str) -> Option<Metric> {
        let metrics = lock(&self.kept.metrics);
        let scopes = metrics.iter().flat_map(|request| &request.resource_metrics);
        let mut each = scopes.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
        each.rfind(|metric| metric.name == name).cloned()
    }

    /// Everything that was told, as text to search in.
    pub fn text(&self) -> String {
        format!("{:?}{:?}", lock(&self.kept.traces), lock(&self.kept.metrics))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take_traces(State(kept): State<Arc<Kept>>, body: Bytes) -> impl IntoResponse {
    lock(&kept.traces).push(ExportTraceServiceRequest::decode(body).unwrap());
    answer(&ExportTraceServiceResponse::default())
}

async fn take_metrics(State(kept): State<Arc<Kept>>, body: Bytes) -> impl IntoResponse {
    lock(&kept.metrics).push(ExportMetricsServiceRequest::decode(body).unwrap());
    answer(&ExportMetricsServiceResponse::default())
}

fn answer<M: Message>(message: &M) -> impl IntoResponse + use<M> {
    ([(CONTENT_TYPE, "application/x-protobuf")], message.encode_to_vec())
}

fn lock<T>(kept: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    kept.lock().unwrap()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::ArrayValue(array)) => {
            array.values.iter().map(|value| text(Some(value))).collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    }
}
