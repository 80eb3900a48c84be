//! What was found to be wrong, from whoever found it. Nothing that is reported here is taken back.

use std::sync::{Arc, Mutex};

/// The first of them are kept as they are; a broken promise breaks often.
const KEPT: usize = 50;

/// The list, shared by all that look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Violations(Arc<Mutex<(Vec<String>, usize)>>);

impl Violations {
    pub(crate) fn report(&self, what: impl Into<String>) {
        let mut found = self.0.lock().unwrap();
        found.1 += 1;
        if found.0.len() < KEPT {
            found.0.push(what.into());
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().1
    }

    pub(crate) fn first(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }
}
