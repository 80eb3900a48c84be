//! Messages that can never become an item go to the dead-letter queue as they came, with the reason,
//! and their neighbours do not notice. Where there is no dead-letter queue they stay.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::confirmations::{TRACEPARENT, fixture, nested};
use harness::{DeadLetter, Ended, Person, Reaction, World, world};
use serde_json::{Value, json};

/// Sends the poison among good neighbours, runs the worker and checks that all is as it should be: the
/// neighbours have items, the poison lies in the dead-letter queue, the counts agree.
async fn assert_poison(world: &World, worker: &harness::Worker, poison: &[(&str, String)]) -> Ended {
    let neighbours = Person::crowd(3);
    let mut bodies: Vec<_> = poison.iter().map(|(_, body)| body.clone()).collect();
    for (n, neighbour) in neighbours.iter().enumerate() {
        bodies.insert(n * bodies.len() / 3, neighbour.body());
    }
    for body in bodies {
        world.send_traced(&body, TRACEPARENT).await;
    }
    let ended = worker.run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 3), ("rejected", poison.len() as u64)]);
    world.assert_items(neighbours.iter().map(Person::item)).await;

    let mut expected: Vec<_> =
        poison.iter().map(|(reason, body)| ((*reason).to_owned(), body.clone())).collect();
    let letters = world.dead_letters(poison.len()).await;
    let mut found: Vec<_> =
        letters.iter().map(|letter| (letter.reason().to_owned(), letter.body.clone())).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    letters.iter().for_each(assert_note);

    let mut by_reason = BTreeMap::new();
    poison.iter().for_each(|(reason, _)| *by_reason.entry(*reason).or_insert(0) += 1);
    assert_eq!(ended.result()["quarantined"], json!(by_reason));
    ended
}

/// Every field of the contract, and nothing of a person.
fn assert_note(letter: &DeadLetter) {
    assert_eq!(letter.traceparent.as_deref(), Some(TRACEPARENT));
    let note = letter.note.as_object().unwrap();
    let fields: Vec<_> = note.keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        ["attempts", "detail", "firstSeen", "lastAttempt", "messageId", "reason", "version"],
        "{note:?}"
    );
    assert!(note["attempts"].as_u64().unwrap() >= 1);
    for field in ["firstSeen", "lastAttempt"] {
        domain::Timestamp::parse(note[field].as_str().unwrap()).unwrap();
    }
    assert!(!note["messageId"].as_str().unwrap().is_empty());
    assert_eq!(note["version"], env!("CARGO_PKG_VERSION"));
    let detail = note["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && detail.chars().count() <= 200);
    assert!(!detail.contains("@example") && !detail.contains(".user"), "{detail}");
}

#[tokio::test]
async fn what_cannot_be_read_is_quarantined_with_its_reason() {
    let world = world!();
    let person = Person::new("ana");
    let with = |fields: Value| person.body_with(&fields);
    let poison = [
        ("not_json", "no JSON, but ana@example.com".to_owned()),
        ("not_json", String::from("{\"v\":1")),
        ("too_deep", nested(33)),
        ("too_large", with(json!({"attributes": {"custom:x": "x".repeat(260 * 1024)}}))),
        ("not_a_confirmation", "[1,2]".to_owned()),
        ("not_a_confirmation", "{\"hello\":\"world\"}".to_owned()),
        ("not_a_confirmation", fixture("events", "list-users-record")),
        ("not_a_confirmation", with(json!({"kind": "user.deleted"}))),
        ("missing_field", fixture("events", "console-test-event")),
        ("missing_field", with(json!({"sub": null}))),
        ("missing_field", with(json!({"username": null}))),
        ("missing_field", with(json!({"userPoolId": null}))),
        ("missing_field", with(json!({"observedAt": null}))),
        ("invalid_sub", with(json!({"sub": "ana@example.com"}))),
        ("invalid_pool", with(json!({"userPoolId": "ana@example.com"}))),
        ("invalid_time", with(json!({"observedAt": "yesterday"}))),
        ("invalid_time", with(json!({"createdAt": 17}))),
    ];
    assert_poison(&world, &world.worker(), &poison).await;
}

#[tokio::test]
async fn a_pool_that_is_not_allowed_makes_nothing() {
    let world = world!();
    let stranger = Person::new("eve").body_with(&json!({"userPoolId": "eu-central-1_Someone5"}));
    let worker = world.worker().with("USER_POOL_IDS", harness::confirmations::POOL);
    assert_poison(&world, &worker, &[("pool_not_allowed", stranger)]).await;
}

#[tokio::test]
async fn what_the_model_cannot_make_an_item_of_is_quarantined() {
    let mut world = world!(bare);
    world.create_queues().await;
    world.create_table(&["id", "names"]).await;
    let model = r#"
        type = "UserProfile"
        owner = "profileOwner"
        [key]
        partition = { name = "id", value = "{sub}" }
        sort = { name = "names", value = "{username}{username}{username}{username}{username}{username}{username}{username}{username}" }
        [fields]
        profileOwner = "{sub}::{username}"
        tenant = { value = "{custom:tenant}", required = true }
        twice = "{custom:big}{custom:big}"
        "#;
    let tenant = json!({"custom:tenant": "blue"});
    let fine = Person::new("fine").body_with(&json!({"attributes": tenant}));
    let no_tenant = Person::new("ana").body();
    let big = "x".repeat(210 * 1024);
    let too_large =
        Person::new("bob").body_with(&json!({"attributes": {"custom:tenant": "b", "custom:big": big}}));
    let long_name = "n".repeat(120);
    let bad_key = Person::new("cem").body_with(&json!({"attributes": tenant, "username": long_name}));
    for body in [&fine, &no_tenant, &too_large, &bad_key] {
        world.send_traced(body, TRACEPARENT).await;
    }
    let ended = world.worker().with("PROFILE_MODEL", model).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("rejected", 3)]);
    assert_eq!(world.items().await.len(), 1);
    let letters = world.dead_letters(3).await;
    letters.iter().for_each(assert_note);
    let found: BTreeMap<_, _> = letters.iter().map(|letter| (letter.reason(), &letter.body)).collect();
    let expected =
        [("item_too_large", &too_large), ("key_invalid", &bad_key), ("model_field_missing", &no_tenant)];
    assert_eq!(found, expected.into());
}

#[tokio::test]
async fn a_newer_version_is_waited_for_before_it_is_quarantined() {
    let world = world!(ClockControl);
    let body = Person::new("ana").body_with(&json!({"v": 2}));
    world.send_traced(&body, TRACEPARENT).await;
    let worker = world.worker().start();
    for attempt in 1..=9_u64 {
        worker.logged("retried", |event| event["attempts"] == attempt).await;
        // It is on its way back: nothing is lost, nothing dead.
        in_flight(&world, 1).await;
        assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0), "attempt {attempt}");
        // The longest back-off there is, and the visibility timeout if the change came late.
        world.advance(Duration::from_secs(901));
    }
    let letters = world.dead_letters(1).await;
    assert_note(&letters[0]);
    assert_eq!((letters[0].reason(), &letters[0].body), ("unsupported_version", &body));
    assert_eq!(letters[0].note["attempts"], 10);
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("retried", 9), ("rejected", 1)]);
    world.assert_items([]).await;
}

/// The visibility change that a retry ends with has arrived.
async fn in_flight(world: &World, count: u64) {
    harness::eventually("the message is in flight", async || {
        (world.depth(&world.queue).await == (0, count, 0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_item_the_table_refuses_is_retried_and_then_quarantined() {
    let world = world!(ClockControl, Interception);
    let refused = Person::new("ana");
    let proxy = world.intercept().await;
    let sub = refused.sub.clone();
    proxy.on("PutItem", move |call| {
        if call.request["Item"]["id"]["S"] == sub.as_str() {
            Reaction::error(400, "com.amazonaws.dynamodb.v20120810#ValidationException")
        } else {
            Reaction::Forward
        }
    });
    // Alone or in company, each is put by itself, past the proxy's rule.
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").start();
    world.send_traced(&refused.body(), TRACEPARENT).await;
    let mut fine = Person::crowd(5).into_iter();
    let mut taken = Vec::new();
    for attempt in 1..=5_u64 {
        worker.logged("retried", |event| event["attempts"] == attempt).await;
        in_flight(&world, 1).await;
        assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0), "attempt {attempt}");
        // Refusals count against an item only where the table takes others between them.
        taken.extend(fine.next());
        world.send(&taken[taken.len() - 1].body()).await;
        world.has_items(taken.len()).await;
        in_flight(&world, 1).await;
        world.advance(Duration::from_secs(901));
    }
    let letters = world.dead_letters(1).await;
    assert_note(&letters[0]);
    assert_eq!(
        (letters[0].reason(), letters[0].body.as_str()),
        ("service_rejected", refused.body().as_str())
    );
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 5), ("retried", 5), ("rejected", 1)]);
    world.assert_items(taken.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_table_that_refuses_everything_quarantines_nothing() {
    let world = world!(ClockControl, Interception);
    let proxy = world.intercept().await;
    proxy.on("PutItem", |_| Reaction::error(400, "com.amazonaws.dynamodb.v20120810#ValidationException"));
    let people = Person::crowd(25);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").start();
    worker.logged("breaker_opened", |_| true).await;
    // Two more attempts after the outage was understood, each refused like the first.
    let tried = proxy.calls("PutItem");
    harness::eventually("the table is asked again", async || {
        world.hurry();
        (proxy.calls("PutItem") >= tried + 2).then_some(())
    })
    .await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    proxy.pass("PutItem");
    harness::eventually("all have items", async || {
        world.hurry();
        (world.items().await.len() == people.len()).then_some(())
    })
    .await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("rejected"), 0);
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn without_a_dead_letter_queue_a_bad_message_stays() {
    let mut world = world!(bare);
    world.create_lone_queue().await;
    world.create_table(&["id"]).await;
    let neighbour = Person::new("bob");
    world.send_all(["nonsense".to_owned(), neighbour.body()]).await;
    let worker = world.worker().start();
    worker.logged("no_dead_letter_queue", |_| true).await;
    worker.logged("quarantine_failed", |_| true).await;
    world.has_items(1).await;
    in_flight(&world, 1).await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("retried", 1)]);
    assert_eq!(ended.result()["quarantined"], json!({}));
    world.advance(Duration::from_secs(901));
    assert_eq!(world.peek(1).await[0].body, "nonsense");
}

#[tokio::test]
async fn a_dead_letter_queue_that_refuses_loses_nothing() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("SendMessage", |_| Reaction::error(403, "AccessDenied"));
    world.send("nonsense").await;
    let worker = world.worker_through(&proxy).start();
    worker.logged("quarantine_failed", |_| true).await;
    in_flight(&world, 1).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    proxy.pass("SendMessage");
    world.advance(Duration::from_secs(901));
    let letters = world.dead_letters(1).await;
    assert_eq!((letters[0].reason(), letters[0].body.as_str()), ("not_json", "nonsense"));
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("retried", 1), ("rejected", 1)]);
}

#[tokio::test]
async fn the_dead_letter_queue_may_be_named() {
    let mut world = world!(bare);
    world.create_lone_queue().await;
    world.create_table(&["id"]).await;
    let name = format!("{}-dlq", world.table());
    world.dead_letter = world.sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
    world.send("nonsense").await;
    let ended = world.worker().with("DEAD_LETTER_QUEUE_URL", &world.dead_letter).run_until_empty().await;
    ended.assert_outcomes(&[("rejected", 1)]);
    assert_eq!(world.dead_letters(1).await[0].body, "nonsense");
}
