//! What goes through the proxy, and what it makes up itself: requests passed on, answers changed, answers
//! that no service gave, answers that break off. Decides nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::Change;

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// The service's own answer.
pub(super) async fn forward(client: &HttpClient, upstream: &str, head: Parts, body: Bytes) -> Response {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = hyper::Request::builder().method(head.method).uri(format!("{upstream}{path}"));
    for (name, value) in &head.headers {
        if ![HOST, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING].contains(name) {
            request = request.header(name, value);
        }
    }
    match client.request(request.body(Full::new(body)).unwrap()).await {
        Ok(answer) => {
            let (mut head, body) = answer.into_parts();
            head.headers.remove(TRANSFER_ENCODING);
            head.headers.remove(CONNECTION);
            match body.collect().await {
                Ok(body) => Response::from_parts(head, Body::from(body.to_bytes())),
                Err(_) => gone(),
            }
        }
        Err(_) => gone(),
    }
}

/// The engine went away, which happens when a test ends before its client.
fn gone() -> Response {
    answer(502, &json!({"__type": "BadGateway"}))
}

/// The answer with another body.
pub(super) async fn changed(answer: Response, change: Change) -> Response {
    let (mut head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let value = change(serde_json::from_slice(&body).unwrap_or_default());
    // The length and the checksum are of the answer that was.
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove("x-amz-crc32");
    Response::from_parts(head, Body::from(value.to_string()))
}

/// An answer that no service gave.
pub(super) fn answer(status: u16, value: &Value) -> Response {
    let code = value["__type"].as_str().unwrap_or_default().to_owned();
    let mut response =
        Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    // The SDK takes an SQS error's code from here before it looks into the body.
    let code = HeaderValue::from_str(&format!("{code};Sender"));
    if let (400.., Ok(code)) = (status, code) {
        response = response.header("x-amzn-query-error", code);
    }
    response.body(Body::from(value.to_string())).unwrap()
}

/// An answer that breaks off.
pub(super) fn broken() -> Response {
    Response::builder().header(CONTENT_LENGTH, 1000).body(Body::new(Broken)).unwrap()
}

/// A body that ends in the middle.
struct Broken;

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other("the connection broke"))))
    }
}
