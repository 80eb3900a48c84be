//! How long work is held in hand while the table fails, and what becomes of it then: it is given back
//! for long, and next to nothing is received in its place.

use std::time::Duration;

use harness::{Intercept, Person, Reaction, World, eventually, receipts, worker_process::Running, world};
use serde_json::Value;

const DELAY: &str = "ChangeMessageVisibilityBatch";

/// The longest delay there is, in seconds.
const LONGEST: u64 = 900;

fn timeout(entry: &Value) -> u64 {
    entry["VisibilityTimeout"].as_u64().unwrap()
}

/// A worker that may hold nothing for long, behind a table that fails.
async fn impatient(world: &World) -> (Running, Intercept) {
    let proxy = world.intercept().await;
    for operation in ["PutItem", "BatchExecuteStatement"] {
        proxy.on(operation, |_| Reaction::error(500, "InternalServerError"));
    }
    let worker = world.worker_through(&proxy).with("MAX_IN_FLIGHT", "10").with("HOLD_BUDGET", "2s");
    (worker.watched().start(), proxy)
}

/// How many messages each receive could have brought.
fn asked(proxy: &Intercept) -> Vec<u64> {
    let requests = proxy.requests("ReceiveMessage");
    requests.iter().map(|request| request["MaxNumberOfMessages"].as_u64().unwrap()).collect()
}

/// Waits until it has given back the ten it took at first and the two it may receive after that.
async fn gives_back_twelve(worker: &Running) {
    eventually("twelve messages are given back", async || {
        (worker.status().await["released"].as_u64().unwrap() >= 12).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_held_for_too_long_is_given_back_for_long_and_little_is_received_instead() {
    let world = world!(Interception, ClockControl);
    let people = Person::crowd(60);
    world.send_all(people.iter().map(Person::body)).await;
    let (worker, proxy) = impatient(&world).await;
    gives_back_twelve(&worker).await;
    let polls = proxy.calls("ReceiveMessage");
    // For as long as another worker takes to do the same, the first must ask for nothing.
    let (other, other_proxy) = impatient(&world).await;
    gives_back_twelve(&other).await;
    assert_eq!(proxy.calls("ReceiveMessage"), polls, "received although two have shown that it is in vain");

    for (worker, proxy) in [(worker, proxy), (other, other_proxy)] {
        let ended = worker.stop().await;
        ended.assert_drained();
        ended.assert_outcomes(&[("released", 12)]);
        assert_eq!(ended.count("receives_without_attempt"), 0);
        assert_eq!(asked(&proxy), [10, 1, 1]);
        let given_back = proxy.entries(DELAY);
        assert!(given_back.iter().all(|entry| timeout(entry) == LONGEST), "{given_back:?}");
        let mut handles: Vec<_> = given_back.iter().map(receipts::handle).collect();
        handles.sort();
        handles.dedup();
        assert_eq!(handles.len(), 12);
    }
    assert_eq!(world.depth(&world.queue).await, (36, 24, 0));
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    world.advance(Duration::from_secs(LONGEST + 1));
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 60)]);
    world.assert_items(people.iter().map(Person::item)).await;
}
