//! Places on this machine. Those in S3 are tested over HTTP, in `tests/system/objects.rs`.

use super::*;
use crate::aws::clients::{Access, Clients};
use crate::stats::Stats;

fn nowhere() -> aws_sdk_s3::Client {
    Clients::new(
        &Access::local("http://127.0.0.1:9", "http://127.0.0.1:9"),
        &std::sync::Arc::new(Stats::default()),
    )
    .s3
}

fn in_dir(dir: &tempfile::TempDir, name: &str) -> Place {
    Place::Local(dir.path().join(name))
}

/// The names in a directory.
fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_path_a_dash_or_an_object() {
    assert_eq!("-".parse(), Ok(Place::Standard));
    assert_eq!("./s3:/x".parse(), Ok(Place::Local("./s3:/x".into())));
    let object = Place::S3 { bucket: "b".into(), key: "a/b c.jsonl".into() };
    assert_eq!("s3://b/a/b c.jsonl".parse(), Ok(object.clone()));
    assert_eq!(object.to_string(), "s3://b/a/b c.jsonl");
    for wrong in ["", "s3://", "s3://b", "s3://b/", "s3:///k"] {
        assert!(wrong.parse::<Place>().is_err(), "{wrong:?}");
    }
    for (place, beside) in [("-", "stdin.x"), ("a/b", "a/b.x"), ("s3://b/k", "s3://b/k.x")] {
        assert_eq!(place.parse::<Place>().unwrap().beside(".x").to_string(), beside);
    }
}

#[tokio::test]
async fn what_is_written_is_read_and_then_deleted() {
    let (dir, s3) = (tempfile::tempdir().unwrap(), nowhere());
    let place = in_dir(&dir, "state.json");
    assert_eq!(place.read("--f", &s3).await.unwrap(), None);
    for text in ["one, the longer", "two"] {
        place.write(text.as_bytes(), &s3).await.unwrap();
        assert_eq!(place.read("--f", &s3).await.unwrap().unwrap(), text.as_bytes());
        assert_eq!(place.open("--f", &s3).await.unwrap().length, Some(text.len() as u64));
    }
    assert_eq!(names(&dir), ["state.json"]);
    for _ in 0..2 {
        place.delete(&s3).await.unwrap();
        assert!(names(&dir).is_empty());
    }
}

#[tokio::test]
async fn nobody_else_may_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, s3) = (tempfile::tempdir().unwrap(), nowhere());
    let place = in_dir(&dir, "state.json");
    place.write(b"{}", &s3).await.unwrap();
    let mode = std::fs::metadata(dir.path().join("state.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_leaves_what_was_there_and_nothing_beside_it() {
    let (dir, s3) = (tempfile::tempdir().unwrap(), nowhere());
    let place = in_dir(&dir, "state.json");
    place.write(b"before", &s3).await.unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("state.json.part")).unwrap();
    let error = place.write(b"after", &s3).await.unwrap_err();
    assert_eq!(error.exit_code(), 70, "{error}");
    assert!(error.to_string().contains("state.json cannot be written: No space left"), "{error}");
    assert_eq!(place.read("--f", &s3).await.unwrap().unwrap(), b"before");
    assert_eq!(names(&dir), ["state.json"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_meanwhile_sees_one_or_the_other() {
    const SIZE: usize = 300_000;
    let (dir, s3) = (tempfile::tempdir().unwrap(), nowhere());
    let place = in_dir(&dir, "state.json");
    place.write(&vec![b'a'; SIZE], &s3).await.unwrap();
    let (writer, client) = (place.clone(), s3.clone());
    let writing = tokio::spawn(async move {
        for letter in [b'b', b'a'].into_iter().cycle().take(40) {
            writer.write(&vec![letter; SIZE], &client).await.unwrap();
        }
    });
    while !writing.is_finished() {
        let bytes = place.read("--f", &s3).await.unwrap().unwrap();
        assert_eq!(bytes.len(), SIZE);
        assert!(bytes.iter().all(|byte| Some(byte) == bytes.first()));
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_is_told_of_the_flag_that_named_it() {
    let (dir, s3) = (tempfile::tempdir().unwrap(), nowhere());
    std::fs::write(dir.path().join("file"), "x").unwrap();
    for (name, fault) in [
        ("", "--from: names a directory"),
        ("file/child", "--from: cannot be read"),
        ("nothing", "--from: names a file that is not there"),
    ] {
        let Err(error) = in_dir(&dir, name).open("--from", &s3).await else { panic!("{name} was opened") };
        assert_eq!(error.exit_code(), 78, "{error}");
        assert!(error.to_string().contains(fault), "{name}: {error}");
    }
    // What cannot be looked at is not the same as nothing there.
    for name in ["", "file/child"] {
        assert!(in_dir(&dir, name).read("--from", &s3).await.is_err(), "{name}");
    }
    for name in ["", "file/child"] {
        let error = in_dir(&dir, name).write(b"x", &s3).await.unwrap_err();
        assert_eq!(error.exit_code(), 70, "{error}");
    }
    let error = in_dir(&dir, "").delete(&s3).await.unwrap_err();
    assert_eq!(error.exit_code(), 70, "{error}");
    let error = Place::Standard.write(b"x", &s3).await.unwrap_err();
    assert_eq!(error.exit_code(), 70, "{error}");
}
