//! A local S3 endpoint: whole objects in buckets, path-style, in memory, in this process.
//!
//! Exists because jobs read users from a bucket and keep their state in one. Must refuse what it does not offer
//! rather than pretend.
//!
//! Offered: CreateBucket, PutObject, GetObject, HeadObject, DeleteObject. Not offered: listings, versions, parts of
//! objects, multipart uploads, conditions, metadata. **Signatures and policies are not checked**: whoever reaches the port
//! may do everything, so it belongs on loopback.

mod body;
mod protocol;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};

use crate::listener::Listener;
use protocol::{Address, Fault, S3Error};

/// What one request may hold; AWS takes ten times as much, and nobody here has it in memory.
const LARGEST_OBJECT: usize = 512 * 1024 * 1024;

/// A running server. Dropping it stops the listener.
pub struct S3Server {
    buckets: Arc<Buckets>,
    listener: Listener,
}

/// One object as it was put.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    pub(crate) etag: String,
    /// Sent back as it came, for a client that asks for it.
    pub(crate) crc32: Option<String>,
}

#[derive(Default)]
struct Buckets {
    by_name: RwLock<HashMap<String, BTreeMap<String, Object>>>,
    denied: RwLock<bool>,
}

impl S3Server {
    /// Listens on `addr` (port 0 picks a free one) and serves in background tasks.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(addr: SocketAddr) -> std::io::Result<Self> {
        let buckets = Arc::new(Buckets::default());
        let app = Router::new().fallback(handle).with_state(Arc::clone(&buckets));
        Ok(Self { listener: Listener::start(addr, app).await?, buckets })
    }

    /// Base URL to give to a client as its endpoint.
    pub fn endpoint(&self) -> String {
        self.listener.endpoint()
    }

    /// Makes a bucket, if there is none of that name.
    pub fn create_bucket(&self, name: &str) {
        self.buckets.write().entry(name.to_owned()).or_default();
    }

    /// The bytes of an object.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.buckets.read().get(bucket)?.get(key).map(|object| object.bytes.clone())
    }

    /// Puts an object; the bucket is made if it is not there.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) {
        let object = Object::new(bytes.into(), None);
        self.buckets.write().entry(bucket.to_owned()).or_default().insert(key.to_owned(), object);
    }

    /// Whether every call is answered with AccessDenied from now on.
    pub fn deny(&self, denied: bool) {
        *self.buckets.denied.write().unwrap_or_else(PoisonError::into_inner) = denied;
    }
}

impl Object {
    fn new(bytes: Bytes, crc32: Option<String>) -> Self {
        Self { etag: body::etag(&bytes), bytes, crc32 }
    }
}

impl Buckets {
    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, BTreeMap<String, Object>>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, BTreeMap<String, Object>>> {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        bytes: Bytes,
    ) -> Result<Response<Body>, S3Error> {
        let address = Address::from_uri(uri)?;
        if *self.denied.read().unwrap_or_else(PoisonError::into_inner) {
            return Err(Fault::AccessDenied.at(&address));
        }
        let missing = || Fault::NoSuchBucket.at(&address);
        match (method.as_str(), address.key.as_str()) {
            ("PUT", "") => {
                self.write().entry(address.bucket.clone()).or_default();
                Ok(protocol::empty(StatusCode::OK))
            }
            ("PUT", key) => {
                let bytes = body::decoded(headers, bytes).map_err(|fault| fault.at(&address))?;
                let crc32 = body::checked_crc32(headers, &bytes).map_err(|fault| fault.at(&address))?;
                let object = Object::new(bytes, crc32);
                let answer = protocol::stored(&object);
                let mut buckets = self.write();
                buckets.get_mut(&address.bucket).ok_or_else(missing)?.insert(key.to_owned(), object);
                Ok(answer)
            }
            ("GET" | "HEAD", key) if !key.is_empty() => {
                let buckets = self.read();
                let bucket = buckets.get(&address.bucket).ok_or_else(missing)?;
                let object = bucket.get(key).ok_or_else(|| Fault::NoSuchKey.at(&address))?;
                Ok(protocol::object(object, headers))
            }
            ("DELETE", key) if !key.is_empty() => {
                self.write().get_mut(&address.bucket).ok_or_else(missing)?.remove(key);
                Ok(protocol::empty(StatusCode::NO_CONTENT))
            }
            _ => Err(Fault::NotImplemented.at(&address)),
        }
    }
}

async fn handle(State(buckets): State<Arc<Buckets>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let answer = match axum::body::to_bytes(body, LARGEST_OBJECT).await {
        Ok(bytes) => buckets.run(&head.method, &head.uri, &head.headers, bytes),
        Err(_) => Err(Fault::EntityTooLarge.plain()),
    };
    answer.unwrap_or_else(S3Error::into_response)
}
