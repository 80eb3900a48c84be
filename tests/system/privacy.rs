//! Nobody is in the logs. Everything a fixture or a hostile message says of a person is looked for in
//! everything the deployables write, at the most talkative level there is.

use std::collections::BTreeSet;

use harness::confirmations::{fixtures, nested};
use harness::{Intercept, Person, Reaction, Trigger, World, fixture, world};
use serde_json::{Value, json};

/// What a JSON text says of a person: attributes, client metadata, names.
fn personal(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        collect(&value, "", &mut found);
    }
    // Too short or too common to be anybody's: they would be found in any log.
    found.retain(|value| value.len() >= 8 && !["CONFIRMED", "EXTERNAL_PROVIDER"].contains(&value.as_str()));
    found
}

fn collect(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    const IMPERSONAL: [&str; 14] = [
        "v",
        "kind",
        "source",
        "trigger",
        "triggerSource",
        "region",
        "userPoolId",
        "version",
        "detail-type",
        "time",
        "observedAt",
        "createdAt",
        "traceparent",
        "callerContext",
    ];
    if IMPERSONAL.contains(&name) {
        return;
    }
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(value, name, found)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, name, found)),
        Value::String(text) => drop(found.insert(text.clone())),
        _ => {}
    }
}

fn assert_impersonal(written: &str, bodies: &[String], who: &str) {
    let mut looked_for = 0;
    for value in bodies.iter().flat_map(|body| personal(body)) {
        assert!(!written.contains(&value), "{who} wrote {value:?}");
        looked_for += 1;
    }
    assert!(looked_for > 10, "nothing was looked for");
}

fn poison() -> Vec<String> {
    let person = Person::new("persona.nongrata");
    vec![
        "persona.nongrata@example.com is no JSON".to_owned(),
        format!("{{\"email\":\"{}\",", person.email),
        format!("{{\"email\":\"{}\",\"deep\":{}}}", person.email, nested(40)),
        person.body_with(&json!({"v": 99})),
        person.body_with(&json!({"sub": "persona.nongrata@example.com"})),
        person.body_with(&json!({"userPoolId": "persona.nongrata@example.com"})),
        person.body_with(&json!({"observedAt": "persona.nongrata@example.com"})),
        person.body_with(&json!({"username": null, "attributes": {"custom:secret": "custom-secret-value"}})),
        person.body_with(&json!({"kind": "persona.nongrata@example.com"})),
        json!([person.envelope()]).to_string(),
    ]
}

async fn send_everything(world: &World) -> Vec<String> {
    let bodies: Vec<_> =
        fixtures("events").iter().map(|name| fixture("events", name)).chain(poison()).collect();
    world.send_all(bodies.clone()).await;
    bodies
}

async fn assert_worker_is_discreet(world: &World, proxy: Option<&Intercept>, format: &str) {
    let bodies = send_everything(world).await;
    let worker = match proxy {
        Some(proxy) => world.worker_through(proxy),
        None => world.worker(),
    };
    let worker = worker.with("RUST_LOG", "trace").with("LOG_FORMAT", format).start();
    harness::eventually("all that can be settled is", async || {
        // The newer version stays, waiting.
        (world.depth(&world.queue).await == (0, 1, 0)).then_some(())
    })
    .await;
    let ended = worker.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.count("received"), u64::try_from(bodies.len()).unwrap());
    let written = format!("{}\n{}", ended.stdout, ended.stderr);
    assert!(written.contains("\"settled\""), "the detail that trace asks for is not there: {written}");
    assert_impersonal(&written, &bodies, "the worker");
    assert!(!written.contains("persona.nongrata"));
    for item in world.items().await {
        for value in personal(&item.to_string()) {
            assert!(
                value == "UserProfile" || value.starts_with("2026-") || !written.contains(&value),
                "{value}"
            );
        }
    }
}

#[tokio::test]
async fn the_worker_writes_of_nobody() {
    for format in ["json", "text"] {
        let world = world!();
        assert_worker_is_discreet(&world, None, format).await;
    }
}

#[tokio::test]
async fn a_service_that_quotes_the_request_is_not_quoted() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    for operation in ["PutItem", "BatchExecuteStatement", "BatchGetItem", "DeleteMessageBatch", "SendMessage"]
    {
        proxy.on(operation, move |call| {
            // The SDK asks again by itself where it sends to the dead-letter queue.
            if call.nth > 0 {
                return Reaction::Forward;
            }
            let table = !operation.ends_with("MessageBatch") && operation != "SendMessage";
            let code = if table { "InternalServerError" } else { "InternalFailure" };
            Reaction::Answer(
                500,
                json!({"__type": code, "message": format!("cannot serve {}", call.request)}),
            )
        });
    }
    assert_worker_is_discreet(&world, Some(&proxy), "json").await;
}

#[tokio::test]
async fn the_trigger_writes_of_nobody() {
    let world = world!();
    let trigger = Trigger::start(&world.variables()).await;
    let mut events = Vec::new();
    for name in fixtures("events") {
        let event = fixture("events", &name);
        trigger.confirm(&event).await;
        events.push(event);
    }
    let written = trigger.stop().await;
    assert!(written.contains("enqueued"), "{written}");
    assert_impersonal(&written, &events, "the trigger");
}

#[tokio::test]
async fn a_stored_owner_is_not_named() {
    let world = world!();
    let person = Person::new("ana");
    let mut squatted = person.item();
    squatted["profileOwner"] = json!({"S": "mallory-the-squatter"});
    world.put(&squatted).await;
    world.send(&person.body()).await;
    let ended = world.worker().with("RUST_LOG", "trace").run_until_empty().await;
    ended.assert_outcomes(&[("owner_conflict", 1)]);
    let letter = world.dead_letters(1).await.remove(0);
    for written in [ended.stdout, ended.stderr, letter.note.to_string()] {
        for value in ["mallory", &person.sub, &person.username, &person.email] {
            assert!(!written.contains(value), "{value} in {written}");
        }
    }
}
