//! What cannot work is said at once, all of it, with what to do; nothing has been sent then.

use harness::Worker;

use super::{Scene, held_from, lines_of, record, scene, sends, through};

/// Refused with exit code 78, for these reasons, before anything was sent.
async fn assert_refused(scene: &Scene, job: Worker, said: &[&str]) {
    let ended = job.run().await;
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    for said in said {
        assert!(ended.stderr.contains(said), "{said:?} is not in\n{}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
    assert_eq!(scene.waiting().await, 0, "something was sent");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let scene = scene!();
    let flags = ["--rate", "0", "--max-per-second", "many", "--created-at", "then", "--include-status"];
    let job = scene.job("cognito", &[&flags[..], &["UNCONFIRMED"]].concat());
    let job = job.with("USER_POOL_ID", "").with("QUEUE_URL", "").with("TABLE_NAME", "");
    let said = [
        "--rate: ",
        "--max-per-second: ",
        "--created-at: ",
        "--include-status: names UNCONFIRMED",
        "USER_POOL_ID: is not set",
        "QUEUE_URL: is not set",
        "TABLE_NAME: is not set",
    ];
    assert_refused(&scene, job, &said).await;
    let unknown = scene.pool_job(&["--form", "cognito"]).run().await;
    assert_eq!(unknown.code, Some(64), "{unknown:#?}");
}

#[tokio::test]
async fn a_pool_or_a_file_that_is_not_there_is_named() {
    let scene = scene!();
    let gone = scene.pool_job(&[]).with("USER_POOL_ID", "eu-central-1_Gone12345");
    assert_refused(&scene, gone, &["cognito-idp:ListUsers failed: ResourceNotFound"]).await;
    let other = scene.pool_job(&[]).with("USER_POOL_IDS", "eu-central-1_Other1234");
    assert_refused(&scene, other, &["USER_POOL_ID, USER_POOL_IDS: "]).await;
    let missing = scene.path("missing");
    let missing = scene.job(missing.to_str().unwrap(), &["--no-legacy-rows"]);
    assert_refused(&scene, missing, &["--from: "]).await;
    let folder = scene.job(scene.folder.path().to_str().unwrap(), &["--no-legacy-rows"]);
    assert_refused(&scene, folder, &["--from: names a directory"]).await;
}

#[tokio::test]
async fn a_file_that_can_give_no_profile_says_why() {
    let scene = scene!();
    let user = &scene.crowd(1)[0];
    let listed = serde_json::to_string_pretty(&serde_json::json!({"Users": [record(user)]})).unwrap();
    for (text, said) in [
        ("cognito:username,email\nana,ana@example.com\n".as_bytes(), "without a column sub"),
        (format!("sub,email\n{},a@b.c\n", user.sub).as_bytes(), "without a column cognito:username"),
        (b"Dear Ana,\nhow are you?\n", "neither with JSON nor with a CSV header"),
        (b"\x1f\x8b\x08\x00", "gunzip"),
        (b"\xff\xfes\0u\0b\0", "UTF-16"),
        (&listed.as_bytes()[..listed.len() - 20], "cut short"),
    ] {
        assert_refused(&scene, scene.file_job(text, &[]), &["--from: ", said]).await;
    }
    let pool = scene.file_job(record(user).to_string(), &[]).with("USER_POOL_ID", "");
    assert_refused(&scene, pool, &["USER_POOL_ID: is not set, and the file holds users without"]).await;
    let csv = scene.file_job(format!("sub,username\n{},u\n", user.sub), &[]).with("USER_POOL_ID", "");
    assert_refused(&scene, csv, &["USER_POOL_ID: is not set, and the file holds users without"]).await;
}

#[tokio::test]
async fn a_state_is_gone_on_with_by_nobody_else() {
    let scene = scene!();
    scene.crowd(300);
    assert_refused(&scene, scene.pool_job(&["--resume"]), &["--resume: there is nothing to go on from"])
        .await;

    let (proxy, gate) = held_from(&scene, 0).await;
    let running = through(scene.pool_job(&[]), &proxy).start();
    sends(&proxy, 1).await;
    assert_refused(&scene, scene.pool_job(&[]), &["another process is at work with"]).await;
    running.interrupt();
    gate.open();
    assert_eq!(running.ended().await.code, Some(130));

    let other = scene.world.stack().cognito.create_pool("others");
    let fresh = scene.pool_job(&[]);
    for (job, said) in [
        (fresh, "is the state of a run that has not ended"),
        (
            scene.pool_job(&["--resume"]).with("USER_POOL_ID", other.id()),
            "is the state of backfill from the pool",
        ),
        (scene.pool_job(&["--resume", "--created-at", "now"]), "is the state of backfill from the pool"),
        (
            scene.pool_job(&["--resume", "--include-status", "CONFIRMED"]),
            "is the state of backfill from the pool",
        ),
        (scene.file_job("{}", &["--resume"]), "is the state of backfill from the pool"),
    ] {
        let ended = job.run().await;
        assert_eq!(ended.code, Some(78), "{ended:#?}");
        assert!(ended.stderr.contains(said), "{said:?} is not in\n{}", ended.stderr);
    }
    std::fs::write(scene.checkpoint(), "{\"version\":1,\"of\":").unwrap();
    let ended = scene.pool_job(&["--resume"]).run().await;
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    assert!(ended.stderr.contains("was cut short"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_state_of_a_file_is_not_that_of_another_of_its_name() {
    let scene = scene!();
    let users = scene.crowd(200);
    let text = lines_of(&users);
    let (proxy, gate) = held_from(&scene, 0).await;
    let running = through(scene.file_job(&text, &["--max-per-second", "100"]), &proxy).start();
    sends(&proxy, 1).await;
    running.interrupt();
    gate.open();
    assert_eq!(running.ended().await.code, Some(130));
    for other in [format!("{text}\n"), text.replacen("person", "parson", 1)] {
        let ended = scene.file_job(other, &["--resume"]).run().await;
        assert_eq!(ended.code, Some(78), "{ended:#?}");
        assert!(ended.stderr.contains("is the state of backfill from"), "{}", ended.stderr);
    }
    assert_eq!(scene.file_job(&text, &["--resume"]).run().await.code, Some(0));
}

#[tokio::test]
async fn what_cannot_be_gone_on_with_says_so() {
    let scene = scene!();
    let stdin = scene.job("-", &["--no-legacy-rows", "--resume"]);
    assert_refused(&scene, stdin, &["--resume, --from: ", "without --resume"]).await;
    let dry = scene.pool_job(&["--dry-run", "--resume"]);
    assert_refused(&scene, dry, &["--resume, --dry-run: "]).await;
}
