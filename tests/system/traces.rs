//! A sign-up's trace, from the trigger to the row: what a collector is told of it, by the real worker on one thread,
//! and what becomes of the work when the collector is not there.

use std::collections::BTreeSet;

use harness::collector::Told;
use harness::confirmations::{POOL, TRACEPARENT};
use harness::http::free_port;
use harness::{Collector, Person, Personal, Trigger, vitals, world};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::json;

/// The trace in [`TRACEPARENT`].
const TRACE_ID: &str = "69221c520123456789abcdef01234567";
const SENT_BY: &str = "0123456789abcdef";

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn named<'a>(spans: &'a [Told], name: &str) -> Vec<&'a Told> {
    spans.iter().filter(|told| told.span.name.split(' ').next() == Some(name)).collect()
}

fn links(told: &[&Told]) -> Vec<(String, String)> {
    let links = told.iter().flat_map(|told| &told.span.links);
    links.map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect()
}

fn count(told: &Told) -> usize {
    told.attributes["messaging.batch.message_count"].parse().unwrap()
}

#[tokio::test]
async fn a_sign_up_is_followed_from_the_trigger_to_the_row_on_one_thread() {
    let (world, collector) = (world!(), Collector::start().await);
    let trigger = Trigger::start(&world.variables()).await;
    let people = Person::crowd(23);
    for person in &people {
        trigger.confirm(&person.event("PostConfirmation_ConfirmSignUp").to_string()).await;
    }
    let ended = world.worker().on_one_thread().told_to(&collector).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 23)]);
    assert_eq!(ended.events("telemetry_lost"), Vec::<serde_json::Value>::new());

    let spans = collector.spans();
    let (queue, table) = (world.queue.rsplit('/').next().unwrap(), world.table());
    for told in &spans {
        assert!(
            told.span.parent_span_id.is_empty() || told.attributes.contains_key("db.system.name"),
            "{told:?}"
        );
        assert_ne!(hex(&told.span.trace_id), TRACE_ID, "a message's trace was gone on with");
        assert_eq!(told.resource["service.name"], "profile-worker");
        assert!(!told.resource["service.instance.id"].is_empty());
        assert_eq!(told.schema_url, worker::telemetry::names::SCHEMA_URL);
        assert!(!told.attributes.contains_key("error.type"), "{told:?}");
        assert!(told.span.end_time_unix_nano >= told.span.start_time_unix_nano);
    }
    // Each message once in each of the three, linked in its turn and never the parent.
    for (name, kind, operation) in [
        ("ReceiveMessage", SpanKind::Client, "receive"),
        ("process", SpanKind::Consumer, "process"),
        ("DeleteMessageBatch", SpanKind::Client, "settle"),
    ] {
        let told = named(&spans, name);
        assert_eq!(told.iter().map(|told| count(told)).sum::<usize>(), 23, "{name}");
        let linked = if operation == "process" { 23 } else { 0 };
        assert_eq!(links(&told), vec![(TRACE_ID.to_owned(), SENT_BY.to_owned()); linked], "{name}");
        for told in told {
            assert_eq!(told.span.kind, kind as i32, "{told:?}");
            assert_eq!(told.span.name, format!("{name} {queue}"));
            let expected = [
                ("system", "aws_sqs"),
                ("operation.name", name),
                ("operation.type", operation),
                ("destination.name", queue),
            ];
            for (attribute, value) in expected {
                assert_eq!(told.attributes[&format!("messaging.{attribute}")], value, "{told:?}");
            }
            assert!(count(told) > 0, "a poll that brought nothing was told");
            let ids = told.span.links.iter().flat_map(|link| &link.attributes);
            let ids = ids.filter(|attribute| attribute.key == "messaging.message.id").count();
            assert_eq!(ids, told.span.links.len(), "{told:?}");
        }
    }
    // What was asked of DynamoDB belongs to the batch it was asked for.
    let batches: BTreeSet<_> =
        named(&spans, "process").iter().map(|told| told.span.span_id.clone()).collect();
    let writes: Vec<_> = spans.iter().filter(|told| told.attributes.contains_key("db.system.name")).collect();
    assert!(!writes.is_empty());
    for told in writes {
        assert!(batches.contains(&told.span.parent_span_id), "{told:?}");
        assert_eq!(told.span.kind, SpanKind::Client as i32);
        assert_eq!(told.attributes["db.system.name"], "aws.dynamodb");
        assert_eq!(told.attributes["aws.dynamodb.table_names"], table);
        assert!(
            ["PutItem", "BatchExecuteStatement"].contains(&told.attributes["db.operation.name"].as_str())
        );
        assert!(!told.attributes["aws.request_id"].is_empty());
    }
    let bodies: Vec<_> = people.iter().map(Person::body).collect();
    Personal::of(&bodies).assert_absent(&collector.text(), "the collector");
}

#[tokio::test]
async fn what_is_quarantined_and_sent_back_keeps_its_trace_whichever_way_it_came() {
    let (world, collector) = (world!(), Collector::start().await);
    let people = Person::crowd(3);
    world.send_traced(&people[0].body(), TRACEPARENT).await;
    world.send(&people[1].body_with(&json!({"traceparent": TRACEPARENT}))).await;
    world
        .send_with_trace_header(
            &people[2].body(),
            "Root=1-69221c52-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
        )
        .await;
    let other_pool = world.worker().with("USER_POOL_IDS", "eu-central-1_Another");
    let ended = other_pool.told_to(&collector).run_until_empty().await;
    ended.assert_outcomes(&[("rejected", 3)]);
    // The trace in the body of a message that is rejected unread is not read either, and goes on in the body.
    let mut told: Vec<_> =
        ended.events("quarantined").iter().map(|event| event["trace_id"].clone()).collect();
    told.sort_by_key(serde_json::Value::is_string);
    assert_eq!(told, [json!(null), json!(TRACE_ID), json!(TRACE_ID)]);
    let sent = collector.spans();
    let (sent, queue) = (named(&sent, "SendMessage"), world.dead_letter.rsplit('/').next().unwrap());
    assert_eq!(links(&sent), vec![(TRACE_ID.to_owned(), SENT_BY.to_owned()); 2]);
    assert!(sent.iter().all(|told| told.attributes["messaging.destination.name"] == queue), "{sent:?}");

    let back = world.worker().arguments(&["quarantine", "retry", "--reason", "pool_not_allowed"]);
    assert_eq!(back.run().await.code, Some(0));
    let again = Collector::start().await;
    world.worker().told_to(&again).run_until_empty().await.assert_outcomes(&[("created", 3)]);
    let spans = again.spans();
    assert_eq!(links(&named(&spans, "process")), vec![(TRACE_ID.to_owned(), SENT_BY.to_owned()); 3]);
}

#[tokio::test]
async fn what_a_job_sends_begins_its_own_trace_and_the_worker_links_it() {
    let (world, job, collector) = (world!(), Collector::start().await, Collector::start().await);
    let people = Person::crowd(25);
    let lines: Vec<_> = people.iter().map(Person::body).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.join("\n")).unwrap();
    let from = file.path().to_str().unwrap();
    let worker = || world.worker().with("USER_POOL_IDS", POOL);
    let ended = worker().told_to(&job).arguments(&["backfill", "--from", from]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let sent = job.spans();
    let sent = named(&sent, "SendMessageBatch");
    assert_eq!(sent.iter().map(|told| count(told)).collect::<Vec<_>>().iter().sum::<usize>(), 25);
    for told in &sent {
        assert_eq!(told.span.kind, SpanKind::Producer as i32);
        assert_eq!(told.attributes["messaging.operation.type"], "send");
    }
    world.worker().told_to(&collector).run_until_empty().await.assert_outcomes(&[("created", 25)]);
    let contexts: BTreeSet<_> =
        sent.iter().map(|told| (hex(&told.span.trace_id), hex(&told.span.span_id))).collect();
    let linked = links(&named(&collector.spans(), "process"));
    assert_eq!(linked.len(), 25);
    assert_eq!(linked.into_iter().collect::<BTreeSet<_>>(), contexts);
    // Who pushes nothing sends no context.
    let ended = worker().arguments(&["backfill", "--from", from]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(world.peek(25).await.iter().all(|letter| letter.traceparent.is_none()));
}

#[tokio::test]
async fn what_is_no_trace_context_is_no_link_and_costs_nobody_his_item() {
    let (world, collector) = (world!(), Collector::start().await);
    let people = Person::crowd(4);
    for (person, traceparent) in people.iter().zip([
        "00-00000000000000000000000000000000-0123456789abcdef-01",
        "nonsense",
        &"0".repeat(1000),
        TRACEPARENT,
    ]) {
        world.send_traced(&person.body(), traceparent).await;
    }
    world.worker().told_to(&collector).run_until_empty().await.assert_outcomes(&[("created", 4)]);
    assert_eq!(links(&named(&collector.spans(), "process")), [(TRACE_ID.to_owned(), SENT_BY.to_owned())]);
}

#[tokio::test]
async fn a_call_that_fails_says_so_and_a_row_that_was_there_does_not() {
    let (world, collector) = (world!(), Collector::start().await);
    let person = Person::new("ana");
    world.put(&person.item()).await;
    world.send(&person.body()).await;
    let proxy = world.intercept().await;
    let mut calls = 0;
    proxy.on("PutItem", move |_| {
        calls += 1;
        if calls == 1 {
            harness::Reaction::error(500, "InternalServerError")
        } else {
            harness::Reaction::Forward
        }
    });
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").told_to(&collector);
    worker.run_until_empty().await.assert_outcomes(&[("already_present", 1)]);
    let spans = collector.spans();
    let puts = named(&spans, "PutItem");
    assert_eq!(puts.len(), 2, "{puts:?}");
    let failed =
        |told: &Told| told.span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
    assert!(failed(puts[0]) && puts[0].attributes["error.type"] == "unavailable", "{:?}", puts[0]);
    assert!(!failed(puts[1]) && puts[1].attributes["profile_worker.already_present"] == "1", "{:?}", puts[1]);
}

#[tokio::test]
async fn without_a_collector_the_work_is_done_and_the_end_comes() {
    let (world, people) = (world!(), Person::crowd(500));
    for endpoint in [format!("http://127.0.0.1:{}", free_port()), "http://nowhere.invalid:4318".to_owned()] {
        world.send_all(people.iter().map(Person::body)).await;
        let worker = world.worker().on_one_thread().with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let ended = worker.run_until_empty().await;
        ended.assert_drained();
        assert_eq!(ended.events("telemetry_lost").len(), 1, "{}", ended.stderr);
    }
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_up_nobody_and_fills_no_memory() {
    let (world, collector) = (world!(), Collector::hanging().await);
    let (first, rest) = (Person::crowd(10), Person::crowd(3_000));
    // Pushes begin at once, so that all of the work is done beside one that hangs.
    let worker = world.worker().on_one_thread().told_to(&collector).watched();
    let worker = worker
        .with("OTEL_BSP_SCHEDULE_DELAY", "10")
        .with("OTEL_BSP_MAX_QUEUE_SIZE", "256")
        .with("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64")
        .with("OTEL_METRIC_EXPORT_INTERVAL", "100")
        .start();
    world.send_all(first.iter().map(Person::body)).await;
    harness::eventually("a push hangs", async || (collector.asked() >= 1).then_some(())).await;
    world.drained().await;
    let memory = || vitals::resident(worker.process_id()).unwrap();
    let before = memory();
    world.send_all(rest.iter().map(Person::body)).await;
    world.drained().await;
    let grown = memory().saturating_sub(before);
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("received"), 3_010);
    assert_eq!(ended.events("telemetry_lost").len(), 1);
    // What does not fit the queue is dropped. The rest is what the work itself takes.
    assert!(grown < 32 * 1024 * 1024, "grew by {grown} bytes");
}
