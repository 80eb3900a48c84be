//! Who signs up in the demo, and what the table must hold in the end. Both are worked out from the
//! same plan, by code that knows Amplify's item shape but none of the worker's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::USER_POOL;

/// One thing that is sent.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    /// A Cognito event, through the trigger's handler.
    Event(Value),
    /// A message body no trigger would send, straight to the queue.
    Body(String),
}

/// What one user's row must be.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    /// Made by the worker, with this e-mail address, if any, and this owner.
    Made { email: Option<String>, owner: String },
    /// There before, and not to be touched.
    Untouched(Value),
}

/// The plan of one demo.
pub(super) struct Crowd {
    /// In the order of sending.
    pub(super) messages: Vec<Sent>,
    /// What the table must hold, by id.
    pub(super) expected: BTreeMap<String, Expected>,
    /// How many messages must be quarantined, by reason.
    pub(super) quarantined: BTreeMap<&'static str, u64>,
}

/// One user of a kind that signs up.
struct User {
    sub: String,
    username: String,
    email: Option<String>,
    attributes: Value,
}

impl Crowd {
    /// A crowd that sends about `events` messages: nine sign-ups of every ten, the rest repeats and
    /// resets, and a handful of bad messages, one stranger's row and one edited one.
    pub(super) fn new(events: u32) -> Self {
        let bad = bad_messages();
        let good = events as usize - bad.len();
        let users: Vec<User> = (0..(good * 9).div_ceil(10)).map(User::nth).collect();
        // Everybody signs up in turn. Half of the others are retries as Cognito makes them, a few places
        // later; half are password resets, which come through the same trigger at any time.
        let turn = |place: usize| 10 * place;
        let mut messages: Vec<(usize, Sent)> =
            users.iter().enumerate().map(|(n, user)| (turn(n), user.event("ConfirmSignUp"))).collect();
        for again in 0..good.saturating_sub(users.len()) {
            let n = again * 7 % users.len();
            let Some(user) = users.get(n) else { continue };
            messages.push(if again % 2 == 0 {
                (turn(n + again % 9) + 5, user.event("ConfirmSignUp"))
            } else {
                (turn(n + again * 13 % users.len()) + 6, user.event("ConfirmForgotPassword"))
            });
        }
        messages.sort_by_key(|(turn, _)| *turn);
        let mut messages: Vec<Sent> = messages.into_iter().map(|(_, sent)| sent).collect();
        let mut expected: BTreeMap<_, _> = users
            .iter()
            .map(|user| {
                let owner = format!("{}::{}", user.sub, user.username);
                (user.sub.clone(), Expected::Made { email: user.email.clone(), owner })
            })
            .collect();
        let mut quarantined = BTreeMap::new();
        for (place, (body, reason)) in bad.into_iter().enumerate() {
            *quarantined.entry(reason).or_default() += 1;
            messages.insert(messages.len() * (place + 1) / 12, Sent::Body(body));
        }
        // The first user's id was taken by somebody else; the second has edited his profile.
        if let [taken, edited, ..] = users.as_slice() {
            let sent = |sub: &str| messages.iter().filter(|sent| is_event_of(sent, sub)).count() as u64;
            quarantined.insert("owner_conflict", sent(&taken.sub));
            expected.insert(
                taken.sub.clone(),
                Expected::Untouched(row(&taken.sub, "somebody::else", "first@example.org")),
            );
            let owner = format!("{}::{}", edited.sub, edited.username);
            expected.insert(
                edited.sub.clone(),
                Expected::Untouched(row(&edited.sub, &owner, "my-new-address@example.org")),
            );
        }
        Self { messages, expected, quarantined }
    }

    /// The rows that are in the table before anybody signs up.
    pub(super) fn rows_before(&self) -> impl Iterator<Item = &Value> {
        self.expected.values().filter_map(|expected| match expected {
            Expected::Untouched(row) => Some(row),
            Expected::Made { .. } => None,
        })
    }
}

fn is_event_of(sent: &Sent, sub: &str) -> bool {
    matches!(sent, Sent::Event(event) if event.pointer("/request/userAttributes/sub").and_then(Value::as_str) == Some(sub))
}

/// A row as DynamoDB JSON, with an attribute that only a user's edit would have added.
fn row(id: &str, owner: &str, email: &str) -> Value {
    json!({
        "id": {"S": id}, "__typename": {"S": "UserProfile"}, "email": {"S": email}, "profileOwner": {"S": owner},
        "nickname": {"S": "edited by its owner"},
        "createdAt": {"S": "2026-01-01T00:00:00.000Z"}, "updatedAt": {"S": "2026-02-02T12:34:56.789Z"}
    })
}

/// The sign-up of user number `n`, of any number of users.
pub(super) fn sign_up(n: usize) -> Sent {
    User::nth(n).event("ConfirmSignUp")
}

/// The same user's password reset, or his sign-up again.
pub(super) fn again(n: usize) -> Sent {
    User::nth(n).event(if n.is_multiple_of(2) { "ConfirmSignUp" } else { "ConfirmForgotPassword" })
}

/// One of the bad messages, in turn.
pub(super) fn bad(n: usize) -> Sent {
    let mut all = bad_messages();
    let place = n % all.len();
    Sent::Body(all.swap_remove(place).0)
}

impl User {
    /// User number `n`: e-mail sign-ups mostly, with the other kinds among them.
    fn nth(n: usize) -> Self {
        // A fixed mixture (SplitMix64's constants), so that every run sends the same crowd.
        let mix = |n: u64| {
            (n ^ (n >> 31))
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
                .rotate_left(27)
                .wrapping_mul(0x94d0_49bb_1331_11eb)
        };
        let high = mix(n as u64 + 1);
        let low = mix(high);
        let sub = format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        );
        let email = format!("user{n}@example.com");
        match n % 10 {
            7 => Self {
                username: sub.clone(),
                email: None,
                attributes: json!({"phone_number": format!("+1555{n:07}"), "phone_number_verified": "true"}),
                sub,
            },
            8 => Self {
                username: format!("google_{}", 100_000_000 + n),
                email: Some(email.clone()),
                attributes: json!({"email": email, "email_verified": "false", "cognito:user_status": "EXTERNAL_PROVIDER",
                    "identities": "[{\"providerName\":\"Google\",\"primary\":true}]"}),
                sub,
            },
            9 => Self {
                username: format!("o'brien.{n}"),
                email: Some(email.clone()),
                attributes: json!({"email": email, "email_verified": true, "custom:tenant": "blue", "birthdate": "1990-01-01"}),
                sub,
            },
            _ => Self {
                username: sub.clone(),
                email: Some(email.clone()),
                attributes: json!({"email": email, "email_verified": "true", "cognito:user_status": "CONFIRMED"}),
                sub,
            },
        }
    }

    fn event(&self, source: &str) -> Sent {
        let mut attributes = self.attributes.clone();
        if let Some(attributes) = attributes.as_object_mut() {
            attributes.insert("sub".into(), json!(self.sub));
        }
        Sent::Event(json!({
            "version": "1", "region": "eu-central-1", "userPoolId": USER_POOL, "userName": self.username,
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "4s1example2client3id4five6"},
            "triggerSource": format!("PostConfirmation_{source}"),
            "request": {"userAttributes": attributes, "clientMetadata": {"campaign": "spring"}},
            "response": {}
        }))
    }
}

/// One message of every kind that can be told to be bad at once.
fn bad_messages() -> Vec<(String, &'static str)> {
    let envelope = |field: &str, value: Value| {
        let mut body = json!({
            "v": 1, "kind": "user.confirmed", "source": "cognito.trigger", "userPoolId": USER_POOL,
            "sub": "ffffffff-ffff-7fff-8fff-ffffffffffff", "username": "nobody", "observedAt": "2026-11-22T20:05:38.123Z"
        });
        if let Some(body) = body.as_object_mut() {
            body.insert(field.into(), value);
        }
        body.to_string()
    };
    vec![
        ("Hello, queue!".into(), "not_json"),
        ("[".repeat(2000), "too_deep"),
        (json!({"Records": []}).to_string(), "not_a_confirmation"),
        (envelope("sub", Value::Null), "missing_field"),
        (envelope("sub", json!("ada")), "invalid_sub"),
        (envelope("userPoolId", json!("nowhere")), "invalid_pool"),
        (envelope("userPoolId", json!("eu-central-1_Other")), "pool_not_allowed"),
        (envelope("observedAt", json!("yesterday")), "invalid_time"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_sends_what_was_asked_for_and_every_user_is_distinct() {
        for events in [50, 2000, 5003] {
            let crowd = Crowd::new(events);
            assert_eq!(crowd.messages.len(), events as usize);
            let subs: std::collections::BTreeSet<_> =
                (0..events as usize).map(|n| User::nth(n).sub).collect();
            assert_eq!(subs.len(), events as usize);
            assert!(crowd.expected.len() < events as usize, "no repeats among {events}");
            assert!(crowd.quarantined["owner_conflict"] >= 1);
            for sub in crowd.expected.keys() {
                assert!(domain::UserSub::parse(sub).is_ok());
            }
        }
    }
}
