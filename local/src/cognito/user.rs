//! One user of a pool, and the two forms in which Cognito shows one. No `Debug`: even here it may be a person,
//! when somebody has imported his own pool.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use worker::ports::UserStatus;

/// A user.
#[derive(Clone)]
pub struct User {
    /// His name in the pool.
    pub username: String,
    /// His immutable id.
    pub sub: String,
    /// Where he stands.
    pub status: UserStatus,
    /// Whether he may sign in.
    pub enabled: bool,
    /// UserCreateDate, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// UserLastModifiedDate, in the same unit.
    pub modified_at: u64,
    /// Every other attribute by name.
    pub attributes: BTreeMap<String, String>,
}

impl User {
    /// A confirmed user of now with a new sub, and no attribute beside it.
    pub fn named(username: impl Into<String>) -> Self {
        let now = now();
        Self {
            username: username.into(),
            sub: crate::sqs::random_uuid().to_string(),
            status: UserStatus::Confirmed,
            enabled: true,
            created_at: now,
            modified_at: now,
            attributes: BTreeMap::new(),
        }
    }

    /// A confirmed user as pools of Amplify have them, where the name is the sub, with an e-mail address.
    pub fn with_email(email: impl Into<String>) -> Self {
        let sub = crate::sqs::random_uuid().to_string();
        let user = Self { sub: sub.clone(), ..Self::named(sub) };
        user.with("email", email).with("email_verified", "true")
    }

    /// With this attribute as well.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// In this status.
    #[must_use]
    pub fn being(mut self, status: UserStatus) -> Self {
        self.status = status;
        self
    }

    /// As ListUsers and AdminCreateUser show him (`UserType`).
    pub(crate) fn listed(&self) -> Value {
        self.shown("Attributes")
    }

    /// As AdminGetUser shows him.
    pub(crate) fn got(&self) -> Value {
        self.shown("UserAttributes")
    }

    fn shown(&self, attributes: &str) -> Value {
        let named = |(name, value): (&str, &str)| json!({ "Name": name, "Value": value });
        let own = self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<Value> = own.chain([("sub", self.sub.as_str())]).map(named).collect();
        json!({
            "Username": self.username,
            attributes: all,
            "UserCreateDate": seconds(self.created_at),
            "UserLastModifiedDate": seconds(self.modified_at),
            "Enabled": self.enabled,
            "UserStatus": self.status.name(),
        })
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// AWS JSON carries times as seconds with a fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of any date fit 53 bits for 280,000 years")]
pub(crate) fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
