//! `reconcile` as the real program, over a pool and a table in which everything is that can be: its numbers, its
//! exit codes, whom it enqueues and whom it leaves alone, and that it names nobody unasked.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use harness::confirmations::OBSERVED_AT;
use harness::{Ended, Person, Personal, Worker, World, world};
use local::cognito::{Pool, User};
use serde_json::{Value, json};
use worker::ports::UserStatus;

mod trouble;

/// A day in milliseconds: nobody's message is on its way that long.
const DAY: u64 = 24 * 3600 * 1000;

/// A world with a user pool.
struct Compared {
    world: World,
    pool: Arc<Pool>,
}

impl Compared {
    fn new(world: World) -> Self {
        let pool = world.stack().cognito.create_pool("people");
        Self { world, pool }
    }

    /// `reconcile`, with these flags besides.
    fn job(&self, flags: &[&str]) -> Worker {
        let rate: &[&str] = if flags.contains(&"--rate") { &[] } else { &["--rate", "1000"] };
        let arguments = [&["reconcile"], rate, flags].concat();
        let worker = self.world.worker().arguments(&arguments);
        worker.with("USER_POOL_IDS", self.pool.id()).with("RUST_LOG", "trace")
    }

    async fn run(&self, flags: &[&str]) -> Ended {
        self.job(flags).run().await
    }

    /// In the pool since yesterday.
    fn join(&self, person: &Person) {
        self.join_as(person, UserStatus::Confirmed, true);
    }

    fn join_as(&self, person: &Person, status: UserStatus, enabled: bool) {
        let user = User::named(&person.username).with("email", &person.email);
        let yesterday = user.created_at - DAY;
        let user = User { sub: person.sub.clone(), enabled, created_at: yesterday, ..user };
        assert!(self.pool.add(User { modified_at: yesterday, ..user }.being(status)));
    }

    /// Puts the row this person is to have, with other values for some attributes; null takes one out.
    async fn put(&self, person: &Person, others: &Value) {
        let mut item = person.item();
        for (name, value) in others.as_object().unwrap() {
            let attributes = item.as_object_mut().unwrap();
            match value {
                Value::Null => drop(attributes.remove(name)),
                value => drop(attributes.insert(name.clone(), json!({"S": value}))),
            }
        }
        self.world.put(&item).await;
    }

    async fn queued(&self) -> u64 {
        self.world.depth(&self.world.queue).await.0
    }
}

/// Exactly these, in this order.
#[track_caller]
fn assert_result(ended: &Ended, code: i32, expected: &[(&str, u64)]) {
    let last = ended.stdout.lines().last().unwrap_or_else(|| panic!("no result: {ended:#?}"));
    let fields: Vec<String> = expected.iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
    assert_eq!(last, format!("{{{}}}", fields.join(",")), "{}", ended.stderr);
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
}

/// One of each class at least, no two numbers that are to be told apart alike.
async fn all_sorts(of: &Compared) -> Vec<Person> {
    let people = Person::crowd(16);
    let owner = |person: &Person| format!("{}::{}", person.sub, person.username);
    let nothing = json!({});
    // 0 to 3 have their row; that of 1 has no timestamps, of 2 another address, of 3 none at all.
    for person in &people[..4] {
        of.join(person);
    }
    of.put(&people[0], &nothing).await;
    of.put(&people[1], &json!({"createdAt": null, "updatedAt": null})).await;
    of.put(&people[2], &json!({"email": "other@example.com"})).await;
    of.put(&people[3], &json!({"email": null})).await;
    // 0 has three rows more of the documented handler.
    for id in ["random-a", "random-b", "random-c"] {
        of.put(&people[0], &json!({"id": id})).await;
    }
    // 4 and 5 have one of those alone, each with another form of the owner; 6 has two.
    for person in &people[4..7] {
        of.join(person);
    }
    of.put(&people[4], &json!({"id": "random-d", "profileOwner": people[4].sub})).await;
    of.put(&people[5], &json!({"id": "random-e", "profileOwner": people[5].username})).await;
    of.put(&people[6], &json!({"id": "random-f"})).await;
    of.put(&people[6], &json!({"id": "random-g"})).await;
    // Under the key of 7 is the row of somebody else.
    of.join(&people[7]);
    of.put(&people[7], &json!({"profileOwner": "somebody-else"})).await;
    // 8 is missing. 9 is not to have a profile, and has one; 10 may not sign in, and has a row with another id.
    of.join(&people[8]);
    of.join_as(&people[9], UserStatus::Unconfirmed, true);
    of.put(&people[9], &nothing).await;
    of.join_as(&people[10], UserStatus::Confirmed, false);
    of.put(&people[10], &json!({"id": "random-h"})).await;
    // 11 and 12 confirmed a moment ago, 13 came from elsewhere and lacks a row; 14 and 15 have left.
    for person in &people[11..13] {
        of.pool.add(User { sub: person.sub.clone(), ..User::named(&person.username) });
    }
    of.join_as(&people[13], UserStatus::ExternalProvider, true);
    of.put(&people[14], &json!({"profileOwner": null})).await;
    of.put(&people[15], &json!({"id": "random-i", "profileOwner": owner(&people[15])})).await;
    people
}

const PLAIN: [(&str, u64); 7] = [
    ("users", 14),
    ("profiles", 5),
    ("matched", 4),
    ("missing", 5),
    ("missing_in_grace", 2),
    ("skipped_status", 1),
    ("skipped_disabled", 1),
];

const FULL: [(&str, u64); 13] = [
    ("users", 14),
    ("profiles", 16),
    ("matched", 4),
    ("missing", 2),
    ("missing_in_grace", 2),
    ("legacy", 3),
    ("orphan", 2),
    ("duplicate", 4),
    ("owner_conflict", 1),
    ("malformed", 2),
    ("email_drift", 2),
    ("skipped_status", 1),
    ("skipped_disabled", 1),
];

#[tokio::test]
async fn every_class_is_counted_and_nobody_is_named() {
    let of = Compared::new(world!(OwnPools));
    let people = all_sorts(&of).await;
    let before = of.world.items().await;
    let plain = of.run(&[]).await;
    assert_result(&plain, 1, &PLAIN);
    let full = of.run(&["--full"]).await;
    assert_result(&full, 1, &FULL);
    let table = of.run(&["--full", "--output", "table"]).await;
    assert!(table.stdout.contains("rows whose user is not in the pool"), "{}", table.stdout);
    assert_eq!(table.code, Some(1));
    let later = of.run(&["--grace", "0s", "--include-status", "CONFIRMED"]).await;
    let expected = [
        ("users", 14),
        ("profiles", 5),
        ("matched", 4),
        ("missing", 6),
        ("missing_in_grace", 0),
        ("skipped_status", 2),
        ("skipped_disabled", 1),
    ];
    assert_result(&later, 1, &expected);
    // It has looked, and no more.
    assert_eq!(of.world.items().await, before);
    assert_eq!(of.queued().await, 0);
    let mut personal = Personal::of(&people.iter().map(Person::body).collect::<Vec<_>>());
    personal.add("somebody-else");
    for ended in [&plain, &full, &table, &later] {
        personal.assert_absent(&format!("{}{}", ended.stdout, ended.stderr), "reconcile");
    }
}

#[tokio::test]
async fn the_list_names_each_finding_to_the_one_who_asked() {
    let of = Compared::new(world!(OwnPools));
    let people = all_sorts(&of).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("findings.jsonl");
    let ended = of.run(&["--full", "--list", path.to_str().unwrap()]).await;
    assert_result(&ended, 1, &FULL);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let user = |class: &str, n: usize| json!({"class": class, "sub": people[n].sub});
    let row =
        |class: &str, n: usize, id: &str| json!({"class": class, "sub": people[n].sub, "key": {"id": id}});
    let mut expected = vec![
        row("malformed", 1, &people[1].sub),
        row("malformed", 14, &people[14].sub),
        row("orphan", 14, &people[14].sub),
        row("orphan", 15, "random-i"),
        user("duplicate", 0),
        user("duplicate", 6),
        user("email_drift", 2),
        user("email_drift", 3),
        user("legacy", 4),
        user("legacy", 5),
        user("legacy", 6),
        user("owner_conflict", 7),
        user("missing", 8),
        user("missing", 13),
        user("missing_in_grace", 11),
        user("missing_in_grace", 12),
    ];
    for all in [&mut found, &mut expected] {
        all.sort_by_key(Value::to_string);
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_missing_is_enqueued_written_and_not_missing_any_more() {
    let of = Compared::new(world!(OwnPools));
    let people = all_sorts(&of).await;
    let fixed = of.job(&["--fix", "missing"]).with("METRICS_EMF", "on").run().await;
    let mut expected = PLAIN.to_vec();
    expected[3] = ("missing", 2);
    expected.insert(5, ("legacy", 3));
    expected.push(("enqueued", 2));
    assert_result(&fixed, 1, &expected);
    let lines: Vec<&str> = fixed.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "the metrics, then the result: {}", fixed.stdout);
    let metrics: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!((&metrics["ReconcileMissing"], &metrics["UserPoolId"]), (&json!(2), &json!(of.pool.id())));

    let letters = of.world.peek(2).await;
    let mut subs = Vec::new();
    for letter in &letters {
        let body: Value = serde_json::from_str(&letter.body).unwrap();
        assert_eq!((&body["v"], &body["source"]), (&json!(1), &json!("reconcile")));
        assert!(body["observedAt"].as_str().unwrap() > OBSERVED_AT, "{body}");
        subs.push(body["sub"].as_str().unwrap().to_owned());
    }
    subs.sort();
    let mut expected = vec![people[8].sub.clone(), people[13].sub.clone()];
    expected.sort();
    assert_eq!(subs, expected);

    let worker = of.world.worker().with("USER_POOL_IDS", of.pool.id());
    worker.run_until_empty().await.assert_outcomes(&[("created", 2)]);
    // Those with rows of the documented handler are left alone, and that is no reason to worry.
    let again = of.run(&["--full"]).await;
    assert_eq!((again.count("missing"), again.count("legacy"), again.code), (0, 3, Some(0)));
    assert_eq!((again.count("matched"), again.count("profiles")), (6, 18));
    // Unless there are none, it was said.
    let all = of.run(&["--fix", "missing", "--no-legacy-rows"]).await;
    assert_eq!((all.count("missing"), all.count("enqueued"), all.code), (3, 3, Some(1)));
    assert!(all.result().get("legacy").is_none());
    worker.run_until_empty().await.assert_outcomes(&[("created", 3)]);
    let plain = of.run(&[]).await;
    assert_eq!((plain.count("missing"), plain.code), (0, Some(0)));
}

#[tokio::test]
async fn rows_of_many_pages_are_all_seen() {
    let of = Compared::new(world!(OwnPools));
    let people = Person::crowd(24);
    for person in &people {
        of.join(person);
        // DynamoDB ends a page at 1 MB, of what the rows have and not of what is asked for.
        of.put(person, &json!({"bio": "x".repeat(250_000)})).await;
    }
    of.world.stack().cognito.trouble().page_sizes(&[7, 0, 1]);
    let ended = of.run(&["--full"]).await;
    let count = |name| ended.count(name);
    assert_eq!((count("users"), count("profiles"), count("matched")), (24, 24, 24), "{}", ended.stdout);
    assert_eq!((count("orphan"), count("missing"), ended.code), (0, 0, Some(0)));
}

#[tokio::test]
async fn a_model_without_an_owner_has_rows_all_the_same() {
    let of = Compared::new(world!(OwnPools));
    let people = Person::crowd(3);
    people.iter().for_each(|person| of.join(person));
    of.put(&people[0], &json!({"profileOwner": null})).await;
    of.put(&people[1], &json!({"profileOwner": "somebody-else"})).await;
    let model = "type = \"UserProfile\"\n[key]\npartition = { name = \"id\", value = \"{sub}\" }\n[fields]\nemail = \"{email}\"\n";
    for flags in [&[][..], &["--full"], &["--fix", "missing"]] {
        let ended = of.job(flags).with("PROFILE_MODEL", model).run().await;
        let count = |name| ended.count(name);
        assert_eq!((count("matched"), count("missing"), ended.code), (2, 1, Some(1)), "{ended:#?}");
    }
    assert_eq!(of.queued().await, 1);
}
