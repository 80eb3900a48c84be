//! `quarantine`: people look at the dead-letter queue, send back what was mended and delete what never will be.
//! Looking changes nothing; nothing is deleted that is nowhere else.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use domain::Reason;
use harness::confirmations::{TRACEPARENT, fixture, fixtures, nested};
use harness::dead_letter_queue::note;
use harness::{Gate, Person, Personal, Reaction, Worker, World, eventually, world};
use serde_json::{Value, json};

/// What `list` says of one reason.
fn line(list: &Value, reason: &str) -> Value {
    let lines = list["reasons"].as_array().unwrap();
    lines.iter().find(|line| line["reason"] == reason).cloned().unwrap_or_default()
}

#[tokio::test]
async fn every_reason_is_listed_and_all_is_given_back() {
    let world = world!();
    for (nth, reason) in Reason::ALL.into_iter().enumerate() {
        for copy in 0..=nth % 2 {
            world.bury("nonsense", Some(&note(reason.code(), &format!("{reason}-{copy}")))).await;
        }
    }
    world.bury("nonsense", Some(&note("new_in_2031", "new"))).await;
    world.bury("nonsense", None).await;
    let all = 15 + 7 + 2;
    let ended = world.tool(&["quarantine", "list"]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let list = ended.result();
    for (nth, reason) in Reason::ALL.into_iter().enumerate() {
        let expected = json!({
            "reason": reason.code(), "messages": 1 + nth % 2, "copies": 0,
            "oldest": "2026-11-20T08:00:00.000Z", "newest": "2026-11-20T09:00:00.000Z",
        });
        assert_eq!(line(&list, reason.code()), expected);
    }
    assert_eq!(
        (&line(&list, "new_in_2031")["messages"], &line(&list, "moved_by_sqs")["messages"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(line(&list, "moved_by_sqs").get("newest"), None);
    assert_eq!([&list["seen"], &list["messages"], &list["copies"]], [&json!(all), &json!(all), &json!(0)]);
    assert_eq!([&list["complete"], &list["about"]], [&json!(true), &json!(all)]);
    assert!(ended.stderr.contains(&format!("seen {all} of about {all}")), "{}", ended.stderr);
    world.buried(all).await;

    let ended =
        world.tool(&["quarantine", "list", "--reason", "owner_conflict", "--output", "table"]).run().await;
    assert!(
        ended.stdout.contains("owner_conflict") && !ended.stdout.contains("not_json"),
        "{}",
        ended.stdout
    );
    world.buried(all).await;
}

#[tokio::test]
async fn what_sqs_itself_moved_is_told_apart_whatever_note_it_carries() {
    let world = world!();
    world.bury("nonsense", Some(&note("not_json", "first"))).await;
    world.tool(&["redrive"]).run().await;
    world.bury("nonsense", Some(&note("not_json", "second"))).await;
    // Received more often than it may be: SQS moves it, with the note of its earlier life.
    eventually("SQS has moved the message", async || {
        let request = world.sqs.receive_message().queue_url(&world.queue).visibility_timeout(0);
        request.send().await.unwrap();
        (world.depth(&world.queue).await == (0, 0, 0)).then_some(())
    })
    .await;
    world.buried(2).await;
    let list = world.tool(&["quarantine", "list"]).run().await.result();
    assert_eq!(
        (&line(&list, "not_json")["messages"], &line(&list, "moved_by_sqs")["messages"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn copies_are_one_message_and_go_back_once() {
    let world = world!();
    let person = Person::new("ana");
    for attempt in 1..=3 {
        let mut note = note("owner_conflict", "same");
        note["attempts"] = json!(attempt);
        world.bury(&person.body(), Some(&note)).await;
    }
    // The same id and another body is another message: an id can be made up.
    world.bury("nonsense", Some(&note("owner_conflict", "same"))).await;
    let list = world.tool(&["quarantine", "list"]).run().await.result();
    let line = line(&list, "owner_conflict");
    assert_eq!((&line["messages"], &line["copies"], &list["seen"]), (&json!(2), &json!(2), &json!(4)));
    let shown = world.tool(&["quarantine", "show", "--message-id", "same"]).run().await.result();
    let mut copies: Vec<_> =
        shown["messages"].as_array().unwrap().iter().map(|one| one["copies"].as_u64()).collect();
    copies.sort();
    assert_eq!(copies, [Some(0), Some(2)]);
    world.buried(4).await;

    let ended = world.tool(&["quarantine", "retry"]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!((ended.count("moved"), ended.count("copies")), (2, 2));
    world.buried(0).await;
    let mut bodies: Vec<_> =
        world.take(&world.queue, 2).await.into_iter().map(|letter| letter.body).collect();
    bodies.sort();
    let mut expected = vec!["nonsense".to_owned(), person.body()];
    expected.sort();
    assert_eq!(bodies, expected);
}

#[tokio::test]
async fn what_goes_back_is_as_it_came_in_the_group_that_lets_sign_ups_overtake() {
    let world = world!();
    let (note, body) = (note("not_json", "first"), "nonsense, ünchanged 🎉");
    world.bury(body, Some(&note)).await;
    world.bury("of another reason", Some(&harness::dead_letter_queue::note("too_deep", "other"))).await;
    world.tool(&["quarantine", "retry", "--reason", "not_json"]).run().await;
    let request = world.sqs.receive_message().queue_url(&world.queue).message_attribute_names("All");
    let names = aws_sdk_sqs::types::MessageSystemAttributeName::All;
    let answer = request.message_system_attribute_names(names).send().await.unwrap();
    let message = answer.messages.unwrap().remove(0);
    let attributes = message.message_attributes.unwrap();
    let attribute = |name: &str| attributes[name].string_value.clone().unwrap();
    assert_eq!(message.body.as_deref(), Some(body));
    assert_eq!(attribute("traceparent"), TRACEPARENT);
    assert_eq!(serde_json::from_str::<Value>(&attribute("profile_worker.quarantine")).unwrap(), note);
    let group = aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
    assert_eq!(message.attributes.unwrap().get(&group).map(String::as_str), Some("backfill"));
    world.buried(1).await;
}

#[tokio::test]
async fn what_was_mended_becomes_an_item() {
    let world = world!();
    let person = Person::new("ana");
    let mut theirs = person.item();
    theirs["profileOwner"] = json!({"S": "eve"});
    world.put(&theirs).await;
    world.send_traced(&person.body(), TRACEPARENT).await;
    world.send("nonsense").await;
    world.worker().run_until_empty().await.assert_outcomes(&[("owner_conflict", 1), ("rejected", 1)]);
    let key = aws_sdk_dynamodb::types::AttributeValue::S(person.sub.clone());
    world.dynamodb.delete_item().table_name(world.table()).key("id", key).send().await.unwrap();

    let ended = world.tool(&["quarantine", "retry", "--reason", "owner_conflict"]).run().await;
    assert_eq!((ended.code, ended.count("moved")), (Some(0), 1), "{ended:#?}");
    world.worker().run_until_empty().await.assert_outcomes(&[("created", 1)]);
    world.assert_items([person.item()]).await;
    world.buried(1).await;
}

#[tokio::test]
async fn what_dies_again_was_first_seen_the_first_time_and_tried_as_often_as_in_all_its_lives() {
    let world = world!();
    world.send_traced("nonsense", TRACEPARENT).await;
    let mut seen: Vec<Value> = Vec::new();
    for (life, back) in
        [["quarantine", "retry"].as_slice(), &["redrive"], &["redrive", "--reason", "not_json"]]
            .into_iter()
            .enumerate()
    {
        world.worker().run_until_empty().await.assert_outcomes(&[("rejected", 1)]);
        let shown = world.tool(&["quarantine", "show"]).run().await.result();
        let message = shown["messages"][0].clone();
        assert_eq!(message["attempts"], life + 1, "{message}");
        if let Some(first) = seen.first() {
            for field in ["first_seen", "message_id", "reason"] {
                assert_eq!(message[field], first[field], "life {life}");
            }
        }
        seen.push(message);
        assert_eq!(world.tool(back).run().await.code, Some(0));
        world.buried(0).await;
    }
    world.worker().run_until_empty().await.assert_outcomes(&[("rejected", 1)]);
    let letter = world.dead_letters(1).await.remove(0);
    assert_eq!((&letter.note["attempts"], &letter.note["firstSeen"]), (&json!(4), &seen[0]["first_seen"]));
    assert_eq!((letter.body.as_str(), letter.traceparent.as_deref()), ("nonsense", Some(TRACEPARENT)));
}

#[tokio::test]
async fn dropping_takes_a_yes_and_leaves_a_backup_that_only_its_owner_can_read() {
    let world = world!();
    let person = Person::new("ana");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dropped.jsonl");
    let backup = path.to_str().unwrap();
    world.bury(&person.body(), Some(&note("owner_conflict", "first"))).await;
    world.bury("nonsense", Some(&note("not_json", "second"))).await;
    world.bury("unmoved", None).await;

    let drop = ["quarantine", "drop", "--backup", backup, "--reason", "owner_conflict"];
    let ended = world.tool(&drop).run().await;
    assert_eq!((ended.code, &ended.result()["would_be_dropped"]), (Some(0), &json!(true)), "{ended:#?}");
    assert_eq!(ended.result()["messages"], 1);
    assert!(ended.stderr.contains("--yes") && !path.exists(), "{}", ended.stderr);
    world.buried(3).await;

    let ended = world.tool(&[&drop[..], &["--yes"]].concat()).run().await;
    assert_eq!((ended.code, ended.count("deleted")), (Some(0), 1), "{ended:#?}");
    assert_eq!(ended.result()["reasons"], json!({"owner_conflict": 1}));
    world.buried(2).await;
    let more = ["quarantine", "drop", "--backup", backup, "--message-id", "second", "--yes"];
    assert_eq!(world.tool(&more).run().await.count("deleted"), 1);
    world.buried(1).await;

    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["body"], &lines[1]["body"]), (&json!(person.body()), &json!("nonsense")));
    assert_eq!(lines[0]["attributes"]["traceparent"]["StringValue"], TRACEPARENT);
    let kept = lines[0]["attributes"]["profile_worker.quarantine"]["StringValue"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(kept).unwrap(), note("owner_conflict", "first"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn nothing_is_dropped_whose_backup_cannot_be_written() {
    let world = world!();
    world.bury("nonsense", None).await;
    let ended =
        world.tool(&["quarantine", "drop", "--yes", "--backup", "/nowhere/dropped.jsonl"]).run().await;
    assert_eq!(ended.code, Some(70), "{ended:#?}");
    assert!(ended.stderr.contains("nothing was deleted"), "{}", ended.stderr);
    world.buried(1).await;
}

/// So many that one round of polls does not see them all.
const MANY: u64 = 120;

/// A look that stands still: it holds what its first round of polls brought, and the next waits at the gate.
async fn standing_still(world: &World) -> (harness::Intercept, Gate, Worker) {
    for nth in 0..MANY {
        world.bury("nonsense", Some(&note("not_json", &format!("{nth}")))).await;
    }
    let (proxy, gate) = (world.intercept().await, Gate::default());
    let held = gate.clone();
    proxy.on("ReceiveMessage", move |call| {
        if call.nth < 8 { Reaction::Forward } else { Reaction::HoldRequest(held.clone()) }
    });
    let tool = world.worker_through(&proxy).arguments(&["quarantine", "list"]);
    (proxy, gate, tool)
}

/// Waits until it stands, with messages in its hands.
async fn stands(world: &World, proxy: &harness::Intercept) {
    eventually("the next polls are made", async || (proxy.calls("ReceiveMessage") > 8).then_some(())).await;
    assert!(world.depth(&world.dead_letter).await.1 > 0, "it holds nothing");
}

#[tokio::test]
async fn a_look_that_is_interrupted_gives_all_back() {
    let world = world!(Interception);
    let (proxy, gate, tool) = standing_still(&world).await;
    let running = tool.start();
    stands(&world, &proxy).await;
    running.interrupt();
    gate.open();
    let ended = running.ended().await;
    assert_eq!((ended.code, &ended.result()["interrupted"]), (Some(130), &json!(true)), "{ended:#?}");
    assert_eq!(ended.result()["complete"], false);
    assert_eq!(world.depth(&world.dead_letter).await, (MANY, 0, 0));
}

#[tokio::test]
async fn a_look_that_fails_gives_all_back() {
    let world = world!(Interception);
    let (proxy, _, tool) = standing_still(&world).await;
    proxy.on("ReceiveMessage", |call| {
        if call.nth < 8 { Reaction::Forward } else { Reaction::error(403, "AccessDenied") }
    });
    let ended = tool.run().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:#?}");
    assert!(ended.stderr.contains("sqs:ReceiveMessage"), "{}", ended.stderr);
    assert_eq!(world.depth(&world.dead_letter).await, (MANY, 0, 0));
}

#[tokio::test]
async fn a_look_that_is_killed_holds_nothing_for_long() {
    let world = world!(Interception, ClockControl);
    let (proxy, _, tool) = standing_still(&world).await;
    let running = tool.start();
    stands(&world, &proxy).await;
    running.kill().await;
    world.advance(Duration::from_secs(32));
    world.buried(MANY).await;
}

#[tokio::test]
async fn what_is_slow_holds_what_it_has_not_come_to() {
    let world = world!(Interception, ClockControl);
    for nth in 0..30 {
        world.bury(&format!("nonsense {nth}"), None).await;
    }
    let proxy = world.intercept().await;
    // Ten at once, and the next ten only ten seconds later.
    let running = world.worker_through(&proxy).arguments(&["quarantine", "retry", "--rate", "1"]).start();
    eventually("what is left is extended", async || {
        let extensions = "ChangeMessageVisibilityBatch";
        (proxy.calls(extensions) >= 1 && proxy.in_the_air(extensions) == 0).then_some(())
    })
    .await;
    world.advance(Duration::from_secs(20));
    let (visible, in_flight, _) = world.depth(&world.dead_letter).await;
    assert!(visible == 0 && in_flight > 0, "{visible} are visible, {in_flight} are held");
    running.interrupt();
    let ended = running.ended().await;
    assert_eq!((ended.code, &ended.result()["interrupted"]), (Some(130), &json!(true)), "{ended:#?}");
    world.buried(30 - ended.count("moved")).await;
    assert_eq!(world.depth(&world.queue).await.0, ended.count("moved"));
}

#[tokio::test]
async fn a_message_is_shown_without_its_person_unless_asked_for() {
    let world = world!();
    let person = Person::new("ana");
    let mut theirs = person.item();
    theirs["profileOwner"] = json!({"S": "eve"});
    world.put(&theirs).await;
    let id = world.send(&person.body()).await;
    let keyed = |worker: Worker| worker.with("LOG_HASH_KEY", "key");
    let ended = keyed(world.worker()).run_until_empty().await;
    let logged = ended.events("quarantined").remove(0);
    let show = ["quarantine", "show", "--message-id", &id];
    let ended = keyed(world.tool(&show)).run().await;
    let shown = ended.result()["messages"][0].clone();
    assert_eq!(
        (&shown["reason"], &shown["message_id"], &shown["attempts"]),
        (&json!("owner_conflict"), &json!(id), &json!(1))
    );
    assert_eq!(shown["user"], logged["user"], "the user has another name here than in the worker's log");
    assert!(shown.get("body").is_none() && shown["bytes"].as_u64().unwrap() > person.body().len() as u64);
    let table = keyed(world.tool(&[&show[..], &["--output", "table"]].concat())).run().await;
    for value in [&person.sub, &person.username, &person.email] {
        assert!(!ended.stdout.contains(value) && !table.stdout.contains(value), "{value}");
    }
    for output in ["json", "table"] {
        let told =
            world.tool(&[&show[..], &["--show-personal-data", "--output", output]].concat()).run().await;
        assert!(told.stdout.contains(&person.email), "{}", told.stdout);
    }
    world.buried(1).await;
}

#[tokio::test]
async fn nobody_is_in_what_the_tools_write() {
    let world = world!();
    let person = Person::new("ana-lisa-of-nowhere");
    let mut bodies: Vec<_> = fixtures("events").into_iter().map(|name| fixture("events", &name)).collect();
    bodies.extend([format!("{} is no JSON", person.email), nested(40), person.body()]);
    let mut said = Personal::of(&bodies);
    said.add(&person.email);
    for (nth, body) in bodies.iter().enumerate() {
        world.bury(body, Some(&note("not_json", &format!("message-{nth}")))).await;
        world.bury(body, None).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("dropped.jsonl");
    let backup = backup.to_str().unwrap();
    let mut commands = Vec::new();
    for output in ["json", "table"] {
        for command in [&["quarantine", "list"][..], &["quarantine", "show"], &["redrive", "--status"]] {
            commands.push([command, &["--output", output]].concat());
        }
    }
    commands.push(vec!["redrive", "--without-reason"]);
    commands.push(vec!["quarantine", "retry", "--message-id", "message-0"]);
    commands.push(vec!["quarantine", "drop", "--backup", backup, "--yes", "--message-id", "message-1"]);
    commands.push(vec!["redrive"]);
    for command in commands {
        let ended = world.tool(&command).with("RUST_LOG", "trace").run().await;
        // An engine without move tasks has no status to show, and says so.
        let code = if ended.stderr.contains("no move tasks") { 78 } else { 0 };
        assert_eq!(ended.code, Some(code), "{command:?}: {ended:#?}");
        said.assert_absent(&format!("{}{}", ended.stdout, ended.stderr), &format!("{command:?}"));
    }
    assert!(std::fs::read_to_string(backup).unwrap().lines().count() == 1);
}

#[tokio::test]
async fn every_problem_with_the_flags_is_told_at_once() {
    let world = world!();
    let bad = [
        "quarantine",
        "retry",
        "--reason",
        "owner-conflict",
        "--older-than",
        "soon",
        "--rate",
        "0",
        "--message-id",
        "a b",
    ];
    let ended = world.tool(&bad).with("FAIR_GROUPS", "perhaps").run().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{ended:#?}");
    for flag in ["--reason", "--older-than", "--rate", "--message-id", "FAIR_GROUPS"] {
        assert!(ended.stderr.contains(flag), "{flag}: {}", ended.stderr);
    }
    for (arguments, code) in [
        (&["quarantine", "show", "--limit", "0"][..], 78),
        (&["quarantine", "drop", "--backup", "-"], 78),
        (&["quarantine"], 64),
        (&["quarantine", "forget"], 64),
        (&["quarantine", "list", "--all"], 64),
    ] {
        assert_eq!(world.tool(arguments).run().await.code, Some(code), "{arguments:?}");
    }
}

#[tokio::test]
async fn without_a_dead_letter_queue_there_is_nothing_to_look_at() {
    let mut world = world!(bare);
    world.create_lone_queue().await;
    for command in [&["quarantine", "list"][..], &["redrive"]] {
        let ended = world.tool(command).run().await;
        assert_eq!(ended.code, Some(78), "{ended:#?}");
        assert!(ended.stderr.contains("DEAD_LETTER_QUEUE_URL"), "{}", ended.stderr);
    }
}
