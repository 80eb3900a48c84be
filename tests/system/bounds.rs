//! However much waits in the queue, the worker has no more of it in hand than it was told, and no more
//! connections than it has calls.

use harness::{Gate, Person, Reaction, world};
use serde_json::json;

/// Together some forty megabytes wait; what may be in hand is seven.
const WAITING: usize = 200;
const IN_HAND: usize = 30;
const RECEIVERS: usize = 3;
const BYTES: usize = 230 * 1024;

#[tokio::test]
async fn a_table_that_stands_still_fills_neither_memory_nor_connections() {
    let world = world!(Interception);
    let bulk = "x".repeat(BYTES);
    let crowd = Person::crowd(WAITING);
    for person in &crowd {
        // One by one: a batch has a limit of its own.
        world.send(&person.body_with(&json!({ "bulk": bulk }))).await;
    }
    let proxy = world.intercept().await;
    let gate = Gate::default();
    for operation in ["PutItem", "BatchExecuteStatement"] {
        let gate = gate.clone();
        proxy.on(operation, move |_| Reaction::HoldRequest(gate.clone()));
    }
    let worker = world
        .worker_through(&proxy)
        .with("MAX_IN_FLIGHT", IN_HAND.to_string())
        .with("MAX_RECEIVERS", RECEIVERS.to_string())
        // A write is tried more than once before its message goes back.
        .with("WRITE_DEADLINE", "20s")
        .with("VISIBILITY_TIMEOUT", "60s")
        .watched()
        .start();
    worker.ready().await;
    let process = worker.process_id();
    let lean = memory(process);
    // By then there was time to take everything.
    worker.logged("write_failed", |_| true).await;
    harness::eventually("nobody asks for more", async || {
        (proxy.in_the_air("ReceiveMessage") == 0).then_some(())
    })
    .await;
    let in_hand = worker.status().await["in_flight"].as_u64().unwrap();
    assert!((1..=IN_HAND as u64).contains(&in_hand), "{in_hand} in hand");
    let (_, in_flight, _) = world.depth(&world.queue).await;
    assert!(in_flight <= IN_HAND as u64, "{in_flight} in flight");
    // Polls, a third of what is in hand as writes, deletes, extensions, the admin endpoint's two.
    let connections = connections(process);
    assert!(connections <= RECEIVERS + IN_HAND / 3 + 10, "{connections} connections");
    let full = memory(process);

    gate.open();
    world.drained().await;
    let peak = peak(process);
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("created"), WAITING as u64, "{}", ended.stdout);
    world.assert_items(crowd.iter().map(Person::item)).await;
    assert!(proxy.together("ReceiveMessage").into_iter().max() <= Some(RECEIVERS));
    for operation in ["PutItem", "BatchExecuteStatement"] {
        assert!(proxy.together(operation).into_iter().max() <= Some(IN_HAND / 3), "{operation}");
    }
    // Who has it all in hand holds every body once, at the very least.
    let all = WAITING * BYTES;
    for (what, bytes) in [("standing still", full), ("at most", peak)] {
        assert!(bytes.saturating_sub(lean) < all, "{what}: {bytes} bytes, {lean} before");
    }
}

/// A line of `/proc/<process>/status`, in bytes; 0 where there is no such thing.
fn of_status(process: u32, field: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|line| line.trim_start_matches(':').trim().split(' ').next());
    kilobytes.map_or(0, |number| number.parse::<usize>().unwrap() * 1024)
}

fn memory(process: u32) -> usize {
    of_status(process, "VmRSS")
}

fn peak(process: u32) -> usize {
    of_status(process, "VmHWM")
}

/// Open sockets; 0 where the system does not tell.
fn connections(process: u32) -> usize {
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}
