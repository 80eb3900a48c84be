//! Deletes and delays that fail, in whole and in part. A batch call answers for each entry inside its
//! HTTP 200; what no answer says was done was not done.

use harness::{Call, Ended, Intercept, Person, Reaction, World, eventually, receipts, world};
use serde_json::{Value, json};

const DELETE: &str = "DeleteMessageBatch";

fn entries(call: &Call) -> Vec<Value> {
    call.request["Entries"].as_array().unwrap().clone()
}

/// The receipts a request is about.
fn handles(request: &Value) -> Vec<String> {
    request["Entries"].as_array().unwrap().iter().map(receipts::handle).collect()
}

fn id(entry: &Value) -> String {
    entry["Id"].as_str().unwrap().to_owned()
}

/// The call passes without the entries `left_out` says yes to, and `answer` is told which those were.
fn without(
    call: &Call,
    left_out: impl Fn(usize, &Value) -> bool,
    answer: impl FnOnce(Value, &[Value]) -> Value + Send + 'static,
) -> Reaction {
    let numbered = entries(call).into_iter().enumerate();
    let (out, kept): (Vec<_>, Vec<_>) = numbered.partition(|(place, entry)| left_out(*place, entry));
    let out: Vec<_> = out.into_iter().map(|(_, entry)| entry).collect();
    let kept: Vec<_> = kept.into_iter().map(|(_, entry)| entry).collect();
    if kept.is_empty() {
        return Reaction::Answer(200, answer(json!({"Successful": [], "Failed": []}), &out));
    }
    let mut request = call.request.clone();
    request["Entries"] = kept.into();
    Reaction::Exchange(request, Box::new(move |given| answer(given, &out)))
}

fn with_failed(mut answer: Value, failed: &[Value], code: &str) -> Value {
    let failed: Vec<_> = failed
        .iter()
        .map(|entry| json!({"Id": id(entry), "Code": code, "SenderFault": false, "Message": "scripted"}))
        .collect();
    answer["Failed"] = failed.into();
    answer
}

/// Runs a worker over eight messages behind `rule` on deletes. Whatever the rule does, within one lease
/// every message is deleted: none comes back.
async fn assert_deleted_in_the_end(
    world: &World,
    rule: impl FnMut(&Call) -> Reaction + Send + 'static,
) -> (Ended, Intercept) {
    let before = world.items().await;
    let people = Person::crowd(8);
    let proxy = world.intercept().await;
    proxy.on(DELETE, rule);
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker_through(&proxy).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 8)]);
    assert_eq!(ended.count("failed_deletes"), 0, "{}", ended.stdout);
    world.assert_items(before.into_iter().chain(people.iter().map(Person::item))).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    (ended, proxy)
}

#[tokio::test]
async fn entries_that_fail_are_deleted_by_another_call() {
    let world = world!(Interception);
    // One, then some, then all of them.
    for failing in [1, 4, 10] {
        let (ended, proxy) = assert_deleted_in_the_end(&world, move |call| {
            if call.nth > 1 {
                return Reaction::Forward;
            }
            without(call, |place, _| place < failing, |answer, out| with_failed(answer, out, "InternalError"))
        })
        .await;
        // Only what failed is asked for again: each receipt once more than it was refused.
        let requests = proxy.requests(DELETE);
        let asked =
            |handle: &String| requests.iter().flat_map(handles).filter(|asked| asked == handle).count();
        let refused: Vec<_> =
            requests.iter().take(2).flat_map(|request| handles(request).into_iter().take(failing)).collect();
        assert!(!refused.is_empty());
        for handle in requests.iter().flat_map(handles) {
            let refusals = refused.iter().filter(|refused| **refused == handle).count();
            assert_eq!(asked(&handle), refusals + 1, "{failing} fail: {requests:#?}");
        }
        assert!(ended.result()["errors"]["delete.unavailable"].as_u64().unwrap() >= 2, "{}", ended.stdout);
    }
}

#[tokio::test]
async fn an_entry_the_answer_does_not_name_is_not_taken_for_deleted() {
    let world = world!(Interception);
    assert_deleted_in_the_end(&world, |call| {
        if call.nth == 0 {
            without(call, |place, _| place == 0, |answer, _| answer)
        } else {
            Reaction::Forward
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_names_nothing_is_not_taken_for_success() {
    let world = world!(Interception);
    for answer in [json!({}), json!({"Successful": [], "Failed": []}), json!({"Successful": []})] {
        assert_deleted_in_the_end(&world, move |call| {
            if call.nth < 2 { Reaction::Answer(200, answer.clone()) } else { Reaction::Forward }
        })
        .await;
    }
}

#[tokio::test]
async fn an_entry_nobody_asked_for_stands_for_none_that_was() {
    let world = world!(Interception);
    for stranger in ["7777", "not-ours", "-1", ""] {
        assert_deleted_in_the_end(&world, move |call| {
            if call.nth > 0 {
                return Reaction::Forward;
            }
            without(
                call,
                |place, _| place == 0,
                move |mut answer, _| {
                    answer["Successful"].as_array_mut().unwrap().push(json!({"Id": stranger}));
                    answer
                },
            )
        })
        .await;
    }
}

#[tokio::test]
async fn whole_calls_that_fail_are_made_again() {
    let world = world!(Interception);
    for (status, code) in [
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
        (403, "RequestThrottled"),
        (403, "AccessDenied"),
    ] {
        assert_deleted_in_the_end(&world, move |call| {
            if call.nth < 2 { Reaction::error(status, code) } else { Reaction::Forward }
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_costs_another_call_and_nothing_else() {
    let world = world!(Interception);
    let people = Person::crowd(8);
    let proxy = world.intercept().await;
    proxy.on(DELETE, |call| if call.nth == 0 { Reaction::LoseAnswer } else { Reaction::Forward });
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker_through(&proxy).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 8)]);
    assert!(proxy.calls(DELETE) >= 2);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
}

#[tokio::test]
async fn a_lost_answer_to_a_write_makes_no_second_item() {
    let world = world!(Interception);
    let people = Person::crowd(8);
    let proxy = world.intercept().await;
    proxy.on("PutItem", |call| if call.nth < 3 { Reaction::LoseAnswer } else { Reaction::Forward });
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 5), ("already_present", 3)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_receipt_that_is_refused_brings_the_message_back_to_be_deleted() {
    let world = world!(Interception);
    let people = Person::crowd(6);
    let proxy = world.intercept().await;
    proxy.on(DELETE, |call| {
        if call.nth == 0 {
            without(
                call,
                |place, _| place == 0,
                |answer, out| with_failed(answer, out, "ReceiptHandleIsInvalid"),
            )
        } else {
            Reaction::Forward
        }
    });
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).start();
    eventually("one message is left", async || {
        (world.depth(&world.queue).await == (0, 1, 0) && proxy.calls(DELETE) > 0).then_some(())
    })
    .await;
    world.has_items(6).await;
    eventually("the message came back and is deleted", async || {
        world.hurry();
        (world.depth(&world.queue).await == (0, 0, 0)).then_some(())
    })
    .await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("failed_deletes"), 1);
    assert_eq!(ended.count("created"), 6);
    assert!(ended.count("already_present") >= 1);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn deletes_that_never_succeed_lose_nothing() {
    let world = world!(Interception);
    let people = Person::crowd(5);
    let proxy = world.intercept().await;
    proxy.on(DELETE, |_| Reaction::error(500, "InternalFailure"));
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).start();
    world.has_items(5).await;
    eventually("deleting was tried more than once", async || (proxy.calls(DELETE) > 2).then_some(())).await;
    worker.kill().await;
    world.advance(std::time::Duration::from_secs(3600));
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 5)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_delay_that_cannot_be_set_leaves_the_message_to_its_timeout() {
    let world = world!(Interception, ClockControl);
    let failures: [fn(&Call) -> Reaction; 3] = [
        |_| Reaction::error(500, "InternalFailure"),
        |call| without(call, |_, _| true, |answer, out| with_failed(answer, out, "InternalError")),
        |_| Reaction::Answer(200, json!({})),
    ];
    for failure in failures {
        let before = world.items().await;
        let people = Person::crowd(3);
        let proxy = world.intercept().await;
        proxy.on("ChangeMessageVisibilityBatch", failure);
        // Items that are refused while others are taken are delayed one by one, at once; a table that
        // fails would have them held.
        let refused: Vec<_> = people[1..].iter().map(|person| person.sub.clone()).collect();
        proxy.on("PutItem", move |call| {
            let id = call.request["Item"]["id"]["S"].as_str().unwrap();
            if refused.iter().any(|refused| refused == id) {
                Reaction::error(400, "com.amazonaws.dynamodb.v20120810#ValidationException")
            } else {
                Reaction::Forward
            }
        });
        world.send_all(people.iter().map(Person::body)).await;
        let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", "put").start();
        eventually("a delay was tried", async || {
            (proxy.calls("ChangeMessageVisibilityBatch") > 1).then_some(())
        })
        .await;
        assert!(proxy.entries("ChangeMessageVisibilityBatch").iter().all(|e| e["VisibilityTimeout"] != 0));
        world.has_items(before.len() + 1).await;
        proxy.pass("PutItem");
        eventually("all have items", async || {
            world.hurry();
            (world.items().await.len() == before.len() + people.len()).then_some(())
        })
        .await;
        eventually("the queue is empty", async || {
            world.hurry();
            (world.depth(&world.queue).await == (0, 0, 0)).then_some(())
        })
        .await;
        proxy.pass("ChangeMessageVisibilityBatch");
        let ended = worker.stop().await;
        ended.assert_drained();
        assert_eq!(ended.count("created"), 3);
        assert!(ended.count("retried") >= 2, "{}", ended.stdout);
        world.assert_items(before.into_iter().chain(people.iter().map(Person::item))).await;
        assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    }
}
