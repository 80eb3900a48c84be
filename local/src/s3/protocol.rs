//! The wire: addresses, answers, and errors in XML as S3 sends them. An answer to HEAD has no body; hyper sees
//! to it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};

use super::Object;

/// What a path means: `/bucket/key`. The key is empty where the bucket itself is meant.
pub(crate) struct Address {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Address {
    pub(crate) fn from_uri(uri: &Uri) -> Result<Self, S3Error> {
        let path = decoded(uri.path().trim_start_matches('/')).ok_or_else(|| Fault::InvalidUri.plain())?;
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let address = Self { bucket: bucket.to_owned(), key: key.to_owned() };
        // A sub-resource such as ?versions is another operation; x-id only repeats the name of this one.
        let other = |part: &str| !(part.is_empty() || part.starts_with("x-id="));
        if bucket.is_empty() || uri.query().is_some_and(|query| query.split('&').any(other)) {
            return Err(Fault::NotImplemented.at(&address));
        }
        Ok(address)
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What went wrong, in S3's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AccessDenied,
    BadDigest,
    EntityTooLarge,
    IncompleteBody,
    InvalidUri,
    NoSuchBucket,
    NoSuchKey,
    NotImplemented,
}

impl Fault {
    const fn wire(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::AccessDenied => (403, "AccessDenied", "Access Denied"),
            Self::BadDigest => {
                (400, "BadDigest", "The checksum you specified did not match the calculated one.")
            }
            Self::EntityTooLarge => (400, "EntityTooLarge", "Your proposed upload exceeds the allowed size."),
            Self::IncompleteBody => {
                (400, "IncompleteBody", "The request body is cut short or badly chunked.")
            }
            Self::InvalidUri => (400, "InvalidURI", "Couldn't parse the specified URI."),
            Self::NoSuchBucket => (404, "NoSuchBucket", "The specified bucket does not exist"),
            Self::NoSuchKey => (404, "NoSuchKey", "The specified key does not exist."),
            Self::NotImplemented => {
                (501, "NotImplemented", "This local S3 server does not offer that operation.")
            }
        }
    }

    /// At this address.
    pub(crate) fn at(self, address: &Address) -> S3Error {
        S3Error { fault: self, resource: format!("/{}/{}", address.bucket, address.key) }
    }

    /// Of a request that has none.
    pub(crate) fn plain(self) -> S3Error {
        S3Error { fault: self, resource: String::new() }
    }
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct S3Error {
    fault: Fault,
    resource: String,
}

impl S3Error {
    pub(crate) fn into_response(self) -> Response<Body> {
        let (status, code, message) = self.fault.wire();
        let escaped = self.resource.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <Resource>{escaped}</Resource></Error>"
        );
        let mut response =
            respond(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), body.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    }
}

/// The answer to a put.
pub(crate) fn stored(object: &Object) -> Response<Body> {
    let mut response = empty(StatusCode::OK);
    describe(object, true, response.headers_mut());
    response
}

/// The answer to a get, or to a head.
pub(crate) fn object(object: &Object, asked: &HeaderMap) -> Response<Body> {
    let with_checksum = asked.get("x-amz-checksum-mode").is_some_and(|mode| mode == "ENABLED");
    let mut response = respond(StatusCode::OK, object.bytes.clone().into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(object.bytes.len()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    describe(object, with_checksum, headers);
    response
}

fn describe(object: &Object, with_checksum: bool, headers: &mut HeaderMap) {
    if let Ok(etag) = HeaderValue::from_str(&object.etag) {
        headers.insert(header::ETAG, etag);
    }
    let crc32 = object.crc32.as_deref().filter(|_| with_checksum);
    if let Some(crc32) = crc32.and_then(|crc32| HeaderValue::from_str(crc32).ok()) {
        headers.insert("x-amz-checksum-crc32", crc32);
    }
}

/// An answer without content.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    respond(status, Body::empty())
}

fn respond(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(id) = HeaderValue::from_str(&crate::sqs::random_uuid().simple().to_string()) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}
