//! Lambda's Runtime API on loopback: what a bootstrap talks to, with the caller in Cognito's place.
//!
//! Written from "Using the Lambda runtime API for custom runtimes" (Lambda developer guide). It knows
//! nothing of the function under test, so that any bootstrap can be put behind it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

/// What the function answered to one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The body of `…/response`, as it came.
    Response(String),
    /// The body of `…/error`.
    Error(Value),
}

/// A Runtime API with any number of functions behind it.
#[derive(Clone, Default)]
pub(crate) struct RuntimeApi {
    state: Arc<Mutex<Invocations>>,
    arrived: Arc<Notify>,
}

#[derive(Default)]
struct Invocations {
    count: u64,
    waiting: VecDeque<Invocation>,
    running: HashMap<String, oneshot::Sender<Answer>>,
}

struct Invocation {
    id: String,
    event: String,
    trace: Option<String>,
    answer: oneshot::Sender<Answer>,
}

impl RuntimeApi {
    /// Starts one; the address is the value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let api = Self::default();
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(api.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (api, address)
    }

    /// Invokes the function and waits for its answer.
    pub(crate) async fn invoke(&self, event: &str, trace: Option<&str>) -> Answer {
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.state.lock().unwrap();
            state.count += 1;
            let id = format!("00000000-0000-4000-8000-{:012}", state.count);
            let (event, trace) = (event.to_owned(), trace.map(str::to_owned));
            state.waiting.push_back(Invocation { id, event, trace, answer });
        }
        self.arrived.notify_one();
        answered.await.unwrap()
    }

    fn settle(&self, id: &str, answer: Answer) -> Response {
        match self.state.lock().unwrap().running.remove(id) {
            Some(waiting) => {
                let _ = waiting.send(answer);
                StatusCode::ACCEPTED.into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

async fn next(State(api): State<RuntimeApi>) -> Response {
    loop {
        let invocation = api.state.lock().unwrap().waiting.pop_front();
        let Some(invocation) = invocation else {
            api.arrived.notified().await;
            continue;
        };
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| headers.insert(name, value.parse().unwrap());
        set("lambda-runtime-aws-request-id", &invocation.id);
        set("lambda-runtime-deadline-ms", "4102444800000");
        set(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:111122223333:function:post-confirmation",
        );
        set("content-type", "application/json");
        if let Some(trace) = &invocation.trace {
            set("lambda-runtime-trace-id", trace);
        }
        api.state.lock().unwrap().running.insert(invocation.id, invocation.answer);
        return (headers, invocation.event).into_response();
    }
}

async fn response(State(api): State<RuntimeApi>, Path(id): Path<String>, body: String) -> Response {
    api.settle(&id, Answer::Response(body))
}

async fn error(State(api): State<RuntimeApi>, Path(id): Path<String>, body: String) -> Response {
    api.settle(&id, Answer::Error(serde_json::from_str(&body).unwrap()))
}

/// Taken and dropped: a test of a failed start watches the process.
async fn init_error() -> StatusCode {
    StatusCode::ACCEPTED
}
