//! People who confirmed, in every form the worker may hear of them, and the item each is to get.

use std::fmt::Write;

use serde_json::{Value, json};
use uuid::Uuid;

/// When everybody here confirmed, unless the form carries no time.
pub const OBSERVED_AT: &str = "2026-11-22T20:05:38.123Z";

/// The pool everybody here belongs to.
pub const POOL: &str = "eu-central-1_A1b2C3d4E";

/// A W3C trace context.
pub const TRACEPARENT: &str = "00-69221c520123456789abcdef01234567-0123456789abcdef-01";

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Cognito's id.
    pub sub: String,
    /// The user name; another than the sub, so that the two cannot be mixed up unseen.
    pub username: String,
    /// The address.
    pub email: String,
}

impl Person {
    /// Somebody new.
    pub fn new(name: &str) -> Self {
        Self {
            sub: Uuid::new_v4().to_string(),
            username: format!("{name}.user"),
            email: format!("{name}@example.com"),
        }
    }

    /// So many new people.
    pub fn crowd(count: usize) -> Vec<Self> {
        (0..count).map(|n| Self::new(&format!("person-{n}"))).collect()
    }

    /// The version 1 envelope as JSON.
    pub fn envelope(&self) -> Value {
        json!({
            "v": 1, "kind": "user.confirmed", "source": "cognito.trigger", "trigger": "ConfirmSignUp",
            "userPoolId": POOL, "region": "eu-central-1", "sub": self.sub, "username": self.username,
            "email": self.email, "emailVerified": true, "observedAt": OBSERVED_AT,
        })
    }

    /// The version 1 envelope as a message body.
    pub fn body(&self) -> String {
        self.envelope().to_string()
    }

    /// The envelope with some fields set, or taken out where the value is null.
    pub fn body_with(&self, fields: &Value) -> String {
        let mut envelope = self.envelope();
        let object = envelope.as_object_mut().unwrap();
        for (name, value) in fields.as_object().unwrap() {
            if value.is_null() {
                object.remove(name);
            } else {
                object.insert(name.clone(), value.clone());
            }
        }
        envelope.to_string()
    }

    /// The bare Cognito event.
    pub fn event(&self, trigger: &str) -> Value {
        json!({
            "version": "1", "region": "eu-central-1", "userPoolId": POOL, "userName": self.username,
            "triggerSource": trigger,
            "request": {"userAttributes": {"sub": self.sub, "email": self.email, "email_verified": "true"}},
            "response": {},
        })
    }

    /// The item this person is to have, in DynamoDB's JSON.
    pub fn item(&self) -> Value {
        json!({
            "id": {"S": self.sub}, "__typename": {"S": "UserProfile"}, "email": {"S": self.email},
            "profileOwner": {"S": format!("{}::{}", self.sub, self.username)},
            "createdAt": {"S": OBSERVED_AT}, "updatedAt": {"S": OBSERVED_AT},
        })
    }
}

/// A fixture of the domain, `events` or `items`, as it stands in its file.
pub fn fixture(folder: &str, name: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/fixtures");
    let path = format!("{root}/{folder}/{name}.json");
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// The names of all fixtures in a folder.
pub fn fixtures(folder: &str) -> Vec<String> {
    let path = format!("{}/../domain/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(names.len() >= 7, "the fixtures are gone");
    names
}

/// The DynamoDB JSON of an item fixture.
pub fn item_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture("items", name)).unwrap()
}

/// A text nested so deep.
pub fn nested(depth: usize) -> String {
    let mut text = String::new();
    for _ in 0..depth {
        text.push_str(r#"{"a":"#);
    }
    write!(text, "1{}", "}".repeat(depth)).unwrap();
    text
}
