//! The table cannot be written for a while. What is in hand is held, the rest waits in the queue, where
//! waiting is free, and no message is spent on a receive that comes to nothing.

use std::collections::HashSet;

use harness::{Intercept, Person, Reaction, World, eventually, world};
use serde_json::{Value, json};

const BATCH: &str = "BatchExecuteStatement";
const RECEIVE: &str = "ReceiveMessage";
const WRITES: [&str; 2] = ["PutItem", BATCH];

fn fails(proxy: &Intercept, status: u16, code: &'static str) {
    for operation in WRITES {
        let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
        proxy.on(operation, move |_| Reaction::error(status, &code));
    }
}

fn passes(proxy: &Intercept) {
    WRITES.iter().for_each(|operation| proxy.pass(operation));
}

/// Waits until the table has been probed so many times more, by single puts; gives whom they were for.
async fn probed(proxy: &Intercept, times: usize) -> Vec<String> {
    let before = proxy.calls("PutItem");
    eventually("the table is probed", async || (proxy.calls("PutItem") >= before + times).then_some(()))
        .await;
    let id = |request: &Value| request["Item"]["id"]["S"].as_str().unwrap().to_owned();
    proxy.requests("PutItem")[before..].iter().map(id).collect()
}

/// Waits until no poll is in the air; gives how many there have been, and what the queue holds.
async fn quiet(world: &World, proxy: &Intercept) -> (usize, (u64, u64, u64)) {
    eventually("no poll is in the air", async || (proxy.in_the_air(RECEIVE) == 0).then_some(())).await;
    (proxy.calls(RECEIVE), world.depth(&world.queue).await)
}

#[tokio::test]
async fn an_outage_stops_the_polling_and_costs_no_message_its_receives() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    fails(&proxy, 500, "InternalServerError");
    let people = Person::crowd(300);
    world.send_all(people.iter().map(Person::body)).await;
    // Little in hand, so that most of the crowd has to be left in the queue.
    let worker = world
        .worker_through(&proxy)
        .with("MAX_IN_FLIGHT", "20")
        .with("VISIBILITY_TIMEOUT", "120s")
        .watched()
        .start();
    worker.logged("breaker_opened", |_| true).await;
    assert_eq!(probed(&proxy, 1).await.len(), 1);
    let (polls, depth) = quiet(&world, &proxy).await;
    let (waiting, in_hand, delayed) = depth;
    assert_eq!((waiting + in_hand, delayed), (300, 0));
    assert!((1..=20).contains(&in_hand), "{in_hand} in hand");
    let batches = proxy.calls(BATCH);

    // The outage lasts for several probes, each with another of those in hand.
    let asked: HashSet<String> = probed(&proxy, 3).await.into_iter().collect();
    assert!(asked.len() >= 3, "the same user over and over: {asked:?}");
    assert_eq!(proxy.calls(RECEIVE), polls, "received although the table fails");
    assert_eq!(proxy.calls(BATCH), batches, "a probe is one item");
    assert_eq!(world.depth(&world.queue).await, depth, "messages came or went");
    let status = worker.status().await;
    assert_eq!((&status["breaker_open"], &status["in_flight"]), (&json!(true), &json!(in_hand)));

    passes(&proxy);
    worker.logged("breaker_closed", |_| true).await;
    world.has_items(people.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    // Received once each, held, and written.
    ended.assert_outcomes(&[("created", 300)]);
    assert_eq!(ended.count("receives_without_attempt"), 0);
    assert_eq!(ended.result()["breaker_open"], false);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn room_for_more_is_no_reason_to_receive_while_the_table_fails() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    // The first call succeeds, so that the table fails in the middle.
    proxy.on(BATCH, |call| {
        if call.nth == 0 { Reaction::Forward } else { Reaction::error(503, "ServiceUnavailable") }
    });
    proxy.on("PutItem", |_| Reaction::error(503, "ServiceUnavailable"));
    let (early, late) = (Person::crowd(80), Person::crowd(20));
    world.send_all(early.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).with("VISIBILITY_TIMEOUT", "120s").watched().start();
    worker.logged("breaker_opened", |_| true).await;
    probed(&proxy, 1).await;
    let (polls, (waiting, in_hand, _)) = quiet(&world, &proxy).await;
    let status = worker.status().await;
    assert!(status["effective_permits"].as_u64().unwrap() >= in_hand + 10, "{status}");
    world.send_all(late.iter().map(Person::body)).await;
    probed(&proxy, 2).await;
    assert_eq!(quiet(&world, &proxy).await, (polls, (waiting + 20, in_hand, 0)));
    passes(&proxy);
    world.has_items(100).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 100)]);
    assert_eq!(ended.count("receives_without_attempt"), 0);
    world.assert_items(early.iter().chain(&late).map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn a_table_that_throttles_every_statement_inside_a_success_gets_less_at_once() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let throttled = || json!({"Error": {"Code": "ThrottlingError", "Message": "scripted"}});
    proxy.on(BATCH, move |call| {
        let statements = call.request["Statements"].as_array().unwrap().len();
        Reaction::Answer(200, json!({"Responses": vec![throttled(); statements]}))
    });
    proxy.on("PutItem", |_| Reaction::error(400, "com.amazonaws.dynamodb.v20120810#ThrottlingException"));
    let people = Person::crowd(60);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).with("VISIBILITY_TIMEOUT", "120s").watched().start();
    let permits = eventually("fewer are in hand", async || {
        let permits = worker.status().await["effective_permits"].as_u64().unwrap();
        (permits < 100 && proxy.calls(BATCH) >= 3).then_some(permits)
    })
    .await;
    assert!(permits >= 10, "{permits} permits are too few to go on with");
    passes(&proxy);
    world.has_items(people.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 60)]);
    assert!(ended.result()["errors"]["write.throttled"].as_u64().unwrap() >= 3, "{}", ended.stdout);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}
