//! The users of one pool. A place in the list of users is never given to another, so that a page begun before
//! somebody was deleted goes on after it without leaving anybody out or showing anybody twice.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};
use worker::ports::UserStatus;

use super::protocol::{ApiError, Fault};
use super::user::{User, now, seconds};

/// One user pool.
pub struct Pool {
    id: String,
    name: String,
    region: String,
    created_at: u64,
    /// Users sign in with one of these, and their name is their sub.
    username_attributes: Vec<String>,
    /// Users may also sign in with one of these.
    alias_attributes: Vec<String>,
    users: RwLock<Users>,
}

#[derive(Default)]
pub(crate) struct Users {
    places: Vec<Option<User>>,
    by_username: HashMap<String, usize>,
    by_sub: HashMap<String, usize>,
}

impl Pool {
    pub(crate) fn new(
        name: &str,
        region: &str,
        username_attributes: Vec<String>,
        alias_attributes: Vec<String>,
    ) -> Self {
        let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(9).collect();
        Self {
            id: format!("{region}_{id}"),
            name: name.to_owned(),
            region: region.to_owned(),
            created_at: now(),
            username_attributes,
            alias_attributes,
            users: RwLock::default(),
        }
    }

    /// Its id, which begins with its region.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many users it has.
    pub fn len(&self) -> usize {
        self.read().by_sub.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a user; false, and nothing is changed, if his name or his sub is taken.
    pub fn add(&self, user: User) -> bool {
        self.write().add(user)
    }

    /// A copy of the user of this name, or of this sub.
    pub fn find(&self, name: &str) -> Option<User> {
        let users = self.read();
        let place = users.place(name, &self.aliases())?;
        users.places.get(place)?.clone()
    }

    /// Changes the user of this name, and when he was last modified; false if there is none.
    /// His name and his sub stay what they are.
    pub fn change(&self, username: &str, change: impl FnOnce(&mut User)) -> bool {
        let aliases = self.aliases();
        let mut users = self.write();
        let Some(place) = users.place(username, &aliases) else { return false };
        let Some(Some(user)) = users.places.get_mut(place) else { return false };
        let (name, sub) = (user.username.clone(), user.sub.clone());
        user.modified_at = now();
        change(user);
        (user.username, user.sub) = (name, sub);
        true
    }

    /// Deletes the user of this name, which is free then; false if there is none.
    pub fn remove(&self, username: &str) -> bool {
        let aliases = self.aliases();
        let mut users = self.write();
        let Some(place) = users.place(username, &aliases) else { return false };
        let Some(user) = users.places.get_mut(place).and_then(Option::take) else { return false };
        users.by_username.remove(&user.username);
        users.by_sub.remove(&user.sub);
        true
    }

    /// The first `limit` users from `place` on that are wanted, in JSON, and the place after the last. `None` for
    /// that if nobody is left.
    pub(crate) fn listed(
        &self,
        place: usize,
        limit: usize,
        wanted: impl Fn(&User) -> bool,
    ) -> (Vec<Value>, Option<usize>) {
        let users = self.read();
        let mut found = Vec::new();
        for (at, user) in users.places.iter().enumerate().skip(place) {
            let Some(user) = user.as_ref().filter(|user| wanted(user)) else { continue };
            if found.len() == limit {
                return (found, Some(at));
            }
            found.push(user.listed());
        }
        (found, None)
    }

    /// Whether users sign in with an attribute, and so have their sub as their name.
    pub(crate) fn names_are_subs(&self) -> bool {
        !self.username_attributes.is_empty()
    }

    /// The attribute that `name` is meant as, in a pool whose users sign in with one.
    pub(crate) fn sign_in_attribute(&self, name: &str) -> Option<&str> {
        let meant = if name.contains('@') { "email" } else { "phone_number" };
        self.username_attributes.iter().find(|attribute| *attribute == meant).map(String::as_str)
    }

    /// As CreateUserPool and DescribeUserPool show it (`UserPoolType`).
    pub(crate) fn shown(&self) -> Value {
        json!({
            "Id": self.id,
            "Name": self.name,
            "Arn": format!("arn:aws:cognito-idp:{}:000000000000:userpool/{}", self.region, self.id),
            "CreationDate": seconds(self.created_at),
            "LastModifiedDate": seconds(self.created_at),
            "EstimatedNumberOfUsers": self.len(),
            "UsernameAttributes": self.username_attributes,
            "AliasAttributes": self.alias_attributes,
        })
    }

    /// The user whom an administrator means.
    pub(crate) fn meant(&self, name: &str) -> Result<User, ApiError> {
        self.find(name).ok_or_else(nobody)
    }

    fn aliases(&self) -> Vec<&str> {
        self.username_attributes.iter().chain(&self.alias_attributes).map(String::as_str).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Users> {
        self.users.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Users> {
        self.users.write().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn nobody() -> ApiError {
    Fault::UserNotFound.because("User does not exist.")
}

impl Users {
    fn add(&mut self, user: User) -> bool {
        if self.by_username.contains_key(&user.username) || self.by_sub.contains_key(&user.sub) {
            return false;
        }
        self.by_username.insert(user.username.clone(), self.places.len());
        self.by_sub.insert(user.sub.clone(), self.places.len());
        self.places.push(Some(user));
        true
    }

    /// "The value of this parameter is typically your user's username, but it can be any of their alias attributes.
    /// If `username` isn't an alias attribute in your user pool, this value must be the `sub` of a local user or the
    /// username of a user from a third-party IdP" (Cognito API reference, AdminGetUser).
    fn place(&self, name: &str, aliases: &[&str]) -> Option<usize> {
        let user = |place: &usize| self.places.get(*place).and_then(Option::as_ref);
        let local =
            |place: &usize| user(place).is_some_and(|user| user.status != UserStatus::ExternalProvider);
        let by_key =
            self.by_username.get(name).or_else(|| self.by_sub.get(name).filter(|place| local(place)));
        by_key.copied().or_else(|| {
            // Seldom asked, and of small pools: an index for it would be kept for nobody.
            let by_alias = |user: &User| {
                aliases.iter().any(|alias| user.attributes.get(*alias).is_some_and(|value| value == name))
            };
            (!aliases.is_empty())
                .then(|| self.places.iter().position(|user| user.as_ref().is_some_and(by_alias)))
                .flatten()
        })
    }
}
