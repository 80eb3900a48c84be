//! What happens to a pool of users: who signs up, is announced again, edits, finds his key taken; and what
//! else lies in the queue. A function of the seed, but for the times that a message takes from the queue.
//!
//! Must write into the ledger what comes of a message before anybody sends it.

use domain::Timestamp;
use fastrand::Rng;
use harness::Person;
use harness::confirmations::nested;
use serde_json::{Value, json};

use crate::ledger::{Announced, Ledger, item};

/// One thing to be done, in the order given.
#[derive(Debug)]
pub(crate) enum Deed {
    /// Send these, one after the other.
    Send(Vec<String>),
    /// Somebody writes a row, then these are sent.
    Write(Value, Vec<String>),
    /// A user edits his row, if he has one; then he is announced again.
    Edit(Person, Vec<String>),
}

/// The source of deeds.
pub(crate) struct Load {
    chance: Rng,
    count: i64,
}

/// Times of messages begin here and are all different, so that all bodies are.
const FIRST: i64 = 1_767_225_600_000;

/// What makes a message bad, as the worker has to call it.
const POISON: [&str; 8] = [
    "not_json",
    "too_deep",
    "not_a_confirmation",
    "missing_field",
    "invalid_sub",
    "invalid_pool",
    "invalid_time",
    "pool_not_allowed",
];

impl Load {
    pub(crate) fn new(seed: u64) -> Self {
        Self { chance: Rng::with_seed(seed ^ 0x10AD), count: 0 }
    }

    /// The next deed. `now` is the queue's time in milliseconds.
    pub(crate) fn next(&mut self, ledger: &mut Ledger, now: i64) -> Deed {
        match self.chance.u8(..100) {
            0..50 => self.sign_up(ledger, now),
            50..70 => match self.somebody(ledger) {
                Some(person) => Deed::Send(vec![self.reset(ledger, &person)]),
                None => self.sign_up(ledger, now),
            },
            // Cognito makes the profile of somebody whose first event was lost at his first reset.
            70..75 => {
                let person = self.person();
                Deed::Send(vec![self.reset(ledger, &person)])
            }
            75..85 => match self.somebody(ledger) {
                Some(person) if ledger.is_welcome(&person) => {
                    let again =
                        if self.chance.bool() { vec![self.reset(ledger, &person)] } else { Vec::new() };
                    Deed::Edit(person, again)
                }
                _ => self.sign_up(ledger, now),
            },
            85..90 => Deed::Send(vec![self.poison(ledger)]),
            90..94 => {
                let person = self.person();
                let fields =
                    json!({"trigger": "CustomMessage_Authentication", "observedAt": text(self.time())});
                Deed::Send(vec![person.body_with(&fields)])
            }
            94..97 => self.squatted(ledger),
            _ => self.without_owner(ledger),
        }
    }

    fn sign_up(&mut self, ledger: &mut Ledger, now: i64) -> Deed {
        let person = self.person();
        let time = self.time();
        let envelope = person.body_with(&json!({"observedAt": text(time)}));
        let wrapped = |detail: Value| {
            json!({"detail-type": "UserConfirmed", "time": text(time), "detail": detail}).to_string()
        };
        let event = person.event("PostConfirmation_ConfirmSignUp");
        let (body, announced) = match self.chance.u8(..100) {
            0..60 => (envelope, Announced::At(time)),
            60..75 => (wrapped(serde_json::from_str(&envelope).unwrap()), Announced::At(time)),
            75..88 => (wrapped(event), Announced::At(time)),
            _ => (event.to_string(), Announced::Since(now)),
        };
        ledger.announce(&person, announced);
        let mut bodies = vec![body.clone()];
        match self.chance.u8(..100) {
            // Sent twice, because the answer to the first was lost.
            0..10 => bodies.push(body),
            // Cognito asked the trigger again.
            10..20 => {
                let again = self.time();
                ledger.announce(&person, Announced::At(again));
                bodies.push(person.body_with(&json!({"observedAt": text(again)})));
            }
            _ => {}
        }
        Deed::Send(bodies)
    }

    /// A message that the user has reset his password.
    fn reset(&mut self, ledger: &mut Ledger, person: &Person) -> String {
        let time = self.time();
        ledger.announce(person, Announced::At(time));
        let body = person.body_with(&json!({"trigger": "ConfirmForgotPassword", "observedAt": text(time)}));
        if !ledger.is_welcome(person) {
            ledger.condemn(body.clone(), "owner_conflict");
        }
        body
    }

    /// Somebody else's row is under the user's key before he is announced.
    fn squatted(&mut self, ledger: &mut Ledger) -> Deed {
        let (person, time) = (self.person(), self.time());
        let mut row = item(&person, time);
        row["profileOwner"] = json!({"S": "somebody-else"});
        row["displayName"] = json!({"S": "squatter"});
        ledger.stand(&person, row.clone());
        let times = 1 + self.chance.usize(..2);
        let bodies = (0..times).map(|_| self.reset(ledger, &person)).collect();
        Deed::Write(row, bodies)
    }

    /// A row without an owner is under the user's key before he is announced.
    fn without_owner(&mut self, ledger: &mut Ledger) -> Deed {
        let (person, time) = (self.person(), self.time());
        let mut row = item(&person, time);
        row.as_object_mut().unwrap().remove("profileOwner");
        ledger.stand(&person, row.clone());
        Deed::Write(row, vec![self.reset(ledger, &person)])
    }

    fn poison(&mut self, ledger: &mut Ledger) -> String {
        let person = self.person();
        let time = self.time();
        let with = |mut fields: Value| {
            // A fault in the time is the only one that a time does not hide.
            if fields["observedAt"].is_null() {
                fields["observedAt"] = text(time).into();
            }
            person.body_with(&fields)
        };
        let reason = POISON[self.chance.usize(..POISON.len())];
        let body = match reason {
            "not_json" => format!("no JSON, but {}", person.email),
            "too_deep" => format!(r#"{{"person":"{}","a":{}}}"#, person.sub, nested(33)),
            "not_a_confirmation" => json!({"hello": person.sub}).to_string(),
            "missing_field" => with(json!({"sub": null})),
            "invalid_sub" => with(json!({"sub": person.email})),
            "invalid_pool" => with(json!({"userPoolId": person.email})),
            "invalid_time" => with(json!({"observedAt": "yesterday"})),
            _ => with(json!({"userPoolId": "eu-central-1_Someone5"})),
        };
        ledger.condemn(body.clone(), reason);
        body
    }

    /// Somebody new.
    fn person(&mut self) -> Person {
        let sub =
            uuid::Builder::from_random_bytes(self.chance.u128(..).to_be_bytes()).into_uuid().to_string();
        let n = self.count;
        self.count += 1;
        Person { sub, username: format!("person_{n}"), email: format!("person.{n}@example.com") }
    }

    /// Somebody who has come: every other time one of the latest.
    fn somebody(&mut self, ledger: &Ledger) -> Option<Person> {
        let users = ledger.users();
        if users == 0 {
            return None;
        }
        let first = if self.chance.bool() { users.saturating_sub(200) } else { 0 };
        Some(ledger.person(self.chance.usize(first..users)).clone())
    }

    fn time(&mut self) -> i64 {
        self.count += 1;
        FIRST + self.count
    }
}

fn text(epoch_ms: i64) -> String {
    Timestamp::from_epoch_ms(epoch_ms).unwrap().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    fn bodies(seed: u64, deeds: usize) -> (Ledger, Vec<String>, usize) {
        let (mut ledger, mut load) = (Ledger::default(), Load::new(seed));
        let (mut sent, mut edits) = (Vec::new(), 0);
        for _ in 0..deeds {
            match load.next(&mut ledger, FIRST) {
                Deed::Send(bodies) | Deed::Write(_, bodies) => sent.extend(bodies),
                Deed::Edit(_, bodies) => {
                    edits += 1;
                    sent.extend(bodies);
                }
            }
        }
        (ledger, sent, edits)
    }

    #[test]
    fn a_bad_message_is_sent_once_and_every_kind_of_it_is() {
        let (ledger, sent, edits) = bodies(5, 3000);
        let (by_reason, again) = ledger.dead();
        let reasons: HashSet<_> = by_reason.keys().copied().collect();
        assert_eq!(reasons, POISON.into_iter().chain(["owner_conflict"]).collect());
        assert_eq!((by_reason.values().sum::<u64>(), again), (ledger.condemned() as u64, 0));
        let mut times = BTreeMap::new();
        sent.iter().for_each(|body| *times.entry(body).or_insert(0) += 1);
        assert!(times.values().filter(|times| **times > 1).count() > 50, "nothing is sent twice");
        assert!(edits > 100 && ledger.users() > 1500, "{edits} {}", ledger.users());
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(bodies(1, 200).1, bodies(1, 200).1);
        assert_ne!(bodies(1, 200).1, bodies(2, 200).1);
    }
}
