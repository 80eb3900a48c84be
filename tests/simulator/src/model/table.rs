//! A table of DynamoDB, as far as rows that are made once and never overwritten need it: the conditional
//! put, the batch of PartiQL INSERTs, the consistent read. Sources: the DynamoDB API reference (PutItem,
//! BatchExecuteStatement, BatchStatementError, BatchGetItem).

use std::collections::{BTreeMap, BTreeSet};

use domain::{AttributeValue, Item, Profile, ProfileKey};
use worker::ports::{MOST_INSERTS, MOST_KEYS};

/// A key as text, in an order of its own: one seed is one history, and a hash map has no order.
type Key = Vec<(String, String)>;

/// A row.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// What a worker wrote, or what somebody else wrote in its place.
    pub item: Item,
    /// Its owner attribute.
    pub owner: Option<String>,
    /// Somebody else than a worker has written it, or has changed it.
    pub touched: bool,
}

/// All rows.
pub type Rows = BTreeMap<Key, Row>;

/// What one INSERT of a batch comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// The row was made.
    Inserted,
    /// It was there: `DuplicateItem`, which names no owner.
    Duplicate,
    /// The service refuses this statement: `ValidationError`.
    Invalid,
}

/// What a BatchExecuteStatement comes to.
pub type Batch = Result<Vec<Statement>, &'static str>;

/// One table.
#[derive(Default)]
pub struct Table {
    rows: Rows,
    /// Keys that have ever had a row.
    ever: BTreeSet<Key>,
    /// Keys whose items are refused, as an item is that is too large.
    refused: BTreeSet<Key>,
    /// Its key attributes, all of type S, where they are looked at.
    pub key: Option<Vec<String>>,
    /// It was made anew with another key: no item fits.
    pub wrong_key: bool,
    /// It is not there.
    pub missing: bool,
}

impl Table {
    /// PutItem with `attribute_not_exists`: `None` when the row was made, or the row that was there
    /// (`ALL_OLD`).
    pub fn put_if_absent(&mut self, profile: &Profile) -> Result<Option<Row>, &'static str> {
        self.check_there()?;
        let key = key_of(&profile.key);
        if !self.takes(&key, &profile.item) {
            return Err("ValidationException");
        }
        if let Some(row) = self.rows.get(&key) {
            return Ok(Some(row.clone()));
        }
        self.make(key, profile);
        Ok(None)
    }

    /// BatchExecuteStatement of INSERTs. Keys are distinct; the engines differ about others.
    pub fn insert_batch(&mut self, profiles: &[&Profile]) -> Batch {
        self.check_batch(profiles.len())?;
        let insert = |profile: &&Profile| {
            let key = key_of(&profile.key);
            if !self.takes(&key, &profile.item) {
                Statement::Invalid
            } else if self.rows.contains_key(&key) {
                Statement::Duplicate
            } else {
                self.make(key, profile);
                Statement::Inserted
            }
        };
        Ok(profiles.iter().map(insert).collect())
    }

    /// BatchGetItem, consistent.
    pub fn get_batch(&self, keys: &[&ProfileKey]) -> Result<Vec<Option<Row>>, &'static str> {
        self.check_there()?;
        let distinct: BTreeSet<Key> = keys.iter().map(|key| key_of(key)).collect();
        if self.wrong_key || keys.len() > MOST_KEYS || distinct.len() < keys.len() {
            return Err("ValidationException");
        }
        Ok(keys.iter().map(|key| self.rows.get(&key_of(key)).cloned()).collect())
    }

    /// Before a batch, which is refused as a whole for its size.
    pub fn check_batch(&self, statements: usize) -> Result<(), &'static str> {
        self.check_there()?;
        if (1..=MOST_INSERTS).contains(&statements) { Ok(()) } else { Err("ValidationException") }
    }

    /// Whether the item has what the table's key asks for, and nothing else is wrong with it.
    fn takes(&self, key: &Key, item: &Item) -> bool {
        let is_text = |name: &String| matches!(item.get(name), Some(AttributeValue::S(_)));
        let fits = self.key.as_ref().is_none_or(|names| names.iter().all(is_text));
        fits && !self.wrong_key && !self.refused.contains(key)
    }

    fn check_there(&self) -> Result<(), &'static str> {
        if self.missing { Err("ResourceNotFoundException") } else { Ok(()) }
    }

    fn make(&mut self, key: Key, profile: &Profile) {
        self.ever.insert(key.clone());
        let row = Row { item: profile.item.clone(), owner: owner_of(profile), touched: false };
        self.rows.insert(key, row);
    }

    /// Somebody else makes a row under this key, if there is none, and says whose it is or does not.
    pub fn squat(&mut self, profile: &Profile, owner: Option<&str>) {
        let row = Row { item: profile.item.clone(), owner: owner.map(str::to_owned), touched: true };
        self.rows.entry(key_of(&profile.key)).or_insert(row);
    }

    /// The user changes his row, if he has one.
    pub fn edit(&mut self, key: &ProfileKey) {
        if let Some(row) = self.rows.get_mut(&key_of(key)) {
            row.touched = true;
        }
    }

    /// The user deletes his row.
    pub fn remove(&mut self, key: &ProfileKey) {
        self.rows.remove(&key_of(key));
    }

    /// From now on the service refuses this item.
    pub fn refuse(&mut self, key: &ProfileKey) {
        self.refused.insert(key_of(key));
    }

    /// Whether a worker has ever made this row.
    pub fn has_ever_made(&self, key: &ProfileKey) -> bool {
        self.ever.contains(&key_of(key))
    }

    /// The row under this key.
    pub fn row(&self, key: &ProfileKey) -> Option<&Row> {
        self.rows.get(&key_of(key))
    }

    /// All rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

fn key_of(key: &ProfileKey) -> Key {
    key.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What the built-in model writes into `profileOwner`.
pub(crate) fn owner_of(profile: &Profile) -> Option<String> {
    match profile.item.get("profileOwner") {
        Some(AttributeValue::S(owner)) => Some(owner.clone()),
        _ => None,
    }
}
