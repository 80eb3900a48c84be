//! What is in a request's body: plain bytes, or bytes in the chunks that SDKs make of streams (`aws-chunked`), and
//! whether they are those that were meant. Signatures of chunks are not checked.

use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use super::protocol::Fault;

const CRC32: &str = "x-amz-checksum-crc32";

/// The bytes without their chunks, if they came in chunks.
pub(crate) fn decoded(headers: &HeaderMap, bytes: Bytes) -> Result<Bytes, Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !text("content-encoding").split(',').any(|coding| coding.trim() == "aws-chunked") {
        return Ok(bytes);
    }
    let whole = without_chunks(&bytes).ok_or(Fault::IncompleteBody)?;
    let expected = text("x-amz-decoded-content-length");
    if expected.is_empty() || expected == whole.len().to_string() {
        Ok(whole)
    } else {
        Err(Fault::IncompleteBody)
    }
}

/// `SIZE[;extension]\r\nBYTES\r\n`, again and again, up to one of size 0; what follows are trailers.
fn without_chunks(mut rest: &[u8]) -> Option<Bytes> {
    let mut whole = Vec::with_capacity(rest.len());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(end + 2..)?;
        if size == 0 {
            return Some(whole.into());
        }
        whole.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

/// The checksum in the header, if there is one and it is right.
pub(crate) fn checked_crc32(headers: &HeaderMap, bytes: &[u8]) -> Result<Option<String>, Fault> {
    let Some(given) = headers.get(CRC32) else { return Ok(None) };
    let actual = STANDARD.encode(crc32fast::hash(bytes).to_be_bytes());
    if given.as_bytes() == actual.as_bytes() { Ok(Some(actual)) } else { Err(Fault::BadDigest) }
}

/// What S3 calls the content of an object that was put in one piece.
pub(crate) fn etag(bytes: &[u8]) -> String {
    let hex: String = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together_and_a_cut_is_seen() {
        let sent = b"5;chunk-signature=ab\r\nHello\r\n1\r\n!\r\n0;chunk-signature=cd\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        assert_eq!(without_chunks(sent).unwrap(), Bytes::from_static(b"Hello!"));
        for cut in 0..sent.len() - "\r\nx-amz-checksum-crc32:AAAA\r\n\r\n".len() {
            assert!(without_chunks(&sent[..cut]).is_none(), "cut at {cut}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", "aws-chunked".parse().unwrap());
        headers.insert("x-amz-decoded-content-length", "7".parse().unwrap());
        assert_eq!(decoded(&headers, Bytes::from_static(sent)), Err(Fault::IncompleteBody));
        headers.insert("x-amz-decoded-content-length", "6".parse().unwrap());
        assert_eq!(decoded(&headers, Bytes::from_static(sent)).unwrap(), Bytes::from_static(b"Hello!"));
    }
}
