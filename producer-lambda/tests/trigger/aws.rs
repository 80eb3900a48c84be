//! One endpoint that records what SQS or EventBridge would get, and answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How a request is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    Accept,
    /// An AWS error, with a message that quotes the request as some services do.
    Fail(u16, &'static str),
    /// 200, and the one entry of PutEvents failed.
    EntryFails(&'static str),
    /// 200, and a failure is counted that no entry names.
    CountsAFailure,
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) operation: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) url: String,
    state: Arc<Mutex<Recorded>>,
}

struct Recorded {
    replies: Replies,
    requests: Vec<Request>,
}

/// Chooses by the body of a request.
type Choice = Box<dyn Fn(&Value) -> Reply + Send>;

enum Replies {
    /// One after the other; the last one stays.
    InTurn(VecDeque<Reply>),
    ByRequest(Choice),
}

impl Replies {
    fn next(&mut self, request: &Value) -> Reply {
        match self {
            Self::InTurn(replies) if replies.len() == 1 => replies[0],
            Self::InTurn(replies) => replies.pop_front().unwrap(),
            Self::ByRequest(choice) => choice(request),
        }
    }
}

impl Aws {
    /// Replies in turn; the last one stays.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(Replies::InTurn(replies.into_iter().collect())).await
    }

    /// Each request gets the reply chosen for it.
    pub(crate) async fn choosing(choice: impl Fn(&Value) -> Reply + Send + 'static) -> Self {
        Self::with(Replies::ByRequest(Box::new(choice))).await
    }

    async fn with(replies: Replies) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let recorded = Recorded { replies, requests: Vec::new() };
        let aws = Self { url, state: Arc::new(Mutex::new(recorded)) };
        let routes = Router::new().fallback(answer).with_state(aws.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        aws
    }

    pub(crate) async fn accepting() -> Self {
        Self::start([Reply::Accept]).await
    }

    /// The URL of a port at which nobody listens.
    pub(crate) async fn absent() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn only_request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.into_iter().next().unwrap()
    }

    /// The message bodies, or the details, that were sent.
    pub(crate) fn envelopes(&self) -> Vec<String> {
        let text = |request: Request| {
            let body = request.body;
            let sent = body.get("MessageBody").or_else(|| body.pointer("/Entries/0/Detail"));
            sent.and_then(Value::as_str).unwrap().to_owned()
        };
        self.requests().into_iter().map(text).collect()
    }
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> Response {
    let header =
        |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    // What asks for credentials sends nothing.
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let reply = {
        let mut state = aws.state.lock().unwrap();
        state.requests.push(Request {
            operation: header("x-amz-target"),
            authorization: header("authorization"),
            body: body.clone(),
        });
        state.replies.next(&body)
    };
    let json = |status: StatusCode, value: Value| {
        (status, [("content-type", "application/x-amz-json-1.0")], value.to_string()).into_response()
    };
    match reply {
        Reply::Accept if header("x-amz-target") == "AWSEvents.PutEvents" => json(
            StatusCode::OK,
            json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860" }] }),
        ),
        Reply::Accept => json(
            StatusCode::OK,
            json!({ "MessageId": "11710aed-b79e-4468-a20b-bb3c0c3b4860", "MD5OfMessageBody": "unchecked" }),
        ),
        Reply::Fail(status, code) => json(
            StatusCode::from_u16(status).unwrap(),
            json!({ "__type": code, "message": format!("cannot serve {body}") }),
        ),
        Reply::EntryFails(code) => json(
            StatusCode::OK,
            json!({
                "FailedEntryCount": 1,
                "Entries": [{ "ErrorCode": code, "ErrorMessage": format!("cannot serve {body}") }],
            }),
        ),
        Reply::CountsAFailure => {
            json(StatusCode::OK, json!({ "FailedEntryCount": 1, "Entries": [{ "EventId": "1" }] }))
        }
        Reply::Never => std::future::pending().await,
    }
}
