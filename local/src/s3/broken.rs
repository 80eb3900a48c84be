//! An answer whose connection ends before its content does.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;

/// These bytes, then nothing more.
pub(crate) fn body(beginning: Bytes) -> Body {
    Body::new(Broken { beginning: Some(beginning), flushed: false })
}

struct Broken {
    beginning: Option<Bytes>,
    flushed: bool,
}

#[derive(Debug)]
struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken off, as asked for")
    }
}

impl std::error::Error for BrokenOff {}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(beginning) = self.beginning.take() {
            return Poll::Ready(Some(Ok(Frame::data(beginning))));
        }
        if !self.flushed {
            // While it waits for more, hyper sends what it has: the head of the answer too.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(BrokenOff)))
    }
}
