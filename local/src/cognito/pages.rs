//! Pagination tokens. Opaque to the client, tied to the pool and to the parameters they were given for, good for
//! any number of uses until they expire. Must never lead to another pool's users, or to users of another filter.

use std::collections::HashMap;
use std::sync::Mutex;

use super::locked;
use super::protocol::{ApiError, Fault};

/// Where a token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Which page of its chain, from 0.
    pub(crate) number: usize,
    /// The place of its first user.
    pub(crate) place: usize,
}

/// All tokens that were given.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Given>);

#[derive(Default)]
struct Given {
    /// The page, and the request it belongs to.
    pages: HashMap<String, (Page, String)>,
    /// How many more uses until all of these expire.
    uses_left: Option<u64>,
}

impl Tokens {
    /// A token for this page of the users that `request` asks for.
    pub(crate) fn give(&self, page: Page, request: &str) -> String {
        let token = format!("{}{}", crate::sqs::random_uuid().simple(), crate::sqs::random_uuid().simple());
        locked(&self.0).pages.insert(token.clone(), (page, request.to_owned()));
        token
    }

    /// The page it leads to, if it was given for this request.
    pub(crate) fn take(&self, token: &str, request: &str) -> Result<Page, ApiError> {
        let mut given = locked(&self.0);
        match given.uses_left {
            Some(0) => {
                given.pages.clear();
                given.uses_left = None;
            }
            Some(uses) => given.uses_left = Some(uses - 1),
            None => {}
        }
        match given.pages.get(token) {
            Some((page, of)) if of == request => Ok(*page),
            _ => Err(Fault::InvalidParameter.because("Invalid pagination token.")),
        }
    }

    pub(crate) fn expire_after(&self, uses: u64) {
        locked(&self.0).uses_left = Some(uses);
    }
}
