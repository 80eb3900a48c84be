//! A network that misbehaves between the function and its service: plain TCP, so that what no HTTP
//! server does can be done. It can change its manners at any time, under a client that stays warm.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What happens to a request once it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answered as the service does.
    Accepts,
    /// Accepted, and answered when nobody waits any more.
    AnswersLate,
    /// Read, and nothing more.
    Silent,
    /// On connections from before the change; new ones are served.
    SilentOnOldConnections,
    /// The connection is reset before an answer.
    Resets,
    /// It is reset in the middle of the answer.
    ResetsMidway,
    /// It is closed, politely, without an answer.
    Closes,
    /// The answer ends before the length it announced.
    Truncates,
    /// The head of the answer comes a byte at a time, and never ends.
    DripsHead,
    /// The body does.
    DripsBody,
    /// What comes is not HTTP.
    Garbles,
    /// 200, and a page for people: a proxy that wants a login.
    AnswersAPage,
    /// 200, and JSON that acknowledges nothing.
    AnswersNothing,
    /// A gateway has nobody behind it.
    BadGateway,
}

/// One address of a service.
pub(crate) struct Line {
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
    socket: Mutex<Socket>,
}

struct Shared {
    manner: Manner,
    /// Grows with every change of manners; a connection belongs to the one it was made in.
    era: u64,
    /// The bodies of the requests that were acknowledged.
    acknowledged: Vec<Value>,
    requests: usize,
    connections: JoinSet<()>,
}

enum Socket {
    /// Bound, so that nobody else gets the port, and not listening, so that connecting is refused.
    Shut(TcpSocket),
    /// Listening, with so many connections waiting that the system takes no more.
    Clogged {
        listener: TcpListener,
        waiting: Vec<TcpStream>,
    },
    Open,
}

impl Line {
    /// A line that serves, in this manner.
    pub(crate) fn with(manner: Manner) -> Self {
        let line = Self::refusing();
        line.behave(manner);
        line.open();
        line
    }

    /// A line whose end refuses connections.
    pub(crate) fn refusing() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let shared = Shared {
            manner: Manner::Accepts,
            era: 0,
            acknowledged: Vec::new(),
            requests: 0,
            connections: JoinSet::new(),
        };
        Self { url, shared: Arc::new(Mutex::new(shared)), socket: Mutex::new(Socket::Shut(socket)) }
    }

    /// A line into which connections vanish: they are neither made nor refused.
    pub(crate) async fn swallowing() -> Self {
        let line = Self::refusing();
        let Socket::Shut(socket) = line.take() else { unreachable!() };
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        // The system takes as many as it likes before it drops the rest.
        while let Ok(connected) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            waiting.push(connected.unwrap());
            assert!(waiting.len() < 64, "this system never refuses to make a connection");
        }
        *line.socket.lock().unwrap() = Socket::Clogged { listener, waiting };
        line
    }

    /// From now on connections are made and served.
    pub(crate) fn open(&self) {
        let listener = match self.take() {
            Socket::Shut(socket) => socket.listen(1024).unwrap(),
            Socket::Clogged { listener, waiting } => {
                drop(waiting);
                listener
            }
            Socket::Open => return,
        };
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serve(stream, Arc::clone(&shared));
                lock(&shared).connections.spawn(serving);
            }
        });
    }

    /// Changes the manners, on the connections there are too.
    pub(crate) fn behave(&self, manner: Manner) {
        let mut shared = lock(&self.shared);
        shared.manner = manner;
        shared.era += 1;
    }

    /// Closes the connections there are, as a service does with idle ones.
    pub(crate) async fn drop_connections(&self) {
        let mut connections = std::mem::take(&mut lock(&self.shared).connections);
        connections.shutdown().await;
    }

    /// How many requests came, whatever became of them.
    pub(crate) fn requests(&self) -> usize {
        lock(&self.shared).requests
    }

    /// The bodies of the requests that the service acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<Value> {
        lock(&self.shared).acknowledged.clone()
    }

    fn take(&self) -> Socket {
        std::mem::replace(&mut *self.socket.lock().unwrap(), Socket::Open)
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both services' acknowledgement in one: each reads its own fields.
const ACKNOWLEDGEMENT: &str = r#"{"MessageId":"11710aed-b79e-4468-a20b-bb3c0c3b4860","FailedEntryCount":0,"Entries":[{"EventId":"11710aed-b79e-4468-a20b-bb3c0c3b4860"}]}"#;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n";

fn whole(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let born = lock(&shared).era;
    while let Some(body) = request(&mut stream).await {
        let manner = {
            let mut shared = lock(&shared);
            shared.requests += 1;
            match shared.manner {
                Manner::SilentOnOldConnections if born == shared.era => Manner::Accepts,
                Manner::SilentOnOldConnections => Manner::Silent,
                manner => manner,
            }
        };
        let sent = match manner {
            Manner::Accepts => {
                lock(&shared).acknowledged.push(body);
                let answer = whole("200 OK", "application/x-amz-json-1.0", ACKNOWLEDGEMENT);
                stream.write_all(answer.as_bytes()).await
            }
            Manner::AnswersLate => {
                // The point is the wait itself: longer than everybody's budget.
                sleep(2 * producer_lambda::DEADLINE).await;
                let answer = whole("200 OK", "application/x-amz-json-1.0", ACKNOWLEDGEMENT);
                stream.write_all(answer.as_bytes()).await
            }
            Manner::Silent | Manner::SilentOnOldConnections => std::future::pending().await,
            Manner::Resets => return reset(&stream),
            Manner::ResetsMidway => {
                let begun = format!("{HEAD}content-length: 500\r\n\r\n{{\"MessageId\":\"1171");
                let _ = stream.write_all(begun.as_bytes()).await;
                return reset(&stream);
            }
            Manner::Closes => return,
            Manner::Truncates => {
                let begun = format!("{HEAD}content-length: 500\r\n\r\n{{\"MessageId\":\"1171");
                let _ = stream.write_all(begun.as_bytes()).await;
                return;
            }
            Manner::DripsHead => drip(&mut stream, HEAD).await,
            Manner::DripsBody => drip(&mut stream, &format!("{HEAD}content-length: 100000\r\n\r\n")).await,
            Manner::Garbles => {
                let _ = stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n\0\0\0").await;
                return;
            }
            Manner::AnswersAPage => {
                let answer = whole("200 OK", "text/html", "<html>Please sign in</html>");
                stream.write_all(answer.as_bytes()).await
            }
            Manner::AnswersNothing => {
                let answer = whole("200 OK", "application/x-amz-json-1.0", "{}");
                stream.write_all(answer.as_bytes()).await
            }
            Manner::BadGateway => {
                let answer = whole("502 Bad Gateway", "text/html", "<html>nobody there</html>");
                stream.write_all(answer.as_bytes()).await
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The whole of `begun` at once if it is a whole head, else bit by bit, and then blanks for ever.
async fn drip(stream: &mut TcpStream, begun: &str) -> std::io::Result<()> {
    let (at_once, slowly) = if begun.ends_with("\r\n\r\n") { (begun, "") } else { ("", begun) };
    stream.write_all(at_once.as_bytes()).await?;
    for byte in slowly.bytes().chain(std::iter::repeat(b' ')) {
        stream.write_all(&[byte]).await?;
        // The manner itself: bytes far enough apart that they never make an answer.
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

/// Reads one request and gives its body. `None` where the connection ends.
async fn request(stream: &mut TcpStream) -> Option<Value> {
    let mut read = Vec::new();
    let head_end = loop {
        if let Some(place) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break place + 4;
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&read[..head_end]).to_lowercase();
    let length = head.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse::<usize>().ok()?;
    while read.len() < head_end + length {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    serde_json::from_slice(&read[head_end..]).ok()
}
