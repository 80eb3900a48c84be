//! Nobody is in the logs. Everything a fixture or a hostile message says of a person is looked for in
//! everything the deployables write, at the most talkative level there is: log lines of both kinds,
//! every admin page, summaries, reports, refusals, quarantine notes, traces, pushed and printed metrics.

use std::fmt::Write;

use harness::confirmations::{fixtures, nested};
use harness::hostile::{self, MARK};
use harness::worker_process::VARIABLES;
use harness::{
    Collector, DeadLetter, Intercept, Person, Personal, Reaction, Trigger, Worker, World, fixture, http,
    world,
};
use serde_json::{Value, json};

/// The fixtures of the domain, and the messages no fixture is so bad as to be.
fn everything() -> Vec<String> {
    let person = Person::new(MARK);
    let poison = [
        format!("{MARK}@example.com is no JSON"),
        format!("{{\"email\":\"{}\",", person.email),
        format!("{{\"email\":\"{}\",\"deep\":{}}}", person.email, nested(40)),
        person.body_with(&json!({"v": 99})),
        person.body_with(&json!({"username": null, "attributes": {"custom:secret": "custom-secret-value"}})),
        person.body_with(&json!({"attributes": {"custom:big": person.email.repeat(12_000)}})),
        json!([person.envelope()]).to_string(),
    ];
    let fixtures = fixtures("events").into_iter().map(|name| fixture("events", &name));
    fixtures.chain(poison).chain(hostile::bodies()).collect()
}

/// What is said in all of them.
fn said(bodies: &[String]) -> Personal {
    let mut said = Personal::of(bodies);
    said.add(MARK);
    said
}

/// Every page the admin endpoint has, and some it has not.
async fn admin_pages(address: &str) -> String {
    let mut pages = String::new();
    for path in ["status.json", "health/live", "health/ready", "health", "metrics", "debug/pprof", ""] {
        let (status, text) = http::get(&format!("http://{address}/{path}")).await.unwrap();
        writeln!(pages, "{path} {status} {text}").unwrap();
    }
    assert!(pages.contains("\"created\":"), "{pages}");
    pages
}

/// The numbers of `/status.json`, out of all the pages.
fn status(pages: &str) -> Value {
    let page = pages.lines().find_map(|line| line.strip_prefix("status.json 200 ")).unwrap();
    serde_json::from_str(page).unwrap()
}

/// All letters in the dead-letter queue, of a worker that has stopped.
async fn letters(world: &World) -> Vec<DeadLetter> {
    let (count, _, _) = world.depth(&world.dead_letter).await;
    world.dead_letters(usize::try_from(count).unwrap()).await
}

async fn assert_worker_is_discreet(proxied: bool, format: &str) {
    let world = world!(Interception);
    let bodies = everything();
    let said = said(&bodies);
    world.send_all(bodies.clone()).await;
    let address = format!("127.0.0.1:{}", http::free_port());
    let proxy = world.intercept().await;
    let worker = if proxied { quoting(&world, &proxy) } else { world.worker() };
    let worker = worker.with("RUST_LOG", "trace").with("LOG_FORMAT", format).with("ADMIN_ADDR", &address);
    let collector = Collector::start().await;
    let worker = worker.told_to(&collector).with("METRICS_EMF", "on");
    let output = if format == "json" { "json" } else { "table" };
    let running = worker.clone().arguments(&["run", "--output", output]).start();
    harness::eventually("all that can be settled is", async || {
        // The newer version stays, waiting.
        (world.depth(&world.queue).await == (0, 1, 0)).then_some(())
    })
    .await;
    let pages = admin_pages(&address).await;
    let status = status(&pages);
    assert!(status["received"].as_u64().unwrap() >= bodies.len() as u64, "{status}");
    let health = worker.clone().arguments(&["health", "--output", "table"]).run().await;
    let ended = running.stop().await;

    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("received"), "{}", ended.stdout);
    assert!(ended.stderr.contains("settled"), "the detail that trace asks for is not there");
    let reports = [report(&worker, "table").await, report(&worker, "json").await].concat();
    for (written, who) in [
        (&ended.stderr, "the worker's log"),
        (&ended.stdout, "the summary"),
        (&pages, "the admin endpoint"),
        (&format!("{}{}", health.stdout, health.stderr), "health"),
        (&reports, "check"),
        (&collector.text(), "the collector"),
    ] {
        said.assert_absent(written, who);
    }
    assert!(collector.spans().len() > 100, "only {} spans", collector.spans().len());
    assert!(ended.stdout.contains("CloudWatchMetrics"), "{}", ended.stdout);
    let letters = letters(&world).await;
    assert!(letters.len() > 100, "only {} messages were quarantined", letters.len());
    let notes: Vec<_> = letters.iter().map(|letter| letter.note.to_string()).collect();
    said.assert_absent(&notes.join("\n"), "the quarantine note");
    assert!(letters.iter().all(|letter| bodies.contains(&letter.body)), "a body was changed");
}

/// What `check` writes, on both streams.
async fn report(worker: &Worker, output: &str) -> String {
    let ended = worker.clone().arguments(&["check", "--output", output]).run().await;
    assert!(ended.stdout.contains("table key"), "{ended:#?}");
    ended.stdout + &ended.stderr
}

/// A worker whose services quote in their errors what they were asked.
fn quoting(world: &World, proxy: &Intercept) -> Worker {
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
    world.worker_through(proxy)
}

#[tokio::test]
async fn the_worker_writes_of_nobody() {
    assert_worker_is_discreet(false, "json").await;
}

#[tokio::test]
async fn the_worker_writes_of_nobody_for_people_either() {
    assert_worker_is_discreet(false, "text").await;
}

#[tokio::test]
async fn a_service_that_quotes_the_request_is_not_quoted() {
    assert_worker_is_discreet(true, "json").await;
}

#[tokio::test]
async fn the_trigger_writes_of_nobody() {
    let world = world!(Interception);
    let events: Vec<_> =
        everything().into_iter().filter(|body| serde_json::from_str::<Value>(body).is_ok()).collect();
    let said = said(&events);
    let proxy = world.intercept().await;
    proxy.on("SendMessage", |call| {
        // Some get through, some are refused with their own words, some are left without an answer.
        match call.nth % 4 {
            0 => Reaction::Answer(
                400,
                json!({"__type": "InvalidMessageContents", "message": format!("what is {}?", call.request)}),
            ),
            1 => Reaction::LoseAnswer,
            _ => Reaction::Forward,
        }
    });
    let mut variables = world.variables();
    variables.push(("AWS_ENDPOINT_URL_SQS".to_owned(), proxy.endpoint().to_owned()));
    variables.push(("FORWARD_ATTRIBUTES".to_owned(), "custom:note,phone_number,identities".to_owned()));
    let trigger = Trigger::start(&variables).await;
    for event in &events {
        trigger.confirm(event).await;
    }
    let written = trigger.stop().await;
    for metric in ["\"enqueued\":1", "\"enqueue_failed\":1", "\"invalid_event\":1", "\"ignored\":1"] {
        assert!(written.contains(metric), "{metric} is not in {written}");
    }
    said.assert_absent(&written, "the trigger");
}

#[tokio::test]
async fn what_is_typed_by_mistake_is_not_repeated() {
    let bodies: Vec<_> = fixtures("events").into_iter().map(|name| fixture("events", &name)).collect();
    let said = said(&bodies);
    let flag = |name: &str| match name {
        "RUST_LOG" => "--log-filter".to_owned(),
        name => format!("--{}", name.to_lowercase().replace('_', "-")),
    };
    for value in said.values() {
        // The place of a fault in a model is shown with its line: a model is written by a developer.
        let variables = VARIABLES.iter().filter(|name| {
            // Any key is a good one. A model may be given as text.
            **name != "LOG_HASH_KEY" && (**name != "PROFILE_MODEL" || !value.contains('['))
        });
        let all = variables.clone().fold(Worker::new(Vec::new()), |worker, name| worker.with(name, value));
        let flags: Vec<_> = variables.map(|name| format!("{}={value}", flag(name))).collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let other = Worker::new(Vec::new());
        // What looks like a flag is taken for one, and a flag's name is shown.
        let unknown = format!("--{value}{}", if value.contains(char::is_uppercase) { "" } else { ".0" });
        for (worker, code) in [
            (all.clone().arguments(&["run"]), 78),
            (all.clone().arguments(&["check"]), 78),
            (all.arguments(&["health"]), 78),
            (other.clone().arguments(&[&["run"], &flags[..]].concat()), 78),
            (other.clone().arguments(&["run", "--until-empty", value]), 78),
            (other.clone().arguments(&["run", value]), 64),
            (other.clone().arguments(&["run", "--output", value]), 64),
            (other.clone().arguments(&["run", &unknown]), 64),
            (other.clone().arguments(&["run", "--email", value]), 64),
            (other.arguments(&[value]), 64),
        ] {
            let ended = worker.run().await;
            assert_eq!(ended.code, Some(code), "{worker:?}: {ended:#?}");
            said.assert_absent(&format!("{}{}", ended.stdout, ended.stderr), &format!("{worker:?}"));
        }
    }
}

#[tokio::test]
async fn what_is_set_by_mistake_is_not_repeated_by_the_trigger() {
    let bodies: Vec<_> = fixtures("events").into_iter().map(|name| fixture("events", &name)).collect();
    let said = said(&bodies);
    for value in said.values().chain(["ftp://ana@example.com"]) {
        let names = [
            "QUEUE_URL",
            "ON_ENQUEUE_FAILURE",
            "FORWARD_ATTRIBUTES",
            "TRIGGER_SOURCES",
            "FAIR_GROUPS",
            "AWS_ENDPOINT_URL",
        ];
        let variables: Vec<_> = names.into_iter().map(|name| (name.to_owned(), value.to_owned())).collect();
        let trigger = Trigger::start(&variables).await;
        trigger.confirm(&bodies[0]).await;
        let written = trigger.stop().await;
        assert!(written.contains("ON_ENQUEUE_FAILURE"), "{written}");
        said.assert_absent(&written, "the trigger");
    }
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
