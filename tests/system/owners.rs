//! A row that is there already: whose it is decides what becomes of the message. The row itself stays
//! as it is, byte for byte.

use harness::{Person, Reaction, world};
use serde_json::{Value, json};

/// This person's item with another owner, or with none.
fn owned_by(person: &Person, owner: Option<&str>) -> Value {
    let mut item = person.item();
    match owner {
        Some(owner) => item["profileOwner"] = json!({"S": owner}),
        None => drop(item.as_object_mut().unwrap().remove("profileOwner")),
    }
    item
}

#[tokio::test]
async fn a_row_of_another_owner_is_left_alone_and_the_message_is_quarantined() {
    let world = world!();
    let (squatted, fine) = (Person::new("ana"), Person::new("bob"));
    let theirs = owned_by(&squatted, Some("11111111-1111-4111-8111-111111111111::eve"));
    world.put(&theirs).await;
    world.send_all([squatted.body(), fine.body()]).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("owner_conflict", 1)]);
    assert_eq!(ended.result()["quarantined"], json!({"owner_conflict": 1}));
    world.assert_items([theirs, fine.item()]).await;
    let letters = world.dead_letters(1).await;
    assert_eq!((letters[0].reason(), letters[0].body.as_str()), ("owner_conflict", squatted.body().as_str()));
}

#[tokio::test]
async fn a_row_without_an_owner_is_counted_and_left_alone() {
    let world = world!();
    let person = Person::new("ana");
    let ownerless = owned_by(&person, None);
    world.put(&ownerless).await;
    world.send(&person.body()).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("owner_missing", 1)]);
    world.assert_items([ownerless]).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn each_form_an_owner_is_written_in_is_the_same_owner() {
    let world = world!();
    let people = Person::crowd(3);
    let forms = [
        format!("{}::{}", people[0].sub, people[0].username),
        people[1].sub.clone(),
        people[2].username.clone(),
    ];
    let items: Vec<_> =
        people.iter().zip(&forms).map(|(person, form)| owned_by(person, Some(form))).collect();
    for item in &items {
        world.put(item).await;
    }
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 3)]);
    world.assert_items(items).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn an_owner_that_only_looks_alike_is_another() {
    let world = world!();
    let people = Person::crowd(4);
    let look_alikes = [
        people[0].username.to_uppercase(),
        format!("{}::", people[1].sub),
        format!(" {}", people[2].sub),
        format!("{}::{}", people[3].username, people[3].sub),
    ];
    let items: Vec<_> =
        people.iter().zip(&look_alikes).map(|(person, form)| owned_by(person, Some(form))).collect();
    for item in &items {
        world.put(item).await;
    }
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_outcomes(&[("owner_conflict", 4)]);
    world.assert_items(items).await;
    assert_eq!(world.dead_letters(4).await.len(), 4);
}

#[tokio::test]
async fn what_a_user_has_edited_stays_as_it_is_through_every_replay() {
    let world = world!();
    let person = Person::new("ana");
    world.send(&person.body()).await;
    world.worker().run_until_empty().await.assert_outcomes(&[("created", 1)]);
    let mut edited = person.item();
    edited["email"] = json!({"S": "her.new.address@example.org"});
    edited["nickname"] = json!({"S": "Añá 🦀"});
    edited["visits"] = json!({"N": "17"});
    edited["newsletter"] = json!({"BOOL": false});
    edited["updatedAt"] = json!({"S": "2027-05-05T05:05:05.555Z"});
    world.put(&edited).await;
    let replay = json!({
        "detail-type": "UserConfirmed", "replay-name": "again", "time": "2026-11-20T08:00:00Z",
        "detail": person.envelope(),
    });
    world
        .send_all([
            person.body(),
            replay.to_string(),
            person.event("PostConfirmation_ConfirmSignUp").to_string(),
            person.event("PostConfirmation_ConfirmForgotPassword").to_string(),
            person.body_with(&json!({"source": "backfill.cognito", "trigger": null})),
            person.body_with(&json!({"source": "reconcile", "trigger": null})),
        ])
        .await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 6)]);
    world.assert_items([edited]).await;
}

#[tokio::test]
async fn a_model_without_an_owner_asks_for_none() {
    let world = world!();
    let model = "type = \"UserProfile\"\n[key]\npartition = { name = \"id\", value = \"{sub}\" }\n";
    let person = Person::new("ana");
    let theirs = owned_by(&person, Some("eve"));
    world.put(&theirs).await;
    world.send(&person.body()).await;
    let ended = world.worker().with("PROFILE_MODEL", model).run_until_empty().await;
    ended.assert_outcomes(&[("already_present", 1)]);
    world.assert_items([theirs]).await;
}

#[tokio::test]
async fn keys_the_table_leaves_unread_are_asked_for_again() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let people = Person::crowd(8);
    for (nth, person) in people.iter().enumerate() {
        // A row that was not read must not be taken for one that has gone.
        world.put(&owned_by(person, Some(if nth % 2 == 0 { "eve" } else { &person.username }))).await;
    }
    proxy.on("BatchGetItem", |call| {
        let tables = call.request["RequestItems"].as_object().unwrap();
        let (table, question) = tables.iter().next().unwrap();
        let keys = question["Keys"].as_array().unwrap();
        if keys.len() < 2 {
            return Reaction::Forward;
        }
        let (read, left) = keys.split_at(keys.len() / 2);
        let (mut request, mut unread) = (call.request.clone(), call.request["RequestItems"].clone());
        request["RequestItems"][table]["Keys"] = json!(read);
        unread[table]["Keys"] = json!(left);
        let change = move |mut answer: Value| {
            answer["UnprocessedKeys"] = unread;
            answer
        };
        Reaction::Exchange(request, Box::new(change))
    });
    world.send_all(people.iter().map(Person::body)).await;
    let ended = world.worker_through(&proxy).with("WRITE_STRATEGY", "batch").run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 4), ("owner_conflict", 4)]);
    assert!(proxy.calls("BatchGetItem") > 1, "all was read at once");
}
