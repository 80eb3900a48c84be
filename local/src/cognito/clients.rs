//! The app clients: they exist so that SignUp, which names a client and no pool, finds its pool.

use std::collections::HashMap;
use std::sync::Mutex;

use super::locked;

/// Pools by client.
#[derive(Default)]
pub(crate) struct Clients(Mutex<HashMap<String, String>>);

impl Clients {
    /// A new client of this pool.
    pub(crate) fn make(&self, pool: &str) -> String {
        let id: String = std::iter::repeat_with(|| fastrand::char('a'..='z')).take(26).collect();
        locked(&self.0).insert(id.clone(), pool.to_owned());
        id
    }

    /// The id of the pool it belongs to.
    pub(crate) fn pool(&self, client: &str) -> Option<String> {
        locked(&self.0).get(client).cloned()
    }
}
