//! From files of every form, whole and broken: who can be read is sent, and the rest is told line by line.

use harness::bucket::Bucket;
use harness::{Person, fixture};
use local::cognito::User;
use serde_json::{Value, json};
use worker::ports::UserStatus;

use super::{Scene, assert_balanced, assert_done, being, is_private, now, record, scene};

/// The form in which a person is written, and the source's own time of the item, where it has one.
fn event(scene: &Scene, user: &User) -> Value {
    json!({
        "version": "1", "region": "eu-central-1", "userPoolId": scene.pool.id(), "userName": user.username,
        "triggerSource": "PostConfirmation_ConfirmForgotPassword",
        "request": {"userAttributes": {"sub": user.sub, "email": user.attributes["email"]}}, "response": {},
    })
}

fn created(user: &User) -> Value {
    super::item(user)["createdAt"]["S"].clone()
}

fn envelope(scene: &Scene, user: &User) -> Value {
    json!({
        "v": 1, "kind": "user.confirmed", "source": "cognito.trigger", "trigger": "ConfirmSignUp",
        "userPoolId": scene.pool.id(), "sub": user.sub, "username": user.username,
        "email": user.attributes["email"], "observedAt": "2026-01-01T00:00:00Z", "createdAt": created(user),
    })
}

fn eventbridge(scene: &Scene, user: &User, detail: &Value) -> Value {
    json!({
        "version": "0", "id": scene.pool.id(), "detail-type": "UserConfirmed", "source": "profile.confirmations",
        "time": created(user), "detail": detail,
    })
}

#[tokio::test]
async fn every_form_of_a_line_is_understood_in_one_file() {
    let scene = scene!();
    let users = scene.crowd(4);
    let before = now();
    let lines = [
        envelope(&scene, &users[0]),
        eventbridge(&scene, &users[1], &event(&scene, &users[1])),
        eventbridge(&scene, &users[2], &envelope(&scene, &users[2])),
        record(&users[3]),
        event(&scene, &scene.add(User::named("last"), 4)),
    ];
    let text = lines.map(|line| line.to_string()).join("\r\n\r\n");
    let ended = scene.file_job(format!("\u{feff}\n{text}"), &[]).run().await;
    assert_done(&ended, &scene, 5);
    assert_eq!(ended.count("read"), 5, "blank lines are none");
    scene.world.worker().run_until_empty().await.assert_drained();
    let items = scene.world.items().await;
    assert_eq!(items.len(), 5);
    for user in &users {
        assert!(items.contains(&super::item(user)), "{items:#?}");
    }
    // An event carries no time: its user was seen when the file was read.
    let last =
        items.iter().find(|item| item["profileOwner"]["S"].as_str().unwrap().ends_with("last")).unwrap();
    assert!(last["createdAt"]["S"].as_str().unwrap() >= before.as_str(), "{last}");
}

#[tokio::test]
async fn what_the_cli_prints_and_what_is_in_a_csv_is_understood() {
    let scene = scene!();
    let users = scene.crowd(6);
    let records: Vec<_> = users.iter().map(record).collect();
    let listed = json!({"Users": records, "NextToken": "more"});
    let pretty: Vec<_> = records.iter().map(|record| serde_json::to_string_pretty(record).unwrap()).collect();
    let row = |user: &User| {
        let (created, email) = (created(user), &user.attributes["email"]);
        let created = created.as_str().unwrap();
        format!("{},Ana\\, the first,{email},TRUE,{},CONFIRMED,true,{created}", user.username, user.sub)
    };
    let rows: Vec<_> = users.iter().map(row).collect();
    let header = "cognito:username,name,email,email_verified,sub,UserStatus,Enabled,UserCreateDate";
    for text in [
        serde_json::to_string_pretty(&listed).unwrap(),
        listed.to_string(),
        json!(records).to_string(),
        pretty.join("\n"),
        format!("\u{feff}{header}\r\n{}\r\n", rows.join("\r\n")),
    ] {
        let ended = scene.file_job(&text, &[]).run().await;
        assert_done(&ended, &scene, 6);
        assert_eq!(ended.result()["by_status"], json!({"CONFIRMED": 6}));
        scene.assert_items_of(&users).await;
    }
}

#[tokio::test]
async fn records_are_chosen_by_their_status_and_a_fixture_is_one() {
    let scene = scene!();
    let fixture: Value = serde_json::from_str(&fixture("events", "self-sign-up")).unwrap();
    let users = [
        being(UserStatus::Confirmed, "ana"),
        being(UserStatus::Unconfirmed, "new"),
        being(UserStatus::ForceChangePassword, "invited"),
        User { enabled: false, ..being(UserStatus::Confirmed, "disabled") },
    ];
    let users: Vec<_> = users.into_iter().enumerate().map(|(n, user)| scene.add(user, n)).collect();
    let text: Vec<_> = users.iter().map(record).chain([fixture]).map(|line| line.to_string()).collect();
    // The fixture is of another pool.
    let ended = scene.file_job(text.join("\n"), &[]).run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_balanced(&ended);
    let counts = ["read", "chosen", "skipped_status", "skipped_disabled", "rejected"];
    assert_eq!(counts.map(|name| ended.count(name)), [5, 1, 2, 1, 1]);
    assert_eq!(scene.rejects()[0]["reason"], "pool_not_allowed");
    scene.assert_items_of(&users[..1]).await;
}

#[tokio::test]
async fn lines_that_cannot_be_used_are_told_and_the_others_go_their_way() {
    let scene = scene!();
    let users = scene.crowd(2);
    let mut text = format!("{}\n", record(&users[0])).into_bytes();
    let mut expected = Vec::new();
    let mut bad = |line: &[u8], reason: &'static str| {
        text.extend_from_slice(line);
        text.push(b'\n');
        expected.push((expected.len() as u64 + 2, reason));
    };
    let person = Person::new("mark");
    bad(b"mark@example.com", "not_json");
    bad(b"{\"email\":\"mark@example.com", "not_json");
    bad(b"[]", "not_a_confirmation");
    bad(b"{\"email\":\"mark@example.com\xff\"}", "not_utf8");
    bad(&vec![b'a'; 300_000], "too_large");
    bad(harness::confirmations::nested(40).as_bytes(), "too_deep");
    bad(person.body().as_bytes(), "pool_not_allowed");
    bad(person.body_with(&json!({"v": 99})).as_bytes(), "unsupported_version");
    bad(person.body_with(&json!({"sub": "mark"})).as_bytes(), "invalid_sub");
    bad(person.body_with(&json!({"username": null})).as_bytes(), "missing_field");
    bad(person.body_with(&json!({"observedAt": "mark"})).as_bytes(), "invalid_time");
    bad(person.event("PreSignUp_SignUp").to_string().as_bytes(), "not_a_confirmation");
    bad(json!({"Username": "mark", "Attributes": []}).to_string().as_bytes(), "missing_field");
    text.extend_from_slice(format!("{}\n", record(&users[1])).as_bytes());
    let last = record(&users[0]).to_string();
    text.extend_from_slice(&last.as_bytes()[..last.len() - 9]);
    expected.push((expected.len() as u64 + 3, "not_json"));

    let ended = scene.file_job(&text, &[]).run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_balanced(&ended);
    assert_eq!((ended.count("chosen"), ended.count("sent")), (2, 2));
    let rejects = scene.rejects();
    let told: Vec<_> = rejects
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(ended.count("rejected"), expected.len() as u64);
    assert!(is_private(&scene.path("rejects.jsonl")));
    assert_eq!(ended.result()["rejects"], scene.path("rejects.jsonl").to_str().unwrap());
    for line in &rejects {
        assert!(!line["detail"].as_str().unwrap().contains("mark"), "{line}");
    }
    assert_eq!(rejects[0]["text"], "mark@example.com");
    assert!(rejects.last().unwrap()["detail"].as_str().unwrap().contains("cut short"));
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn rows_that_cannot_be_used_are_told_too() {
    let scene = scene!();
    let user = &scene.crowd(1)[0];
    let row = format!("{},{},{}", user.username, user.sub, user.attributes["email"]);
    let text = format!("username,sub,email\n{row},\nmark,mark,\n{row}\n{{}}\n");
    let ended = scene.file_job(text, &["--created-at", "now"]).run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_balanced(&ended);
    let told: Vec<_> = scene.rejects().iter().map(|line| line["reason"].clone()).collect();
    assert_eq!(told, ["not_a_confirmation", "invalid_sub", "not_a_confirmation"]);
    assert_eq!(ended.count("sent"), 1);
}

#[tokio::test]
async fn stdin_is_read_and_keeps_no_state() {
    let scene = scene!();
    let users = scene.crowd(3);
    let text: Vec<_> = users.iter().map(|user| record(user).to_string()).collect();
    std::fs::write(scene.path("input"), text.join("\n")).unwrap();
    let job = scene.job("-", &["--no-legacy-rows"]).input(&scene.path("input"));
    assert_done(&job.run().await, &scene, 3);
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn a_file_its_state_and_its_rejects_may_be_in_s3() {
    let scene = scene!();
    let users = scene.crowd(3);
    let bucket = Bucket::create(&scene.world).await;
    let [input, state, rejects] =
        ["in/users.jsonl", "state.json", "out/rejects.jsonl"].map(|key| bucket.place(key));
    let text: Vec<_> = users.iter().map(|user| record(user).to_string()).collect();
    input.write(format!("{}\nnobody\n", text.join("\n")).as_bytes(), &bucket.s3).await.unwrap();
    let (to, from) = ([state.to_string(), rejects.to_string()], input.to_string());
    let job = scene.job(&from, &["--no-legacy-rows", "--checkpoint", &to[0], "--rejects", &to[1]]);
    let ended = job.run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!((ended.count("sent"), ended.count("rejected")), (3, 1));
    let rejected = rejects.read("--rejects", &bucket.s3).await.unwrap().unwrap();
    let line: Value = serde_json::from_slice(&rejected).unwrap();
    assert_eq!((line["line"].as_u64(), line["text"].as_str()), (Some(4), Some("nobody")));
    assert_eq!(state.read("--checkpoint", &bucket.s3).await.unwrap(), None, "the state is still there");
    scene.assert_items_of(&users).await;
}
