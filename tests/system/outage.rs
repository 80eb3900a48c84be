//! The table cannot be written for a while. Messages wait in the queue, where waiting is free, and are
//! not spent on receives that come to nothing.

use harness::{Person, Reaction, eventually, world};

const WRITES: [&str; 2] = ["PutItem", "BatchExecuteStatement"];

#[tokio::test]
async fn an_outage_stops_the_polling_and_costs_no_message_its_receives() {
    let world = world!(Interception, ClockControl);
    let proxy = world.intercept().await;
    for operation in WRITES {
        proxy.on(operation, |_| Reaction::error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError"));
    }
    let people = Person::crowd(300);
    world.send_all(people.iter().map(Person::body)).await;
    // Little in hand, so that most of the crowd has to be left in the queue.
    let worker = world.worker_through(&proxy).with("MAX_IN_FLIGHT", "20").start();
    worker.logged("breaker_opened", |_| true).await;
    // The outage lasts for several probes.
    let tried =
        |proxy: &harness::Intercept| WRITES.iter().map(|operation| proxy.calls(operation)).sum::<usize>();
    let at_first = tried(&proxy);
    eventually("the table is probed", async || {
        world.hurry();
        (tried(&proxy) >= at_first + 3).then_some(())
    })
    .await;
    for operation in WRITES {
        proxy.pass(operation);
    }
    worker.logged("breaker_closed", |_| true).await;
    eventually("all have items", async || {
        world.hurry();
        (world.items().await.len() == people.len()).then_some(())
    })
    .await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("created"), 300);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    // Without the breaker every message would have come and gone many times.
    let given_back = ended.count("retried");
    assert!(given_back < 100, "{given_back} receives came to nothing");
}
