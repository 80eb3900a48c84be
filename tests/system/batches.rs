//! Several items in one call: what one of them does must not befall the others, and the table must be
//! the one that single puts make.

use harness::{Gate, Person, Reaction, World, eventually, world};
use serde_json::{Value, json};

pub(crate) const BATCH: &str = "BatchExecuteStatement";

/// Before the worker starts, so that they fill a batch.
pub(crate) async fn all_at_once(world: &World, people: &[Person]) {
    world.send_all(people.iter().map(Person::body)).await;
}

/// The id a statement would insert.
pub(crate) fn ids(request: &Value) -> Vec<String> {
    let statements = request["Statements"].as_array().unwrap();
    let id = |statement: &Value| {
        // Parameters stand in the order of the names in the statement.
        let text = statement["Statement"].as_str().unwrap();
        let place = text.split('?').position(|before| before.ends_with("'id': ")).unwrap();
        statement["Parameters"][place]["S"].as_str().unwrap().to_owned()
    };
    statements.iter().map(id).collect()
}

#[tokio::test]
async fn a_crowd_is_written_in_few_calls_none_too_large_and_no_key_twice() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let people = Person::crowd(200);
    all_at_once(&world, &people).await;
    all_at_once(&world, &people[..40]).await;
    let ended = world.worker_through(&proxy).with("LINGER", "1s").run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 200), ("already_present", 40)]);
    world.assert_items(people.iter().map(Person::item)).await;
    let calls = proxy.requests(BATCH);
    assert!(calls.len() <= 40, "{} calls for 240 messages", calls.len());
    for call in &calls {
        let mut ids = ids(call);
        assert!(ids.len() <= 25);
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "a key twice in one call");
    }
    assert_eq!(proxy.calls("BatchWriteItem") + proxy.calls("TransactWriteItems"), 0);
}

#[tokio::test]
async fn a_statement_throttled_inside_a_success_is_written_by_another_call() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on(BATCH, |call| {
        if call.nth > 0 {
            return Reaction::Forward;
        }
        let mut request = call.request.clone();
        let statements = request["Statements"].as_array_mut().unwrap();
        statements.remove(0);
        Reaction::Exchange(
            request,
            Box::new(|mut answer| {
                let throttled = json!({"Error": {"Code": "ThrottlingError", "Message": "scripted"}});
                answer["Responses"].as_array_mut().unwrap().insert(0, throttled);
                answer
            }),
        )
    });
    let people = Person::crowd(8);
    all_at_once(&world, &people).await;
    let ended = world.worker_through(&proxy).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 8)]);
    assert_eq!(ended.result()["errors"]["write.throttled"], 1);
    world.assert_items(people.iter().map(Person::item)).await;
    // That one alone is sent again, and nobody else failed whom it could have gone with.
    let calls = proxy.requests(BATCH);
    let mut sent: Vec<_> = calls.iter().flat_map(ids).collect();
    sent.sort();
    let mut everybody: Vec<_> = people.iter().map(|person| person.sub.clone()).collect();
    everybody.sort();
    assert_eq!(sent, everybody);
    let put: Vec<_> = proxy.requests("PutItem").iter().map(|put| put["Item"]["id"]["S"].clone()).collect();
    assert_eq!(put, [ids(&calls[0]).swap_remove(0)]);
}

#[tokio::test]
async fn a_message_that_came_back_too_often_is_written_by_itself() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let (often, less_often) = (Person::new("often"), Person::new("less-often"));
    // Five receives of the one and four of the other came to nothing; the next is the worker's.
    world.send(&often.body()).await;
    world.peek(1).await;
    world.send(&less_often.body()).await;
    for _ in 0..3 {
        world.peek(2).await;
    }
    let mut receives: Vec<_> = world.peek(2).await.iter().map(|letter| letter.receives).collect();
    receives.sort_unstable();
    assert_eq!(receives, [4, 5]);
    let others = Person::crowd(8);
    all_at_once(&world, &others).await;
    let ended = world.worker_through(&proxy).run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 10)]);
    let put: Vec<_> = proxy.requests("PutItem").iter().map(|put| put["Item"]["id"]["S"].clone()).collect();
    assert!(put.contains(&json!(often.sub)), "{put:?}");
    let batches: Vec<_> = proxy.requests(BATCH).iter().map(ids).collect();
    assert!(batches.iter().all(|ids| !ids.contains(&often.sub)), "it shared a call");
    let shared = batches.iter().find(|ids| ids.contains(&less_often.sub));
    assert!(shared.is_some_and(|ids| ids.len() > 1), "{batches:?}");
    world.assert_items([&often, &less_often].into_iter().chain(&others).map(Person::item)).await;
}

#[tokio::test]
async fn one_item_that_fails_the_whole_call_does_not_fail_its_neighbours() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let people = Person::crowd(9);
    let bad = people[4].sub.clone();
    let (in_batch, alone) = (bad.clone(), bad.clone());
    let refused = || Reaction::error(400, "com.amazonaws.dynamodb.v20120810#ValidationException");
    proxy.on(
        BATCH,
        move |call| if ids(&call.request).contains(&in_batch) { refused() } else { Reaction::Forward },
    );
    proxy.on("PutItem", move |call| {
        if call.request["Item"]["id"]["S"] == alone.as_str() { refused() } else { Reaction::Forward }
    });
    all_at_once(&world, &people).await;
    let worker = world.worker_through(&proxy).start();
    world.has_items(8).await;
    let retried = worker.logged("retried", |_| true).await;
    assert_eq!((&retried["class"], &retried["code"]), (&json!("refused"), &json!("ValidationException")));
    proxy.pass(BATCH);
    proxy.pass("PutItem");
    eventually("the bad one is good now", async || {
        world.hurry();
        (world.items().await.len() == 9).then_some(())
    })
    .await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("created"), 9);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn killed_between_the_batch_and_its_deletes_it_leaves_nothing_behind() {
    let world = world!(Interception, ClockControl);
    let proxy = world.intercept().await;
    proxy.on(BATCH, |_| Reaction::HoldAnswer(Gate::default()));
    let people = Person::crowd(8);
    all_at_once(&world, &people).await;
    let worker = world.worker_through(&proxy).start();
    world.has_items(8).await;
    assert_eq!(worker.kill().await.code, None);
    eventually("the messages come back", async || {
        world.hurry();
        (world.depth(&world.queue).await == (8, 0, 0)).then_some(())
    })
    .await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 8)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

/// The same messages and the same rows before, by every strategy: the same table, the same outcomes.
#[tokio::test]
async fn every_strategy_makes_the_same_table_and_the_same_outcomes() {
    let mut results = Vec::new();
    let people = Person::crowd(60);
    let mut stranger = people[3].item();
    stranger["profileOwner"] = json!({"S": "somebody::else"});
    let mut ownerless = people[4].item();
    ownerless.as_object_mut().unwrap().remove("profileOwner");
    let mut edited = people[5].item();
    edited["email"] = json!({"S": "edited@example.org"});
    for strategy in ["auto", "put", "batch"] {
        let world = world!();
        for row in [&stranger, &ownerless, &edited] {
            world.put(row).await;
        }
        let bodies = people.iter().chain(&people[..20]).map(Person::body);
        world.send_all(bodies.chain(["nonsense".to_owned()])).await;
        let ended = world.worker().with("WRITE_STRATEGY", strategy).run_until_empty().await;
        ended.assert_drained();
        let outcomes: Vec<u64> =
            ["created", "already_present", "owner_missing", "owner_conflict", "rejected"]
                .map(|outcome| ended.count(outcome))
                .to_vec();
        let letters = world.dead_letters(3).await;
        let mut reasons: Vec<String> = letters.iter().map(|letter| letter.reason().to_owned()).collect();
        reasons.sort();
        results.push((strategy, outcomes, reasons, world.items().await));
    }
    let (_, outcomes, reasons, items) = &results[0];
    assert_eq!(outcomes, &[57, 19, 2, 2, 1]);
    assert_eq!(reasons, &["not_json", "owner_conflict", "owner_conflict"]);
    assert_eq!(items.len(), 60);
    for (strategy, other_outcomes, other_reasons, other_items) in &results[1..] {
        assert_eq!((other_outcomes, other_reasons), (outcomes, reasons), "{strategy}");
        let sorted = |items: &[Value]| {
            let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
            items.sort();
            items
        };
        assert_eq!(sorted(other_items), sorted(items), "{strategy}");
    }
}
