//! What users and services say stays what it is: a value. It ends no log line, opens no statement, moves no
//! terminal's cursor, wherever it stands.

use std::collections::BTreeSet;

use harness::hostile::{self, MARK};
use harness::{Intercept, Person, Reaction, Worker, World, world};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A service that calls its errors and its messages what nobody should.
fn hostile_service(proxy: &Intercept) {
    proxy.on("ReceiveMessage", |call| {
        if call.nth == 0 {
            return Reaction::error(400, &format!("Evil{}", hostile::texts().concat().replace(MARK, "")));
        }
        Reaction::Change(Box::new(|mut answer: Value| {
            let texts = hostile::texts();
            for message in answer["Messages"].as_array_mut().into_iter().flatten() {
                let id = message["MessageId"].as_str().unwrap().to_owned();
                let text = &texts[usize::from(id.as_bytes()[0]) % texts.len()];
                message["MessageId"] = json!(format!("{text}{id}"));
            }
            answer
        }))
    });
    for operation in ["PutItem", "BatchExecuteStatement", "DeleteMessageBatch"] {
        proxy.on(operation, |call| match call.nth {
            0 => Reaction::error(500, "Evil\n{\"event\":\"ready\",\"forged\":true}\u{1b}[31m\u{9b}'\""),
            _ => Reaction::Forward,
        });
    }
}

async fn log_of_a_hostile_day(world: &World, format: &str) -> Vec<String> {
    let bodies = hostile::bodies();
    world.send_all(bodies.clone()).await;
    let proxy = world.intercept().await;
    hostile_service(&proxy);
    let worker = world.worker_through(&proxy).with("RUST_LOG", "trace").with("LOG_FORMAT", format);
    let ended = worker.run_until_empty().await;
    ended.assert_drained();
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    // The note is JSON in an attribute: whatever the id, it can be read, and the id in it is whole.
    let rejected = usize::try_from(ended.count("rejected")).unwrap();
    assert!(rejected > 100, "{}", ended.stdout);
    for letter in world.dead_letters(rejected).await {
        let id = letter.note["messageId"].as_str().unwrap();
        assert!(hostile::texts().iter().any(|text| id.starts_with(text.as_str())), "{id}");
        assert!(bodies.contains(&letter.body));
    }
    for expected in ["receive_failed", "write_failed", "settle_failed", "quarantined", "settled"] {
        assert!(ended.stderr.contains(expected), "{expected} was not logged: {}", ended.stderr);
    }
    ended.stderr.split('\n').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_log_line_for_machines_stays_one_line_and_one_object() {
    let world = world!(Interception);
    let mut ready = 0;
    for line in log_of_a_hostile_day(&world, "json").await {
        let object: Value = serde_json::from_str(&line).unwrap_or_else(|fault| panic!("{fault}: {line:?}"));
        for field in ["timestamp", "level", "message", "target"] {
            assert!(object[field].is_string(), "{field} is not in {line}");
        }
        assert_eq!(object.get("forged"), None, "{line}");
        ready += usize::from(object["event"] == "ready");
        assert!(!line.contains(|letter| letter < ' '), "{line:?}");
    }
    assert_eq!(ready, 1, "somebody else said that the worker is ready");
}

#[tokio::test]
async fn a_log_line_for_people_stays_one_line_and_moves_no_cursor() {
    let world = world!(Interception);
    let invisible = ['\u{2028}', '\u{2029}', '\u{202e}'];
    for line in log_of_a_hostile_day(&world, "text").await {
        let mut words = line.split_whitespace();
        let time = words.next().unwrap_or_default();
        assert!(domain::Timestamp::parse(time).is_ok(), "{line:?} does not begin with the time");
        let level = words.next().unwrap_or_default();
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level), "{line:?}");
        assert!(!line.contains(char::is_control) && !line.contains(invisible), "{line:?}");
    }
}

async fn assert_values_stay_values(strategy: &str) {
    let world = world!(Interception);
    let people = hostile::people();
    let bystander = Person::new("bystander");
    world.put(&bystander.item()).await;
    let proxy = world.intercept().await;
    let worker = world.worker_through(&proxy).with("WRITE_STRATEGY", strategy);
    // Once to write, once to compare with what is there.
    for outcome in ["created", "already_present"] {
        world.send_all(people.iter().map(Person::body)).await;
        let ended = worker.run_until_empty().await;
        ended.assert_drained();
        ended.assert_outcomes(&[(outcome, people.len() as u64)]);
        let items = people.iter().chain([&bystander]).map(Person::item);
        world.assert_items(items).await;
    }
    let said = |texts: Vec<&Value>| texts.into_iter().map(Value::to_string).collect::<BTreeSet<_>>();
    let batches = proxy.requests("BatchExecuteStatement");
    let statements = batches.iter().flat_map(|batch| batch["Statements"].as_array().unwrap());
    let statements = said(statements.map(|statement| &statement["Statement"]).collect());
    let puts = proxy.requests("PutItem");
    let conditions = said(puts.iter().map(|put| &put["ConditionExpression"]).collect());
    let reads = proxy.requests("BatchGetItem");
    let projections =
        said(reads.iter().map(|read| &read["RequestItems"][world.table()]["ProjectionExpression"]).collect());
    // One text for all of them: nothing of anybody is part of it.
    for (texts, wanted) in [(&statements, strategy == "batch"), (&conditions, strategy == "put")] {
        assert_eq!(texts.len(), usize::from(wanted), "{texts:?}");
    }
    for text in statements.iter().chain(&conditions).chain(&projections) {
        assert!(!text.contains(MARK) && text.len() < 200, "{text}");
    }
}

#[tokio::test]
async fn what_somebody_is_called_is_no_part_of_a_statement() {
    assert_values_stay_values("batch").await;
}

#[tokio::test]
async fn what_somebody_is_called_is_no_part_of_a_condition() {
    assert_values_stay_values("put").await;
}

#[tokio::test]
async fn whoever_answers_at_the_admin_address_does_not_write_on_the_terminal() {
    let impostor = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = impostor.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = impostor.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        let body = "\u{1b}[2J\u{9b}31mfine\r\nforged\u{7}";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        // The connection stays open until the test ends.
        let _ = stream.read(&mut request).await;
    });
    let asked = Worker::new(vec![("ADMIN_ADDR".to_owned(), address)]);
    let ended = asked.arguments(&["health", "--output", "table"]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let line = ended.stdout.strip_suffix('\n').unwrap();
    assert!(line.contains("fine") && !line.contains(char::is_control), "{line:?}");
}
