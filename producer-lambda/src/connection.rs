//! The connection to the service, opened before anybody waits for it.
//!
//! A handshake inside the first invocation eats from the budget of its message, on the share of a
//! processor that a small function has (docs/adr/0022). Must never send a byte of HTTP: no action, no
//! permission, nothing to pay. Must never fail, nor write a line: if there is no connection, the first
//! announcement opens one, and says what is wrong with it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_smithy_http_client::pool::{
    Client, ConnectionEvent, ConnectionPool, DriverSpawner, Partition, PartitionId,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, OrchestratorError};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// The pool has but one.
const PARTITION: PartitionId = PartitionId::from_index(0);

/// An HTTP client whose connections the SDK uses and [`open`](Self::open) may open beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    /// What the SDK is given.
    pub(crate) client: Client,
    /// Told when an attempt to connect is over, whatever came of it.
    over: Arc<Notify>,
}

impl Connections {
    /// Opens none yet. `None` if there is no such client, which a build with TLS cannot be without.
    pub(crate) fn new() -> Option<Self> {
        let over = Arc::new(Notify::new());
        let tell = Arc::clone(&over);
        let pool = ConnectionPool::builder()
            .event_listener(move |event: &ConnectionEvent<'_>| {
                if matches!(event, ConnectionEvent::Opened(_) | ConnectionEvent::EstablishmentFailed(_)) {
                    tell.notify_one();
                }
            })
            .partitions([Partition::new(PARTITION, wherever_it_is_used())])
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
            .ok()?;
        Some(Self { client: Client::from_partition(&pool, PARTITION).ok()?, over })
    }

    /// Opens a connection to `endpoint` and leaves it to the first request that comes. Ends when it is
    /// there or refused, at the latest with the connect timeout of `timeouts`.
    pub(crate) async fn open(&self, endpoint: &str, timeouts: TimeoutConfig) {
        let asking = Operation::builder()
            .service_name("connection")
            .operation_name("Open")
            .http_client(self.client.clone())
            .endpoint_url(endpoint)
            .no_auth()
            .no_retry()
            .timeout_config(timeouts)
            .serializer(|()| Ok(HttpRequest::empty()))
            .deserializer(|_| Ok::<_, OrchestratorError<Infallible>>(()))
            .build();
        let mut asking = Box::pin(async move { asking.invoke(()).await });
        // The pool can be asked for a connection only by a request. This one is polled once, which makes
        // the pool begin, and never again, so that it is never sent: dropped, it leaves the connection to
        // the next.
        let begun = poll_fn(|context| Poll::Ready(asking.as_mut().poll(context).is_pending())).await;
        if begun {
            self.over.notified().await;
        }
    }
}

/// By itself the pool would belong to the runtime that uses it first, and a producer that outlives one
/// would never connect again. What comes when a runtime is gone goes with it.
fn wherever_it_is_used() -> DriverSpawner {
    DriverSpawner::from_fn(|work| {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(work);
        }
    })
}
