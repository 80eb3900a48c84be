//! What must be true: whose row may be there and what it says, and which messages belong into the
//! dead-letter queue. Kept by who sends, held against what is found. Must never look at what a worker says.

use std::collections::{BTreeMap, HashMap};

use domain::Timestamp;
use harness::{DeadLetter, Person};
use serde_json::{Value, json};

/// What has been sent, written and edited so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    users: HashMap<String, User>,
    /// In the order of coming, so that a number drawn from the seed names somebody.
    order: Vec<String>,
    bad: HashMap<String, Bad>,
}

#[derive(Debug)]
struct User {
    person: Person,
    announced: Vec<Announced>,
    /// The row as it must stand to the letter, because a user or a stranger wrote it so.
    stands: Option<Value>,
}

/// When a message says that its user confirmed, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Announced {
    At(i64),
    /// It has no time of its own; the queue gives it one as it is sent.
    Since(i64),
}

/// A message that belongs into the dead-letter queue.
#[derive(Debug)]
struct Bad {
    reason: &'static str,
    /// Ids of the messages as they came there, and how often: twice is allowed, two ids are not.
    came: BTreeMap<String, u64>,
}

/// What is to be said of one user's row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Right,
    /// There is none yet.
    Missing,
    Wrong(&'static str),
}

impl Ledger {
    /// A message announces this user.
    pub(crate) fn announce(&mut self, person: &Person, announced: Announced) {
        self.user(person).announced.push(announced);
    }

    /// From now on the user's row stands like this.
    pub(crate) fn stand(&mut self, person: &Person, row: Value) {
        self.user(person).stands = Some(row);
    }

    fn user(&mut self, person: &Person) -> &mut User {
        let order = &mut self.order;
        self.users.entry(person.sub.clone()).or_insert_with(|| {
            order.push(person.sub.clone());
            User { person: person.clone(), announced: Vec::new(), stands: None }
        })
    }

    /// This body belongs into the dead-letter queue, for this reason. No two bodies are the same.
    pub(crate) fn condemn(&mut self, body: String, reason: &'static str) {
        self.bad.insert(body, Bad { reason, came: BTreeMap::new() });
    }

    /// How many users there are.
    pub(crate) fn users(&self) -> usize {
        self.order.len()
    }

    /// One of them, by the order of coming.
    pub(crate) fn person(&self, place: usize) -> &Person {
        &self.users[&self.order[place]].person
    }

    /// Whether nobody else has taken the user's key, so that a message of his is a good one.
    pub(crate) fn is_welcome(&self, person: &Person) -> bool {
        let user = &self.users[&person.sub];
        let owner = format!("{}::{}", person.sub, person.username);
        let stored = user.stands.as_ref().map_or(&Value::Null, |row| &row["profileOwner"]);
        stored.is_null() || *stored == json!({"S": owner})
    }

    /// How many messages belong into the dead-letter queue.
    pub(crate) fn condemned(&self) -> usize {
        self.bad.len()
    }

    /// Judges the row of one user of [`Self::users`].
    pub(crate) fn judge(&self, sub: &str, row: Option<&Value>) -> Verdict {
        let user = &self.users[sub];
        match (&user.stands, row) {
            (Some(stands), Some(row)) if stands == row => Verdict::Right,
            (Some(_), _) => Verdict::Wrong("a row that a user or a stranger wrote is not as it was"),
            (None, None) => Verdict::Missing,
            (None, Some(row)) if is_made_of(user, row) => Verdict::Right,
            (None, Some(_)) => Verdict::Wrong("a row is not what any message of its user says"),
        }
    }

    /// Judges the whole table: everybody's row, and nobody else's.
    pub(crate) fn judge_all(&self, rows: &BTreeMap<String, Value>) -> Vec<String> {
        let mut faults = Vec::new();
        for sub in &self.order {
            match self.judge(sub, rows.get(sub)) {
                Verdict::Right => {}
                Verdict::Missing => faults.push(format!("a confirmed user has no row ({sub})")),
                Verdict::Wrong(fault) => faults.push(format!("{fault} ({sub})")),
            }
        }
        let strangers = rows.keys().filter(|id| !self.users.contains_key(*id));
        faults.extend(strangers.map(|id| format!("a row belongs to nobody who confirmed ({id})")));
        faults
    }

    /// A message was found in the dead-letter queue; what is wrong with that.
    pub(crate) fn found_dead(&mut self, letter: &DeadLetter) -> Option<String> {
        let (reason, id) = (letter.reason(), letter.note["messageId"].as_str().unwrap_or_default());
        let Some(bad) = self.bad.get_mut(&letter.body) else {
            return Some(format!("a good message is in the dead-letter queue: {reason}"));
        };
        *bad.came.entry(id.to_owned()).or_default() += 1;
        if reason != bad.reason {
            return Some(format!("{reason} is the reason in the dead-letter queue, not {}", bad.reason));
        }
        (bad.came.len() > 1).then(|| format!("a message has two ids in the dead-letter queue: {reason}"))
    }

    /// What belongs into the dead-letter queue and has not come, by reason; and how many came again, which
    /// a lost answer or a kill explains.
    pub(crate) fn dead(&self) -> (BTreeMap<&'static str, u64>, u64) {
        let (mut missing, mut again) = (BTreeMap::new(), 0);
        for bad in self.bad.values() {
            match bad.came.values().sum::<u64>() {
                0 => *missing.entry(bad.reason).or_default() += 1,
                came => again += came - 1,
            }
        }
        (missing, again)
    }
}

/// How far the queue's clock may be behind ours, in milliseconds: it is read once, cut to the millisecond, and
/// then runs by itself, while ours may be set.
const CLOCKS_APART: i64 = 10_000;

/// Whether the row is the item of one of the user's messages.
fn is_made_of(user: &User, row: &Value) -> bool {
    let time = row["createdAt"]["S"].as_str().and_then(|text| Timestamp::parse(text).ok());
    let Some(time) = time.map(Timestamp::epoch_ms) else { return false };
    let announced = user.announced.iter().any(|announced| match *announced {
        Announced::At(at) => time == at,
        Announced::Since(since) => time >= since - CLOCKS_APART,
    });
    announced && *row == item(&user.person, time)
}

/// The item a person is to have who confirmed then.
pub(crate) fn item(person: &Person, epoch_ms: i64) -> Value {
    let time = json!({"S": Timestamp::from_epoch_ms(epoch_ms).unwrap().to_string()});
    let mut item = person.item();
    item["createdAt"] = time.clone();
    item["updatedAt"] = time;
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> (Ledger, Person) {
        let (mut ledger, ana) = (Ledger::default(), Person::new("ana"));
        ledger.announce(&ana, Announced::At(1000));
        ledger.announce(&ana, Announced::At(5000));
        (ledger, ana)
    }

    #[test]
    fn a_row_is_right_if_one_of_the_users_messages_says_all_of_it() {
        let (mut ledger, ana) = ana();
        let judge = |ledger: &Ledger, row: &Value| ledger.judge(&ana.sub, Some(row));
        assert_eq!(ledger.judge(&ana.sub, None), Verdict::Missing);
        assert_eq!(judge(&ledger, &item(&ana, 5000)), Verdict::Right);
        assert!(matches!(judge(&ledger, &item(&ana, 5001)), Verdict::Wrong(_)));
        let mut mixed = item(&ana, 5000);
        mixed["updatedAt"] = item(&ana, 1000)["updatedAt"].clone();
        assert!(matches!(judge(&ledger, &mixed), Verdict::Wrong(_)));
        let bob = Person { sub: ana.sub.clone(), ..Person::new("bob") };
        assert!(matches!(judge(&ledger, &item(&bob, 5000)), Verdict::Wrong(_)));
        ledger.announce(&ana, Announced::Since(90_000));
        assert_eq!(judge(&ledger, &item(&ana, 90_001)), Verdict::Right);
        assert_eq!(judge(&ledger, &item(&ana, 89_999)), Verdict::Right, "by the queue's own clock");
        assert!(matches!(judge(&ledger, &item(&ana, 79_999)), Verdict::Wrong(_)));
    }

    #[test]
    fn what_somebody_wrote_stands_to_the_letter() {
        let (mut ledger, ana) = ana();
        let mut edited = item(&ana, 1000);
        edited["displayName"] = json!({"S": "Ana"});
        ledger.stand(&ana, edited.clone());
        assert_eq!(ledger.judge(&ana.sub, Some(&edited)), Verdict::Right);
        assert!(matches!(ledger.judge(&ana.sub, Some(&item(&ana, 1000))), Verdict::Wrong(_)));
        assert!(matches!(ledger.judge(&ana.sub, None), Verdict::Wrong(_)));
        assert!(ledger.is_welcome(&ana));
        edited["profileOwner"] = json!({"S": "eve"});
        ledger.stand(&ana, edited);
        assert!(!ledger.is_welcome(&ana));
    }

    #[test]
    fn the_whole_table_is_everybodys_rows_and_nobody_elses() {
        let (ledger, ana) = ana();
        let row = item(&ana, 1000);
        assert_eq!(ledger.judge_all(&[(ana.sub.clone(), row.clone())].into()), Vec::<String>::new());
        assert_eq!(ledger.judge_all(&BTreeMap::new()).len(), 1);
        let both = [(ana.sub.clone(), row.clone()), ("eve".to_owned(), row)].into();
        assert_eq!(ledger.judge_all(&both).len(), 1);
    }

    #[test]
    fn the_dead_letter_queue_holds_the_condemned_for_their_reasons_and_no_others() {
        let (mut ledger, ana) = ana();
        ledger.condemn("nonsense".to_owned(), "not_json");
        ledger.condemn("[]".to_owned(), "not_a_confirmation");
        let letter = |body: &str, note: Value| DeadLetter { body: body.to_owned(), note, traceparent: None };
        let note = |reason: &str, id: &str| json!({"reason": reason, "messageId": id});
        assert_eq!(ledger.found_dead(&letter("nonsense", note("not_json", "1"))), None);
        assert_eq!(ledger.found_dead(&letter("nonsense", note("not_json", "1"))), None);
        assert_eq!(ledger.dead(), ([("not_a_confirmation", 1)].into(), 1));
        assert!(ledger.found_dead(&letter("nonsense", note("not_json", "2"))).is_some());
        assert!(ledger.found_dead(&letter("[]", note("not_json", "3"))).is_some());
        assert!(ledger.found_dead(&letter("[]", Value::Null)).is_some(), "moved by SQS itself");
        assert!(ledger.found_dead(&letter(&ana.body(), note("owner_conflict", "4"))).is_some());
    }
}
