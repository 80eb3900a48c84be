//! The whole table as numbers, and what it has of one user after another. Users are not kept, rows are: 24 bytes
//! each and 4 more to find them by their owners, so ten million rows take 280 MB and one million 28. No temporary
//! files and no second pass: a container's disk may be read-only, and a scan is paid for.
//!
//! The table is read before the pool, so that whoever has a row at the time of the scan is asked for later: a row
//! whose user nobody lists then has no user. Must never hold a text of a row.

use domain::ProfileModel;

use super::super::digests::Digests;
use super::judge::{AtKey, Found};
use super::person::Identity;
use crate::ports::Row;

/// What is read of a row, besides its key.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The attributes, in the order of asking.
    pub names: Vec<String>,
    owner: Option<usize>,
    email: Option<usize>,
}

/// Without these, a row breaks every list that it is in: Amplify's schema says that they are never null.
const NEVER_NULL: [&str; 3] = ["__typename", "createdAt", "updatedAt"];

impl Columns {
    /// What this model's rows are asked for.
    pub fn of(model: &ProfileModel) -> Self {
        let mut names = NEVER_NULL.map(str::to_owned).to_vec();
        let mut place = |name: &str| {
            names.push(name.to_owned());
            names.len() - 1
        };
        let owner = model.owner_attribute().map(&mut place);
        let email = model.email_attribute().map(&mut place);
        Self { names, owner, email }
    }

    fn text(row: &Row, column: Option<usize>) -> Option<&str> {
        row.texts.get(column?)?.as_deref()
    }

    /// The owner a row names.
    pub fn owner<'a>(&self, row: &'a Row) -> Option<&'a str> {
        Self::text(row, self.owner)
    }

    /// Whether a row lacks what every row has to have.
    pub fn malformed(&self, row: &Row) -> bool {
        let lacks_owner = self.owner.is_some() && self.owner(row).is_none();
        lacks_owner || (0..NEVER_NULL.len()).any(|column| Self::text(row, Some(column)).is_none())
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    owner: u64,
    /// Zero for none.
    email: u32,
    owned: bool,
    /// A user of the pool has this key, or is the owner.
    known: bool,
}

/// The rows of the table.
pub struct Table {
    columns: Columns,
    digests: Digests,
    /// Sorted by key, once they are all there.
    entries: Vec<Entry>,
    /// Those with an owner, sorted by owner.
    by_owner: Vec<u32>,
}

impl Table {
    /// Without rows.
    pub fn new(columns: Columns) -> Self {
        Self { columns, digests: Digests::default(), entries: Vec::new(), by_owner: Vec::new() }
    }

    /// One row more.
    pub fn add(&mut self, row: &Row) {
        let owner = self.columns.owner(row);
        self.entries.push(Entry {
            key: self.digests.key(row.key.iter().map(String::as_str)),
            owner: owner.map_or(0, |owner| self.digests.text(owner)),
            email: self.email(Columns::text(row, self.columns.email)),
            owned: owner.is_some(),
            known: false,
        });
    }

    /// These were all.
    pub fn complete(&mut self) {
        self.entries.sort_unstable_by_key(|entry| entry.key);
        let places = 0..u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let entries = &self.entries;
        let entry = |place: u32| entries.get(place as usize);
        self.by_owner = places.filter(|place| entry(*place).is_some_and(|entry| entry.owned)).collect();
        self.by_owner.sort_unstable_by_key(|place| entry(*place).map(|entry| entry.owner));
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// What there is of one user of the pool. His rows are no orphans from now on.
    pub fn find(&mut self, user: &Identity, email: Option<&str>) -> Found {
        let key = self.digests.key(user.key.iter().map(|(_, value)| value));
        let forms: Vec<u64> = match &user.owner {
            Some(owner) => owner.forms().iter().map(|form| self.digests.text(form)).collect(),
            None => Vec::new(),
        };
        let email = self.email(email);
        let compares_email = self.columns.email.is_some();
        let mut found = Found { at_key: AtKey::Nothing, elsewhere: 0, other_email: false };
        let first = self.entries.partition_point(|entry| entry.key < key);
        if let Some(entry) = self.entries.get_mut(first).filter(|entry| entry.key == key) {
            entry.known = true;
            let his = !entry.owned || user.owner.is_none() || forms.contains(&entry.owner);
            found.at_key = if his { AtKey::His } else { AtKey::Anothers };
            found.other_email = his && compares_email && entry.email != email;
        }
        for form in forms {
            let owner_at = |place: u32| self.entries.get(place as usize).map_or(0, |entry| entry.owner);
            let first = self.by_owner.partition_point(|place| owner_at(*place) < form);
            for place in self.by_owner.iter().skip(first) {
                let Some(entry) = self.entries.get_mut(*place as usize).filter(|entry| entry.owner == form)
                else {
                    break;
                };
                entry.known = true;
                found.elsewhere += u64::from(entry.key != key);
            }
        }
        found
    }

    /// The walk through the pool begins again: nobody was asked for.
    pub fn forget_users(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.known = false);
    }

    /// Rows of nobody in the pool.
    pub fn orphans(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(!entry.known)).sum()
    }

    /// Whether this is one of them. A row that is new since the scan is none.
    pub fn is_orphan(&self, row: &Row) -> bool {
        let key = self.digests.key(row.key.iter().map(String::as_str));
        let found = self.entries.binary_search_by_key(&key, |entry| entry.key);
        found.is_ok_and(|place| self.entries.get(place).is_some_and(|entry| !entry.known))
    }

    fn email(&self, text: Option<&str>) -> u32 {
        // Two addresses of one user are taken for one once in four thousand million times.
        text.map_or(0, |text| u32::try_from(self.digests.text(text) >> 32).unwrap_or_default() | 1)
    }
}

#[cfg(test)]
mod tests;
