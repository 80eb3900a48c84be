//! What is in hand stays ours for as long as it takes; what is not ours any more is left alone, and the
//! table is exact whoever wrote it.

use std::collections::HashMap;

use harness::{Gate, Intercept, Person, Reaction, Receipts, World, eventually, receipts, world};

const EXTEND: &str = "ChangeMessageVisibilityBatch";
const DELETE: &str = "DeleteMessageBatch";

/// The shortest time in which a worker can have messages: a wait, a margin and two write deadlines.
fn short_lived(world: &World, proxy: &Intercept) -> harness::Worker {
    world.worker_through(proxy).with("VISIBILITY_TIMEOUT", "8s").with("WRITE_DEADLINE", "1s")
}

fn fails(proxy: &Intercept) {
    for operation in ["PutItem", "BatchExecuteStatement"] {
        proxy.on(operation, |_| Reaction::error(500, "InternalServerError"));
    }
}

fn passes(proxy: &Intercept) {
    for operation in ["PutItem", "BatchExecuteStatement"] {
        proxy.pass(operation);
    }
}

/// How often each receipt's time was to be extended.
fn extensions(proxy: &Intercept) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for entry in proxy.entries(EXTEND).iter().filter(|entry| entry["VisibilityTimeout"] == 8) {
        *times.entry(receipts::handle(entry)).or_default() += 1;
    }
    times
}

/// The receipts that deletes and delays were about, after so many entries of each.
fn acted_on(proxy: &Intercept, since: [usize; 2]) -> Vec<String> {
    let both = [DELETE, EXTEND].into_iter().zip(since);
    let entries = both.flat_map(|(operation, since)| proxy.entries(operation).split_off(since));
    entries.map(|entry| receipts::handle(&entry)).collect()
}

fn acts(proxy: &Intercept) -> [usize; 2] {
    [DELETE, EXTEND].map(|operation| proxy.entries(operation).len())
}

#[tokio::test]
async fn what_is_held_past_its_visibility_timeout_is_extended_and_never_comes_back() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    fails(&proxy);
    let people = Person::crowd(25);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = short_lived(&world, &proxy).start();
    worker.logged("breaker_opened", |_| true).await;
    // At half of the time and at half of the next: the third is asked for when the first eight seconds
    // are long over.
    eventually("everybody's time was extended thrice", async || {
        let extensions = extensions(&proxy);
        (extensions.len() == people.len() && extensions.values().all(|times| *times >= 3)).then_some(())
    })
    .await;
    assert_eq!(world.depth(&world.queue).await, (0, 25, 0));
    assert!(proxy.requests(EXTEND).iter().all(|request| request["Entries"].as_array().unwrap().len() <= 10));
    passes(&proxy);
    world.has_items(people.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 25)]);
    assert_eq!(ended.count("leases_lost"), 0);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn cut_off_from_both_services_it_gives_up_what_it_had_and_gets_it_again() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let receipts = Receipts::kept(&proxy);
    fails(&proxy);
    let people = Person::crowd(25);
    world.send_all(people.iter().map(Person::body)).await;
    let worker = short_lived(&world, &proxy).start();
    worker.logged("breaker_opened", |_| true).await;
    eventually("all are in hand", async || (world.depth(&world.queue).await == (0, 25, 0)).then_some(()))
        .await;
    proxy.cut();
    let before = acts(&proxy);
    world.visible(25).await;
    let lost = receipts.all();
    assert_eq!(lost.len(), 25);
    let during = acts(&proxy);
    passes(&proxy);
    proxy.mend();
    world.has_items(people.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("lease_lost", 25), ("created", 25)]);
    // While it was cut off it tried to keep them; it deleted nothing, and once they were lost it let go.
    assert_eq!(during[0], before[0]);
    let acted_on = acted_on(&proxy, during);
    assert!(lost.iter().all(|lost| !acted_on.contains(lost)), "acted on a receipt that was lost");
    assert_eq!(proxy.entries(DELETE).len(), 25);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

/// A worker's write is on its way when the worker is stopped for so long that all it had is given to
/// another, which does it. Then the first goes on.
async fn assert_a_sleeper_leaves_all_alone(answered_in_its_sleep: bool) {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let receipts = Receipts::kept(&proxy);
    let gate = Gate::default();
    let shut = gate.clone();
    proxy.on("PutItem", move |_| Reaction::HoldRequest(shut.clone()));
    let people = Person::crowd(6);
    world.send_all(people.iter().map(Person::body)).await;
    let sleeper = world
        .worker_through(&proxy)
        .with("VISIBILITY_TIMEOUT", "10s")
        .with("WRITE_DEADLINE", "2s")
        .with("WRITE_STRATEGY", "put")
        .start();
    eventually("all writes are on their way", async || (proxy.in_the_air("PutItem") == 6).then_some(()))
        .await;
    sleeper.suspend();
    let before = acts(&proxy);
    world.visible(6).await;
    let lost = receipts.all();
    assert_eq!(lost.len(), 6);
    let other = world.worker().run_until_empty().await;
    other.assert_drained();
    other.assert_outcomes(&[("created", 6)]);
    if answered_in_its_sleep {
        gate.open();
        eventually("the writes are answered", async || (proxy.in_the_air("PutItem") == 0).then_some(()))
            .await;
    }
    sleeper.resume();
    gate.open();
    let polls = proxy.calls("ReceiveMessage");
    eventually("it polls again", async || (proxy.calls("ReceiveMessage") > polls + 1).then_some(())).await;
    let ended = sleeper.stop().await;
    ended.assert_drained();
    let acted_on = acted_on(&proxy, before);
    assert!(acted_on.is_empty(), "acted on what was another's: {acted_on:?}");
    // It says what became of them: lost, given up, or found written and not deleted.
    let ends = ["lease_lost", "retried", "already_present"].map(|outcome| ended.count(outcome));
    assert_eq!(ends.iter().sum::<u64>(), 6, "{}", ended.stdout);
    assert_eq!(ended.count("failed_deletes"), ended.count("already_present"), "{}", ended.stdout);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn asleep_until_its_messages_were_anothers_it_deletes_none_of_them() {
    assert_a_sleeper_leaves_all_alone(false).await;
}

#[tokio::test]
async fn told_in_its_sleep_that_its_writes_were_too_late_it_deletes_none_of_them() {
    assert_a_sleeper_leaves_all_alone(true).await;
}
