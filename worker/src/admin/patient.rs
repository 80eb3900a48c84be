//! Connections that end when the other side has not taken a byte for a while. Without it a listener that opened a
//! stream and never reads would hold its connection for as long as the worker runs. What the kernels buffer between
//! the two comes on top; it is bounded by them.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// How long a byte may wait to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener whose connections are [`Timed`].
pub(super) struct Patient(pub TcpListener);

impl Listener for Patient {
    type Io = Timed<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // axum's own, which tries again after an error.
        let (stream, addr) = Listener::accept(&mut self.0).await;
        (Timed { stream, waiting: None }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that ends when it could not be written to for too long.
pub(super) struct Timed<S> {
    stream: S,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    /// What came of a write, and for how long it may still come to nothing.
    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up_and_who_takes_a_little_is_not() {
        let (near, mut far) = duplex(1);
        let mut near = Timed { stream: near, waiting: None };
        let begun = Instant::now();
        let reading = tokio::spawn(async move {
            for _ in 0..5 {
                sleep(PATIENCE * 9 / 10).await;
                far.read_u8().await.unwrap();
            }
            far
        });
        let failure = near.write_all(&[7; 100]).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::TimedOut);
        assert!(
            begun.elapsed() >= 5 * (PATIENCE * 9 / 10) + PATIENCE,
            "given up after {:?}",
            begun.elapsed()
        );
        drop(reading.await.unwrap());
    }
}
