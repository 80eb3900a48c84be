//! A local SQS endpoint: standard queues over AWS JSON 1.0, in memory, in this process.
//!
//! Exists because no engine on crates.io keeps the parts of the contract that a worker leans on:
//! typed errors, results per batch entry, long polls that wake, redrive and move tasks. It serves the
//! demo, the system tests and the benchmark. Must never be lenient where AWS is strict, and must
//! refuse what it does not offer rather than pretend.
//!
//! Not offered: FIFO queues, the old Query/XML protocol, `AddPermission`/`RemovePermission`,
//! persistence, throttling. **Signatures, IAM and queue policies are not checked**: whoever reaches
//! the port may do everything, so it belongs on loopback. Attribute changes act at once, deleted names
//! and purges have no 60 second pause, and all regions share one set of queue names.

mod account;
mod attributes;
mod clock;
mod letter;
mod line;
mod md5;
mod message;
mod moves;
mod ops;
mod protocol;
mod queue;
mod receipt;
mod residence;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, header};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use account::Account;
use protocol::{Fault, Operation};

pub use residence::Residence;

/// Ten messages of 1 MiB with every character escaped stay below this; a batch that large is refused
/// by its own rule, with its own error.
const LARGEST_REQUEST: usize = 64 * 1024 * 1024;

/// How long `shutdown` waits for clients that are in the middle of a request.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// A running server. Dropping it stops the listener and ends open long polls.
pub struct SqsServer {
    account: Arc<Account>,
    serving: Option<JoinHandle<()>>,
}

impl SqsServer {
    /// Listens on `addr` (port 0 picks a free one) and serves in background tasks.
    pub async fn start(addr: SocketAddr) -> std::io::Result<SqsServer> {
        let listener = TcpListener::bind(addr).await?;
        let mut reachable = listener.local_addr()?;
        if reachable.ip().is_unspecified() {
            reachable.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let account = Arc::new(Account::new(format!("http://{reachable}")));
        let app = Router::new().fallback(handle).with_state(Arc::clone(&account));
        // Answers are small and awaited: Nagle's algorithm would add 40 ms to each.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        let closing = account.closing.clone();
        let serving = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(closing.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "local SQS server stopped");
            }
        });
        Ok(SqsServer { account, serving: Some(serving) })
    }

    /// Base URL to give to a client as its endpoint.
    pub fn endpoint(&self) -> String {
        self.account.endpoint.clone()
    }

    /// API calls by operation name, counted on arrival, refused ones included.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.account.calls()
    }

    /// When deleted messages were out, in the order of deletion; the latest 1,048,576 of all queues.
    pub fn residences(&self) -> Vec<Residence> {
        self.account.residences()
    }

    /// Moves the server's clock forward: visibility timeouts, delays and retention that fall in
    /// between expire at once, and long polls wake to see it (or end, if their time is over too).
    pub fn advance(&self, by: Duration) {
        self.account.clock.advance(by);
        self.account.wake_everybody();
    }

    /// Long polls waiting for a message at this moment.
    pub fn open_polls(&self) -> usize {
        self.account.open_polls.load(Ordering::Acquire)
    }

    /// Replaces the quota of 120,000 messages in flight per queue, so that a test can reach it.
    pub fn set_in_flight_limit(&self, messages: usize) {
        self.account.in_flight_limit.store(messages, Ordering::Release);
    }

    /// Stops listening, ends open long polls with an empty answer and waits for requests in hand.
    pub async fn shutdown(mut self) {
        self.account.closing.cancel();
        if let Some(mut serving) = self.serving.take()
            && tokio::time::timeout(SHUTDOWN_PATIENCE, &mut serving).await.is_err()
        {
            serving.abort();
        }
    }
}

impl Drop for SqsServer {
    fn drop(&mut self) {
        self.account.closing.cancel();
    }
}

async fn handle(State(account): State<Arc<Account>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let is_json = head.headers.contains_key("x-amz-target");
    if head.method != Method::POST || !is_json {
        return protocol::refuse_query_protocol();
    }
    let operation = match Operation::from_headers(&head.headers) {
        Ok(operation) => operation,
        Err(error) => return protocol::to_response(Err(error)),
    };
    account.count(operation);
    let body = match axum::body::to_bytes(body, LARGEST_REQUEST).await {
        Ok(body) => body,
        Err(error) => {
            let error = Fault::MalformedInput.because(format!("Cannot read the request: {error}"));
            return protocol::to_response(Err(error));
        }
    };
    let region = region(head.headers.get(header::AUTHORIZATION));
    protocol::to_response(ops::run(&account, operation, &body, region).await)
}

/// The region a client signed for (`Credential=KEY/DATE/REGION/sqs/aws4_request`), which becomes part
/// of the ARNs of the queues it creates.
pub(crate) fn region(authorization: Option<&header::HeaderValue>) -> &str {
    authorization
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, scope)| scope.split('/').nth(2))
        .filter(|region| !region.is_empty())
        .unwrap_or("us-east-1")
}

/// Random ids need to be distinct, not secret: the system's generator would cost a call per message.
pub(crate) fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}
