//! Duplicates that meet in memory become one write with several receipts. Must never forget a receipt:
//! every member put in comes out again.

use std::collections::HashMap;

use domain::{Profile, ProfileKey};

/// One write and everyone who waits for it, the leader first.
#[derive(Debug)]
pub struct Group<M> {
    /// What to write.
    pub profile: Profile,
    /// At least one; the first is the leader.
    pub members: Vec<M>,
}

/// Groups under construction, at most one per key.
#[derive(Debug)]
pub struct Fold<M> {
    groups: Vec<Group<M>>,
    by_key: HashMap<ProfileKey, usize>,
}

impl<M> Default for Fold<M> {
    fn default() -> Self {
        Self { groups: Vec::new(), by_key: HashMap::new() }
    }
}

impl<M> Fold<M> {
    /// Adds members to the group of their key. Hands them back when that is for another owner: their fates
    /// differ, one of them will be an owner conflict, so they must not share a write.
    #[must_use = "who is handed back is not in it"]
    pub fn push(&mut self, group: Group<M>) -> Option<Group<M>> {
        match self.by_key.get(&group.profile.key).and_then(|at| self.groups.get_mut(*at)) {
            Some(first) if first.profile.owner == group.profile.owner => first.members.extend(group.members),
            Some(_) => return Some(group),
            None => {
                self.by_key.insert(group.profile.key.clone(), self.groups.len());
                self.groups.push(group);
            }
        }
        None
    }

    /// The number of distinct keys.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups, in order of arrival.
    pub fn into_groups(self) -> Vec<Group<M>> {
        self.groups
    }
}
