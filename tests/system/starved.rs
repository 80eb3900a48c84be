//! A process that may have next to nothing: so few open files that its connections fail, so little memory
//! that it dies. What it cannot do waits; nobody is lost.

use std::time::Duration;

use harness::worker_process::Running;
use harness::{Gate, Person, Reaction, eventually, world};
use serde_json::json;

/// The visibility timeout of every worker here is over.
const LONG: Duration = Duration::from_secs(3600);

/// Enough to start with and to talk to both services, too few for many calls at once.
const FEW_FILES: &str = "-S -n 14";

/// Failed calls so far, as the log has them.
fn failures(worker: &Running) -> usize {
    let failed = ["receive_failed", "write_failed", "settle_failed"];
    failed.iter().map(|name| worker.events(name).len()).sum()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn out_of_files_it_lives_on_and_goes_on_when_there_are_some() {
    let world = world!();
    let people = Person::crowd(400);
    world.send_all(people.iter().map(Person::body)).await;
    // Single puts are many calls at once.
    let mut worker = world.worker().with("WRITE_STRATEGY", "put").limited(FEW_FILES).start();
    eventually("connections fail", async || (failures(&worker) >= 50).then_some(())).await;
    assert!(worker.is_running(), "died of too few files");
    worker.allow_files(1024).await;
    world.has_items(people.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    // Each call that failed was waited after: it has not spun.
    let result = ended.result();
    let calls = result["api_calls"].as_object().unwrap().values().map(|count| count.as_u64().unwrap());
    assert!(calls.sum::<u64>() < 10 * people.len() as u64, "{}", ended.stdout);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

/// Too little for glibc to reserve an arena for each thread, which an address space without limits is mostly
/// made of; enough for everything else.
const LITTLE_MEMORY: u64 = 100_000;

/// Less than what a hundred of the messages below need, in KiB.
const ROOM: u64 = 5_000;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn out_of_memory_it_dies_and_the_next_finishes() {
    let world = world!(Interception, ClockControl);
    let worker = world.worker().limited(&format!("-v {LITTLE_MEMORY}")).start();
    worker.ready().await;
    let limit = worker.memory() + ROOM;
    worker.stop().await.assert_drained();

    let people = Person::crowd(120);
    let padding = "x".repeat(100 * 1024);
    world.send_all(people.iter().map(|person| person.body_with(&json!({"padding": padding})))).await;
    let proxy = world.intercept().await;
    // Nothing is ever answered, so that whatever is received stays in hand.
    for operation in ["PutItem", "BatchExecuteStatement"] {
        proxy.on(operation, |_| Reaction::HoldRequest(Gate::default()));
    }
    let worker = world
        .worker_through(&proxy)
        .with("VISIBILITY_TIMEOUT", "120s")
        .with("WRITE_DEADLINE", "50s")
        .limited(&format!("-v {limit}"))
        .start();
    let ended = worker.ended().await;
    assert!(ended.code.is_none() && ended.stderr.contains("memory allocation of"), "{ended:#?}");
    world.assert_items([]).await;
    world.advance(LONG);
    world.visible(120).await;
    world.worker().run_until_empty().await.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}
