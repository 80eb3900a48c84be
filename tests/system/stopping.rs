//! Ends of every kind: killed in the middle, asked to stop, asked twice, out of time. What was received
//! is settled, given back, or comes back; the next worker finishes it, and the table is exact.

use std::time::Duration;

use harness::{Ended, Gate, Intercept, Person, Reaction, Worker, World, eventually, world};

/// The visibility timeout of every worker here is over.
const LONG: Duration = Duration::from_secs(3600);

async fn in_the_air(proxy: &Intercept, operation: &str, count: usize) {
    eventually(&format!("{count} {operation} wait for an answer"), async || {
        (proxy.in_the_air(operation) >= count).then_some(())
    })
    .await;
}

/// Another worker does what is left, and all is as if nothing had happened.
async fn assert_finished_by_the_next(world: &World, people: &[Person]) {
    world.advance(LONG);
    // An engine without a clock of its own gives back what was delayed when its time has come: the
    // worker that stops once the queue is empty stays as long.
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

/// A worker of single puts, for which a write or a drain may take far longer than any test waits.
fn unhurried(world: &World, proxy: &Intercept) -> Worker {
    world
        .worker_through(proxy)
        .with("WRITE_STRATEGY", "put")
        .with("WRITE_DEADLINE", "600s")
        .with("VISIBILITY_TIMEOUT", "3600s")
        .with("DRAIN_DEADLINE", "1200s")
        .with("STOP_TIMEOUT", "1300s")
}

#[tokio::test]
async fn killed_between_write_and_delete_it_leaves_nothing_behind() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("PutItem", |_| Reaction::HoldAnswer(Gate::default()));
    let people = Person::crowd(8);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").start();
    in_the_air(&proxy, "PutItem", 8).await;
    world.has_items(8).await;
    let ended = worker.kill().await;
    assert_eq!(ended.code, None);
    // Nothing was deleted: what was written is found present.
    eventually("the messages come back", async || {
        world.advance(LONG);
        (world.depth(&world.queue).await == (8, 0, 0)).then_some(())
    })
    .await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 8)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn killed_before_the_write_it_leaves_the_message() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("PutItem", |_| Reaction::HoldRequest(Gate::default()));
    let people = Person::crowd(8);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").start();
    in_the_air(&proxy, "PutItem", 8).await;
    worker.kill().await;
    world.assert_items([]).await;
    assert_finished_by_the_next(&world, &people).await;
}

#[tokio::test]
async fn killed_while_it_deletes_it_leaves_an_exact_table() {
    let world = world!(Interception);
    for forwarded in [true, false] {
        let proxy = world.intercept().await;
        proxy.on("DeleteMessageBatch", move |_| {
            if forwarded {
                Reaction::HoldAnswer(Gate::default())
            } else {
                Reaction::HoldRequest(Gate::default())
            }
        });
        let before = world.items().await;
        let people = Person::crowd(15);
        world.send_all(people.iter().map(Person::body)).await;
        let worker = world.worker_through(&proxy).start();
        in_the_air(&proxy, "DeleteMessageBatch", 1).await;
        worker.kill().await;
        world.advance(LONG);
        world.worker().run_until_empty().await.assert_drained();
        world.assert_items(before.into_iter().chain(people.iter().map(Person::item))).await;
        assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
    }
}

#[tokio::test]
async fn asked_to_stop_in_the_middle_it_finishes_what_it_has() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let gate = Gate::default();
    let shut = gate.clone();
    proxy.on("PutItem", move |_| Reaction::HoldRequest(shut.clone()));
    let people = Person::crowd(7);
    world.send_all(people.iter().map(Person::body)).await;
    // Deletes would wait long for company: too few for a full batch, they are not to be forgotten.
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").with("LINGER", "10s").start();
    in_the_air(&proxy, "PutItem", 7).await;
    worker.terminate();
    worker.logged("drain_begins", |_| true).await;
    gate.open();
    let ended = worker.ended().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 7)]);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
}

#[tokio::test]
async fn an_interrupt_stops_it_as_well() {
    let world = world!();
    let worker = world.worker().start();
    worker.ready().await;
    worker.interrupt();
    worker.ended().await.assert_drained();
}

#[tokio::test]
async fn a_stop_is_never_taken_for_a_failed_stage() {
    let world = world!();
    for _ in 0..25 {
        let worker = world.worker().with("WAIT_TIME", "0s").start();
        worker.ready().await;
        worker.stop().await.assert_drained();
    }
}

#[tokio::test]
async fn asked_to_stop_in_an_outage_it_gives_back_what_it_cannot_write() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("PutItem", |_| Reaction::error(400, "com.amazonaws.dynamodb.v20120810#ThrottlingException"));
    let people = Person::crowd(100);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").start();
    eventually("the table was asked", async || (proxy.calls("PutItem") > 0).then_some(())).await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("released") + ended.count("retried"), ended.count("received"));
    world.assert_items([]).await;
    assert_finished_by_the_next(&world, &people).await;
}

#[tokio::test]
async fn asked_to_stop_in_an_outage_it_gives_back_at_once_what_it_holds() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let gate = Gate::default();
    let shut = gate.clone();
    // Everybody fails once; the first probe after that is held.
    proxy.on("PutItem", move |call| {
        if call.nth < 20 {
            Reaction::error(500, "InternalServerError")
        } else {
            Reaction::HoldRequest(shut.clone())
        }
    });
    let people = Person::crowd(20);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = unhurried(&world, &proxy).start();
    worker.logged("breaker_opened", |_| true).await;
    in_the_air(&proxy, "PutItem", 1).await;
    eventually("the probe is held", async || (proxy.calls("PutItem") == 21).then_some(())).await;
    // A poll from before the outage may be in the air still; it must not receive what is given back.
    assert_eq!(world.depth(&world.queue).await, (0, 20, 0));
    assert_eq!(proxy.calls("ChangeMessageVisibilityBatch"), 0);
    let puts = proxy.calls("PutItem");
    worker.terminate();
    // All but the one whose probe is on its way, which is nobody's reason to wait.
    eventually("what is held is given back", async || {
        (world.depth(&world.queue).await == (19, 1, 0)).then_some(())
    })
    .await;
    assert_eq!(proxy.calls("PutItem"), puts, "tried although the worker stops");
    gate.open();
    let ended = worker.ended().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("released", 19), ("created", 1)]);
    let given_back = proxy.entries("ChangeMessageVisibilityBatch");
    assert!(given_back.len() == 19 && given_back.iter().all(|entry| entry["VisibilityTimeout"] == 0));
    assert_eq!(world.depth(&world.queue).await, (19, 0, 0));
    assert_finished_by_the_next(&world, &people).await;
}

#[tokio::test]
async fn what_the_last_poll_brings_is_given_back_at_once() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let worker =
        world.worker_through(&proxy).with("WAIT_TIME", "10s").with("VISIBILITY_TIMEOUT", "60s").start();
    in_the_air(&proxy, "ReceiveMessage", 1).await;
    worker.terminate();
    worker.logged("drain_begins", |_| true).await;
    let polls = proxy.calls("ReceiveMessage");
    let people = Person::crowd(3);
    world.send_all(people.iter().map(Person::body)).await;
    let ended = worker.ended().await;
    ended.assert_drained();
    assert_eq!(proxy.calls("ReceiveMessage"), polls, "a poll was started after the stop");
    assert_eq!(ended.count("received"), ended.count("released"));
    world.assert_items([]).await;
    assert_eq!(world.depth(&world.queue).await, (3, 0, 0));
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
}

/// It says that it ran out of time, and everybody's message is there for the next worker, to whom all
/// end as `outcome`.
async fn assert_overrun(world: &World, ended: &Ended, people: &[Person], outcome: &str) {
    assert_eq!(ended.code, Some(75), "{ended:#?}");
    assert_eq!(ended.result()["drained"], false);
    ended.assert_balanced();
    world.visible(people.len() as u64).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[(outcome, people.len() as u64)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_gives_everything_back() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("PutItem", |_| Reaction::HoldRequest(Gate::default()));
    let people = Person::crowd(10);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = unhurried(&world, &proxy).start();
    in_the_air(&proxy, "PutItem", 10).await;
    worker.terminate();
    worker.logged("drain_begins", |_| true).await;
    worker.terminate();
    assert_overrun(&world, &worker.ended().await, &people, "created").await;
}

#[tokio::test]
async fn a_drain_out_of_time_says_so_and_gives_everything_back() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("DeleteMessageBatch", |_| Reaction::HoldRequest(Gate::default()));
    let people = Person::crowd(10);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world
        .worker_through(&proxy)
        .with("WAIT_TIME", "0s")
        .with("VISIBILITY_TIMEOUT", "3600s")
        .with("WRITE_DEADLINE", "1s")
        .with("DRAIN_DEADLINE", "10s")
        .with("STOP_TIMEOUT", "20s")
        .start();
    in_the_air(&proxy, "DeleteMessageBatch", 1).await;
    assert_overrun(&world, &worker.stop().await, &people, "already_present").await;
}
