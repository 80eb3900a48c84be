//! The rows of millions of users, a byte each: whether a user has one, and whether he has changed it since. What
//! their items say is compared when they are made, of one user in so many.

use std::time::Duration;

use domain::Profile;

use super::capacity::{Capacity, Provision};
use super::crowd::{place_of, user_of_key};
use crate::people::profile_of;

/// Of so many users one is looked at closely.
const SAMPLE: u64 = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    Absent,
    Made,
    Edited,
}

/// What one insert comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There is a row now.
    Made,
    /// There was one.
    Present,
    /// The table asks for less.
    Throttled,
}

/// One table.
pub struct Table {
    rows: Vec<Row>,
    /// The share of keys that lie in one partition, beyond its own.
    hot: f64,
    /// What it takes in a second.
    pub capacity: Capacity,
    /// Inserts asked for, one for each item of each attempt.
    pub asked: u64,
    /// Of these, throttled.
    pub throttled: u64,
    /// Of these, found a row that its owner had changed.
    pub met_an_edit: u64,
    made: u64,
    edited: u64,
}

impl Table {
    /// An empty table.
    pub fn new(provision: Provision, hot: f64) -> Self {
        Self {
            rows: Vec::new(),
            hot,
            capacity: Capacity::new(provision),
            asked: 0,
            throttled: 0,
            met_an_edit: 0,
            made: 0,
            edited: 0,
        }
    }

    /// Makes the row if there is none. A condition that fails takes a write unit as well. An error is what must not
    /// have been asked for.
    pub fn put_if_absent(&mut self, now: Duration, profile: &Profile) -> Result<Put, String> {
        let user = user_of_key(&profile.key).ok_or("a row under nobody's key")?;
        self.asked += 1;
        if !self.capacity.take(now, place_of(user, self.hot)) {
            self.throttled += 1;
            return Ok(Put::Throttled);
        }
        let at = usize::try_from(user).map_err(|_| "a user beyond counting")?;
        if self.rows.len() <= at {
            self.rows.resize(at + 1, Row::Absent);
        }
        let Some(row) = self.rows.get_mut(at) else { return Err("a row out of reach".into()) };
        self.met_an_edit += u64::from(*row == Row::Edited);
        if *row != Row::Absent {
            return Ok(Put::Present);
        }
        *row = Row::Made;
        self.made += 1;
        if user.is_multiple_of(SAMPLE) {
            let expected = profile_of(user);
            if profile.key != expected.key || profile.item != expected.item {
                return Err(format!("user {user} has a row that no message tells of"));
            }
        }
        Ok(Put::Made)
    }

    /// Every user of these who has a row changes it, one in `of`.
    pub fn edit(&mut self, of: usize) {
        for row in self.rows.iter_mut().step_by(of).filter(|row| **row == Row::Made) {
            *row = Row::Edited;
            self.edited += 1;
        }
    }

    /// Whether there is a row.
    pub fn has(&self, user: u64) -> bool {
        usize::try_from(user).ok().and_then(|at| self.rows.get(at)).is_some_and(|row| *row != Row::Absent)
    }

    /// Rows that were made.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Rows that their owners have changed, by then and by now.
    pub fn edits(&self) -> (u64, u64) {
        (self.edited, self.rows.iter().filter(|row| **row == Row::Edited).count() as u64)
    }
}
