//! `check` and `health`: what they find, how they say it, and that looking changes nothing.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use harness::{Ended, Person, World, http, world};
use serde_json::{Value, json};

async fn check(world: &World) -> Ended {
    world.worker().arguments(&["check"]).run().await
}

/// Exactly one thing is wrong, and the doctor says what to do about it.
#[track_caller]
fn assert_finding(ended: &Ended, what: &str, seen: &str) {
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let report = ended.result();
    assert_eq!(report["ok"], false);
    let findings: Vec<_> =
        report["checks"].as_array().unwrap().iter().filter(|line| line["verdict"] == "finding").collect();
    assert_eq!(findings.len(), 1, "{report:#}");
    assert_eq!(findings[0]["what"], what, "{report:#}");
    assert!(findings[0]["seen"].as_str().unwrap().contains(seen), "{report:#}");
    assert!(!findings[0]["mend"].as_str().unwrap().is_empty(), "{report:#}");
}

async fn attributes(world: &World, url: &str) -> Value {
    let request = world.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let found = request.send().await.unwrap().attributes.unwrap_or_default();
    found
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn set(world: &World, url: &str, name: QueueAttributeName, value: &str) {
    world.sqs.set_queue_attributes().queue_url(url).attributes(name, value).send().await.unwrap();
}

#[tokio::test]
async fn a_healthy_deployment_is_found_healthy_and_left_as_it_was() {
    let world = world!();
    let (stored, waiting) = (Person::new("ana"), Person::new("bob"));
    world.put(&stored.item()).await;
    world.send(&waiting.body()).await;
    let before = (attributes(&world, &world.queue).await, attributes(&world, &world.dead_letter).await);

    for _ in 0..3 {
        let ended = check(&world).await;
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        let report = ended.result();
        assert_eq!(report["ok"], true);
        for what in [
            "queue",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "dead-letter queue",
            "table key",
            "dynamodb:PutItem",
            "dynamodb:PartiQLInsert",
            "dynamodb:BatchGetItem",
        ] {
            let line = report["checks"].as_array().unwrap().iter().find(|line| line["what"] == what);
            assert_eq!(
                line.unwrap_or_else(|| panic!("{what} is not in {report:#}"))["verdict"],
                "ok",
                "{report:#}"
            );
        }
    }

    let after = (attributes(&world, &world.queue).await, attributes(&world, &world.dead_letter).await);
    assert_eq!(after, before);
    world.assert_items([stored.item()]).await;
    assert_eq!(world.depth(&world.queue).await, (1, 0, 0));
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    // This look is the first there was.
    let letter = world.peek(1).await.remove(0);
    assert_eq!((letter.receives, letter.body), (1, waiting.body()));
}

#[tokio::test]
async fn a_missing_dead_letter_queue_is_a_finding() {
    let mut world = world!(bare);
    world.create_lone_queue().await;
    world.create_table(&["id"]).await;
    assert_finding(&check(&world).await, "dead-letter queue", "none");
}

#[tokio::test]
async fn a_redrive_that_comes_too_soon_is_a_finding() {
    let world = world!();
    let policy = attributes(&world, &world.queue).await["RedrivePolicy"].as_str().unwrap().to_owned();
    let mut policy: Value = serde_json::from_str(&policy).unwrap();
    policy["maxReceiveCount"] = json!(5);
    set(&world, &world.queue, QueueAttributeName::RedrivePolicy, &policy.to_string()).await;
    assert_finding(&check(&world).await, "redrive policy", "5");
}

#[tokio::test]
async fn a_dead_letter_queue_that_forgets_too_soon_is_a_finding() {
    let world = world!();
    set(&world, &world.dead_letter, QueueAttributeName::MessageRetentionPeriod, "86400").await;
    assert_finding(&check(&world).await, "retention", "86400");
}

#[tokio::test]
async fn a_table_with_another_key_is_a_finding() {
    let mut world = world!(bare);
    world.create_queues().await;
    world.create_table(&["userId"]).await;
    assert_finding(&check(&world).await, "table key", "userId");
}

#[tokio::test]
async fn a_missing_table_is_a_finding() {
    let mut world = world!(bare);
    world.create_queues().await;
    assert_finding(&check(&world).await, "table", "ResourceNotFound");
}

#[tokio::test]
async fn a_missing_queue_is_a_finding() {
    let mut world = world!(bare);
    world.create_table(&["id"]).await;
    world.queue = world.expected_queue_url().await;
    assert_finding(&check(&world).await, "queue", "NonExistentQueue");
}

#[tokio::test]
async fn endpoints_where_nobody_answers_cannot_be_judged() {
    let world = world!(OwnAddresses);
    let dead = format!("http://127.0.0.1:{}", http::free_port());
    for variables in [
        &["AWS_ENDPOINT_URL_SQS"][..],
        &["AWS_ENDPOINT_URL_DYNAMODB"],
        &["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_DYNAMODB"],
    ] {
        let mut worker = world.worker().arguments(&["check"]);
        for variable in variables {
            worker = worker.with(variable, &dead);
        }
        let ended = worker.run().await;
        assert_eq!(ended.code, Some(69), "{variables:?}: {ended:#?}");
        assert_eq!(ended.result()["ok"], false);
    }
}

#[tokio::test]
async fn the_report_for_people_names_the_mend() {
    let mut world = world!(bare);
    world.create_lone_queue().await;
    world.create_table(&["id"]).await;
    let ended = world.worker().arguments(&["check", "--output", "table"]).run().await;
    assert_eq!(ended.code, Some(1));
    let text: String = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("FINDING") && text.contains("RedrivePolicy"), "{}", ended.stdout);
}

#[tokio::test]
async fn health_is_that_of_the_worker_at_the_address() {
    let world = world!();
    let address = format!("127.0.0.1:{}", http::free_port());
    let worker = world.worker().with("ADMIN_ADDR", &address);
    let health = worker.clone().arguments(&["health"]);
    let ended = health.run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.result()["healthy"], false);

    let running = worker.start();
    running.ready().await;
    let ended = health.run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["healthy"], true);

    running.stop().await.assert_drained();
    assert_eq!(health.run().await.code, Some(1));
    let off = world.worker().arguments(&["health"]).run().await;
    assert_eq!(off.code, Some(78), "an address that is off is nobody's");
}

#[tokio::test]
async fn status_counts_what_the_summary_will_say() {
    let world = world!();
    let address = format!("127.0.0.1:{}", http::free_port());
    let running = world.worker().with("ADMIN_ADDR", &address).start();
    running.ready().await;
    world.send_all([Person::new("ana").body(), "nonsense".to_owned()]).await;
    let status = harness::eventually("both are settled", async || {
        let (_, text) = http::get(&format!("http://{address}/status.json")).await.ok()?;
        let status: Value = serde_json::from_str(&text).unwrap();
        (status["created"] == 1 && status["rejected"] == 1).then_some(status)
    })
    .await;
    assert_eq!(
        (&status["received"], &status["in_flight"], &status["ready"]),
        (&json!(2), &json!(0), &json!(true))
    );
    assert_eq!(status["quarantined"], json!({"not_json": 1}));
    world.advance(Duration::ZERO);
    let ended = running.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1), ("rejected", 1)]);
}

#[tokio::test]
async fn what_cannot_be_tried_is_not_called_allowed() {
    let world = world!();
    let model = r#"type = "Member"
        [key]
        partition = { name = "id", value = "{sub}" }
        [fields]
        tenant = { value = "{custom:tenant}", required = true }"#;
    let ended = world.worker().with("PROFILE_MODEL", model).arguments(&["check"]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let report = ended.result();
    let line = report["checks"].as_array().unwrap().iter().find(|line| line["what"] == "dynamodb:PutItem");
    assert_eq!(line.unwrap()["verdict"], "advice", "{report:#}");
}
