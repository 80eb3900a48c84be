//! Late messages with the real SDK: who is deleted gets no item, whoever is there gets his, fresh messages are asked
//! after by nobody, and what is above the rate does not hold them up.

use harness::confirmations::POOL;
use harness::{Ended, Person, World, eventually, world};
use local::cognito::{CognitoServer, User};
use serde_json::{Value, json};

const OLD: &str = "2020-01-01T00:00:00.000Z";

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// In the pool under his name.
fn registered(person: &Person) -> User {
    User { sub: person.sub.clone(), ..User::named(&person.username) }
}

/// A message about somebody of this pool.
fn body(person: &Person, pool: &str, observed_at: &str) -> Value {
    serde_json::from_str(&person.body_with(&json!({"userPoolId": pool, "observedAt": observed_at}))).unwrap()
}

fn replay(detail: &Value) -> String {
    json!({
        "version": "0", "id": "e", "detail-type": "UserConfirmed", "source": "profile.confirmations",
        "time": now(), "replay-name": "since-friday", "detail": detail,
    })
    .to_string()
}

fn questions(cognito: &CognitoServer) -> u64 {
    cognito.calls().get("AdminGetUser").copied().unwrap_or_default()
}

async fn run(world: &World) -> Ended {
    world.worker().with("VERIFY_LATE", "on").run_until_empty().await
}

#[tokio::test]
async fn who_was_deleted_gets_no_item_and_only_late_messages_are_asked_about() {
    let world = world!(OwnPools);
    let cognito = &world.stack().cognito;
    let pool = cognito.create_pool("people");
    let [fresh, old, gone, again, replayed, renamed] =
        ["fresh", "old", "gone", "again", "replayed", "renamed"].map(Person::new);
    for person in [&old, &again, &replayed] {
        assert!(pool.add(registered(person)));
    }
    // His name belongs to somebody else by now.
    assert!(pool.add(User::named(&renamed.username)));
    let of = |person: &Person, at: &str| body(person, pool.id(), at);
    let late = [&old, &gone, &renamed].map(|person| of(person, OLD).to_string());
    world.send_all(late).await;
    // Nobody is asked about him, though he is in no pool.
    world.send(&of(&fresh, &now()).to_string()).await;
    world.send(&replay(&of(&replayed, &now()))).await;
    world.send(&of(&again, OLD).to_string()).await;

    let ended = run(&world).await;
    ended.assert_drained();
    let outcomes = ["received", "created", "user_gone", "retried"].map(|name| ended.count(name));
    assert_eq!(outcomes, [6, 4, 2, 0], "{}", ended.stdout);
    assert_eq!(ended.count("replayed"), 1);
    assert_eq!(questions(cognito), 5);
    let mut items = Vec::new();
    for (person, at) in [(&fresh, None), (&old, Some(OLD)), (&again, Some(OLD)), (&replayed, None)] {
        let mut item = person.item();
        if let Some(at) = at {
            item["createdAt"] = json!({"S": at});
            item["updatedAt"] = json!({"S": at});
        }
        items.push(item);
    }
    let mut found = world.items().await;
    for item in found.iter_mut().chain(&mut items) {
        // Of now.
        if item["createdAt"]["S"] != OLD {
            for time in ["createdAt", "updatedAt"] {
                item[time] = json!("now");
            }
        }
    }
    let by_id = |items: &mut Vec<Value>| items.sort_by_key(|item| item["id"].to_string());
    by_id(&mut items);
    by_id(&mut found);
    assert_eq!(found, items);
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn off_it_asks_nobody() {
    let world = world!(OwnPools);
    world.send(&body(&Person::new("gone"), POOL, OLD).to_string()).await;
    let ended = world.worker().run_until_empty().await;
    assert_eq!((ended.count("created"), ended.count("user_gone")), (1, 0), "{}", ended.stdout);
    assert_eq!(questions(&world.stack().cognito), 0);
}

/// A missing pool, a missing permission and a throttle are no missing user: the message waits in the queue.
#[tokio::test]
async fn without_an_answer_nothing_is_decided() {
    let world = world!(OwnPools);
    let cognito = &world.stack().cognito;
    let person = Person::new("ana");
    world.send(&body(&person, POOL, OLD).to_string()).await;
    let worker = world.worker().with("VERIFY_LATE", "on").start();
    let retried = |class: &'static str| {
        worker.logged("retried", move |line| line["class"] == class && line["outcome"] == "retried")
    };
    retried("missing").await;
    assert_eq!(world.items().await, Vec::<Value>::new());
    cognito.trouble().deny_after(0);
    world.advance(std::time::Duration::from_secs(60));
    retried("denied").await;
    cognito.trouble().allow();
    cognito.trouble().throttle_every(1);
    world.advance(std::time::Duration::from_secs(60));
    retried("throttled").await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.count("user_gone") + ended.count("created"), 0, "{}", ended.stdout);
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    world.advance(std::time::Duration::from_secs(60));
    assert_eq!(world.depth(&world.queue).await, (1, 0, 0));
}

#[tokio::test]
async fn what_is_above_the_rate_goes_back_and_fresh_messages_do_not_wait() {
    let world = world!(OwnPools);
    let pool = world.stack().cognito.create_pool("people");
    let crowd = Person::crowd(40);
    for person in &crowd {
        assert!(pool.add(registered(person)));
    }
    world.send_all(crowd.iter().map(|person| body(person, pool.id(), OLD).to_string())).await;
    let fresh = Person::new("fresh");
    world.send(&body(&fresh, pool.id(), &now()).to_string()).await;
    let worker = world.worker().with("VERIFY_LATE", "on").with("VERIFY_LATE_RATE", "2").watched().start();
    eventually("the fresh one has his item", async || {
        world.items().await.iter().any(|item| item["id"]["S"] == fresh.sub).then_some(())
    })
    .await;
    worker.logged("retried", |line| line["code"] == "verify_rate").await;
    // In the end everybody has his.
    eventually("all have theirs", async || {
        // What is in hand would be lost to time that is told to go by.
        if worker.status().await["in_flight"] == 0 {
            world.hurry();
        }
        (world.items().await.len() == 41).then_some(())
    })
    .await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert!(ended.count("retried") >= 30, "{}", ended.stdout);
    assert_eq!(ended.count("created"), 41);
    assert_eq!(questions(&world.stack().cognito), 40, "asked about more than once");
}

#[tokio::test]
async fn the_doctor_tries_the_permission() {
    let world = world!(OwnPools);
    let cognito = &world.stack().cognito;
    let pool = cognito.create_pool("people");
    let check = async || {
        let worker = world.worker().with("VERIFY_LATE", "on").with("USER_POOL_IDS", pool.id());
        let ended = worker.arguments(&["check"]).run().await;
        let report = ended.result();
        let line = report["checks"].as_array().unwrap().iter();
        let line = line.clone().find(|line| line["what"] == "cognito-idp:AdminGetUser").cloned();
        (ended.code, line.unwrap()["verdict"].clone())
    };
    assert_eq!(check().await, (Some(0), json!("ok")));
    cognito.trouble().deny_after(0);
    assert_eq!(check().await, (Some(69), json!("unanswered")));
}
