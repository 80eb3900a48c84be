//! A local Cognito endpoint: user pools over AWS JSON 1.1, in memory, in this process.
//!
//! Exists because the jobs that compare a pool with the table need a pool of any size, and one that throttles,
//! denies and forgets its tokens when a test says so. Must never be lenient where Cognito is strict, and must
//! refuse what it does not offer rather than pretend.
//!
//! Offered: making, describing and deleting pools, their clients, signing up, what an administrator does with
//! one user, and ListUsers. Not offered: signing in, groups, devices, triggers, the order of users, spelling
//! names in another case. **Signatures and IAM are not checked**: whoever reaches the port may do everything, so it belongs
//! on loopback.

mod clients;
mod filter;
mod ops;
mod pages;
mod pool;
mod protocol;
mod trouble;
mod user;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;

use crate::listener::Listener;
use clients::Clients;
use pages::Tokens;
use protocol::{Fault, Operation};

pub use pool::Pool;
pub use trouble::Trouble;
pub use user::User;

/// Far more than a request of one user may take; AWS refuses earlier, with the rule of the field.
const LARGEST_REQUEST: usize = 1024 * 1024;

/// A running server. Dropping it stops the listener.
pub struct CognitoServer {
    pools: Arc<Pools>,
    listener: Listener,
}

/// What the server knows.
pub(crate) struct Pools {
    by_id: RwLock<BTreeMap<String, Arc<Pool>>>,
    clients: Clients,
    tokens: Tokens,
    trouble: Trouble,
    calls: Mutex<BTreeMap<&'static str, u64>>,
}

impl CognitoServer {
    /// Listens on `addr` (port 0 picks a free one) and serves in background tasks.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(addr: SocketAddr) -> std::io::Result<Self> {
        let pools = Arc::new(Pools {
            by_id: RwLock::default(),
            clients: Clients::default(),
            tokens: Tokens::default(),
            trouble: Trouble::default(),
            calls: Mutex::default(),
        });
        let app = Router::new().fallback(handle).with_state(Arc::clone(&pools));
        Ok(Self { listener: Listener::start(addr, app).await?, pools })
    }

    /// Base URL to give to a client as its endpoint.
    pub fn endpoint(&self) -> String {
        self.listener.endpoint()
    }

    /// Makes a pool in `eu-central-1`, without aliases.
    pub fn create_pool(&self, name: &str) -> Arc<Pool> {
        self.pools.add(Pool::new(name, "eu-central-1", Vec::new(), Vec::new()))
    }

    /// The pool with this id, however it was made.
    pub fn pool(&self, id: &str) -> Option<Arc<Pool>> {
        self.pools.get(id).ok()
    }

    /// What is to go wrong from now on.
    pub fn trouble(&self) -> &Trouble {
        &self.pools.trouble
    }

    /// From the use of a pagination token after so many on, none that was given until then is known any more.
    /// Those given later are: who begins again gets through.
    pub fn expire_tokens_after(&self, uses: u64) {
        self.pools.tokens.expire_after(uses);
    }

    /// API calls by operation name, counted on arrival, refused ones included.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.pools.calls).clone()
    }
}

impl Pools {
    fn add(&self, pool: Pool) -> Arc<Pool> {
        let pool = Arc::new(pool);
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        by_id.insert(pool.id().to_owned(), Arc::clone(&pool));
        pool
    }

    fn get(&self, id: &str) -> Result<Arc<Pool>, protocol::ApiError> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id
            .get(id)
            .cloned()
            .ok_or_else(|| Fault::ResourceNotFound.because(format!("User pool {id} does not exist.")))
    }

    fn remove(&self, id: &str) -> bool {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(id).is_some()
    }
}

async fn handle(State(pools): State<Arc<Pools>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let operation = match Operation::from_headers(&head.headers) {
        Ok(operation) => operation,
        Err(error) => return protocol::to_response(Err(error)),
    };
    *locked(&pools.calls).entry(operation.name()).or_default() += 1;
    let body = match axum::body::to_bytes(body, LARGEST_REQUEST).await {
        Ok(body) => body,
        Err(error) => {
            let error = Fault::Serialization.because(format!("Cannot read the request: {error}"));
            return protocol::to_response(Err(error));
        }
    };
    if let Err(error) = pools.trouble.meet(operation.name()).await {
        return protocol::to_response(Err(error));
    }
    let region = crate::sqs::region(head.headers.get(axum::http::header::AUTHORIZATION));
    protocol::to_response(ops::run(&pools, operation, &body, region))
}

/// Nothing here panics while it holds a lock, and if it did the data would be whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
