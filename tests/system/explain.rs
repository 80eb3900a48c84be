//! `explain`: one user, every place, one sentence. Whatever is found, nobody is named unless it was asked for.

use std::sync::Arc;

use harness::confirmations::fixtures;
use harness::dead_letter_queue::note;
use harness::{Ended, Person, Personal, Reaction, Worker, World, fixture, world};
use local::cognito::{Pool, User};
use serde_json::json;
use worker::ports::UserStatus;

fn pool(world: &World) -> Arc<Pool> {
    world.stack().cognito.create_pool("everybody")
}

fn user_of(person: &Person) -> User {
    User { sub: person.sub.clone(), ..User::named(&person.username) }.with("email", &person.email)
}

fn explain(world: &World, pool: &Pool, arguments: &[&str]) -> Worker {
    world.tool(&[&["explain"], arguments].concat()).with("USER_POOL_ID", pool.id())
}

/// What a look at this person must find: state of the account, of the item, words of the sentence, exit code.
async fn assert_explained(
    world: &World,
    pool: &Pool,
    person: &Person,
    expected: (&str, &str, &str, i32),
) -> Ended {
    let (account, item, words, code) = expected;
    let ended = explain(world, pool, &[&person.sub]).run().await;
    let result = ended.result();
    assert_eq!(
        (&result["account"]["state"], &result["item"]["state"]),
        (&json!(account), &json!(item)),
        "{ended:#?}"
    );
    let next = result["next"].as_str().unwrap();
    assert!(next.contains(words), "{words:?} is not in {next:?}");
    assert_eq!((ended.code, &result["well"]), (Some(code), &json!(code == 0)), "{ended:#?}");
    let table = explain(world, pool, &[&person.sub, "--output", "table"]).run().await;
    assert!(table.stdout.contains("next") && table.code == Some(code), "{table:#?}");
    ended
}

#[tokio::test]
async fn wherever_a_user_stands_it_says_so_and_what_happens_next() {
    let world = world!(OwnPools);
    let pool = pool(&world);
    let people = Person::crowd(9);
    let [fine, missing, orphan, unconfirmed, disabled, conflict, malformed, nobody, admin] = &people[..]
    else {
        panic!("nine people")
    };
    for person in [fine, missing, conflict, malformed] {
        assert!(pool.add(user_of(person)));
    }
    pool.add(user_of(unconfirmed).being(UserStatus::Unconfirmed));
    pool.add(user_of(admin).being(UserStatus::ForceChangePassword));
    pool.add(User { enabled: false, ..user_of(disabled) });
    world.put(&fine.item()).await;
    world.put(&orphan.item()).await;
    let mut item = conflict.item();
    item["profileOwner"] = json!({"S": "mallory-the-squatter"});
    world.put(&item).await;
    let mut item = malformed.item();
    item.as_object_mut().unwrap().remove("createdAt");
    world.put(&item).await;
    for (person, account, item, words, code) in [
        (fine, "present", "present", "nothing: his profile is there", 0),
        (missing, "present", "absent", "reconcile --fix missing enqueues him", 1),
        (orphan, "absent", "present", "orphan", 1),
        (unconfirmed, "present", "absent", "the trigger fires when he confirms", 1),
        (disabled, "present", "absent", "disabled", 1),
        (conflict, "present", "owner_conflict", "never overwritten", 1),
        (malformed, "present", "malformed", "lacks createdAt", 1),
        (nobody, "absent", "absent", "no such user", 1),
        (admin, "present", "absent", "FORCE_CHANGE_PASSWORD", 1),
    ] {
        let ended = assert_explained(&world, &pool, person, (account, item, words, code)).await;
        for value in [&person.sub, &person.username, &person.email, "mallory-the-squatter"] {
            assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(value), "{value} in {ended:#?}");
        }
    }
}

#[tokio::test]
async fn his_messages_in_the_dead_letter_queue_are_found_and_given_back() {
    let world = world!(OwnPools);
    let pool = pool(&world);
    let (person, other) = (Person::new("ana"), Person::new("bob"));
    pool.add(user_of(&person));
    world.bury(&other.body(), Some(&note("not_json", "others"))).await;
    assert_explained(&world, &pool, &person, ("present", "absent", "nothing in the dead-letter queue", 1))
        .await;
    // One that cannot be read may still be his.
    world.bury(&format!("no JSON, but {}", person.sub), Some(&note("not_json", "unreadable"))).await;
    let ended =
        assert_explained(&world, &pool, &person, ("present", "absent", "can never become an item", 1)).await;
    assert_eq!(ended.result()["dead_letters"]["messages"][0]["message_id"], "unreadable");
    world.advance(std::time::Duration::from_secs(1));
    for _ in 0..2 {
        world.bury(&person.body(), Some(&note("owner_conflict", "conflict"))).await;
    }
    let ended = assert_explained(
        &world,
        &pool,
        &person,
        ("present", "absent", "the row that was in the way has gone", 1),
    )
    .await;
    let letters = ended.result()["dead_letters"].clone();
    assert_eq!((&letters["state"], &letters["peek"]["seen"]), (&json!("present"), &json!(4)));
    let messages = letters["messages"].as_array().unwrap();
    let conflict = messages.iter().find(|message| message["reason"] == "owner_conflict").unwrap();
    assert_eq!((messages.len(), &conflict["copies"], &conflict["attempts"]), (2, &json!(1), &json!(2)));
    world.buried(4).await;
    world.put(&person.item()).await;
    assert_explained(&world, &pool, &person, ("present", "present", "can be retried or dropped", 0)).await;
}

#[tokio::test]
async fn rows_under_other_keys_are_looked_for_on_request() {
    let world = world!(OwnPools);
    let pool = pool(&world);
    let (legacy, duplicate) = (Person::new("ana"), Person::new("bob"));
    for person in [&legacy, &duplicate] {
        pool.add(user_of(person));
        let mut row = person.item();
        row["id"] = json!({"S": format!("random-{}", person.username)});
        world.put(&row).await;
    }
    world.put(&duplicate.item()).await;
    assert_explained(&world, &pool, &legacy, ("present", "absent", "reconcile --fix missing", 1)).await;
    let scanned = explain(&world, &pool, &[&legacy.sub, "--scan"]).run().await;
    assert_eq!((scanned.code, &scanned.result()["other_rows"]), (Some(0), &json!(1)), "{scanned:#?}");
    assert!(scanned.result()["next"].as_str().unwrap().contains("adopt"), "{scanned:#?}");
    let scanned = explain(&world, &pool, &[&duplicate.sub, "--scan"]).run().await;
    assert_eq!((scanned.code, &scanned.result()["other_rows"]), (Some(1), &json!(1)), "{scanned:#?}");
    assert_eq!(world.items().await.len(), 3);
}

#[tokio::test]
async fn who_may_not_ask_is_told_which_permission_it_takes() {
    let world = world!(OwnPools, Interception);
    let pool = pool(&world);
    let person = Person::new("ana");
    pool.add(user_of(&person));
    world.put(&person.item()).await;
    // Without Cognito, the sub tells whose the row is.
    world.stack().cognito.trouble().deny_after(0);
    let ended = explain(&world, &pool, &[&person.sub]).run().await;
    let states = |ended: &Ended| {
        let result = ended.result();
        [&result["account"], &result["item"], &result["dead_letters"]]
            .map(|place| place["state"].as_str().unwrap().to_owned())
    };
    assert_eq!((ended.code, states(&ended)), (Some(69), ["denied", "present", "none"].map(str::to_owned)));
    world.stack().cognito.trouble().allow();
    for (operation, expected) in
        [("GetItem", ["present", "denied", "none"]), ("ReceiveMessage", ["present", "present", "denied"])]
    {
        let proxy = world.intercept().await;
        proxy.on(operation, |_| Reaction::error(400, "AccessDeniedException"));
        let tool =
            world.worker_through(&proxy).arguments(&["explain", &person.sub]).with("USER_POOL_ID", pool.id());
        let ended = tool.run().await;
        assert_eq!((ended.code, states(&ended)), (Some(69), expected.map(str::to_owned)), "{ended:#?}");
    }
    let unnamed = world.tool(&["explain", &person.sub]).run().await;
    assert_eq!(
        (unnamed.code, states(&unnamed)),
        (Some(0), ["not_asked", "present", "none"].map(str::to_owned))
    );
    let elsewhere =
        world.tool(&["explain", &person.sub]).with("USER_POOL_ID", "eu-central-1_Nowhere1").run().await;
    assert_eq!((elsewhere.code, elsewhere.stdout.as_str()), (Some(78), ""), "{elsewhere:#?}");
}

#[tokio::test]
async fn a_queue_without_a_dead_letter_queue_is_no_obstacle() {
    let mut world = world!(bare OwnPools);
    world.create_lone_queue().await;
    world.create_table(&["id"]).await;
    let pool = pool(&world);
    let person = Person::new("ana");
    pool.add(user_of(&person));
    let ended =
        assert_explained(&world, &pool, &person, ("present", "absent", "no dead-letter queue", 1)).await;
    assert_eq!(ended.result()["dead_letters"]["state"], "no_queue");
}

#[tokio::test]
async fn nobody_is_named_unless_it_was_asked_for() {
    let world = world!(OwnPools);
    let pool = pool(&world);
    let person = Person::new("ana-lisa-of-nowhere");
    pool.add(user_of(&person).with("phone_number", "+491711234567").with("custom:tenant", "tenant-blue-17"));
    world.put(&person.item()).await;
    let mut bodies: Vec<_> = fixtures("events").into_iter().map(|name| fixture("events", &name)).collect();
    bodies.push(person.body());
    let mut said = Personal::of(&bodies);
    ["+491711234567", "tenant-blue-17"].into_iter().for_each(|value| said.add(value));
    for body in &bodies {
        world.bury(&format!("{body} {}", person.sub), Some(&note("not_json", "id"))).await;
    }
    for output in ["json", "table"] {
        let tool = explain(&world, &pool, &[&person.sub, "--scan", "--output", output]);
        let ended = tool.with("RUST_LOG", "trace").run().await;
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        said.assert_absent(&format!("{}{}", ended.stdout, ended.stderr), "explain");
        let arguments = [&person.sub, "--show-personal-data", "--output", output];
        let told = explain(&world, &pool, &arguments).run().await;
        for value in [&person.username, &person.email, "tenant-blue-17"] {
            assert!(told.stdout.contains(value), "{value} is not in {}", told.stdout);
        }
    }
}

#[tokio::test]
async fn what_is_no_sub_is_refused_and_not_repeated() {
    let world = world!();
    for (bad, code) in [("ana@example.com", 78), ("9C1E6C2A-30F1-70B5-9D0C-5B6C0E0D7A11", 78), ("", 78)] {
        let ended = world.tool(&["explain", bad]).with("TABLE_NAME", "x").run().await;
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(told.contains("sub") && told.contains("TABLE_NAME"), "{told}");
        assert!(bad.is_empty() || !told.contains(bad), "{told}");
    }
    let ended = world.tool(&["explain", "one", "two@example.com"]).run().await;
    assert!(ended.code == Some(64) && !ended.stderr.contains("two@"), "{ended:#?}");
    assert_eq!(world.tool(&["explain"]).run().await.code, Some(64));
}
