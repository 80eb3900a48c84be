//! Spans. One for what was done for a batch, never one a message: each message's own trace is linked, and is never
//! made the parent of anything, for a batch has many and none of them is ours to go on with.
//!
//! A span is told when it is over, so that a poll that brought nothing is no span at all. What comes from a message
//! is untrusted; what is no trace context is no link.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    FutureExt, Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags,
    TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use super::destinations::{Destinations, Queue};
use super::instruments::{Messaging, error_type};
use super::names;
use crate::ports::{CallError, Message};

tokio::task_local! {
    /// The request id of the answer to the call that is being made, once there is one.
    static ANSWERED_AS: RefCell<Option<String>>;
}

/// For the SDK's interceptor: the answer's request id.
pub fn answered_as(request_id: &str) {
    let _ = ANSWERED_AS.try_with(|id| *id.borrow_mut() = Some(request_id.to_owned()));
}

/// Where spans go; the default is nowhere. Clones are the same.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

struct Inner {
    tracer: SdkTracer,
    destinations: Arc<Destinations>,
}

/// A call under way.
pub(super) struct Began {
    at: Option<SystemTime>,
}

/// How a call ended.
pub struct Call {
    began: Began,
    took: Duration,
    request_id: Option<String>,
}

impl Call {
    /// How long it took.
    pub fn took(&self) -> Duration {
        self.took
    }
}

/// A batch that has its turn. Ends when it is dropped.
pub struct Processing {
    context: Context,
}

impl Processing {
    /// For the spans of what is done meanwhile.
    pub fn context(&self) -> Context {
        self.context.clone()
    }
}

impl Drop for Processing {
    fn drop(&mut self) {
        self.context.span().end();
    }
}

/// Messages that are being sent.
pub struct Sending {
    span: SdkSpan,
}

/// The API's name of it.
const SEND: &str = "SendMessageBatch";

impl Sending {
    /// For the message attribute of the same name (W3C Trace Context, section 3.2).
    pub fn traceparent(&self) -> String {
        let context = self.span.span_context();
        let flags = context.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id())
    }

    /// They were sent, or they were not.
    pub fn end(mut self, error: Option<&CallError>) {
        if let Some(error) = error {
            self.span.set_attribute(error_type(error));
            self.span.set_status(Status::error(error.code.clone()));
        }
        self.span.end();
    }
}

impl Traces {
    /// Spans of this tracer, about these destinations.
    pub fn new(tracer: SdkTracer, destinations: Arc<Destinations>) -> Self {
        Self(Some(Arc::new(Inner { tracer, destinations })))
    }

    /// Makes a call, and sees how long it takes and who answers.
    pub async fn call<A>(&self, call: Pin<Box<impl Future<Output = A>>>) -> (A, Call) {
        let began = Began { at: self.0.as_ref().map(|_| opentelemetry::time::now()) };
        let begun = tokio::time::Instant::now();
        if self.0.is_none() {
            let answer = call.await;
            return (answer, Call { began, took: begun.elapsed(), request_id: None });
        }
        let (answer, request_id) = ANSWERED_AS
            .scope(RefCell::new(None), async {
                let answer = call.await;
                (answer, ANSWERED_AS.with(RefCell::take))
            })
            .await;
        (answer, Call { began, took: begun.elapsed(), request_id })
    }

    /// A call to SQS about these messages. A poll that brought nothing is not told.
    pub fn messaging<'a>(
        &self,
        kind: Messaging,
        messages: usize,
        about: impl Iterator<Item = &'a Message>,
        call: Call,
        error: Option<&CallError>,
    ) {
        let Some(inner) = &self.0 else { return };
        if kind == Messaging::Receive && messages == 0 && error.is_none() {
            return;
        }
        // A message's receive or its processing should link, its settlement may (semantic conventions, "Messaging
        // spans"). Links are most of what telling costs: each message has one, in its turn, or where it has none, here.
        let links: Vec<Link> = match kind {
            Messaging::Receive | Messaging::Delete => Vec::new(),
            Messaging::MakeVisible | Messaging::Quarantine => about.filter_map(link).collect(),
        };
        let unknown = Queue::new("");
        let queue = match kind {
            Messaging::Quarantine => inner.destinations.dead_letters.get().unwrap_or(&unknown),
            Messaging::Receive | Messaging::Delete | Messaging::MakeVisible => &inner.destinations.queue,
        };
        let mut attributes = of_queue(kind.name(), kind.kind(), queue);
        attributes.push(KeyValue::new(names::AWS_SQS_QUEUE_URL, queue.url.clone()));
        attributes.push(KeyValue::new(names::RPC_METHOD, kind.method()));
        // Only batch calls have a count (semantic conventions, "Messaging spans").
        if kind != Messaging::Quarantine {
            attributes.push(KeyValue::new(names::MESSAGING_BATCH_MESSAGE_COUNT, count(messages)));
        }
        // The sender's own context goes nowhere: the copy keeps the trace it came with. Hence no producer.
        let name = format!("{} {}", kind.name(), queue.name.as_str());
        inner.tell(SpanBuilder::from_name(name).with_kind(SpanKind::Client), links, attributes, call, error);
    }

    /// A call to DynamoDB, within the turn of its batch.
    /// Rows that were there already are what conditions are for, and no error.
    pub fn database(
        &self,
        operation: &'static str,
        items: usize,
        present: usize,
        call: Call,
        error: Option<&CallError>,
    ) {
        let Some(inner) = &self.0 else { return };
        let table = &inner.destinations.table;
        let mut attributes = vec![
            KeyValue::new(names::DB_SYSTEM_NAME, names::AWS_DYNAMODB),
            KeyValue::new(names::DB_OPERATION_NAME, operation),
            KeyValue::new(names::RPC_METHOD, format!("DynamoDB/{operation}")),
            KeyValue::new(
                names::AWS_DYNAMODB_TABLE_NAMES,
                opentelemetry::Value::Array(vec![table.clone()].into()),
            ),
        ];
        // Never 1 (semantic conventions, "Database client spans").
        if items > 1 {
            attributes.push(KeyValue::new(names::DB_OPERATION_BATCH_SIZE, count(items)));
        }
        if present > 0 {
            attributes.push(KeyValue::new(names::ALREADY_PRESENT, count(present)));
        }
        let name = format!("{operation} {}", table.as_str());
        inner.tell(
            SpanBuilder::from_name(name).with_kind(SpanKind::Client),
            Vec::new(),
            attributes,
            call,
            error,
        );
    }

    /// A batch has its turn.
    pub fn processing<'a>(&self, about: impl Iterator<Item = &'a Message>) -> Option<Processing> {
        let inner = self.0.as_ref()?;
        let mut messages = 0_usize;
        let links: Vec<Link> = about.inspect(|_| messages += 1).filter_map(link).collect();
        let mut attributes = of_queue("process", "process", &inner.destinations.queue);
        attributes.push(KeyValue::new(names::MESSAGING_BATCH_MESSAGE_COUNT, count(messages)));
        let name = format!("process {}", inner.destinations.queue.name.as_str());
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Consumer)
            .with_attributes(attributes)
            .with_links(links)
            .start_with_context(&inner.tracer, &Context::new());
        Some(Processing { context: Context::new().with_span(span) })
    }

    /// Messages of ours are about to be sent, in one call. Its context goes with them, so that what becomes of them
    /// is found from here.
    pub fn sending(&self, messages: usize) -> Option<Sending> {
        let inner = self.0.as_ref()?;
        let queue = &inner.destinations.queue;
        let mut attributes = of_queue(SEND, "send", queue);
        attributes.push(KeyValue::new(names::AWS_SQS_QUEUE_URL, queue.url.clone()));
        attributes.push(KeyValue::new(names::RPC_SYSTEM_NAME, "aws-api"));
        attributes.push(KeyValue::new(names::RPC_METHOD, format!("SQS/{SEND}")));
        attributes.push(KeyValue::new(names::MESSAGING_BATCH_MESSAGE_COUNT, count(messages)));
        let name = format!("{SEND} {}", queue.name.as_str());
        let span = SpanBuilder::from_name(name).with_kind(SpanKind::Producer).with_attributes(attributes);
        Some(Sending { span: span.start_with_context(&inner.tracer, &Context::new()) })
    }

    /// Does something within the turn of a batch.
    pub async fn within<A>(&self, turn: Option<&Processing>, work: impl Future<Output = A>) -> A {
        match turn {
            Some(turn) => Box::pin(work).with_context(turn.context()).await,
            None => Box::pin(work).await,
        }
    }
}

impl Inner {
    fn tell(
        &self,
        span: SpanBuilder,
        links: Vec<Link>,
        mut attributes: Vec<KeyValue>,
        call: Call,
        error: Option<&CallError>,
    ) {
        attributes.push(KeyValue::new(names::RPC_SYSTEM_NAME, "aws-api"));
        attributes.extend(call.request_id.map(|id| KeyValue::new(names::AWS_REQUEST_ID, id)));
        attributes.extend(error.map(error_type));
        let began = call.began.at.unwrap_or_else(opentelemetry::time::now);
        let mut span =
            span.with_start_time(began).with_attributes(attributes).with_links(links).start(&self.tracer);
        if let Some(error) = error {
            span.set_status(Status::error(error.code.clone()));
        }
        span.end_with_timestamp(began + call.took);
    }
}

fn of_queue(operation: &'static str, kind: &'static str, queue: &Queue) -> Vec<KeyValue> {
    // With room for what else a call has.
    let mut attributes = Vec::with_capacity(10);
    attributes.extend([
        KeyValue::new(names::MESSAGING_SYSTEM, names::AWS_SQS),
        KeyValue::new(names::MESSAGING_OPERATION_NAME, operation),
        KeyValue::new(names::MESSAGING_OPERATION_TYPE, kind),
        KeyValue::new(names::MESSAGING_DESTINATION_NAME, queue.name.clone()),
    ]);
    attributes
}

fn count(messages: usize) -> i64 {
    i64::try_from(messages).unwrap_or(i64::MAX)
}

/// To where the message comes from.
fn link(message: &Message) -> Option<Link> {
    let context = span_context(message.traceparent.as_deref()?)?;
    Some(Link::new(context, vec![KeyValue::new(names::MESSAGING_MESSAGE_ID, message.id.clone())], 0))
}

/// A `traceparent` of version 00 (W3C Trace Context, section 3.2).
fn span_context(traceparent: &str) -> Option<SpanContext> {
    let traceparent = domain::Traceparent::parse(traceparent)?;
    Some(SpanContext::new(
        TraceId::from_hex(traceparent.trace_id()).ok()?,
        SpanId::from_hex(traceparent.parent_id()).ok()?,
        TraceFlags::new(traceparent.flags()),
        true,
        TraceState::NONE,
    ))
}
