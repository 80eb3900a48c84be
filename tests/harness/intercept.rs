//! A proxy between the real SDK and any engine, which does to single calls what networks and services
//! do: fail them, hold them, lose their answers, answer for some entries only.
//!
//! What a rule does not name passes through as it came, headers included.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::eventually::PATIENCE;
use passing::{answer, broken, changed, forward};

mod passing;

/// One call on its way to a service.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `ReceiveMessage`.
    pub operation: String,
    /// Which call of this operation, from 0.
    pub nth: usize,
    /// The request as JSON.
    pub request: Value,
}

/// Changes an answer.
pub type Change = Box<dyn FnOnce(Value) -> Value + Send>;

/// What becomes of one call.
pub enum Reaction {
    /// It passes.
    Forward,
    /// It never reaches the service; this comes back.
    Answer(u16, Value),
    /// It passes, and another answer comes back.
    Change(Change),
    /// Another request passes, and its answer changed comes back.
    Exchange(Value, Change),
    /// It passes, takes effect, and the connection breaks before the answer is whole.
    LoseAnswer,
    /// It waits at the gate, then passes.
    HoldRequest(Gate),
    /// It passes, takes effect, and its answer waits at the gate.
    HoldAnswer(Gate),
}

impl Reaction {
    /// A service error, as both protocols write it.
    pub fn error(status: u16, code: &str) -> Self {
        Self::Answer(status, json!({"__type": code, "message": "scripted"}))
    }
}

/// Shut until opened; then open for everybody, for good.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Gate {
    /// Lets everybody pass.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn pass(&self) {
        let mut opened = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = opened.wait_for(|open| *open).await;
    }
}

type Rule = Box<dyn FnMut(&Call) -> Reaction + Send>;

/// The proxy. Both services stand behind one address; the operation tells which is meant.
#[derive(Clone)]
pub struct Intercept {
    endpoint: String,
    state: Arc<Shared>,
}

struct Shared {
    sqs: String,
    dynamodb: String,
    client: Client<HttpConnector, Full<Bytes>>,
    rules: Mutex<HashMap<String, Rule>>,
    seen: Mutex<BTreeMap<String, Seen>>,
    total: watch::Sender<usize>,
    cut: AtomicBool,
    forgets: AtomicBool,
}

#[derive(Default)]
struct Seen {
    came: usize,
    requests: Vec<Value>,
    /// How many were in the air as each of them came, itself included.
    together: Vec<usize>,
    answered: usize,
}

impl Intercept {
    /// Starts one in front of these endpoints.
    pub async fn start(sqs: String, dynamodb: String) -> Self {
        let state = Arc::new(Shared {
            sqs,
            dynamodb,
            client: Client::builder(TokioExecutor::new()).build_http(),
            rules: Mutex::default(),
            seen: Mutex::default(),
            total: watch::Sender::new(0),
            cut: AtomicBool::new(false),
            forgets: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(handle).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { endpoint, state }
    }

    /// The address to give to a client as the endpoint of both services.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Puts a rule in front of one operation, in the place of an earlier one.
    pub fn on(&self, operation: &str, rule: impl FnMut(&Call) -> Reaction + Send + 'static) {
        self.state.rules.lock().unwrap().insert(operation.to_owned(), Box::new(rule));
    }

    /// Takes the rule away.
    pub fn pass(&self, operation: &str) {
        self.state.rules.lock().unwrap().remove(operation);
    }

    /// The requests of one operation so far.
    pub fn requests(&self, operation: &str) -> Vec<Value> {
        self.state.seen.lock().unwrap().get(operation).map(|seen| seen.requests.clone()).unwrap_or_default()
    }

    /// How many calls of one operation have come so far.
    pub fn calls(&self, operation: &str) -> usize {
        self.state.seen.lock().unwrap().get(operation).map_or(0, |seen| seen.came)
    }

    /// How many calls of one operation wait for their answer.
    pub fn in_the_air(&self, operation: &str) -> usize {
        let seen = self.state.seen.lock().unwrap();
        seen.get(operation).map_or(0, |seen| seen.came - seen.answered)
    }

    /// How many calls of one operation waited for their answer as each of them came, itself included.
    pub fn together(&self, operation: &str) -> Vec<usize> {
        self.state.seen.lock().unwrap().get(operation).map(|seen| seen.together.clone()).unwrap_or_default()
    }

    /// The entries of every batch request of one operation so far.
    pub fn entries(&self, operation: &str) -> Vec<Value> {
        let requests = self.requests(operation);
        requests.iter().flat_map(|request| request["Entries"].as_array().unwrap().clone()).collect()
    }

    /// Waits until so many calls have come, of whatever operation.
    pub async fn called(&self, times: usize) {
        let mut total = self.state.total.subscribe();
        let came = timeout(PATIENCE, total.wait_for(|total| *total >= times)).await;
        assert!(came.is_ok(), "waited in vain until {times} calls have come");
    }

    /// From now on no call arrives: neither service can be reached.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::Release);
    }

    /// From now on calls are only counted: for runs so long that their requests would fill the memory.
    pub fn forget(&self) {
        self.state.forgets.store(true, Ordering::Release);
    }

    /// Both services can be reached again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::Release);
    }
}

async fn handle(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let upstream = if target.starts_with("AmazonSQS") { &state.sqs } else { &state.dynamodb };
    let mut call = Call {
        operation: operation.clone(),
        nth: 0,
        request: serde_json::from_slice(&body).unwrap_or_default(),
    };
    {
        let mut seen = state.seen.lock().unwrap();
        let seen = seen.entry(operation.clone()).or_default();
        call.nth = seen.came;
        seen.came += 1;
        if !state.forgets.load(Ordering::Acquire) {
            seen.requests.push(call.request.clone());
            seen.together.push(seen.came - seen.answered);
        }
    }
    state.total.send_modify(|total| *total += 1);
    // Also when the client goes away, which drops this future.
    let _answered = OnDrop { state: &state, operation: &operation };
    if state.cut.load(Ordering::Acquire) {
        return broken();
    }
    let reaction = match state.rules.lock().unwrap().get_mut(&operation) {
        Some(rule) => rule(&call),
        None => Reaction::Forward,
    };
    let client = &state.client;
    match reaction {
        Reaction::Forward => forward(client, upstream, head, body).await,
        Reaction::Answer(status, value) => answer(status, &value),
        Reaction::Change(change) => changed(forward(client, upstream, head, body).await, change).await,
        Reaction::Exchange(request, change) => {
            let body = Bytes::from(request.to_string());
            changed(forward(client, upstream, head, body).await, change).await
        }
        Reaction::LoseAnswer => {
            forward(client, upstream, head, body).await;
            broken()
        }
        Reaction::HoldRequest(gate) => {
            gate.pass().await;
            forward(client, upstream, head, body).await
        }
        Reaction::HoldAnswer(gate) => {
            let answer = forward(client, upstream, head, body).await;
            gate.pass().await;
            answer
        }
    }
}

struct OnDrop<'a> {
    state: &'a Shared,
    operation: &'a str,
}

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        if let Some(seen) = self.state.seen.lock().unwrap().get_mut(self.operation) {
            seen.answered += 1;
        }
    }
}
