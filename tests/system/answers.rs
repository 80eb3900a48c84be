//! Answers to a batch of writes that say too little, or what nobody understands, or that never come. What
//! no answer says was written was not, and its message is not deleted.

use harness::{Person, Reaction, Receipts, eventually, receipts, world};
use serde_json::json;

use crate::batches::{BATCH, all_at_once, ids};

#[tokio::test]
async fn an_answer_that_says_too_little_is_not_taken_for_success() {
    for answer in [json!({}), json!({"Responses": []}), json!({"Responses": [{}]})] {
        let world = world!(Interception);
        let proxy = world.intercept().await;
        let kept = answer.clone();
        // Nothing reaches the table, and the answer names fewer statements than were sent.
        proxy.on(BATCH, move |call| {
            if call.nth > 0 {
                return Reaction::Forward;
            }
            let mut request = call.request.clone();
            let said = kept["Responses"].as_array().map_or(0, Vec::len);
            request["Statements"].as_array_mut().unwrap().truncate(said.max(1));
            let kept = kept.clone();
            if said == 0 {
                Reaction::Answer(200, kept)
            } else {
                Reaction::Exchange(request, Box::new(move |_| kept))
            }
        });
        let people = Person::crowd(8);
        all_at_once(&world, &people).await;
        let ended = world.worker_through(&proxy).run_until_empty().await;
        ended.assert_drained();
        world.assert_items(people.iter().map(Person::item)).await;
        assert_eq!(ended.count("created") + ended.count("already_present"), 8, "{answer}: {ended:#?}");
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_write_leaves_one_item_each() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    proxy.on(BATCH, |call| if call.nth == 0 { Reaction::LoseAnswer } else { Reaction::Forward });
    let people = Person::crowd(8);
    all_at_once(&world, &people).await;
    let ended = world.worker_through(&proxy).run_until_empty().await;
    ended.assert_drained();
    assert_eq!(ended.count("created") + ended.count("already_present"), 8, "{ended:#?}");
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_statement_whose_error_nobody_knows_is_not_taken_for_written() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let receipts = Receipts::kept(&proxy);
    let people = Person::crowd(8);
    let (in_batch, alone) = (people[3].sub.clone(), people[3].sub.clone());
    proxy.on(BATCH, move |call| {
        let Some(place) = ids(&call.request).iter().position(|id| *id == in_batch) else {
            return Reaction::Forward;
        };
        let unknown = json!({"Error": {"Code": "SomethingNewIn2031", "Message": "scripted"}});
        let mut request = call.request.clone();
        let statements = request["Statements"].as_array_mut().unwrap();
        statements.remove(place);
        if statements.is_empty() {
            return Reaction::Answer(200, json!({"Responses": [unknown]}));
        }
        Reaction::Exchange(
            request,
            Box::new(move |mut answer| {
                answer["Responses"].as_array_mut().unwrap().insert(place, unknown);
                answer
            }),
        )
    });
    proxy.on("PutItem", move |call| {
        if call.request["Item"]["id"]["S"] == alone.as_str() {
            Reaction::error(400, "com.amazonaws.dynamodb.v20120810#SomethingNewIn2031")
        } else {
            Reaction::Forward
        }
    });
    all_at_once(&world, &people).await;
    let worker = world.worker_through(&proxy).with("VISIBILITY_TIMEOUT", "120s").start();
    world.has_items(7).await;
    // One item that fails over and over, and nothing else to write, is taken for an outage: held.
    let opened = worker.logged("breaker_opened", |_| true).await;
    assert_eq!((&opened["class"], &opened["code"]), (&json!("unavailable"), &json!("SomethingNewIn2031")));
    let deleted = || proxy.entries("DeleteMessageBatch").iter().map(receipts::handle).collect::<Vec<_>>();
    eventually("the others are deleted", async || (deleted().len() >= 7).then_some(())).await;
    assert_eq!(world.depth(&world.queue).await, (0, 1, 0));
    let theirs = receipts.of(&people[3]);
    assert!(theirs.len() == 1 && !deleted().contains(&theirs[0]), "deleted though it was not written");
    proxy.pass(BATCH);
    proxy.pass("PutItem");
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 8)]);
    assert!(deleted().contains(&theirs[0]));
    world.assert_items(people.iter().map(Person::item)).await;
}
