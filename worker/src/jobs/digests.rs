//! Keys, owners and addresses as numbers, so that ten million of them fit into memory and none of them is a
//! person. The numbers are this process's own: they must never be kept, sent or compared with another's.
//!
//! SipHash with keys that are drawn at the start: whoever may choose ids or names cannot choose their numbers.
//! Two of ten million keys on either side share a number by chance once in some 200,000 runs.

use std::hash::{BuildHasher, RandomState};

/// What a text is known by.
#[derive(Debug, Clone, Default)]
pub struct Digests {
    state: RandomState,
}

impl Digests {
    /// Of the values of a key.
    pub fn key<'a>(&self, values: impl Iterator<Item = &'a str>) -> u64 {
        // With its length: ("a", "bc") is not ("ab", "c").
        self.state.hash_one(values.collect::<Vec<_>>())
    }

    /// Of one text.
    pub fn text(&self, text: &str) -> u64 {
        self.state.hash_one(text)
    }
}
