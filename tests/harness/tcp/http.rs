//! Just enough of HTTP/1.1 to know where a request or an answer ends and which operation it is. Changes
//! nothing: what passes the proxy passes byte for byte.

use std::io::{Error, Result};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::eventually::PATIENCE;

/// More headers than either service sends.
const HEADERS: usize = 64;

/// A request as it came.
pub(super) struct Request {
    /// Head and body.
    pub(super) bytes: Vec<u8>,
    /// Where the body begins.
    head: usize,
    /// The header `x-amz-target`.
    pub(super) target: String,
}

impl Request {
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.head..]
    }
}

/// An answer as it came.
pub(super) struct Answer {
    /// Head and body.
    pub(super) bytes: Vec<u8>,
    /// Where the body begins.
    pub(super) head: usize,
}

/// The next request of a connection, left where it is: unread. `None` when the client has gone.
pub(super) async fn peek(stream: &TcpStream) -> Result<Option<Request>> {
    let mut buffer = vec![0; 64 * 1024];
    let mut deadline = None;
    loop {
        let length = stream.peek(&mut buffer).await?;
        if length == 0 {
            return Ok(None);
        }
        if let Some(request) = request(&buffer[..length])? {
            return Ok(Some(request));
        }
        if length == buffer.len() {
            buffer.resize(2 * length, 0);
            continue;
        }
        // A peek does not wait for more than there is.
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
        if Instant::now() > deadline {
            return Err(Error::other("half a request"));
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn request(bytes: &[u8]) -> Result<Option<Request>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(bytes).map_err(Error::other)? else {
        return Ok(None);
    };
    let length = head + number(parsed.headers, "content-length").unwrap_or_default();
    let target = value(parsed.headers, "x-amz-target").unwrap_or_default().to_owned();
    Ok(bytes.get(..length).map(|bytes| Request { bytes: bytes.to_vec(), head, target }))
}

/// One answer, whole.
pub(super) async fn read_answer(stream: &mut TcpStream) -> Result<Answer> {
    let mut bytes = Vec::new();
    loop {
        if let Some((head, length)) = measured(&bytes)?
            && bytes.len() >= length
        {
            return Ok(Answer { bytes, head });
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(Error::other("the service went away"));
        }
    }
}

/// Where the body begins and where it ends, once that is known.
fn measured(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(bytes).map_err(Error::other)? else {
        return Ok(None);
    };
    if let Some(length) = number(parsed.headers, "content-length") {
        return Ok(Some((head, head + length)));
    }
    if value(parsed.headers, "transfer-encoding").is_none() {
        return Ok(Some((head, head)));
    }
    let mut at = head;
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(&bytes[at..]) {
        at += start + usize::try_from(size).map_err(Error::other)? + "\r\n".len();
        if size == 0 {
            return Ok(Some((head, at)));
        }
        if at > bytes.len() {
            break;
        }
    }
    Ok(None)
}

fn value<'a>(headers: &'a [httparse::Header<'_>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}

fn number(headers: &[httparse::Header<'_>], name: &str) -> Option<usize> {
    value(headers, name)?.parse().ok()
}
