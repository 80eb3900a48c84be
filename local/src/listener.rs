//! A port on loopback with a router behind it, until it is dropped. For the endpoints that hold nothing open:
//! no long polls, nothing to wait for at the end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A router that is being served.
pub(crate) struct Listener {
    endpoint: String,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Listens on `addr`; port 0 picks a free one.
    pub(crate) async fn start(addr: SocketAddr, app: Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let mut reachable = listener.local_addr()?;
        if reachable.ip().is_unspecified() {
            reachable.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        // Answers are small and awaited: Nagle's algorithm would add 40 ms to each.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "a local endpoint stopped");
            }
        });
        Ok(Self { endpoint: format!("http://{reachable}"), serving })
    }

    /// Base URL to give to a client as its endpoint.
    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
