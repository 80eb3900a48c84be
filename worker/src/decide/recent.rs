//! Whose rows did this process make itself a short while ago? Answers that one question and no other:
//! it saves reading a row back to see its owner. It must never be a reason to skip a write.
//!
//! Only hashes are kept, so that a long memory is a small one. Two keys that share a hash do no harm:
//! their owners would have to share one as well, 128 bits in all, keyed anew in each process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::time::Duration;

use domain::ProfileKey;
use tokio::time::Instant;

/// Keys and the owners that were written with them. Bounded in number and in age: two generations, the
/// older forgotten whole, so that forgetting never has to search.
#[derive(Debug)]
pub struct Recent {
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
    hash: RandomState,
    /// When the young generation began; `None` while nothing is remembered.
    since: Option<Instant>,
    generation: usize,
    lifetime: Duration,
}

impl Recent {
    /// Remembers at least the last `generation` keys, at most twice as many, and none for longer than
    /// twice `lifetime`.
    pub fn new(generation: usize, lifetime: Duration) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            hash: RandomState::new(),
            since: None,
            generation: generation.max(1),
            lifetime,
        }
    }

    /// This process made the row of `key` and wrote `owner` into it.
    pub fn remember(&mut self, now: Instant, key: &ProfileKey, owner: &str) {
        self.forget_the_aged(now);
        if self.young.len() >= self.generation {
            self.turn(now);
        }
        self.since.get_or_insert(now);
        self.young.insert(self.hash.hash_one(key), self.hash.hash_one(owner));
    }

    /// Whether this process made the row of `key` a short while ago, with this very owner.
    pub fn made(&mut self, now: Instant, key: &ProfileKey, owner: &str) -> bool {
        self.forget_the_aged(now);
        let key = self.hash.hash_one(key);
        let made = self.young.get(&key).or_else(|| self.old.get(&key));
        made.is_some_and(|made| *made == self.hash.hash_one(owner))
    }

    fn forget_the_aged(&mut self, now: Instant) {
        let age = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if age >= 2 * self.lifetime {
            self.young.clear();
        }
        if age >= self.lifetime {
            self.turn(now);
        }
    }

    fn turn(&mut self, now: Instant) {
        mem::swap(&mut self.old, &mut self.young);
        self.young.clear();
        self.since = Some(now);
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

    const LIFETIME: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn what_was_made_long_ago_is_not_vouched_for() {
        let now = Instant::now();
        let mut recent = Recent::new(10, LIFETIME);
        recent.remember(now, &key(1), "1");
        assert!(recent.made(now + LIFETIME, &key(1), "1"));
        recent.remember(now + LIFETIME, &key(2), "2");
        assert!(!recent.made(now + 2 * LIFETIME, &key(1), "1"));
        assert!(recent.made(now + 2 * LIFETIME, &key(2), "2"));
        let mut quiet = Recent::new(10, LIFETIME);
        quiet.remember(now, &key(1), "1");
        assert!(!quiet.made(now + 1000 * LIFETIME, &key(1), "1"));
    }

    #[tokio::test(start_paused = true)]
    async fn another_owner_is_not_vouched_for() {
        let now = Instant::now();
        let mut recent = Recent::new(10, LIFETIME);
        recent.remember(now, &key(1), "1");
        assert!(!recent.made(now, &key(1), "2"));
        assert!(!recent.made(now, &key(2), "1"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_generation_is_remembered_and_memory_is_bounded() {
        let now = Instant::now();
        let mut recent = Recent::new(10, LIFETIME);
        for user in 0..1000 {
            recent.remember(now, &key(user), &user.to_string());
            for back in 0..10.min(user + 1) {
                assert!(recent.made(now, &key(user - back), &(user - back).to_string()));
            }
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert!(!recent.made(now, &key(900), "900"));
    }
}
