//! Whose rows did this process make itself a short while ago? Answers that one question and no other:
//! it saves reading a row back to see its owner. It must never be a reason to skip a write.

use std::collections::HashMap;
use std::mem;

use domain::ProfileKey;

/// Keys and the owners that were written with them. Bounded: two generations, the older forgotten
/// whole, so that remembering never has to search.
#[derive(Debug)]
pub struct Recent {
    young: HashMap<ProfileKey, String>,
    old: HashMap<ProfileKey, String>,
    generation: usize,
}

impl Recent {
    /// Remembers at least the last `generation` keys, at most twice as many.
    pub fn new(generation: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: generation.max(1) }
    }

    /// This process made the row of `key` and wrote `owner` into it.
    pub fn remember(&mut self, key: ProfileKey, owner: String) {
        if self.young.len() >= self.generation {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, owner);
    }

    /// The owner written with `key`, if this process made its row a short while ago.
    pub fn owner(&self, key: &ProfileKey) -> Option<&str> {
        self.young.get(key).or_else(|| self.old.get(key)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ProfileModel, Timestamp, body};

    fn key(user: u32) -> ProfileKey {
        let text = format!(
            r#"{{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
                "sub":"00000000-0000-0000-0000-0000{user:08x}","username":"u","observedAt":"2026-11-22T20:05:38.123Z"}}"#
        );
        let received = body::read(&text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
        ProfileModel::default().profile(&received.confirmation).unwrap().key
    }

    #[test]
    fn the_last_generation_is_remembered_and_memory_is_bounded() {
        let mut recent = Recent::new(10);
        for user in 0..1000 {
            recent.remember(key(user), user.to_string());
            for back in 0..10.min(user + 1) {
                assert_eq!(recent.owner(&key(user - back)), Some((user - back).to_string().as_str()));
            }
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!(recent.owner(&key(900)), None);
    }
}
