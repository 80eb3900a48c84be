//! Whose row is it? Asked when a row is found under a user's key. Owners may create rows under any id
//! unless the schema forbids it, so a row under a key proves nothing about whose it is.

use std::fmt;

use crate::{UserSub, Username};

/// The owner a confirmation expects of its row.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    sub: String,
    username: String,
    written: String,
}

impl Owner {
    pub(crate) fn new(sub: &UserSub, username: &Username, written: String) -> Self {
        Self { sub: sub.as_str().to_owned(), username: username.as_str().to_owned(), written }
    }

    /// Whether a stored owner value is this user: what the model writes, or one of the three forms
    /// Amplify's generated resolvers accept, `{sub}::{username}`, `{sub}` and `{username}`, compared
    /// as text (Amplify docs, "Per-user/per-owner data access").
    pub fn is(&self, stored: &str) -> bool {
        let both = || stored.strip_prefix(self.sub.as_str())?.strip_prefix("::");
        stored == self.written
            || stored == self.sub
            || stored == self.username
            || both() == Some(&self.username)
    }

    /// Every value that [`Self::is`] takes for this user, for whoever has to look rows up by their owner. None
    /// comes twice.
    pub fn forms(&self) -> Vec<String> {
        let mut forms = vec![
            format!("{}::{}", self.sub, self.username),
            self.sub.clone(),
            self.username.clone(),
            self.written.clone(),
        ];
        forms.sort_unstable();
        forms.dedup();
        forms
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_and_the_written_one_are_the_same_owner() {
        let sub = UserSub::parse("9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11").unwrap();
        let owner = Owner::new(&sub, &Username::parse("a::b").unwrap(), "custom|a::b".into());
        for mine in [
            "custom|a::b",
            "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11",
            "a::b",
            "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11::a::b",
        ] {
            assert!(owner.is(mine), "{mine}");
            assert!(owner.forms().iter().any(|form| form == mine), "{mine}");
        }
        assert_eq!(owner.forms().len(), 4);
        assert!(owner.forms().iter().all(|form| owner.is(form)));
        for other in [
            "",
            "A::B",
            "b",
            "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11::",
            "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11:: a::b",
            "x9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11",
        ] {
            assert!(!owner.is(other), "{other}");
        }
    }
}
