//! From the text Cognito hands over to the item in the table, through everything between.

use std::collections::BTreeMap;

use harness::confirmations::{OBSERVED_AT, TRACEPARENT, fixtures, item_fixture};
use harness::{Person, Trigger, fixture, world};
use serde_json::{Value, json};

/// The item as it is when its times come from a message instead.
fn with_time(mut item: Value, epoch_ms: i64) -> Value {
    let time = domain::Timestamp::from_epoch_ms(epoch_ms).unwrap().to_string();
    item["createdAt"] = json!({"S": time});
    item["updatedAt"] = json!({"S": time});
    item
}

#[tokio::test]
async fn every_fixture_as_a_body_becomes_exactly_its_item() {
    // Some fixtures speak of the same user: those are not in the queue together.
    let mut rounds: Vec<BTreeMap<String, String>> = Vec::new();
    for name in fixtures("items") {
        let id = item_fixture(&name)["id"]["S"].as_str().unwrap().to_owned();
        match rounds.iter_mut().find(|round| !round.contains_key(&id)) {
            Some(round) => drop(round.insert(id, name)),
            None => rounds.push(BTreeMap::from([(id, name)])),
        }
    }
    for round in rounds {
        let world = world!();
        let mut expected = Vec::new();
        for name in round.values() {
            let body = fixture("events", name);
            world.send(&body).await;
            let letters = world.peek(expected.len() + 1).await;
            let sent_at = letters.iter().find(|letter| letter.body == body).unwrap().sent_at;
            // A bare Cognito event has no time of its own.
            let timeless = !body.contains("observedAt");
            let item = item_fixture(name);
            expected.push(if timeless { with_time(item, sent_at) } else { item });
        }
        let ended = world.worker().run_until_empty().await;
        ended.assert_drained();
        ended.assert_outcomes(&[("created", expected.len() as u64)]);
        world.assert_items(expected).await;
        assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    }
}

#[tokio::test]
async fn each_accepted_form_says_the_same() {
    let world = world!();
    let people = Person::crowd(4);
    let wrapped =
        |detail: Value| json!({"detail-type": "UserConfirmed", "time": OBSERVED_AT, "detail": detail});
    world
        .send_all([
            people[0].body(),
            wrapped(people[1].envelope()).to_string(),
            wrapped(people[2].event("PostConfirmation_ConfirmSignUp")).to_string(),
            // A time that is said comes before one that is only known.
            people[3].body_with(&json!({"observedAt": "2026-01-01T00:00:00Z", "createdAt": OBSERVED_AT})),
        ])
        .await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn what_the_trigger_announces_becomes_the_users_item() {
    for name in fixtures("events") {
        let event = fixture("events", &name);
        if !event.contains("triggerSource") {
            continue;
        }
        let world = world!();
        let trigger = Trigger::start(&world.variables()).await;
        trigger.confirm(&event).await;
        let letter = world.peek(1).await.remove(0);
        assert_eq!(letter.traceparent.as_deref(), Some(TRACEPARENT), "{name}");
        let envelope: Value = serde_json::from_str(&letter.body).unwrap();
        let observed_at = domain::Timestamp::parse(envelope["observedAt"].as_str().unwrap()).unwrap();

        let ended = world.worker().run_until_empty().await;
        ended.assert_drained();
        ended.assert_outcomes(&[("created", 1)]);
        world.assert_items([with_time(item_fixture(&name), observed_at.epoch_ms())]).await;
    }
}

#[tokio::test]
async fn what_is_no_confirmation_comes_back_to_cognito_and_goes_nowhere() {
    let world = world!();
    let trigger = Trigger::start(&world.variables()).await;
    for name in ["console-test-event", "queue-message-v1", "list-users-record"] {
        trigger.confirm(&fixture("events", name)).await;
    }
    trigger.confirm(&Person::new("eve").event("PreSignUp_SignUp").to_string()).await;
    trigger.confirm(&Person::new("ana").event("PostConfirmation_ConfirmSignUp").to_string()).await;
    // The last one's message is the only one: those before it were answered before it was asked.
    let letters = world.peek(1).await;
    assert!(letters[0].body.contains("ana.user"));
    assert_eq!(world.depth(&world.queue).await.0, 1);
}

#[tokio::test]
async fn an_unwanted_trigger_source_makes_nothing_and_is_counted() {
    let world = world!();
    let (signed_up, reset) = (Person::new("ana"), Person::new("bob"));
    world.send(&signed_up.body()).await;
    world.send(&reset.body_with(&json!({"trigger": "ConfirmForgotPassword"}))).await;
    let ended = world.worker().with("TRIGGER_SOURCES", "ConfirmSignUp").run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("ignored", 1)]);
    world.assert_items([signed_up.item()]).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}
