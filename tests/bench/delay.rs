//! A line that is so long: takes TCP connections and carries what it reads to the other end, each chunk
//! a fixed time later, in both directions.
//!
//! Exists because a proxy that reads HTTP costs more than the calls it delays. Must never hold one chunk
//! back for another: any number are under way at once. Connecting itself is not delayed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// Larger than any request or answer of this benchmark.
const CHUNK: usize = 64 * 1024;

/// Bytes under way: when they are due, and where they go then.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
    to: UnboundedSender<Vec<u8>>,
}

/// Starts a line to `to`, with `one_way` in each direction; answers where it begins.
///
/// It has threads and a runtime of its own, so that no endpoint's work makes the line longer.
pub(crate) fn line(to: SocketAddr, one_way: Duration) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let from = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (under_way, arriving) = channel();
    std::thread::Builder::new().name("line".into()).spawn(move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(near, to, one_way, under_way.clone()));
            }
        });
    })?;
    std::thread::Builder::new().name("line-end".into()).spawn(move || hand_over(&arriving))?;
    Ok(from)
}

/// A thread and not tokio's timer, which rounds up to milliseconds: two of them on every call. All are
/// delayed alike, so they are due in the order of coming.
fn hand_over(arriving: &Receiver<Chunk>) {
    while let Ok(chunk) = arriving.recv() {
        loop {
            let early = chunk.due.saturating_duration_since(Instant::now());
            if early.is_zero() {
                break;
            }
            std::thread::park_timeout(early);
        }
        // Fails if the connection is gone, and its bytes with it.
        let _ = chunk.to.send(chunk.bytes);
    }
}

async fn connect(near: TcpStream, to: SocketAddr, one_way: Duration, under_way: Sender<Chunk>) {
    let Ok(far) = TcpStream::connect(to).await else { return };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let (near_out, near_in) = near.into_split();
    let (far_out, far_in) = far.into_split();
    tokio::join!(
        carry(near_out, far_in, one_way, under_way.clone()),
        carry(far_out, near_in, one_way, under_way)
    );
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, one_way: Duration, under_way: Sender<Chunk>) {
    let (arrived, mut arrivals) = unbounded_channel();
    let reading = async move {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let bytes = buffer[..length].to_vec();
            let chunk = Chunk { due: Instant::now() + one_way, bytes, to: arrived.clone() };
            if arrived.is_closed() || under_way.send(chunk).is_err() {
                break;
            }
        }
    };
    let writing = async move {
        while let Some(bytes) = arrivals.recv().await {
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(reading, writing);
}
