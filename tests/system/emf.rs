//! METRICS_EMF: what CloudWatch is told comes to what the summary says, is about nobody, and is never in the way of the
//! work; and what saved queries ask the log for stands in real lines.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use harness::confirmations::nested;
use harness::worker_process::{Ended, Running};
use harness::{Person, Personal, Reaction, world};
use serde_json::{Value, json};
use worker::outcome::Outcome;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Somebody who has just signed up.
fn fresh(person: &Person) -> String {
    let now = format!("{:.3}", jiff::Timestamp::now());
    person.body_with(&json!({ "observedAt": now }))
}

/// The lines for CloudWatch: every line but the last, which is the summary.
fn metrics(ended: &Ended) -> Vec<Value> {
    let mut lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let summary = lines.pop().unwrap();
    assert!(summary["drained"].is_boolean(), "the last line is not the summary: {summary}");
    assert!(lines.iter().all(|line| line["_aws"]["Timestamp"].is_u64()), "{}", ended.stdout);
    lines
}

fn sum(lines: &[Value], name: &str) -> u64 {
    lines.iter().filter_map(|line| line[name].as_u64()).sum()
}

/// Waits for the sign of life that comes with the first line, once a minute.
async fn a_minute(worker: &Running) {
    worker.logged("status", |_| true).await;
}

#[tokio::test]
async fn all_lines_together_come_to_the_summary_and_tell_of_nobody() {
    let world = world!();
    let early = Person::crowd(60);
    let poison = [format!("[{}]", early[0].email), nested(40), early[1].body_with(&json!({"sub": "me"}))];
    let bodies: Vec<String> = early.iter().map(fresh).chain([early[0].body()]).chain(poison).collect();
    world.send_all(bodies.clone()).await;
    let worker = world.worker().with("METRICS_EMF", "on").start();
    a_minute(&worker).await;
    let late = Person::crowd(40);
    let replayed: Vec<String> =
        late.iter().map(|person| person.body_with(&json!({"source": "reconcile"}))).collect();
    world.send_all(replayed.clone()).await;
    world.has_items(100).await;
    world.drained().await;
    let ended = worker.stop().await;

    ended.assert_drained();
    let lines = metrics(&ended);
    assert!(lines.iter().filter(|line| line["received"].is_u64()).count() >= 2, "{}", ended.stdout);
    for name in Outcome::ALL.iter().map(|outcome| outcome.name()).chain([
        "received",
        "answered_receives",
        "leases_lost",
        "live_profiles_within_objective",
    ]) {
        assert_eq!(sum(&lines, name), ended.count(name), "{name}: {}", ended.stdout);
    }
    let result = ended.result();
    assert_eq!((ended.count("created"), ended.count("rejected")), (100, 3));
    assert_eq!(result["confirmation_to_profile_ms"]["count"], 60, "{result}");
    assert_eq!(sum(&lines, "live_profiles"), 60);
    // One of them was announced twice, and the older announcement may have been the first.
    assert!(sum(&lines, "live_profiles_within_objective") >= 59, "{}", ended.stdout);
    let told: u64 = lines.iter().filter_map(|line| line["confirmation_to_profile"]["Count"].as_u64()).sum();
    assert_eq!(told, 60);
    let queue = world.queue.rsplit('/').next().unwrap();
    assert!(lines.iter().all(|line| line["queue_name"] == queue), "{}", ended.stdout);
    Personal::of(bodies.iter().chain(&replayed)).assert_absent(&ended.stdout, "what CloudWatch reads");
}

#[tokio::test]
async fn nothing_is_printed_unless_it_is_asked_for() {
    let world = world!();
    world.send_all(Person::crowd(3).iter().map(fresh)).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    assert_eq!((ended.stdout.lines().count(), metrics(&ended).len()), (1, 0), "{}", ended.stdout);
}

#[tokio::test]
async fn a_stdout_that_is_closed_stops_nobody() {
    let world = world!();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let worker = world.worker().with("METRICS_EMF", "on").start_with_stdout(Stdio::from(writer));
    worker.ready().await;
    world.send_all(Person::crowd(30).iter().map(fresh)).await;
    world.has_items(30).await;
    let ended = worker.stop().await;
    assert_eq!((ended.code, ended.events("panic").len()), (Some(0), 0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_stdout_that_nobody_reads_holds_up_neither_the_work_nor_the_end() {
    let world = world!();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let stdout = Stdio::from(writer.try_clone().unwrap());
    // More than a pipe holds: from now on every write waits, until the reader is gone.
    let filling = std::thread::spawn(move || drop(writer.write_all(&vec![b'\n'; 4 << 20])));
    let worker = world.worker().with("METRICS_EMF", "on").start_with_stdout(stdout);
    a_minute(&worker).await;
    world.send_all(Person::crowd(30).iter().map(fresh)).await;
    world.has_items(30).await;
    world.drained().await;
    assert!(!filling.is_finished(), "the pipe was not full");
    let ended = worker.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    drop(reader);
    filling.join().unwrap();
}

#[tokio::test]
async fn what_saved_queries_ask_the_log_for_is_logged() {
    let list = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards/cloudwatch/log-fields.json"));
    let list: Value = serde_json::from_str(list).unwrap();
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on("ReceiveMessage", |call| {
        if call.nth == 0 { Reaction::error(500, "InternalFailure") } else { Reaction::Forward }
    });
    for operation in ["PutItem", "BatchExecuteStatement"] {
        proxy.on(operation, move |_| {
            Reaction::error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError")
        });
    }
    let (newer, bad) = (Person::new("newer"), Person::new("bad"));
    world.send_traced(&newer.body_with(&json!({"v": 99})), TRACEPARENT).await;
    world.send_traced(&bad.body_with(&json!({"sub": "me"})), TRACEPARENT).await;
    world.send(&fresh(&Person::new("good"))).await;
    let worker = world.worker_through(&proxy).with("METRICS_EMF", "on").start();
    worker.logged("breaker_opened", |_| true).await;
    proxy.pass("PutItem");
    proxy.pass("BatchExecuteStatement");
    worker.logged("breaker_closed", |_| true).await;
    world.has_items(1).await;
    a_minute(&worker).await;
    let ended = worker.stop().await;

    let mut unseen: BTreeSet<String> = BTreeSet::new();
    for (event, fields) in list["worker"].as_object().unwrap() {
        let lines = if event == "metrics" { metrics(&ended) } else { ended.events(event) };
        assert!(!lines.is_empty(), "{event} was not logged: {}", ended.stderr);
        for field in fields.as_array().unwrap().iter().map(|field| field.as_str().unwrap()) {
            if !lines.iter().any(|line| !line[field].is_null()) {
                unseen.insert(format!("{event}.{field}"));
            }
        }
    }
    assert_eq!(unseen, BTreeSet::new(), "{}", ended.stderr);
    for event in ["retried", "quarantined"] {
        let traces: BTreeSet<_> =
            ended.events(event).iter().map(|line| line["trace_id"].to_string()).collect();
        assert_eq!(traces, BTreeSet::from([json!(TRACEPARENT[3..35]).to_string()]), "{event}");
    }
    let harm: Vec<String> = [newer, bad].iter().map(Person::body).collect();
    Personal::of(&harm).assert_absent(&ended.stdout, "what CloudWatch reads");
}
