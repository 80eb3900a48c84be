//! The other end of the admin endpoint: what `profile-worker health` asks, so that a container image
//! needs no curl.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// What the worker said of itself.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether it is well.
    pub healthy: bool,
    /// In its words, or why it could not be asked.
    pub text: String,
}

/// A worker that takes longer than this to say that it is well is not.
const DEADLINE: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const MAX_ANSWER: usize = 4096;

/// Asks the worker at `addr` for `/health/live`.
pub async fn ask(addr: SocketAddr) -> Answer {
    let failed = |text: String| Answer { healthy: false, text };
    match tokio::time::timeout(DEADLINE, get(addr)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(fault)) => failed(format!("the worker at {addr} cannot be asked: {fault}")),
        Err(_) => failed(format!("the worker at {addr} did not answer within {}s", DEADLINE.as_secs())),
    }
}

async fn get(addr: SocketAddr) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(format!("http://{addr}/health/live").parse()?).await?;
    let healthy = answer.status().is_success();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await?.to_bytes();
    // It goes to a terminal, and at this address anybody may be answering.
    let text = String::from_utf8_lossy(&body).replace(char::is_control, " ");
    Ok(Answer { healthy, text })
}
