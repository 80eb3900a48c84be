//! `redrive`: everything back once the cause is mended, by SQS where it can and by the program where it cannot. A
//! message may go back twice, if something breaks between; it is never lost, and never goes round for ever.

use std::time::Duration;

use harness::dead_letter_queue::note;
use harness::{Ended, Person, Reaction, World, eventually, world};
use serde_json::{Value, json};

async fn bury_people(world: &World, count: usize, reason: Option<&str>) -> Vec<Person> {
    let people = Person::crowd(count);
    for (nth, person) in people.iter().enumerate() {
        let note = reason.map(|reason| note(reason, &format!("{reason}-{nth}")));
        world.bury(&person.body(), note.as_ref()).await;
    }
    people
}

/// The one task that was told of.
fn task(ended: &Ended) -> Value {
    let result = ended.result();
    assert_eq!(result["by"], "sqs", "{ended:#?}");
    result["tasks"][0].clone()
}

#[tokio::test]
async fn sqs_moves_everything_to_the_queue_that_was_named() {
    let world = world!(OwnPools);
    let people = bury_people(&world, 5, Some("owner_conflict")).await;
    let ended = world.tool(&["redrive", "--rate", "500"]).run().await;
    assert_eq!((ended.code, &ended.result()["result"]), (Some(0), &json!("moved")), "{ended:#?}");
    let task = task(&ended);
    assert_eq!(
        [&task["status"], &task["moved"], &task["rate"]],
        [&json!("completed"), &json!(5), &json!(500)]
    );
    world.buried(0).await;
    world.worker().run_until_empty().await.assert_outcomes(&[("created", 5)]);
    world.assert_items(people.iter().map(Person::item)).await;
    let ended = world.tool(&["redrive", "--status", "--output", "table"]).run().await;
    assert!(ended.code == Some(0) && ended.stdout.contains("completed"), "{ended:#?}");
}

#[tokio::test]
async fn one_move_at_a_time_is_watched_left_alone_and_cancelled() {
    let world = world!(OwnPools);
    bury_people(&world, 60, Some("not_json")).await;
    let status = async || world.tool(&["redrive", "--status"]).run().await;
    let nothing = status().await;
    assert_eq!((nothing.code, &nothing.result()["tasks"]), (Some(0), &json!([])), "{nothing:#?}");

    let running = world.tool(&["redrive", "--rate", "1"]).start();
    let seen = eventually("the move runs", async || {
        let seen = status().await;
        (seen.result()["tasks"][0]["status"] == "running").then_some(seen)
    })
    .await;
    assert_eq!(task(&seen)["rate"], 1);
    let second = world.tool(&["redrive"]).run().await;
    assert_eq!(
        (second.code, &second.result()["result"]),
        (Some(1), &json!("already_running")),
        "{second:#?}"
    );
    assert!(second.stderr.contains("--cancel"), "{}", second.stderr);

    running.interrupt();
    let left = running.ended().await;
    assert_eq!((left.code, &left.result()["result"]), (Some(130), &json!("left_running")), "{left:#?}");
    assert!(left.stderr.contains("--cancel"), "{}", left.stderr);
    assert_eq!(task(&status().await)["status"], "running", "it ended with the program");

    let cancelled = world.tool(&["redrive", "--cancel"]).run().await;
    assert_eq!(
        (cancelled.code, &cancelled.result()["result"]),
        (Some(0), &json!("cancelled")),
        "{cancelled:#?}"
    );
    assert_eq!(task(&status().await)["status"], "cancelled");
    let again = world.tool(&["redrive", "--cancel"]).run().await;
    assert_eq!((again.code, &again.result()["result"]), (Some(0), &json!("nothing_to_cancel")), "{again:#?}");
    let (here, there) = (world.depth(&world.queue).await.0, world.depth(&world.dead_letter).await.0);
    assert!(here + there == 60 && there > 0, "{here} in the queue, {there} dead letters");
}

#[tokio::test]
async fn what_is_chosen_goes_back_and_the_rest_stays() {
    let world = world!();
    let conflicts = bury_people(&world, 12, Some("owner_conflict")).await;
    bury_people(&world, 3, Some("not_json")).await;
    let moved_by_sqs = bury_people(&world, 2, None).await;
    let mut young = note("owner_conflict", "young");
    young["lastAttempt"] = json!("9999-01-01T00:00:00.000Z");
    world.bury("young", Some(&young)).await;

    let old_conflicts = ["redrive", "--reason", "owner_conflict", "--older-than", "1h"];
    let ended = world.tool(&old_conflicts).run().await;
    assert_eq!(
        (ended.code, ended.count("moved"), &ended.result()["by"]),
        (Some(0), 12, &json!("profile_worker"))
    );
    world.buried(3 + 2 + 1).await;
    let ended = world.tool(&["redrive", "--without-reason"]).run().await;
    assert_eq!((ended.code, ended.count("moved")), (Some(0), 2), "{ended:#?}");
    world.buried(3 + 1).await;
    world.worker().run_until_empty().await.assert_outcomes(&[("created", 14)]);
    world.assert_items(conflicts.iter().chain(&moved_by_sqs).map(Person::item)).await;
}

#[tokio::test]
async fn where_sqs_does_not_move_the_program_does() {
    for (operation, code) in
        [("ListMessageMoveTasks", "InvalidAction"), ("StartMessageMoveTask", "UnsupportedOperation")]
    {
        let world = world!(Interception);
        let people = bury_people(&world, 11, Some("not_json")).await;
        let proxy = world.intercept().await;
        proxy.on("StartMessageMoveTask", |_| Reaction::error(400, "UnsupportedOperation"));
        proxy.on(operation, move |_| Reaction::error(400, code));
        let tool = |arguments: &[&str]| world.worker_through(&proxy).arguments(arguments);
        let ended = tool(&["redrive"]).run().await;
        assert_eq!(
            (ended.code, ended.count("moved"), &ended.result()["by"]),
            (Some(0), 11, &json!("profile_worker"))
        );
        assert!(ended.stderr.contains("this program does"), "{}", ended.stderr);
        world.worker().run_until_empty().await.assert_outcomes(&[("created", 11)]);
        world.assert_items(people.iter().map(Person::item)).await;
        if operation == "ListMessageMoveTasks" {
            for flag in ["--status", "--cancel"] {
                let ended = tool(&["redrive", flag]).run().await;
                assert_eq!(ended.code, Some(78), "{ended:#?}");
                assert!(ended.stderr.contains("no move tasks"), "{}", ended.stderr);
            }
        }
    }
}

#[tokio::test]
async fn a_queue_that_is_nobodys_dead_letter_queue_is_moved_by_the_program() {
    let mut world = world!(bare);
    world.create_lone_queue().await;
    let name = format!("{}-dlq", world.table());
    world.dead_letter = world.sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
    bury_people(&world, 3, None).await;
    let ended = world.tool(&["redrive"]).with("DEAD_LETTER_QUEUE_URL", &world.dead_letter).run().await;
    assert_eq!((ended.code, ended.count("moved")), (Some(0), 3), "{ended:#?}");
    world.visible(3).await;
}

#[tokio::test]
async fn a_move_that_may_not_be_started_moves_nothing() {
    let world = world!(Interception);
    bury_people(&world, 3, None).await;
    let proxy = world.intercept().await;
    proxy.on("ListMessageMoveTasks", |_| Reaction::Answer(200, json!({"Results": []})));
    proxy.on("StartMessageMoveTask", |_| Reaction::error(403, "AccessDenied"));
    let ended = world.worker_through(&proxy).arguments(&["redrive"]).run().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:#?}");
    assert!(ended.stderr.contains("sqs:StartMessageMoveTask"), "{}", ended.stderr);
    world.buried(3).await;
}

#[tokio::test]
async fn only_what_sqs_names_as_taken_is_deleted() {
    let world = world!(Interception);
    let people = bury_people(&world, 10, Some("not_json")).await;
    let proxy = world.intercept().await;
    proxy.on("SendMessageBatch", |call| match call.nth {
        // The whole call fails; then its answer names only some of the entries; then one fails.
        0 => Reaction::error(500, "InternalFailure"),
        1 => Reaction::Change(Box::new(|mut answer: Value| {
            answer["Successful"].as_array_mut().unwrap().truncate(6);
            answer
        })),
        2 => Reaction::Change(Box::new(|mut answer: Value| {
            let failed = answer["Successful"].as_array_mut().unwrap().pop().unwrap();
            let id = failed["Id"].clone();
            answer["Failed"] = json!([{"Id": id, "Code": "InternalError", "SenderFault": false}]);
            answer
        })),
        _ => Reaction::Forward,
    });
    let tool = world.worker_through(&proxy).arguments(&["redrive", "--reason", "not_json"]);
    let ended = tool.run().await;
    assert_eq!((ended.code, ended.count("moved")), (Some(0), 10), "{ended:#?}");
    assert_eq!(proxy.entries("SendMessageBatch").len(), 10 + 10 + 4 + 1, "what was taken was sent again");
    world.buried(0).await;
    world.worker().run_until_empty().await.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn what_cannot_be_sent_stays() {
    let world = world!(Interception);
    bury_people(&world, 12, Some("not_json")).await;
    let proxy = world.intercept().await;
    proxy.on("SendMessageBatch", |call| match call.nth {
        0 => Reaction::Forward,
        _ => Reaction::error(403, "AccessDenied"),
    });
    let tool = world.worker_through(&proxy).arguments(&["redrive", "--reason", "not_json", "--rate", "500"]);
    let ended = tool.run().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:#?}");
    assert!(ended.stderr.contains("10 messages were sent back"), "{}", ended.stderr);
    world.buried(2).await;
    world.visible(10).await;
}

#[tokio::test]
async fn one_that_the_queue_refuses_holds_up_nobody() {
    let world = world!(Interception);
    bury_people(&world, 3, Some("not_json")).await;
    world.bury("refused", Some(&note("not_json", "refused"))).await;
    let proxy = world.intercept().await;
    proxy.on("SendMessageBatch", |call| {
        let entries = call.request["Entries"].as_array().unwrap();
        if entries.iter().any(|entry| entry["MessageBody"] == "refused") {
            Reaction::error(400, "InvalidMessageContents")
        } else {
            Reaction::Forward
        }
    });
    let ended = world.worker_through(&proxy).arguments(&["redrive", "--reason", "not_json"]).run().await;
    assert_eq!((ended.code, ended.count("moved"), ended.count("refused")), (Some(1), 3, 1), "{ended:#?}");
    world.buried(1).await;
    world.visible(3).await;
}

#[tokio::test]
async fn what_is_sent_and_not_deleted_is_told_and_makes_no_second_item() {
    let world = world!(Interception);
    let people = bury_people(&world, 3, Some("owner_conflict")).await;
    let proxy = world.intercept().await;
    proxy.on("DeleteMessageBatch", |_| Reaction::error(403, "AccessDenied"));
    let retry = ["quarantine", "retry", "--reason", "owner_conflict"];
    let ended = world.worker_through(&proxy).arguments(&retry).run().await;
    assert_eq!((ended.code, ended.count("moved"), ended.count("not_deleted")), (Some(1), 3, 3), "{ended:#?}");
    world.buried(3).await;
    assert_eq!(world.tool(&retry).run().await.code, Some(0));
    world.buried(0).await;
    let ended = world.worker().run_until_empty().await;
    ended.assert_outcomes(&[("created", 3), ("already_present", 3)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn killed_between_sending_and_deleting_it_loses_nobody() {
    let world = world!(Interception, ClockControl);
    let people = bury_people(&world, 25, Some("owner_conflict")).await;
    let proxy = world.intercept().await;
    let gate = harness::Gate::default();
    proxy.on("DeleteMessageBatch", move |_| Reaction::HoldRequest(gate.clone()));
    let redrive = ["redrive", "--reason", "owner_conflict", "--rate", "500"];
    let running = world.worker_through(&proxy).arguments(&redrive).start();
    eventually("ten are sent", async || (proxy.calls("DeleteMessageBatch") > 0).then_some(())).await;
    running.kill().await;
    world.advance(Duration::from_secs(32));
    world.buried(25).await;
    assert_eq!(world.tool(&redrive).run().await.count("moved"), 25);
    world.worker().run_until_empty().await.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
    world.buried(0).await;
}

/// More than is sent from one handful, so that what died again is seen by the same run.
#[tokio::test]
async fn what_dies_again_at_once_is_left_and_not_lost() {
    let world = world!();
    let count: u64 = 80;
    for nth in 0..count {
        let body = format!("{nth} {}", "x".repeat(230 * 1024));
        world.bury(&body, Some(&note("not_json", &format!("{nth}")))).await;
    }
    let worker = world.worker().start();
    worker.ready().await;
    let ended = world.tool(&["redrive", "--reason", "not_json", "--rate", "500"]).run().await;
    assert_eq!(ended.count("moved"), count, "{ended:#?}");
    assert_eq!(ended.count("copies"), 0, "{ended:#?}");
    world.drained().await;
    world.buried(count).await;
    worker.stop().await.assert_outcomes(&[("rejected", count)]);
    let letters = world.dead_letters(usize::try_from(count).unwrap()).await;
    let mut ids: Vec<_> = letters.iter().map(|letter| letter.note["messageId"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len() as u64, count, "somebody was lost");
    assert!(letters.iter().all(|letter| letter.note["attempts"] == 3));
}

#[tokio::test]
async fn flags_that_do_not_go_together_are_refused() {
    let world = world!();
    for (arguments, code, named) in [
        (&["redrive", "--rate", "501"][..], 78, "--rate"),
        (&["redrive", "--reason", "bad"], 78, "--reason"),
        (&["redrive", "--older-than", "x", "--rate", "y"], 78, "--older-than"),
        (&["redrive", "--status", "--cancel"], 64, "--cancel"),
        (&["redrive", "--reason", "not_json", "--without-reason"], 64, "--without-reason"),
        (&["redrive", "--all"], 64, "--all"),
    ] {
        let ended = world.tool(arguments).run().await;
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(ended.stderr.contains(named), "{}", ended.stderr);
    }
}
