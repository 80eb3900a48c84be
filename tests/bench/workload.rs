//! What is sent, and the rows that must come of it: a function of the number of messages, so that every
//! run and every round has the same work.

use std::collections::BTreeMap;

use harness::Person;
use serde_json::{Value, json};

/// Messages of one block: 18 users, of whom one comes again within nine places, and one of an earlier
/// block.
const BLOCK: usize = 20;
const NEW: usize = 18;

/// How near a near repeat is.
const NEAR: usize = 9;

/// The messages of one run.
pub(crate) struct Workload {
    people: Vec<Person>,
    /// Who confirms, in the order of sending.
    order: Vec<usize>,
}

impl Workload {
    /// So many messages, of which every tenth is a repeat.
    pub(crate) fn new(messages: usize) -> Self {
        assert!(messages > 0 && messages.is_multiple_of(BLOCK), "messages come in blocks of {BLOCK}");
        let mut chance = fastrand::Rng::with_seed(875);
        let mut people = Vec::new();
        let mut order = Vec::with_capacity(messages);
        for _ in 0..messages / BLOCK {
            let before = people.len();
            people.extend((before..before + NEW).map(person));
            let mut block: Vec<usize> = (before..before + NEW).collect();
            // The far one first, so that it does not come between the near pair.
            let earlier = if before == 0 { 0 } else { chance.usize(..before) };
            block.insert(if before == 0 { NEW } else { chance.usize(..=NEW) }, earlier);
            let first = loop {
                let place = chance.usize(..NEW);
                if block[place] >= before {
                    break place;
                }
            };
            let again = (first + chance.usize(1..=NEAR)).min(block.len());
            block.insert(again, block[first]);
            order.append(&mut block);
        }
        Self { people, order }
    }

    /// Message bodies in the order of sending.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = String> {
        self.order.iter().map(|&place| body(&self.people[place]))
    }

    /// The rows that must be there in the end, by id.
    pub(crate) fn rows(&self) -> BTreeMap<String, Value> {
        self.people.iter().map(|person| (person.sub.clone(), person.item())).collect()
    }
}

/// Users of so many messages.
pub(crate) const fn distinct(messages: usize) -> usize {
    messages / BLOCK * NEW
}

fn person(n: usize) -> Person {
    let bits = fastrand::Rng::with_seed(n as u64).u128(..);
    let sub = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string();
    Person { username: format!("person_{n:07}"), email: format!("person.{n:07}@mail.example.com"), sub }
}

/// The version 1 envelope with what a pool forwards of a person; 834 bytes.
fn body(person: &Person) -> String {
    let attributes = json!({
        "given_name": "Wilhelmina-Charlotte", "family_name": "Featherstonehaugh-Cholmondeley",
        "locale": "de-DE", "zoneinfo": "Europe/Berlin", "phone_number": "+491701234567",
        "custom:tenant": "blue-harbour-logistics", "custom:plan": "team-annual", "custom:referrer":
        "https://www.example.com/campaigns/spring-2026/landing?utm_source=newsletter&utm_medium=email",
        "custom:terms": "2026-03-01", "custom:marketing": "declined", "custom:cohort": "2026-W47",
    });
    person.body_with(&json!({ "attributes": attributes, "traceparent": harness::confirmations::TRACEPARENT }))
}
