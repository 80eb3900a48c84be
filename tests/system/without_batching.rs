//! Batching, folding and leases only save money and time. With all of them broken the table is still
//! right.

use std::sync::{Arc, Mutex};

use harness::{Call, Intercept, Person, Reaction, World, eventually, world};
use serde_json::{Value, json};

fn messages(answer: &mut Value) -> Vec<Value> {
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

/// Everybody has the item, whatever the messages went through; then the rules are lifted and the queue
/// empties.
async fn assert_exact_in_the_end(world: &World, proxy: &Intercept, linger: &str, lifted: &[&str]) {
    let people = Person::crowd(60);
    let bodies: Vec<_> = people.iter().chain(&people).chain(&people).map(Person::body).collect();
    world.send_all(bodies).await;
    let worker = world.worker_through(proxy).with("LINGER", linger).start();
    world.has_items(people.len()).await;
    for operation in lifted {
        proxy.pass(operation);
    }
    eventually("the queue is empty", async || {
        world.hurry();
        (world.depth(&world.queue).await == (0, 0, 0)).then_some(())
    })
    .await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("created"), people.len() as u64);
    assert_eq!(ended.count("rejected") + ended.count("owner_conflict"), 0);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

/// Every receive asks for half of what it may and gets each message twice.
fn twice(call: &Call) -> Reaction {
    let mut request = call.request.clone();
    let asked = request["MaxNumberOfMessages"].as_u64().unwrap();
    if asked < 2 {
        return Reaction::Forward;
    }
    request["MaxNumberOfMessages"] = json!(asked / 2);
    Reaction::Exchange(
        request,
        Box::new(|mut answer| {
            let mut given = messages(&mut answer);
            given.extend(given.clone());
            answer["Messages"] = given.into();
            answer
        }),
    )
}

#[tokio::test]
async fn one_by_one() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("ReceiveMessage", |call| {
        let mut request = call.request.clone();
        request["MaxNumberOfMessages"] = json!(1);
        Reaction::Exchange(request, Box::new(|answer| answer))
    });
    assert_exact_in_the_end(&world, &proxy, "0s", &[]).await;
}

#[tokio::test]
async fn every_message_delivered_twice() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("ReceiveMessage", twice);
    assert_exact_in_the_end(&world, &proxy, "0s", &[]).await;
}

#[tokio::test]
async fn deletes_that_do_nothing_for_a_while() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("ReceiveMessage", twice);
    proxy.on("DeleteMessageBatch", |call| {
        let entries = call.request["Entries"].as_array().unwrap();
        let done: Vec<_> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
        Reaction::Answer(200, json!({"Successful": done}))
    });
    assert_exact_in_the_end(&world, &proxy, "0s", &["DeleteMessageBatch"]).await;
}

#[tokio::test]
async fn receipts_that_are_out_of_date() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let last: Arc<Mutex<Option<Value>>> = Arc::default();
    proxy.on("ReceiveMessage", move |_| {
        let last = Arc::clone(&last);
        Reaction::Change(Box::new(move |mut answer| {
            // Each message comes with the receipt of the one before it.
            let mut given = messages(&mut answer);
            let mut last = last.lock().unwrap();
            for message in &mut given {
                let own = message["ReceiptHandle"].clone();
                if let Some(other) = last.replace(own) {
                    message["ReceiptHandle"] = other;
                }
            }
            answer["Messages"] = given.into();
            answer
        }))
    });
    assert_exact_in_the_end(&world, &proxy, "0s", &["ReceiveMessage"]).await;
}

#[tokio::test]
async fn a_linger_that_holds_everything_back() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    assert_exact_in_the_end(&world, &proxy, "2s", &[]).await;
}

/// SQS never does, but who counts on it loses count.
#[tokio::test]
async fn more_messages_than_were_asked_for_are_all_accounted_for() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("ReceiveMessage", |_| {
        Reaction::Change(Box::new(|mut answer| {
            let mut given = messages(&mut answer);
            given.extend(given.clone());
            answer["Messages"] = given.into();
            answer
        }))
    });
    let people = Person::crowd(30);
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker_through(&proxy).run_until_empty().await;
    ended.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
}
