//! Lambda's Runtime API for one function at a time, with a watch: when it asked for an event, and when it
//! answered.
//!
//! Must never hand an event over before the function asks for it, so that waiting is nobody's time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What the function did.
enum Act {
    /// It waits for an event, to be sent here.
    Asks(Instant, oneshot::Sender<String>),
    Answers(Instant, String),
    Fails(String),
}

/// The function's side is the address, the caller's is this.
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    acts: UnboundedReceiver<Act>,
    waits: Option<oneshot::Sender<String>>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let (tell, acts) = unbounded_channel();
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
            .route("/2018-06-01/runtime/init/error", post(failure))
            .with_state(Caller { tell, count: Arc::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, acts, waits: None })
    }

    /// Until the function asks for an event; answers when that was.
    pub(crate) async fn asked(&mut self) -> anyhow::Result<Instant> {
        match self.acts.recv().await.context("the Runtime API ended")? {
            Act::Asks(when, event) => {
                self.waits = Some(event);
                Ok(when)
            }
            Act::Answers(..) => bail!("wrong: it answered what nobody had asked"),
            Act::Fails(body) => bail!("wrong: it failed: {body}"),
        }
    }

    /// Hands `event` to the function that waits; answers how long it took, and what it said.
    pub(crate) async fn invoke(&mut self, event: &str) -> anyhow::Result<(Duration, String)> {
        let waits = self.waits.take().context("wrong: it does not wait for an event")?;
        let given = Instant::now();
        waits.send(event.to_owned()).ok().context("wrong: it went away")?;
        match self.acts.recv().await.context("the Runtime API ended")? {
            Act::Answers(when, body) => Ok((when - given, body)),
            Act::Asks(..) => bail!("wrong: it asked for another event before it had answered"),
            Act::Fails(body) => bail!("wrong: it failed: {body}"),
        }
    }
}

#[derive(Clone)]
struct Caller {
    tell: UnboundedSender<Act>,
    count: Arc<Mutex<u64>>,
}

async fn next(State(caller): State<Caller>) -> Response {
    let asked = Instant::now();
    let (give, given) = oneshot::channel();
    if caller.tell.send(Act::Asks(asked, give)).is_err() {
        return StatusCode::GONE.into_response();
    }
    // Comes when the caller has one; never, if the life is over.
    let Ok(event) = given.await else { return StatusCode::GONE.into_response() };
    let id = {
        let mut count = caller.count.lock().unwrap();
        *count += 1;
        format!("00000000-0000-4000-8000-{count:012}")
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:111122223333:function:post-confirmation",
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-69221c52-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
        ),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn response(State(caller): State<Caller>, body: String) -> StatusCode {
    let _ = caller.tell.send(Act::Answers(Instant::now(), body));
    StatusCode::ACCEPTED
}

async fn failure(State(caller): State<Caller>, body: String) -> StatusCode {
    let _ = caller.tell.send(Act::Fails(body));
    StatusCode::ACCEPTED
}
