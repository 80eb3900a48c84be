//! Is one item bad, or is the table? DynamoDB answers both with a refusal. A table that was recreated
//! with another key refuses every item, and then nothing may be quarantined for it; a single bad item is
//! refused for ever, and then nobody else may wait for it.
//!
//! Only hashes of keys are kept, keyed anew in each process. Two keys that share one would share a
//! suspicion.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::mem;

use domain::ProfileKey;

/// Which items were refused, and what the table took between.
#[derive(Debug, Default)]
pub struct Rejections {
    /// Distinct items that were refused since the table took one.
    in_a_row: HashSet<u64>,
    /// Items that the table took.
    taken: u64,
    /// Items that were refused; two generations, the older forgotten whole.
    suspects: HashMap<u64, Suspect>,
    older: HashMap<u64, Suspect>,
    hash: RandomState,
}

#[derive(Debug, Clone, Copy, Default)]
struct Suspect {
    /// [`Rejections::taken`] when it was refused last.
    taken: u64,
    /// How often it was refused again after the table had taken another meanwhile.
    proofs: u32,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The item's: the table takes others.
    Item,
    /// Nobody knows yet.
    Unknown,
    /// The table's: it refuses everything.
    Table,
}

impl Rejections {
    /// So many different items refused in a row are the table's fault.
    pub const LIMIT: usize = 20;

    /// An item is to blame once it was refused, others were taken, it was refused again, and that so often:
    /// a table that was wrong at two times in a message's life has not proven more than one of them.
    pub const PROOFS: u32 = 2;

    /// Suspects remembered at least; twice as many at most.
    const GENERATION: usize = 2000;

    /// A write had an answer about the item: it was made, or it was there.
    pub fn on_success(&mut self) {
        self.in_a_row.clear();
        self.taken += 1;
    }

    /// The service refused one more item. To be called once an item, not once an attempt.
    pub fn on_refusal(&mut self, key: &ProfileKey) -> Blame {
        let key = self.hash.hash_one(key);
        if self.in_a_row.len() < Self::LIMIT {
            self.in_a_row.insert(key);
        }
        let known = self.suspects.get(&key).or_else(|| self.older.get(&key)).copied();
        let proofs = known.map_or(0, |known| known.proofs + u32::from(known.taken < self.taken));
        if self.suspects.len() >= Self::GENERATION {
            self.older = mem::take(&mut self.suspects);
        }
        self.suspects.insert(key, Suspect { taken: self.taken, proofs });
        if self.in_a_row.len() >= Self::LIMIT {
            Blame::Table
        } else if proofs >= Self::PROOFS {
            Blame::Item
        } else {
            Blame::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ProfileModel, Timestamp, body};

    fn key(user: usize) -> ProfileKey {
        let text = format!(
            r#"{{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
                "sub":"00000000-0000-0000-0000-0000{user:08x}","username":"u","observedAt":"2026-11-22T20:05:38.123Z"}}"#
        );
        let received = body::read(&text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
        ProfileModel::default().profile(&received.confirmation).unwrap().key
    }

    #[test]
    fn an_item_is_blamed_when_the_table_took_others_between_its_refusals() {
        let mut rejections = Rejections::default();
        rejections.on_success();
        assert_eq!(rejections.on_refusal(&key(1)), Blame::Unknown);
        rejections.on_success();
        assert_eq!(rejections.on_refusal(&key(1)), Blame::Unknown, "one proof may be a table made anew");
        assert_eq!(rejections.on_refusal(&key(1)), Blame::Unknown, "nothing was taken meanwhile");
        rejections.on_success();
        assert_eq!(rejections.on_refusal(&key(2)), Blame::Unknown, "blamed for another");
        assert_eq!(rejections.on_refusal(&key(1)), Blame::Item);
        assert_eq!(rejections.on_refusal(&key(1)), Blame::Item);
    }

    #[test]
    fn twenty_items_refused_in_a_row_acquit_all_until_one_is_taken() {
        let mut rejections = Rejections::default();
        for _ in 0..3 {
            rejections.on_success();
            rejections.on_refusal(&key(0));
        }
        for user in 1..Rejections::LIMIT - 1 {
            assert_eq!(rejections.on_refusal(&key(user)), Blame::Unknown);
        }
        assert_eq!(rejections.on_refusal(&key(0)), Blame::Item);
        assert_eq!(rejections.on_refusal(&key(100)), Blame::Table);
        assert_eq!(rejections.on_refusal(&key(0)), Blame::Table);
        rejections.on_success();
        assert_eq!(rejections.on_refusal(&key(0)), Blame::Item);
    }

    /// Found by seed 145 of the simulator: with nothing else to do, one bad item alone once looked like a
    /// table that refuses everything, and who signed up next waited behind it for hours.
    #[test]
    fn a_few_bad_items_are_no_bad_table_however_often_they_come() {
        let mut rejections = Rejections::default();
        for _ in 0..1000 {
            for user in 1..Rejections::LIMIT {
                assert_eq!(rejections.on_refusal(&key(user)), Blame::Unknown);
            }
        }
    }

    #[test]
    fn suspects_are_remembered_and_their_number_is_bounded() {
        let mut rejections = Rejections::default();
        for user in 0..3 * Rejections::GENERATION {
            rejections.on_success();
            rejections.on_refusal(&key(user));
        }
        assert!(rejections.suspects.len() + rejections.older.len() <= 2 * Rejections::GENERATION);
        let young = 3 * Rejections::GENERATION - 1;
        rejections.on_success();
        rejections.on_refusal(&key(young));
        rejections.on_success();
        assert_eq!(rejections.on_refusal(&key(young)), Blame::Item);
    }
}
