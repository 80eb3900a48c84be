//! Profiles for the checks of the table, made as the product makes them: a user, a model, an item.

use std::collections::BTreeMap;

use domain::{
    Confirmation, Profile, ProfileModel, Source, Timestamp, TriggerSource, UserPoolId, UserSub, Username,
};
use harness::confirmations::{OBSERVED_AT, POOL};
use uuid::Uuid;

/// The built-in model without the owner: whose the row is, nobody can tell.
const OWNERLESS: &str = r#"
type = "UserProfile"
[key]
partition = { name = "id", value = "{sub}" }
[fields]
email = "{email}"
"#;

/// A user name beside the id in the key.
const TWO_PART_KEY: &str = r#"
type = "UserProfile"
owner = "profileOwner"
[key]
partition = { name = "id", value = "{sub}" }
sort = { name = "account", value = "{username}" }
[fields]
profileOwner = { value = "{sub}::{username}", required = true }
"#;

/// Every type a model knows, and a name that a statement has to quote.
const EVERY_TYPE: &str = r#"
type = "UserProfile"
owner = "profileOwner"
composites = ["email#createdAt"]
[key]
partition = { name = "id", value = "{sub}" }
[fields]
email = "{email}"
profileOwner = { value = "{sub}::{username}", required = true }
credit = 12345678901234567890.5
debt = -7
active = true
"#;

/// As large as its user's attributes.
const LARGE: &str = r#"
type = "UserProfile"
owner = "profileOwner"
[key]
partition = { name = "id", value = "{sub}" }
[fields]
profileOwner = { value = "{sub}::{username}", required = true }
notes = "{custom:notes}"
"#;

/// A user.
pub(crate) struct User(Confirmation);

impl User {
    /// Somebody new.
    pub(crate) fn new(username: &str) -> Self {
        Self(Confirmation {
            source: Source::CognitoTrigger,
            trigger: Some(TriggerSource::ConfirmSignUp),
            user_pool_id: UserPoolId::parse(POOL).unwrap(),
            region: None,
            sub: UserSub::parse(&Uuid::new_v4().to_string()).unwrap(),
            username: Username::parse(username).unwrap(),
            email: Some(format!("{username}@example.com")),
            email_verified: Some(true),
            observed_at: Timestamp::parse(OBSERVED_AT).unwrap(),
            created_at: None,
            attributes: BTreeMap::default(),
            traceparent: None,
        })
    }

    /// Another who has the same id.
    pub(crate) fn with_name(&self, username: &str) -> Self {
        let mut other = Self::new(username);
        other.0.sub = self.0.sub.clone();
        other
    }

    /// The item of the built-in model.
    pub(crate) fn profile(&self) -> Profile {
        ProfileModel::default().profile(&self.0).unwrap()
    }

    /// The item without an owner.
    pub(crate) fn ownerless(&self) -> Profile {
        self.by(OWNERLESS)
    }

    /// The item of a table with the key (id, account).
    pub(crate) fn two_part_key(&self) -> Profile {
        self.by(TWO_PART_KEY)
    }

    /// An item with every type of attribute.
    pub(crate) fn every_type(&self) -> Profile {
        self.by(EVERY_TYPE)
    }

    /// An item of so many bytes, as the domain counts them.
    pub(crate) fn large(&self, bytes: usize) -> Profile {
        let with_notes = |length| {
            let mut of = self.0.clone();
            of.attributes.insert("custom:notes".to_owned(), "x".repeat(length));
            ProfileModel::from_toml(LARGE).unwrap().profile(&of).unwrap()
        };
        let rest = with_notes(1).item.size() - 1;
        with_notes(bytes - rest)
    }

    fn by(&self, model: &str) -> Profile {
        ProfileModel::from_toml(model).unwrap().profile(&self.0).unwrap()
    }
}

/// So many profiles of the built-in model.
pub(crate) fn crowd(count: usize) -> Vec<Profile> {
    (0..count).map(|n| User::new(&format!("user-{n}")).profile()).collect()
}
