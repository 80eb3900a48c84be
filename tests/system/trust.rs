//! What the worker believes, and of whom: which pools, which table, and how far a forged message reaches.

use harness::confirmations::{OBSERVED_AT, POOL};
use harness::{Ended, Person, World, world};
use local::stack;
use serde_json::{Value, json};

fn wrapped(detail: &Value) -> String {
    json!({"detail-type": "UserConfirmed", "time": OBSERVED_AT, "userPoolId": POOL, "detail": detail})
        .to_string()
}

#[tokio::test]
async fn no_form_of_a_message_brings_in_another_pool() {
    const SECOND: &str = "us-east-1_Zz9Yy8Xx7";
    let world = world!();
    let person = Person::new("ana");
    let with = |pool: &str| person.body_with(&json!({ "userPoolId": pool }));
    let mut event = person.event("PostConfirmation_ConfirmSignUp");
    event["userPoolId"] = json!("eu-central-1_Someone5");
    let strangers = [
        with("eu-central-1_Someone5"),
        with(&POOL.to_lowercase()),
        with(&format!("{POOL}x")),
        with(&POOL[..POOL.len() - 1]),
        event.to_string(),
        wrapped(&event),
        wrapped(&serde_json::from_str(&with("eu-central-1_Someone5")).unwrap()),
        // The last of two is the one that counts, for the list as for the item.
        with(POOL)
            .replacen('{', "{\"userPoolId\":\"eu-central-1_Someone5\",", 1)
            .replace(&format!("\"userPoolId\":\"{POOL}\""), "\"userPoolId\":\"eu-central-1_Someone6\""),
    ];
    let (first, second) = (Person::new("first"), Person::new("second"));
    let welcome = [first.body(), second.body_with(&json!({ "userPoolId": SECOND }))];
    world.send_all(strangers.iter().cloned().chain(welcome)).await;
    let worker = world.worker().with("USER_POOL_IDS", format!(" {POOL} ,{SECOND},"));
    let ended = worker.run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 2), ("rejected", strangers.len() as u64)]);
    assert_eq!(ended.result()["quarantined"], json!({ "pool_not_allowed": strangers.len() }));
    assert_eq!(ended.events("any_pool_accepted").len(), 0);
    world.assert_items([first.item(), second.item()]).await;
    let mut bodies: Vec<_> =
        world.dead_letters(strangers.len()).await.into_iter().map(|letter| letter.body).collect();
    let mut expected = strangers.to_vec();
    bodies.sort();
    expected.sort();
    assert_eq!(bodies, expected);
}

#[tokio::test]
async fn without_a_list_any_pool_is_believed_and_that_is_said() {
    let world = world!();
    let person = Person::new("ana");
    world.send(&person.body_with(&json!({"userPoolId": "eu-central-1_Someone5"}))).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_outcomes(&[("created", 1)]);
    assert_eq!(ended.events("any_pool_accepted").len(), 1);
}

#[tokio::test]
async fn a_message_as_large_as_sqs_takes_hurts_nobody() {
    /// What SQS takes at most, attributes included (SendMessage, API reference).
    const LARGEST: usize = 1024 * 1024;
    let world = world!(ClockControl);
    let (person, neighbour) = (Person::new("ana"), Person::new("bob"));
    let of_size = |size: usize| {
        let bare = person.body_with(&json!({"bulk": ""})).len();
        person.body_with(&json!({ "bulk": "x".repeat(size - bare) }))
    };
    // With the second the reason has no room beside it: the dead-letter queue must refuse it.
    let (large, largest) = (of_size(LARGEST - 4096), of_size(LARGEST));
    for body in [&large, &largest, &neighbour.body()] {
        world.send(body).await;
    }
    let running = world.worker().start();
    world.has_items(1).await;
    running.logged("quarantine_failed", |event| event["reason"] == "too_large").await;
    let letter = world.dead_letters(1).await.remove(0);
    assert_eq!((letter.reason(), letter.body == large), ("too_large", true));
    let ended = running.stop().await;
    ended.assert_drained();
    assert_eq!((ended.count("created"), ended.count("rejected")), (1, 1), "{}", ended.stdout);
    world.assert_items([neighbour.item()]).await;
    let (visible, in_flight, delayed) = world.depth(&world.queue).await;
    assert_eq!(visible + in_flight + delayed, 1, "the largest is neither lost nor moved");
}

/// What became of the worker at this table, whose key is the one the model has.
async fn at(world: &World, table: &str, model: Option<&str>) -> Ended {
    stack::create_table(&world.dynamodb, table, &["id"]).await.unwrap();
    let mut worker = world.worker().with("TABLE_NAME", table);
    if let Some(model) = model {
        worker = worker.with("PROFILE_MODEL", model);
    }
    let ended = worker.run_until_empty().await;
    world.dynamodb.delete_table().table_name(table).send().await.unwrap();
    ended
}

#[tokio::test]
async fn another_models_table_is_not_filled_though_its_key_fits() {
    let world = world!();
    let person = Person::new("ana");
    world.send(&person.body()).await;
    // AppSync's ids are 26 letters and digits; these are this test's own.
    let api = &world.table()["confirmed-".len()..][..26];
    let todos = format!("Todo-{api}-NONE");
    let ended = at(&world, &todos, None).await;
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    for word in ["TABLE_NAME", "PROFILE_MODEL", "UserProfile"] {
        assert!(ended.stderr.contains(word), "{word} is not in {}", ended.stderr);
    }
    let letter = world.peek(1).await.remove(0);
    assert_eq!(letter.receives, 1, "the message was taken though there was nowhere to put it");

    let renamed = r#"
        type = "UserProfile"
        table = "Todo"
        [key]
        partition = { name = "id", value = "{sub}" }"#;
    at(&world, &todos, Some(renamed)).await.assert_outcomes(&[("created", 1)]);
    world.send(&person.body()).await;
    at(&world, &format!("UserProfile-{api}-NONE"), None).await.assert_outcomes(&[("created", 1)]);
}

#[tokio::test]
async fn a_forged_message_changes_no_row_that_is_there() {
    for strategy in ["put", "batch"] {
        let world = world!();
        let person = Person::new("ana");
        let mut edited = person.item();
        edited["nickname"] = json!({"S": "Anna"});
        edited["email"] = json!({"S": "new@example.com"});
        world.put(&edited).await;
        let mut event = person.event("PostConfirmation_ConfirmForgotPassword");
        event["request"]["userAttributes"]["email"] = json!("mallory@example.com");
        let believed = [
            person.body_with(&json!({"email": "mallory@example.com", "nickname": "Mallory"})),
            person.body_with(&json!({"createdAt": "2020-01-01T00:00:00Z", "source": "backfill.file"})),
            person.body_with(&json!({"source": "reconcile", "attributes": {"nickname": "Mallory"}})),
            wrapped(&event),
        ];
        let caught = [
            person.body_with(&json!({"username": "mallory"})),
            person.body_with(&json!({"username": person.email})),
        ];
        world.send_all(believed.iter().chain(&caught).cloned()).await;
        let ended = world.worker().with("WRITE_STRATEGY", strategy).run_until_empty().await;
        ended.assert_drained();
        ended.assert_outcomes(&[
            ("already_present", believed.len() as u64),
            ("owner_conflict", caught.len() as u64),
        ]);
        world.assert_items([edited]).await;
    }
}

/// Not a guard but its absence, so that nobody takes the queue's policy for an ornament.
#[tokio::test]
async fn who_may_send_may_make_a_row_for_somebody_who_is_yet_to_come() {
    let world = world!();
    let person = Person::new("ana");
    let forged = Person { username: "mallory".to_owned(), ..person.clone() };
    world.send(&forged.body()).await;
    world.worker().run_until_empty().await.assert_outcomes(&[("created", 1)]);
    world.send(&person.body()).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_outcomes(&[("owner_conflict", 1)]);
    assert_eq!(ended.events("quarantined")[0]["reason"], "owner_conflict");
    world.assert_items([forged.item()]).await;
}
