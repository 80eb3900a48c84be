//! A wire between the real SDK and any engine, which does to single calls what wires do: it delays them,
//! breaks, goes silent, mangles answers, refuses connections. What no rule names passes byte for byte.
//!
//! It works below [`crate::intercept`]: that one answers as a service might, this one as no service would.
//! It must never strike without counting it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::intercept::Call;
use http::Request;

mod connection;
mod fault;
mod http;

pub use fault::Fault;

/// For how long connections are refused.
const REFUSED: Duration = Duration::from_millis(400);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A fault that is to happen.
#[derive(Debug, Clone, Copy)]
pub struct Strike {
    /// Which.
    pub fault: Fault,
    /// Under which name it is counted.
    pub on: &'static str,
}

type Rule = Box<dyn FnMut(&Call) -> Option<Strike> + Send>;

/// The wire. Both services are behind one address; the operation tells which is meant.
pub struct TcpProxy {
    endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// Host and port of the services.
    sqs: String,
    dynamodb: String,
    rule: Mutex<Rule>,
    calls: Mutex<HashMap<String, usize>>,
    strikes: Mutex<BTreeMap<(Fault, &'static str), usize>>,
    refusals: AtomicUsize,
    /// No connection lives while this is set, and none is accepted.
    shut: watch::Sender<bool>,
}

impl TcpProxy {
    /// Starts one in front of these endpoints. `rule` is asked about every request, in the order in which
    /// they come.
    pub fn start(
        sqs: &str,
        dynamodb: &str,
        rule: impl FnMut(&Call) -> Option<Strike> + Send + 'static,
    ) -> Self {
        let address =
            |endpoint: &str| endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let shared = Arc::new(Shared {
            sqs: address(sqs),
            dynamodb: address(dynamodb),
            rule: Mutex::new(Box::new(rule)),
            calls: Mutex::default(),
            strikes: Mutex::default(),
            refusals: AtomicUsize::new(0),
            shut: watch::Sender::new(false),
        });
        // Bound and never listening: it keeps the port ours while connections are refused.
        let place = socket();
        place.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = place.local_addr().unwrap();
        let listener = listen(address);
        tokio::spawn(accept(Arc::clone(&shared), place, listener));
        Self { endpoint: format!("http://{address}"), shared }
    }

    /// The address to give to a client as the endpoint of both services.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How often which fault has struck what.
    pub fn strikes(&self) -> BTreeMap<(Fault, &'static str), usize> {
        self.shared.strikes.lock().unwrap().clone()
    }

    /// How often anything has struck this.
    pub fn struck(&self, on: &str) -> usize {
        self.strikes().iter().filter(|((_, name), _)| *name == on).map(|(_, count)| count).sum()
    }

    /// How often connections have been refused for a while; each time one was tried, and was refused.
    pub fn refusals(&self) -> usize {
        self.shared.refusals.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// What is to happen to this request.
    fn judge(&self, request: &Request) -> Option<Fault> {
        let operation = request.target.rsplit('.').next().unwrap_or_default().to_owned();
        let nth = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry(operation.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let call =
            Call { operation, nth, request: serde_json::from_slice(request.body()).unwrap_or_default() };
        let strike = (self.rule.lock().unwrap())(&call)?;
        *self.strikes.lock().unwrap().entry((strike.fault, strike.on)).or_default() += 1;
        Some(strike.fault)
    }
}

fn socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket
}

fn listen(address: SocketAddr) -> TcpListener {
    let socket = socket();
    socket.bind(address).unwrap();
    socket.listen(BACKLOG).unwrap()
}

/// Accepts for as long as the runtime lives, but for the times when nobody is to listen.
async fn accept(shared: Arc<Shared>, _place: TcpSocket, mut listener: TcpListener) {
    let address = listener.local_addr().unwrap();
    let mut shut = shared.shut.subscribe();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                tokio::spawn(connection::serve(Arc::clone(&shared), client));
                continue;
            }
            _ = shut.wait_for(|shut| *shut) => {}
        }
        drop(listener);
        let tried = TcpStream::connect(address).await;
        assert!(tried.is_err_and(|fault| fault.kind() == std::io::ErrorKind::ConnectionRefused));
        shared.refusals.fetch_add(1, Ordering::Relaxed);
        sleep(REFUSED).await;
        listener = listen(address);
        shared.shut.send_replace(false);
    }
}
