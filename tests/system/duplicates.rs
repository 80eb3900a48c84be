//! Every confirmation may come many times, from many places: one user, one item, whatever is repeated.

use harness::{Person, world};
use serde_json::json;

#[tokio::test]
async fn one_message_many_times_makes_one_item() {
    let world = world!();
    let person = Person::new("ana");
    world.send_all(std::iter::repeat_n(person.body(), 30)).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("already_present", 29)]);
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn duplicates_in_one_receive_share_one_write() {
    let world = world!();
    let people = Person::crowd(2);
    // Ten fit into one receive: five of each.
    world.send_all((0..10).map(|n| people[n % 2].body())).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 2), ("already_present", 8)]);
    world.assert_items(people.iter().map(Person::item)).await;
    // One call for all, if one receive brought all; the embedded engine does so, AWS need not.
    let calls = |name: &str| ended.result()["api_calls"][name].as_u64().unwrap_or_default();
    assert!((1..=10).contains(&(calls("BatchExecuteStatement") + calls("PutItem"))));
    world.drained().await;
}

#[tokio::test]
async fn a_password_reset_after_the_sign_up_changes_nothing() {
    let world = world!();
    let person = Person::new("ana");
    world.send(&person.body()).await;
    world.worker().run_until_empty().await.assert_outcomes(&[("created", 1)]);
    world.send(&person.body_with(&json!({
        "trigger": "ConfirmForgotPassword", "observedAt": "2027-01-01T00:00:00Z", "email": "new@example.com",
    }))).await;
    world.send(&person.event("PostConfirmation_ConfirmForgotPassword").to_string()).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("already_present", 2)]);
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn a_password_reset_of_a_user_without_an_item_makes_it() {
    let world = world!();
    let person = Person::new("imported");
    world.send(&person.body_with(&json!({"trigger": "ConfirmForgotPassword"}))).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_outcomes(&[("created", 1)]);
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn two_users_with_one_address_have_two_items() {
    let world = world!();
    let (one, two) = (Person::new("ana"), Person::new("ana"));
    assert_eq!(one.email, two.email);
    world.send_all([one.body(), two.body(), two.body(), one.body()]).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 2), ("already_present", 2)]);
    world.assert_items([one.item(), two.item()]).await;
}

#[tokio::test]
async fn the_first_of_two_different_stories_stays() {
    let world = world!();
    let person = Person::new("ana");
    world.send(&person.body()).await;
    world.worker().run_until_empty().await.assert_drained();
    world.send(&person.body_with(&json!({"email": "other@example.com"}))).await;
    world.worker().run_until_empty().await.assert_drained();
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn two_workers_on_one_queue_make_every_item_once() {
    let world = world!();
    let people = Person::crowd(520);
    // Everybody twice, some thrice, the copies far from the first.
    let bodies: Vec<_> =
        people.iter().chain(&people).chain(people.iter().step_by(4)).map(Person::body).collect();
    let sent = bodies.len() as u64;
    world.send_all(bodies).await;
    let worker = world.worker();
    let (one, two) = tokio::join!(worker.run_until_empty(), worker.run_until_empty());
    one.assert_drained();
    two.assert_drained();
    let both = |name| one.count(name) + two.count(name);
    assert_eq!(both("created"), people.len() as u64);
    assert_eq!(both("created") + both("already_present"), both("received"));
    assert_eq!(both("received"), sent, "one:\n{}\ntwo:\n{}", one.stdout, two.stdout);
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
}
