//! Sets up logging once per process: JSON for machines, text for terminals, always on stderr, because
//! stdout carries results.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// Text on a terminal, JSON elsewhere.
    pub fn by_terminal() -> Self {
        if io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// The SDK logs requests at debug, bodies included: a person's data. It is capped whatever the filter
/// says; hyper's connection chatter goes with it.
const CAPPED: [&str; 5] = ["aws_", "hyper", "h2", "rustls", "tower"];

/// What OpenTelemetry says of itself is of interest when it fails; the rest is about its own building.
const EXPORTERS: &str = "opentelemetry";

/// Installs the subscriber and a panic hook that says where, never what: a panic's text may quote the
/// input it choked on. A second call does nothing.
pub fn init(format: LogFormat, filter: EnvFilter) {
    let writer = io::stderr;
    let capped = tracing_subscriber::filter::filter_fn(|metadata| {
        let from = |prefix: &str| metadata.target().starts_with(prefix);
        if from(EXPORTERS) {
            return *metadata.level() <= tracing::Level::WARN;
        }
        *metadata.level() <= tracing::Level::INFO || !CAPPED.iter().any(|prefix| from(prefix))
    });
    use tracing_subscriber::layer::{Layer, SubscriberExt};
    use tracing_subscriber::util::SubscriberInitExt;
    let registry = tracing_subscriber::registry().with(filter);
    let installed = match format {
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(writer)
                    .with_filter(capped),
            )
            .try_init(),
        LogFormat::Text => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_target(false)
                    .with_ansi(io::stderr().is_terminal())
                    .with_writer(writer)
                    .with_filter(capped),
            )
            .try_init(),
    };
    if installed.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(event = "panic", place, "a bug: please report the place");
        }));
    }
}
