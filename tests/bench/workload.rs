//! What is sent, and the rows that must come of it: a function of the number of messages, so that every
//! run and every round has the same work.

use harness::Person;
use serde_json::json;

use crate::audit::Rows;

use crate::conditions::Repeats;

/// Messages of one block: one user of it comes again within nine places and, where repeats are mixed, one of
/// an earlier block comes again; the others are new.
pub(crate) const BLOCK: usize = 20;

/// How near a near repeat is.
const NEAR: usize = 9;

/// The messages of one run.
pub(crate) struct Workload {
    people: Vec<Person>,
    /// Who confirms, in the order of sending.
    order: Vec<usize>,
}

impl Workload {
    /// So many messages, with repeats of this kind.
    pub(crate) fn new(messages: usize, repeats: Repeats) -> Self {
        assert!(messages.is_multiple_of(BLOCK), "messages come in blocks of {BLOCK}");
        let mut chance = fastrand::Rng::with_seed(875);
        let mut people = Vec::new();
        let mut order = Vec::with_capacity(messages);
        for _ in 0..messages / BLOCK {
            let before = people.len();
            let new = new(repeats);
            people.extend((before..before + new).map(person));
            let mut block: Vec<usize> = (before..before + new).collect();
            if repeats == Repeats::Mixed {
                // The far one first, so that it does not come between the near pair.
                let earlier = if before == 0 { 0 } else { chance.usize(..before) };
                block.insert(if before == 0 { new } else { chance.usize(..=new) }, earlier);
            }
            let first = loop {
                let place = chance.usize(..new);
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
    pub(crate) fn rows(&self) -> Rows {
        self.people.iter().map(|person| (person.sub.clone(), person.item())).collect()
    }
}

/// Users of one block who were not there before.
const fn new(repeats: Repeats) -> usize {
    match repeats {
        Repeats::Mixed => BLOCK - 2,
        Repeats::Near => BLOCK - 1,
    }
}

/// Users of so many messages.
pub(crate) const fn distinct(messages: usize, repeats: Repeats) -> usize {
    messages / BLOCK * new(repeats)
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
