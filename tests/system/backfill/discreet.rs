//! Nobody is in what a backfill prints, at the most talkative level, however badly it goes. Only the reject file
//! holds people, for its owner's eyes.

use harness::{Personal, Reaction};
use serde_json::json;

use super::{Scene, record, scene, through};

/// Everything about a crowd, and what is said of it.
fn crowd(scene: &Scene) -> (String, Personal) {
    let users = scene.crowd(60);
    let records: Vec<_> = users.iter().map(|user| record(user).to_string()).collect();
    let mut said = Personal::default();
    for user in &users {
        for value in [&user.sub, &user.username, &user.attributes["email"]] {
            said.add(value);
        }
    }
    (records.join("\n"), said)
}

#[tokio::test]
async fn it_writes_of_nobody() {
    let scene = scene!();
    let (text, said) = crowd(&scene);
    let first = text.lines().next().unwrap();
    let broken = format!("{text}\n{}\n{}\n", &first[1..], &first[..first.len() - 1]);
    let csv = "username,sub,email\nperson-1,person-1,person-1@example.com\n";
    let document = format!("[{first},\n{{\"Username\":\"person-1\"}}]");
    let proxy = scene.world.intercept().await;
    proxy.on("SendMessageBatch", |call| match call.nth % 3 {
        // A service that quotes what it was asked.
        0 => {
            let message = format!("cannot take {}", call.request);
            Reaction::Answer(500, json!({"__type": "InternalFailure", "message": message}))
        }
        _ => Reaction::Forward,
    });
    for format in ["json", "text"] {
        for (text, more, code) in [
            (None, &[][..], 0),
            (None, &["--output", "table"], 0),
            (Some(broken.as_str()), &[], 1),
            (Some(csv), &["--output", "table"], 1),
            (Some(&document), &[], 1),
            (Some(&csv[..40]), &[], 1),
            (Some(&text[..text.len() / 2]), &["--dry-run"], 1),
            (Some("person-1,person-1@example.com"), &[], 78),
            (None, &["--include-status", "person-1@example.com"], 78),
            (None, &["--rate", "person-1@example.com"], 78),
        ] {
            let job = match text {
                Some(text) => scene.file_job(text, more),
                None => scene.pool_job(more),
            };
            let job = through(job, &proxy).with("RUST_LOG", "trace").with("LOG_FORMAT", format);
            let ended = job.run().await;
            assert_eq!(ended.code, Some(code), "{job:?}: {ended:#?}");
            said.assert_absent(&format!("{}{}", ended.stdout, ended.stderr), "backfill");
        }
    }
    let rejects = scene.rejects();
    assert!(!rejects.is_empty());
    let mut kept = rejects;
    kept.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("text")));
    said.assert_absent(&format!("{kept:?}"), "the reject file beside the lines themselves");
}
