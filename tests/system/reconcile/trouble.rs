//! What stands in `reconcile`'s way: services that throttle, refuse, forget and answer in part, a table that does not
//! fit, a signal, and rows that come while it looks. It has a whole result or none, and then enqueues nothing.

use std::collections::HashSet;

use harness::{Gate, Intercept, Person, Reaction, Worker, eventually, world};
use serde_json::{Value, json};

use super::{Compared, assert_result};

/// So many people, of whom every second has a row.
async fn crowd(of: &Compared, count: usize) -> Vec<Person> {
    let people = Person::crowd(count);
    for person in &people {
        of.join(person);
    }
    for person in people.iter().step_by(2) {
        of.put(person, &json!({})).await;
    }
    people
}

fn through(of: &Compared, proxy: &Intercept, flags: &[&str]) -> Worker {
    of.job(flags)
        .with("AWS_ENDPOINT_URL_SQS", proxy.endpoint())
        .with("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint())
}

#[tokio::test]
async fn whoever_asks_for_less_is_asked_again() {
    let of = Compared::new(world!(OwnPools, Interception));
    crowd(&of, 20).await;
    let cognito = &of.world.stack().cognito;
    cognito.trouble().page_sizes(&[3]);
    cognito.trouble().throttle_every(3);
    let proxy = of.world.intercept().await;
    let throttled = || Reaction::error(400, "ProvisionedThroughputExceededException");
    proxy.on("Scan", move |call| if call.nth < 3 { throttled() } else { Reaction::Forward });
    // Of the first answer only half is one: the other keys were not processed.
    proxy.on("BatchGetItem", |call| {
        if call.nth > 0 {
            return Reaction::Forward;
        }
        let (table, asked) = call.request["RequestItems"].as_object().unwrap().iter().next().unwrap();
        let (table, asked) = (table.clone(), asked.clone());
        let keys = asked["Keys"].as_array().unwrap();
        let later: HashSet<String> = keys.iter().skip(1).map(|key| key["id"]["S"].to_string()).collect();
        let mut unprocessed = asked.clone();
        unprocessed["Keys"] = keys.iter().skip(1).cloned().collect();
        Reaction::Change(Box::new(move |mut answer: Value| {
            let rows = answer["Responses"][&table].as_array_mut().unwrap();
            rows.retain(|row| !later.contains(&row["id"]["S"].to_string()));
            answer["UnprocessedKeys"] = json!({ table: unprocessed });
            answer
        }))
    });
    for (flags, profiles) in [(&["--fix", "missing"][..], 10), (&["--full"], 10)] {
        let ended = through(&of, &proxy, flags).run().await;
        let count = |name| ended.count(name);
        assert_eq!((count("users"), count("profiles")), (20, profiles), "{ended:#?}");
        assert_eq!((count("matched"), count("missing"), ended.code), (10, 10, Some(1)));
        assert!(!ended.events("job_retries").is_empty());
    }
    assert_eq!(of.queued().await, 10);
}

#[tokio::test]
async fn permission_denied_halfway_is_an_error_and_nothing_is_enqueued() {
    let of = Compared::new(world!(OwnPools, Interception));
    crowd(&of, 12).await;
    let cognito = &of.world.stack().cognito;
    cognito.trouble().page_sizes(&[2]);
    for denied in ["ListUsers", "Scan", "BatchGetItem", "DescribeTable", "SendMessageBatch"] {
        let proxy = of.world.intercept().await;
        if denied == "ListUsers" {
            cognito.trouble().deny_after(4);
        } else {
            // Scan has four segments, and the two looks of BatchGetItem are seven calls.
            let after = match denied {
                "Scan" => 2,
                "BatchGetItem" => 6,
                _ => 0,
            };
            proxy.on(denied, move |call| {
                if call.nth < after {
                    Reaction::Forward
                } else {
                    Reaction::error(400, "AccessDeniedException")
                }
            });
        }
        let ended = through(&of, &proxy, &["--fix", "missing"]).run().await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{denied}: {}", ended.stderr);
        let service = match denied {
            "ListUsers" => "cognito-idp:ListUsers",
            "SendMessageBatch" => "sqs:SendMessage",
            _ => &format!("dynamodb:{denied}"),
        };
        assert!(ended.stderr.contains(&format!("{service} failed: AccessDenied")), "{}", ended.stderr);
        assert!(denied == "DescribeTable" || ended.stderr.contains("Run it again"), "{}", ended.stderr);
        cognito.trouble().allow();
        assert_eq!(of.queued().await, 0, "{denied}");
    }
}

#[tokio::test]
async fn a_token_that_expired_begins_the_walk_again_and_nobody_is_counted_twice() {
    let of = Compared::new(world!(OwnPools));
    crowd(&of, 12).await;
    for flags in [&[][..], &["--full"]] {
        let cognito = &of.world.stack().cognito;
        cognito.trouble().page_sizes(&[2]);
        cognito.expire_tokens_after(3);
        let ended = of.run(flags).await;
        let count = |name| ended.count(name);
        assert_eq!((count("users"), count("matched"), count("missing")), (12, 6, 6), "{}", ended.stdout);
        assert_eq!((count("profiles"), ended.code), (6, Some(1)));
        assert_eq!(ended.events("walk_starts_over").len(), 1, "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_or_does_not_fit_is_said_before_anything_is_asked() {
    let mut world = world!(bare OwnPools);
    world.create_queues().await;
    let of = Compared::new(world);
    of.join(&Person::new("ana"));
    let missing = of.run(&["--fix", "missing"]).await;
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(78), ""), "{}", missing.stderr);
    assert!(missing.stderr.contains("dynamodb:DescribeTable failed: ResourceNotFoundException"));
    of.world.create_table(&["profileOwner"]).await;
    let other = of.run(&["--fix", "missing"]).await;
    assert_eq!((other.code, other.stdout.as_str()), (Some(78), ""), "{}", other.stderr);
    assert!(other.stderr.contains("TABLE_NAME, PROFILE_MODEL"), "{}", other.stderr);
    assert!(other.stderr.contains("the table's key is (profileOwner), the model's is (id)"));
    assert_eq!(of.world.stack().cognito.calls().get("ListUsers"), None);
    assert_eq!(of.queued().await, 0);
}

#[tokio::test]
async fn a_signal_ends_it_with_the_counts_so_far_and_nothing_is_enqueued() {
    let of = Compared::new(world!(OwnPools, Interception));
    crowd(&of, 12).await;
    let cognito = &of.world.stack().cognito;
    cognito.trouble().page_sizes(&[4]);
    // While the table is read, while the pool is walked, and while it looks again.
    for (operation, nth, users) in [("Scan", 2, 0), ("BatchGetItem", 1, 4), ("BatchGetItem", 3, 12)] {
        let (proxy, gate) = (of.world.intercept().await, Gate::default());
        let held = gate.clone();
        proxy.on(operation, move |call| {
            if call.nth < nth { Reaction::Forward } else { Reaction::HoldRequest(held.clone()) }
        });
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.jsonl");
        let flags = ["--fix", "missing", "--list", list.to_str().unwrap()];
        let job = through(&of, &proxy, &flags).with("METRICS_EMF", "on").start();
        eventually("it waits", async || (proxy.calls(operation) > nth).then_some(())).await;
        if users == 4 {
            // The answer to the first question was heard with the second page, which was asked for after it.
            eventually("pages came", async || (cognito.calls()["ListUsers"] >= 3).then_some(())).await;
        }
        job.interrupt();
        let ended = job.ended().await;
        let result = ended.result();
        assert_eq!((ended.code, &result["interrupted"]), (Some(130), &json!(true)), "{}", ended.stderr);
        assert_eq!((&result["missing"], &result["enqueued"]), (&json!(0), &json!(0)), "{result}");
        assert!(result["users"].as_u64().unwrap() <= users, "{result}");
        assert_eq!(ended.stdout.lines().count(), 1, "no metrics of half a look: {}", ended.stdout);
        assert!(ended.stderr.contains("nothing was enqueued"), "{}", ended.stderr);
        assert!(!list.exists() && std::fs::read_dir(folder.path()).unwrap().next().is_none());
        assert_eq!(of.queued().await, 0);
        gate.open();
    }
}

#[tokio::test]
async fn whose_row_comes_while_it_looks_is_not_missing() {
    let of = Compared::new(world!(OwnPools, Interception));
    let people = crowd(&of, 6).await;
    let (proxy, gate) = (of.world.intercept().await, Gate::default());
    let held = gate.clone();
    proxy.on("BatchGetItem", move |call| {
        if call.nth == 1 { Reaction::HoldRequest(held.clone()) } else { Reaction::Forward }
    });
    let job = through(&of, &proxy, &["--fix", "missing"]).start();
    eventually("it looks again", async || (proxy.calls("BatchGetItem") == 2).then_some(())).await;
    of.put(&people[1], &json!({})).await;
    of.put(&people[3], &json!({"profileOwner": "somebody-else"})).await;
    gate.open();
    let ended = job.ended().await;
    let expected = [
        ("users", 6),
        ("profiles", 5),
        ("matched", 4),
        ("missing", 1),
        ("missing_in_grace", 0),
        ("legacy", 0),
        ("skipped_status", 0),
        ("skipped_disabled", 0),
        ("enqueued", 1),
    ];
    assert_result(&ended, 1, &expected);
    // Somebody else's row is in the way of one: he is neither.
    assert!(ended.stderr.contains("have the row of another under their key"), "{}", ended.stderr);
    assert_eq!(of.queued().await, 1);
}

#[tokio::test]
async fn every_problem_with_flags_and_settings_is_told_at_once() {
    let of = Compared::new(world!(bare OwnPools));
    let flags =
        ["--grace", "soon", "--fix", "orphans", "--rate", "0", "--include-status", "ARCHIVED", "--list", "-"];
    let ended = of.job(&flags).with("METRICS_EMF", "maybe").with("USER_POOL_IDS", "").run().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{}", ended.stderr);
    for variable in [
        "--grace:",
        "--fix:",
        "--rate:",
        "--include-status:",
        "--list:",
        "METRICS_EMF:",
        "QUEUE_URL:",
        "USER_POOL_ID:",
    ] {
        assert!(ended.stderr.contains(variable), "{variable} is not in {}", ended.stderr);
    }
    assert_eq!(of.run(&["--everything"]).await.code, Some(64));
    // Before an hour of work, not after it.
    let ended = of.run(&["--list", "/nowhere/findings.jsonl"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("--list: cannot be written"), "{}", ended.stderr);
}

#[tokio::test]
async fn nobody_is_counted_while_the_pool_cannot_be_reached() {
    let of = Compared::new(world!(OwnPools, OwnAddresses));
    crowd(&of, 2).await;
    let nobody = format!("http://127.0.0.1:{}", harness::http::free_port());
    let job = of.job(&[]).with("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", nobody).start();
    job.logged("job_retries", |event| event["action"] == "cognito-idp:ListUsers").await;
    job.interrupt();
    let ended = job.ended().await;
    assert_eq!((ended.code, ended.count("users")), (Some(130), 0), "{}", ended.stderr);
}
