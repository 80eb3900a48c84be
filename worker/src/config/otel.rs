//! Where telemetry is pushed, by OpenTelemetry's own variables (OpenTelemetry specification, "Environment Variable
//! Specification" and "OTLP Exporter"). What they do not ask for is not pushed: without an endpoint or an exporter's
//! name nothing leaves, so that a worker without a collector does not knock on doors.

use super::Problem;
use super::reader::{Reader, given};
use crate::cli::Otel;
use crate::telemetry::Export;

/// Where a collector listens that stands beside the worker.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

const BESIDE: &str =
    "send to a collector beside the worker, such as http://localhost:4318, and let it go on from there";

pub(super) fn export(written: &Otel, reader: &mut Reader) -> Export {
    let service_name = given(written.otel_service_name.as_deref()).map(str::to_owned);
    let nothing = Export { service_name: service_name.clone(), ..Export::default() };
    match given(written.otel_sdk_disabled.as_deref()).map(str::to_ascii_lowercase).as_deref() {
        Some("true") => return nothing,
        None | Some("false") => {}
        Some(_) => reader.fault("OTEL_SDK_DISABLED", "is neither true nor false", "choose one"),
    }
    if let Some(protocol) = given(written.otel_exporter_otlp_protocol.as_deref())
        && protocol != "http/protobuf"
    {
        reader.fault(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "is not http/protobuf, the one that the worker speaks",
            "remove it, and point the endpoint at the collector's HTTP port, usually 4318",
        );
    }
    let shared =
        endpoint("OTEL_EXPORTER_OTLP_ENDPOINT", written.otel_exporter_otlp_endpoint.as_deref(), reader);
    let traces = endpoint(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        written.otel_exporter_otlp_traces_endpoint.as_deref(),
        reader,
    );
    let metrics = endpoint(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        written.otel_exporter_otlp_metrics_endpoint.as_deref(),
        reader,
    );
    let signal = |own: Option<String>, path: &str, wanted: Option<bool>| {
        let base = || shared.as_deref().unwrap_or(DEFAULT_ENDPOINT).trim_end_matches('/').to_owned();
        let asked_for = wanted.unwrap_or(own.is_some() || shared.is_some());
        asked_for.then(|| own.unwrap_or_else(|| format!("{}{path}", base())))
    };
    let traces_wanted = exporter("OTEL_TRACES_EXPORTER", written.otel_traces_exporter.as_deref(), reader);
    let metrics_wanted = exporter("OTEL_METRICS_EXPORTER", written.otel_metrics_exporter.as_deref(), reader);
    Export {
        traces: signal(traces, "/v1/traces", traces_wanted),
        metrics: signal(metrics, "/v1/metrics", metrics_wanted),
        service_name,
    }
}

/// Whether a signal is to be pushed, if it says.
fn exporter(variable: &str, written: Option<&str>, reader: &mut Reader) -> Option<bool> {
    match (given(written)?, variable) {
        ("otlp", _) => Some(true),
        ("none", _) => Some(false),
        // What is scraped is always there.
        ("prometheus", "OTEL_METRICS_EXPORTER") => Some(false),
        _ => {
            reader.problems.push(Problem::new(
                variable,
                "names an exporter that the worker has not",
                "write otlp or none; /metrics of the admin endpoint is always there",
            ));
            None
        }
    }
}

fn endpoint(variable: &str, written: Option<&str>, reader: &mut Reader) -> Option<String> {
    let url = given(written)?;
    if url.starts_with("https://") {
        reader.fault(variable, "asks for TLS, which the worker does not speak to collectors", BESIDE);
        return None;
    }
    let host = url.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or_default());
    if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
        reader.fault(variable, "is no http:// URL", BESIDE);
        return None;
    }
    Some(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: impl FnOnce(&mut Otel)) -> Result<Export, Vec<String>> {
        let (mut written, mut reader) = (Otel::default(), Reader::default());
        set(&mut written);
        let export = export(&written, &mut reader);
        if reader.problems.is_empty() {
            Ok(export)
        } else {
            Err(reader.problems.into_iter().map(|problem| problem.variable).collect())
        }
    }

    fn both(export: Export) -> (Option<String>, Option<String>) {
        (export.traces, export.metrics)
    }

    #[test]
    fn nothing_is_pushed_unless_it_is_asked_for() {
        assert_eq!(read(|_| {}), Ok(Export::default()));
        let asked = |otel: &mut Otel| otel.otel_traces_exporter = Some("otlp".into());
        assert_eq!(both(read(asked).unwrap()), (Some("http://localhost:4318/v1/traces".into()), None));
    }

    #[test]
    fn one_endpoint_is_for_both_and_an_own_one_is_taken_as_it_is() {
        let set = |otel: &mut Otel| {
            otel.otel_exporter_otlp_endpoint = Some("http://collector:4318/".into());
            otel.otel_exporter_otlp_metrics_endpoint = Some("http://other:9/push".into());
        };
        let expected = (Some("http://collector:4318/v1/traces".into()), Some("http://other:9/push".into()));
        assert_eq!(both(read(set).unwrap()), expected);
        for none in ["none", "prometheus"] {
            let export = read(|otel| {
                set(otel);
                otel.otel_metrics_exporter = Some(none.into());
            });
            assert_eq!(both(export.unwrap()), (Some("http://collector:4318/v1/traces".into()), None));
        }
        let off = read(|otel| {
            set(otel);
            otel.otel_sdk_disabled = Some("TRUE".into());
        });
        assert_eq!(off, Ok(Export::default()));
    }

    #[test]
    fn every_problem_is_told_by_its_variable() {
        let problems = read(|otel| {
            *otel = Otel {
                otel_sdk_disabled: Some("maybe".into()),
                otel_traces_exporter: Some("prometheus".into()),
                otel_metrics_exporter: Some("console".into()),
                otel_exporter_otlp_endpoint: Some("https://collector".into()),
                otel_exporter_otlp_traces_endpoint: Some("collector:4318".into()),
                otel_exporter_otlp_metrics_endpoint: Some("http://".into()),
                otel_exporter_otlp_protocol: Some("grpc".into()),
                otel_service_name: None,
            };
        });
        assert_eq!(
            problems.unwrap_err(),
            [
                "OTEL_SDK_DISABLED",
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                "OTEL_TRACES_EXPORTER",
                "OTEL_METRICS_EXPORTER",
            ]
        );
    }
}
