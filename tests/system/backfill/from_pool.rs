//! From the user pool: every page, whatever its size; the right users, and only them.

use harness::Reaction;
use local::cognito::User;
use serde_json::{Value, json};
use worker::ports::UserStatus;

use super::{assert_balanced, assert_done, being, now, scene, through};

#[tokio::test]
async fn a_thousand_users_in_short_and_empty_pages_get_an_item_each() {
    let scene = scene!();
    let users = scene.crowd(1000);
    let cognito = &scene.world.stack().cognito;
    cognito.trouble().page_sizes(&[60, 0, 7, 60, 0, 0, 33, 60]);
    cognito.trouble().throttle_every(12);
    let ended = scene.pool_job(&[]).run().await;
    assert_done(&ended, &scene, 1000);
    assert_eq!(ended.result()["by_status"], json!({"CONFIRMED": 1000}));
    assert!(ended.count("pages") > 34, "{}", ended.stdout);
    assert!(!ended.events("job_retries").is_empty(), "nothing was throttled");
    assert_eq!(scene.waiting().await, 1000, "messages that were not needed");
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn confirmed_users_who_may_sign_in_are_chosen_and_all_are_counted() {
    let scene = scene!();
    let mut n = 0;
    let mut add = |user: User| {
        n += 1;
        scene.add(user, n)
    };
    let taken = [
        add(being(UserStatus::Confirmed, "ana")),
        add(being(UserStatus::ExternalProvider, "google_1098")),
        add(being(UserStatus::ResetRequired, "o'brien")),
    ];
    let disabled = add(User { enabled: false, ..being(UserStatus::Confirmed, "dis") });
    let invited = add(being(UserStatus::ForceChangePassword, "invited"));
    add(being(UserStatus::Unconfirmed, "new"));
    add(User { enabled: false, ..being(UserStatus::Unconfirmed, "old") });

    let dry = scene.pool_job(&["--dry-run"]).with("QUEUE_URL", "").with("TABLE_NAME", "").run().await;
    assert_eq!(dry.code, Some(0), "{dry:#?}");
    assert_balanced(&dry);
    assert_eq!((dry.count("read"), dry.count("chosen"), dry.count("sent")), (7, 3, 0));
    assert_eq!(dry.result()["dry_run"], true);
    assert!(!scene.checkpoint().exists());
    assert_eq!(scene.waiting().await, 0, "a dry run sent something");

    let ended = scene.pool_job(&[]).run().await;
    assert_done(&ended, &scene, 3);
    assert_eq!((ended.count("skipped_status"), ended.count("skipped_disabled")), (3, 1));
    assert_eq!(
        ended.result()["by_status"],
        json!({"CONFIRMED": 2, "EXTERNAL_PROVIDER": 1, "RESET_REQUIRED": 1, "FORCE_CHANGE_PASSWORD": 1,
               "UNCONFIRMED": 2})
    );
    scene.assert_items_of(&taken).await;

    scene.pool.change(&disabled.username, |user| user.enabled = true);
    let all = "CONFIRMED,FORCE_CHANGE_PASSWORD,EXTERNAL_PROVIDER,RESET_REQUIRED";
    assert_done(&scene.pool_job(&["--include-status", all]).run().await, &scene, 5);
    scene.assert_items_of(&[taken.as_slice(), &[disabled, invited]].concat()).await;
}

#[tokio::test]
async fn messages_are_the_backfills_in_full_batches_and_have_the_time_they_were_made() {
    let scene = scene!();
    let user = &scene.crowd(25)[0];
    let proxy = scene.world.intercept().await;
    let before = now();
    assert_done(&through(scene.pool_job(&["--created-at", "now"]), &proxy).run().await, &scene, 25);
    let mut sizes: Vec<_> = proxy
        .requests("SendMessageBatch")
        .iter()
        .map(|call| call["Entries"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    let entries = proxy.entries("SendMessageBatch");
    assert!(entries.iter().all(|entry| entry["MessageGroupId"] == "backfill"), "{entries:?}");
    let body = |entry: &Value| serde_json::from_str::<Value>(entry["MessageBody"].as_str().unwrap()).unwrap();
    let body = entries.iter().map(body).find(|body| body["sub"] == user.sub.as_str()).unwrap();
    let observed = body["observedAt"].as_str().unwrap().to_owned();
    assert!(before <= observed, "{before} {observed}");
    assert_eq!(
        body,
        json!({
            "v": 1, "kind": "user.confirmed", "source": "backfill.cognito", "userPoolId": scene.pool.id(),
            "region": "eu-central-1", "sub": user.sub, "username": user.username, "emailVerified": true,
            "email": user.attributes["email"], "observedAt": observed,
        })
    );
}

#[tokio::test]
async fn who_has_a_row_of_the_documented_handler_is_left_alone() {
    let scene = scene!();
    let users = scene.crowd(3);
    let old = json!({
        "id": {"S": "5f0c9d5e-0000-4000-8000-000000000001"}, "__typename": {"S": "UserProfile"},
        "email": {"S": "old@example.com"},
        "profileOwner": {"S": format!("{}::{}", users[1].sub, users[1].username)},
        "createdAt": {"S": "2024-01-01T00:00:00.000Z"}, "updatedAt": {"S": "2024-01-01T00:00:00.000Z"},
    });
    scene.world.put(&old).await;
    let ended = scene.job("cognito", &[]).run().await;
    assert_done(&ended, &scene, 2);
    assert_eq!(ended.count("legacy"), 1);
    assert!(ended.stderr.contains("adopt"), "{}", ended.stderr);
    let drained = scene.world.worker().run_until_empty().await;
    drained.assert_outcomes(&[("created", 2)]);
}

#[tokio::test]
async fn entries_and_calls_that_fail_are_sent_again_until_all_are_taken() {
    let scene = scene!();
    let users = scene.crowd(120);
    let proxy = scene.world.intercept().await;
    proxy.on("SendMessageBatch", |call| match call.nth % 5 {
        0 => Reaction::error(503, "ServiceUnavailable"),
        1 => Reaction::LoseAnswer,
        2 => {
            let mut fewer = call.request.clone();
            let all = fewer["Entries"].as_array_mut().unwrap();
            let lost = all.split_off(all.len() / 2);
            Reaction::Exchange(
                fewer,
                Box::new(move |mut answer| {
                    let failed = lost.iter().map(
                        |entry| json!({"Id": entry["Id"], "Code": "RequestThrottled", "SenderFault": false}),
                    );
                    answer["Failed"] = failed.collect();
                    answer
                }),
            )
        }
        _ => Reaction::Forward,
    });
    assert_done(&through(scene.pool_job(&[]), &proxy).run().await, &scene, 120);
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn a_table_is_for_people() {
    let scene = scene!();
    scene.crowd(3);
    let ended = scene.pool_job(&["--output", "table"]).run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    for row in ["read", "CONFIRMED", "to be sent", "sent", "took"] {
        assert!(ended.stdout.contains(row), "{row} is not in\n{}", ended.stdout);
    }
}
