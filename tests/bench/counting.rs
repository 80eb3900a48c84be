//! Calls as they arrive at the endpoints, by operation.
//!
//! Exists so that every subject is counted by the same hand. dynoxide counts none itself; what it tells
//! `tracing` of each request is counted, which costs less than a proxy in front of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// A counter that many hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counting(Arc<Mutex<BTreeMap<String, u64>>>);

impl Counting {
    /// One more of these.
    pub(crate) fn count(&self, operation: &str) {
        let mut calls = self.0.lock().unwrap();
        match calls.get_mut(operation) {
            Some(calls) => *calls += 1,
            None => drop(calls.insert(operation.to_owned(), 1)),
        }
    }

    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap().clone()
    }

    /// Counts what dynoxide is asked in this process from now on.
    pub(crate) fn of_dynoxide() -> anyhow::Result<Self> {
        let counting = Self::default();
        let requests = filter_fn(|metadata| {
            metadata.target() == "dynoxide::server" && *metadata.level() == Level::DEBUG
        });
        tracing_subscriber::registry().with(Requests(counting.clone()).with_filter(requests)).try_init()?;
        Ok(counting)
    }
}

/// What came between two looks.
pub(crate) fn since(before: &BTreeMap<String, u64>, now: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let came = now.into_iter().map(|(name, calls)| {
        let earlier = before.get(&name).copied().unwrap_or_default();
        (name, calls - earlier)
    });
    came.filter(|(_, calls)| *calls > 0).collect()
}

/// Hears dynoxide's requests.
struct Requests(Counting);

impl<S: Subscriber> Layer<S> for Requests {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        // The answer is told with the same fields.
        if told.message == "request" {
            self.0.count(&told.operation);
        }
    }
}

#[derive(Default)]
struct Told {
    message: String,
    operation: String,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "operation" {
            value.clone_into(&mut self.operation);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
