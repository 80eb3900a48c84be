//! The program, and what it does with a failure: the smallest history, and its replay.

use std::process::{Command, Output};

use simulator::plan::Plan;
use simulator::shrink::shrink;
use simulator::trouble::{Happening, Trouble};

fn simulator(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulator")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_replay_tells_one_message_stage_by_stage_and_the_same_each_time() {
    let replayed = simulator(&["replay", "21", "--message", "14"]);
    assert!(replayed.status.success());
    let told = stdout(&replayed);
    let (_, timeline) = told.split_once("message 14:").unwrap();
    let stages = [
        "sent:",
        "received for the 1. time",
        "insert_batch",
        "settled outcome=",
        "  deleted",
        "nothing was violated",
    ];
    let places: Vec<_> =
        stages.map(|stage| timeline.find(stage).unwrap_or_else(|| panic!("no {stage} in {told}"))).into();
    assert!(places.is_sorted(), "{told}");
    assert_eq!(told, stdout(&simulator(&["replay", "21", "--message", "14"])));
}

#[test]
fn a_part_of_a_history_can_be_replayed() {
    let told = stdout(&simulator(&["replay", "21", "--troubles", "0", "--workers", "0", "--nonces", "0,3"]));
    assert!(
        told.contains("  2 messages")
            && told.contains("  worker 0 from")
            && !told.contains("  worker 1 from"),
        "{told}"
    );
}

#[test]
fn a_run_says_what_it_has_lived_and_where_fresh_seeds_begin() {
    let run = simulator(&["run", "5"]);
    assert!(run.status.success());
    let told = stdout(&run);
    for line in ["histories 0 to 4", "histories  5 ", "outcomes ", "violations 0"] {
        assert!(told.contains(line), "no {line} in {told}");
    }
    let (first, second) = (simulator(&["run", "1", "--fresh"]), simulator(&["run", "1", "--fresh"]));
    assert!(first.status.success() && second.status.success());
    assert_ne!(stdout(&first).lines().next(), stdout(&second).lines().next(), "the same seeds");
    assert_eq!(simulator(&["run", "many"]).status.code(), Some(2));
}

#[test]
fn scale_tells_people_and_machines_and_fails_when_the_promise_is_broken() {
    let told = simulator(&["scale", "backlog", "--messages", "2000", "--workers", "1,2", "--json"]);
    assert!(told.status.success());
    let runs: serde_json::Value = serde_json::from_str(&stdout(&told)).unwrap();
    let of = |run: usize, name: &str| runs[run]["report"][name].as_u64();
    assert_eq!((of(0, "workers"), of(1, "workers")), (Some(1), Some(2)));
    assert_eq!(
        (of(0, "rows"), of(0, "dead_letters"), of(0, "receives_wasted")),
        (Some(1800), Some(0), Some(0))
    );
    let told = simulator(&["scale", "burst", "--messages", "2000", "--course"]);
    assert!(told.status.success() && stdout(&told).contains("new table, 1 worker(s)"), "{}", stdout(&told));
    // A queue with a small maxReceiveCount loses messages to its dead-letter queue.
    let broken = simulator(&["scale", "outage", "--messages", "500", "--max-receive-count", "2"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(stdout(&broken).contains("VIOLATED: outage, 4 workers:"), "{}", stdout(&broken));
    assert_eq!(simulator(&["scale", "--latency-ms", "20-10"]).status.code(), Some(2));
}

#[test]
fn what_a_failure_does_not_need_is_left_out() {
    let seed = (0..1000).find(|seed| {
        let plan = Plan::of(*seed);
        plan.happens(|what| matches!(what, Happening::Edit(_)))
            && plan.messages.len() > 40
            && plan.troubles.len() > 5
    });
    let plan = Plan::of(seed.unwrap());
    // Fails for an edit and two messages; and in another way, which is none of its business, without the workers.
    let violations = |plan: &Plan| {
        let has = |nonce| plan.messages.iter().any(|(_, sent)| sent.nonce == nonce);
        let edited = plan.happens(|what| matches!(what, Happening::Edit(_)));
        let number = plan.messages.len();
        let mut violations = vec![format!("{number} messages, to begin with")];
        violations.extend((edited && has(7) && has(31)).then(|| format!("user {number} has no row")));
        violations
    };
    let (small, violation) = shrink(&plan, "user 12 has no row", violations);
    assert_eq!(violation, "user 2 has no row");
    assert_eq!(small.messages.iter().map(|(_, sent)| sent.nonce).collect::<Vec<_>>(), [7, 31]);
    assert!(
        matches!(small.troubles.as_slice(), [Trouble::Event { what: Happening::Edit(_), .. }]),
        "{small}"
    );
    assert!(small.lives.is_empty());
}
