//! `adopt`: the documented handler's rows become the one row under the user's key; nothing an owner has edited is
//! lost, nothing is changed without being asked for, and nothing without a backup.

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use harness::confirmations::POOL;
use harness::{Ended, Gate, Person, Reaction, Worker, World, eventually, world};
use serde_json::{Value, json};
use uuid::Uuid;

/// A row as the documented handler makes it, so many days old.
fn handlers(person: &Person, days: u32) -> Value {
    let time = json!({"S": format!("2026-11-{:02}T12:00:00.000Z", 20 - days)});
    let mut row = person.item();
    row["id"] = json!({"S": Uuid::new_v4().to_string()});
    row["createdAt"] = time.clone();
    row["updatedAt"] = time;
    row
}

fn edited(mut row: Value) -> Value {
    row["updatedAt"] = json!({"S": "2026-11-21T12:00:00.000Z"});
    row["nickname"] = json!({"S": "Añá"});
    row
}

/// The row, under the key of its user.
fn under_his_key(row: &Value, person: &Person) -> Value {
    let mut row = row.clone();
    row["id"] = json!({"S": person.sub});
    row
}

fn adopt(world: &World, folder: &Path, arguments: &[&str]) -> Worker {
    adopt_at("1000", world, folder, arguments)
}

fn adopt_at(rate: &str, world: &World, folder: &Path, arguments: &[&str]) -> Worker {
    let (plan, backup) = (folder.join("plan.jsonl"), folder.join("backup.jsonl"));
    let files = ["--plan", plan.to_str().unwrap(), "--backup", backup.to_str().unwrap(), "--rate", rate];
    let arguments: Vec<_> = ["adopt"].iter().chain(arguments).chain(&files).copied().collect();
    world.worker().with("USER_POOL_ID", POOL).arguments(&arguments)
}

fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(ended: &Ended) -> [u64; 6] {
    ["rows", "users", "moved", "deleted", "with_differences", "unknown_owner"].map(|name| ended.count(name))
}

/// Everybody a table of the handler may hold, and what is to become of them.
struct Scene {
    before: Vec<Value>,
    after: Vec<Value>,
    changed: Vec<Value>,
    people: BTreeMap<&'static str, Person>,
}

async fn scene(world: &World) -> Scene {
    let names =
        ["once", "thrice", "edited", "both", "newer", "twice_edited", "worker", "squatted", "by_hand"];
    let people: BTreeMap<_, _> = names.map(|name| (name, Person::new(name))).into();
    let (mut before, mut after, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    let once = handlers(&people["once"], 5);
    after.push(under_his_key(&once, &people["once"]));
    changed.push(once);
    // Retries and a password reset made three; the oldest stays.
    let thrice = [4, 6, 2].map(|days| handlers(&people["thrice"], days));
    after.push(under_his_key(&thrice[1], &people["thrice"]));
    changed.extend(thrice);
    // The younger one was edited, and stays.
    let two = [handlers(&people["edited"], 9), edited(handlers(&people["edited"], 3))];
    after.push(under_his_key(&two[1], &people["edited"]));
    changed.extend(two);
    // The worker made a row beside the older one, which nobody has edited: the older one takes its place.
    let two = [handlers(&people["both"], 9), under_his_key(&handlers(&people["both"], 1), &people["both"])];
    after.push(under_his_key(&two[0], &people["both"]));
    changed.extend(two);
    // The worker's row is older, or edited: it stays, and the others go.
    let own = edited(under_his_key(&handlers(&people["newer"], 1), &people["newer"]));
    after.push(own.clone());
    changed.push(own);
    changed.push(handlers(&people["newer"], 2));
    before.extend(changed.clone());
    // Left alone: two edits, somebody else under the key, no times, the worker's own, nobody's.
    let mut alone = vec![
        edited(handlers(&people["twice_edited"], 3)),
        edited(handlers(&people["twice_edited"], 4)),
        under_his_key(&handlers(&people["worker"], 1), &people["worker"]),
        handlers(&people["squatted"], 3),
    ];
    let mut theirs = under_his_key(&handlers(&Person::new("eve"), 1), &people["squatted"]);
    theirs["profileOwner"] = json!({"S": "somebody"});
    alone.push(theirs);
    let mut by_hand = handlers(&people["by_hand"], 3);
    by_hand.as_object_mut().unwrap().remove("updatedAt");
    alone.push(by_hand);
    let mut nobodys = handlers(&Person::new("nobody"), 3);
    nobodys.as_object_mut().unwrap().remove("profileOwner");
    alone.push(nobodys);
    after.extend(alone.clone());
    before.extend(alone);
    for row in &before {
        world.put(row).await;
    }
    Scene { before, after, changed, people }
}

/// Found by everybody who looks: 17 rows, 8 users with a stray, 4 rows moved, 5 deleted besides.
const FOUND: [u64; 6] = [17, 8, 4, 5, 2, 2];

#[tokio::test]
async fn the_plan_changes_nothing_and_applying_it_changes_what_it_says() {
    let world = world!();
    let scene = scene(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let dry = adopt(&world, folder.path(), &[]).run().await;
    assert_eq!(dry.code, Some(1), "some are left alone: {dry:#?}");
    assert_eq!(numbers(&dry), FOUND, "{}", dry.stdout);
    let alone = json!({"edited_twice": 1, "malformed": 1, "owner_conflict": 1});
    assert_eq!(dry.result()["left_alone"], alone);
    assert_eq!(dry.result()["dry_run"], true);
    world.assert_items(scene.before.clone()).await;
    assert_eq!(lines(folder.path(), "backup.jsonl"), Vec::<Value>::new());
    assert!(dry.stderr.contains("--apply"), "{}", dry.stderr);

    let plan = lines(folder.path(), "plan.jsonl");
    // Eight users, and two rows of nobody's.
    assert_eq!(plan.len(), 10);
    assert_eq!(plan.iter().filter(|line| line["left_alone"] == "unknown_owner").count(), 2);
    let of = |name: &str| plan.iter().find(|line| line["key"][0] == scene.people[name].sub).unwrap();
    assert_eq!(of("thrice")["others"].as_array().unwrap().len(), 3);
    assert_eq!(of("edited")["differences"], json!(["nickname"]));
    assert_eq!(of("twice_edited")["left_alone"], "edited_twice");

    let applied = adopt(&world, folder.path(), &["--apply"]).run().await;
    assert_eq!((applied.code, numbers(&applied)), (Some(1), FOUND), "{applied:#?}");
    world.assert_items(scene.after.clone()).await;
    let by_id = |mut rows: Vec<Value>| {
        rows.sort_by_key(|row| row["id"].to_string());
        rows
    };
    assert_eq!(by_id(lines(folder.path(), "backup.jsonl")), by_id(scene.changed.clone()));

    // Once more, nothing is left but what is left alone.
    let again = adopt(&world, folder.path(), &["--apply"]).run().await;
    assert_eq!(again.result()["left_alone"], alone);
    assert_eq!(numbers(&again)[2..5], [0, 0, 0], "{again:#?}");
    world.assert_items(scene.after).await;
    for ended in [dry, applied, again] {
        for person in scene.people.values() {
            let said = format!("{}{}", ended.stdout, ended.stderr);
            for personal in [&person.sub, &person.username, &person.email] {
                assert!(!said.contains(personal.as_str()), "{said}");
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_who_runs_it_can_read_its_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world!();
    world.put(&handlers(&Person::new("ana"), 3)).await;
    let folder = tempfile::tempdir().unwrap();
    // One that everybody can read is there already.
    let there = folder.path().join("plan.jsonl");
    std::fs::write(&there, "").unwrap();
    std::fs::set_permissions(&there, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(adopt(&world, folder.path(), &["--apply"]).run().await.code, Some(0));
    for name in ["plan.jsonl", "backup.jsonl"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Killed between two users or in the midst of one: whatever was done is whole, and the rest is done by the next run.
#[tokio::test]
async fn killed_and_interrupted_it_goes_on_where_it_was() {
    let world = world!();
    let crowd = Person::crowd(60);
    let mut after = Vec::new();
    for person in &crowd {
        let rows = [3, 5].map(|days| handlers(person, days));
        for row in &rows {
            world.put(row).await;
        }
        after.push(under_his_key(&rows[1], person));
    }
    let folder = tempfile::tempdir().unwrap();
    let begun = async |rate: &str, until: usize| {
        let running = adopt_at(rate, &world, folder.path(), &["--apply"]).start();
        eventually("some are adopted", async || {
            (lines_so_far(&folder.path().join("backup.jsonl")) >= until).then_some(())
        })
        .await;
        running
    };
    begun("40", 20).await.kill().await;
    let interrupted = begun("40", 60).await;
    interrupted.interrupt();
    let interrupted = interrupted.ended().await;
    assert_eq!(interrupted.code, Some(130), "{interrupted:#?}");
    assert_eq!(interrupted.result()["interrupted"], true);
    assert!(interrupted.count("moved") < 60, "it was not interrupted");
    assert!(interrupted.stderr.contains("run the same command again"), "{}", interrupted.stderr);
    let rest = adopt(&world, folder.path(), &["--apply"]).run().await;
    assert_eq!(rest.code, Some(0), "{rest:#?}");
    assert!(rest.count("moved") > 0);
    world.assert_items(after).await;
    // Each row that is gone was written down.
    assert!(lines(folder.path(), "backup.jsonl").len() >= 120);
}

fn lines_so_far(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// Edited, or adopted by somebody else, between being read and being moved: nothing of it takes effect.
#[tokio::test]
async fn what_changes_meanwhile_is_left_as_it_is() {
    let world = world!(Interception);
    let folder = tempfile::tempdir().unwrap();
    for case in 0..3 {
        let proxy = world.intercept().await;
        let person = Person::new("ana");
        let stray = handlers(&person, 3);
        let own = under_his_key(&handlers(&person, 1), &person);
        world.put(&stray).await;
        if case == 2 {
            world.put(&own).await;
        }
        let gate = Gate::default();
        let held = gate.clone();
        proxy.on("TransactWriteItems", move |_| Reaction::HoldRequest(held.clone()));
        let running =
            adopt(&world, folder.path(), &["--apply"]).with("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint());
        let running = running.start();
        eventually("it is about to be moved", async || (proxy.calls("TransactWriteItems") > 0).then_some(()))
            .await;
        // The row itself is edited; a row appears under the key; the row under the key is edited.
        let after = match case {
            0 => vec![edited(stray.clone())],
            1 => vec![stray.clone(), own.clone()],
            _ => vec![stray.clone(), edited(own.clone())],
        };
        for row in &after {
            world.put(row).await;
        }
        gate.open();
        let ended = running.ended().await;
        assert_eq!(ended.code, Some(1), "{case}: {ended:#?}");
        assert_eq!(ended.result()["left_alone"], json!({"changed_meanwhile": 1}), "{case}");
        world.assert_items(after.clone()).await;
        for row in &after {
            let key = [("id".to_owned(), AttributeValue::S(row["id"]["S"].as_str().unwrap().to_owned()))];
            let request = world.dynamodb.delete_item().table_name(world.table());
            request.set_key(Some(key.into())).send().await.unwrap();
        }
    }
}

/// A throttle, an answer that was lost after the move took effect, and no permission in the end.
#[tokio::test]
async fn a_move_is_tried_again_and_made_once() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let crowd = Person::crowd(3);
    for person in &crowd {
        world.put(&handlers(person, 3)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    proxy.on("TransactWriteItems", |call| match call.nth {
        0 => Reaction::error(400, "ThrottlingException"),
        1 => Reaction::LoseAnswer,
        2 | 3 => Reaction::Forward,
        _ => Reaction::error(400, "AccessDeniedException"),
    });
    let through =
        adopt(&world, folder.path(), &["--apply"]).with("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint());
    let denied = through.run().await;
    assert_eq!(denied.code, Some(69), "{denied:#?}");
    for word in ["TransactWriteItems", "AccessDenied", "stays adopted"] {
        assert!(denied.stderr.contains(word), "{word}: {}", denied.stderr);
    }
    let adopted =
        world.items().await.iter().filter(|row| crowd.iter().any(|one| row["id"]["S"] == one.sub)).count();
    assert_eq!((adopted, world.items().await.len()), (2, 3));
    let rest = adopt(&world, folder.path(), &["--apply"]).run().await;
    assert_eq!((rest.code, rest.count("moved")), (Some(0), 1), "{rest:#?}");
}

/// To the second try the row it moved itself is no change by somebody else.
#[tokio::test]
async fn a_move_whose_answer_was_lost_is_the_same_move() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let person = Person::new("ana");
    let row = handlers(&person, 3);
    world.put(&row).await;
    proxy.on(
        "TransactWriteItems",
        |call| {
            if call.nth == 0 { Reaction::LoseAnswer } else { Reaction::Forward }
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let through =
        adopt(&world, folder.path(), &["--apply"]).with("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint());
    let ended = through.run().await;
    assert_eq!((ended.code, ended.count("moved")), (Some(0), 1), "{ended:#?}");
    assert_eq!(proxy.calls("TransactWriteItems"), 2);
    world.assert_items([under_his_key(&row, &person)]).await;
}

#[tokio::test]
async fn what_cannot_work_is_told_before_anything_is_touched() {
    let world = world!(bare QuickTables);
    world.create_table(&["pool", "user"]).await;
    let folder = tempfile::tempdir().unwrap();
    let other_key = adopt(&world, folder.path(), &[]).with("QUEUE_URL", "").run().await;
    assert_eq!(other_key.code, Some(78), "{other_key:#?}");
    assert!(other_key.stderr.contains("the table's key is (pool, user)"), "{}", other_key.stderr);
    let worker = world.worker().with("QUEUE_URL", "").with("RUST_LOG", "off");
    let nothing = worker.clone().arguments(&["adopt", "--rate", "0", "--plan", "s3://x", "--backup", ""]);
    let told = nothing.with("USER_POOL_ID", POOL).run().await;
    assert_eq!(told.code, Some(78), "{told:#?}");
    for flag in ["--rate", "--plan", "--backup"] {
        assert!(told.stderr.contains(flag), "{flag}: {}", told.stderr);
    }
    let no_pool = worker.arguments(&["adopt"]).run().await;
    assert!(no_pool.code == Some(78) && no_pool.stderr.contains("USER_POOL_ID"), "{no_pool:#?}");
}
