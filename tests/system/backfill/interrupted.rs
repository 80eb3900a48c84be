//! Interrupted in every way, and gone on with: nobody is missing, nobody is there twice, nobody counted twice.

use harness::{Ended, Reaction, eventually};
use serde_json::Value;

use super::{
    Scene, assert_balanced, assert_done, command_in, held_from, is_private, record, scene, sends, through,
};

/// What was interrupted says where it stands and how to go on.
#[track_caller]
fn assert_can_go_on(ended: &Ended, scene: &Scene) {
    let state = scene.checkpoint();
    assert!(is_private(&state));
    let command = command_in(ended);
    assert_eq!(command[1], "backfill");
    assert_eq!(command.iter().filter(|word| *word == "--resume").count(), 1);
    assert!(command.contains(&state.to_str().unwrap().to_owned()), "{command:?}");
}

#[tokio::test]
async fn a_signal_finishes_the_page_and_the_rest_comes_later() {
    let scene = scene!();
    let users = scene.crowd(600);
    let (proxy, gate) = held_from(&scene, 20).await;
    let running = through(scene.pool_job(&[]), &proxy).start();
    sends(&proxy, 21).await;
    running.interrupt();
    gate.open();
    let ended = running.ended().await;
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    assert_can_go_on(&ended, &scene);
    assert_eq!(ended.result()["interrupted"], true);
    assert_eq!(ended.result()["checkpoint"], scene.checkpoint().to_str().unwrap());
    assert_balanced(&ended);
    // The fourth page was in hand.
    let sent = ended.count("sent");
    assert_eq!((sent, ended.count("read"), ended.count("pages")), (240, 240, 4));
    assert_eq!(scene.waiting().await, sent);

    let ended = scene.pool_job(&["--resume"]).run().await;
    assert_done(&ended, &scene, 600);
    assert_eq!(ended.count("pages"), 10);
    assert_eq!(scene.waiting().await, 600, "somebody was sent twice");
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn killed_again_and_again_it_leaves_nobody_out() {
    let scene = scene!();
    let users = scene.crowd(400);
    let mut resumed = 0;
    // In the first page, in the middle of others, and behind the last.
    for call in [3, 9, 1, 14, 5] {
        let resume: &[&str] = if scene.checkpoint().exists() { &["--resume"] } else { &[] };
        resumed += resume.len();
        let (proxy, _gate) = held_from(&scene, call).await;
        let running = through(scene.pool_job(resume), &proxy).start();
        sends(&proxy, call + 1).await;
        assert_eq!(running.kill().await.code, None);
    }
    assert!(resumed >= 3, "it was gone on with only {resumed} times");
    let ended = scene.pool_job(&["--resume"]).run().await;
    assert_done(&ended, &scene, 400);
    assert!(scene.waiting().await > 400, "no kill struck between sending and keeping the state");
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let scene = scene!();
    scene.crowd(300);
    let (proxy, _gate) = held_from(&scene, 10).await;
    let mut running = through(scene.pool_job(&[]), &proxy).start();
    sends(&proxy, 11).await;
    // Nothing shows that the first was heard, for it waits for the queue.
    eventually("it ends", async || {
        if running.is_running() {
            running.interrupt();
            None
        } else {
            Some(())
        }
    })
    .await;
    let ended = running.ended().await;
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    assert!(ended.stderr.contains("Ended at once"), "{}", ended.stderr);
    assert!(scene.checkpoint().exists());
}

#[tokio::test]
async fn denied_halfway_it_keeps_its_state_and_says_what_to_allow() {
    let scene = scene!();
    let users = scene.crowd(300);
    // DescribeUserPool is one of them.
    scene.world.stack().cognito.trouble().deny_after(3);
    let ended = scene.pool_job(&[]).run().await;
    assert_eq!(ended.code, Some(69), "{ended:#?}");
    assert!(ended.stderr.contains("cognito-idp:ListUsers failed: AccessDenied"), "{}", ended.stderr);
    assert_can_go_on(&ended, &scene);
    assert_eq!(ended.stdout, "", "half of it was counted");
    scene.world.stack().cognito.trouble().allow();

    let proxy = scene.world.intercept().await;
    proxy.on("SendMessageBatch", |call| match call.nth {
        0..8 => Reaction::Forward,
        _ => Reaction::error(403, "AccessDenied"),
    });
    let ended = through(scene.pool_job(&["--resume"]), &proxy).run().await;
    assert_eq!(ended.code, Some(69), "{ended:#?}");
    assert!(ended.stderr.contains("sqs:SendMessage failed: AccessDenied"), "{}", ended.stderr);
    assert_can_go_on(&ended, &scene);

    assert_done(&scene.pool_job(&["--resume"]).run().await, &scene, 300);
    scene.assert_items_of(&users).await;
}

#[tokio::test]
async fn denied_at_the_first_call_leaves_nothing_behind() {
    let scene = scene!();
    scene.crowd(3);
    scene.world.stack().cognito.trouble().deny_after(0);
    let ended = scene.pool_job(&[]).run().await;
    assert_eq!(ended.code, Some(69), "{ended:#?}");
    assert!(!scene.checkpoint().exists(), "there is nothing to go on with");
    scene.world.stack().cognito.trouble().allow();
    assert_done(&scene.pool_job(&[]).run().await, &scene, 3);
}

#[tokio::test]
async fn a_token_that_expired_starts_over_and_counts_nobody_twice() {
    let scene = scene!();
    let users = scene.crowd(300);
    scene.world.stack().cognito.trouble().deny_after(3);
    assert_eq!(scene.pool_job(&[]).run().await.code, Some(69));
    scene.world.stack().cognito.trouble().allow();
    scene.world.stack().cognito.expire_tokens_after(0);
    let ended = scene.pool_job(&["--resume"]).run().await;
    assert_done(&ended, &scene, 300);
    assert_eq!((ended.count("read"), ended.count("pages")), (300, 5));
    assert_eq!(ended.events("walk_starts_over").len(), 1);
    assert!(scene.waiting().await > 300);
    scene.assert_items_of(&users).await;

    // In the middle of a walk.
    scene.world.stack().cognito.expire_tokens_after(2);
    let ended = scene.pool_job(&[]).run().await;
    assert_done(&ended, &scene, 300);
    assert_eq!(ended.count("read"), 300);
}

/// Lines of users, every tenth of which is nobody.
fn lines(scene: &Scene, users: &[local::cognito::User]) -> String {
    assert!(scene.pool.len() >= users.len());
    let line = |(n, user)| if n % 10 == 9 { "nobody\n".to_owned() } else { format!("{}\n", record(user)) };
    users.iter().enumerate().map(line).collect()
}

#[tokio::test]
async fn a_file_is_gone_on_with_where_its_lines_were_taken() {
    let scene = scene!();
    let users = scene.crowd(5000);
    let chosen: Vec<_> =
        users.iter().enumerate().filter(|(n, _)| n % 10 != 9).map(|(_, user)| user.clone()).collect();
    let text = lines(&scene, &users);
    // Killed after the first two thousand lines, when the state has been kept.
    let (proxy, _gate) = held_from(&scene, 190).await;
    let running = through(scene.file_job(&text, &[]), &proxy).start();
    eventually("the state is kept", async || scene.checkpoint().exists().then_some(())).await;
    sends(&proxy, 191).await;
    assert_eq!(running.kill().await.code, None);
    let kept: Value = serde_json::from_slice(&std::fs::read(scene.checkpoint()).unwrap()).unwrap();
    let kept = kept["state"]["counts"]["read"].as_u64().unwrap();
    assert!(kept > 0 && kept < 2200, "{kept} lines are not those that the queue has taken");

    // Interrupted among the next.
    let (proxy, gate) = held_from(&scene, 20).await;
    let running = through(scene.file_job(&text, &["--resume"]), &proxy).start();
    sends(&proxy, 21).await;
    running.interrupt();
    gate.open();
    let ended = running.ended().await;
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    assert_can_go_on(&ended, &scene);
    assert_balanced(&ended);
    let (read, sent) = (ended.count("read"), ended.count("sent"));
    assert!(read > kept && read < 5000 && sent == ended.count("chosen"), "{}", ended.stdout);

    let ended = scene.file_job(&text, &["--resume"]).run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_balanced(&ended);
    let counts = ["read", "chosen", "sent", "rejected"].map(|name| ended.count(name));
    assert_eq!(counts, [5000, 4500, 4500, 500], "{}", ended.stdout);
    let rejected: Vec<_> = scene.rejects().iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(rejected, (1..=500).map(|n| n * 10).collect::<Vec<_>>(), "lines are missing or double");
    assert!(!scene.checkpoint().exists());
    let subs = sent_subs(&scene).await;
    assert_eq!(subs, chosen.iter().map(|user| user.sub.clone()).collect(), "somebody is missing");
}

/// Who waits in the queue.
async fn sent_subs(scene: &Scene) -> std::collections::BTreeSet<String> {
    let (visible, _, _) = scene.world.depth(&scene.world.queue).await;
    let letters = scene.world.take(&scene.world.queue, usize::try_from(visible).unwrap()).await;
    let sub = |body: &str| serde_json::from_str::<Value>(body).unwrap()["sub"].as_str().unwrap().to_owned();
    letters.iter().map(|letter| sub(&letter.body)).collect()
}
