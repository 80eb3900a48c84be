//! Files of the jobs in S3, through the real SDK: the same promises as on a disk.

use harness::{Bucket, world};
use tokio::io::AsyncReadExt;
use worker::jobs::checkpoint::Checkpoint;
use worker::jobs::files::Place;

#[tokio::test]
async fn a_file_in_a_bucket_is_written_read_and_deleted() {
    let world = world!(bare UserPools);
    let bucket = Bucket::create(&world).await;
    let s3 = bucket.s3.clone();
    let file = bucket.place("jobs/État +1 100%/a&b=c.jsonl");
    assert_eq!(file.read("--f", &s3).await.unwrap(), None);
    let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for bytes in [large.as_slice(), b"short", b""] {
        file.write(bytes, &s3).await.unwrap();
        let mut source = file.open("--f", &s3).await.unwrap();
        assert_eq!(source.length, Some(bytes.len() as u64));
        let mut streamed = Vec::new();
        source.reader.read_to_end(&mut streamed).await.unwrap();
        assert!(streamed == bytes);
        assert!(file.read("--f", &s3).await.unwrap().unwrap() == bytes);
    }
    for _ in 0..2 {
        file.delete(&s3).await.unwrap();
        assert_eq!(file.read("--f", &s3).await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_with_the_permission_and_the_place() {
    let world = world!(bare UserPools);
    let bucket = Bucket::create(&world).await;
    let s3 = bucket.s3.clone();
    let Err(error) = bucket.place("nothing").open("--from", &s3).await else { panic!("nothing was opened") };
    assert_eq!(error.exit_code(), 78, "{error}");
    let told = error.to_string();
    assert!(told.contains("s3:GetObject failed: NoSuchKey") && told.contains("/nothing"), "{told}");

    let elsewhere: Place = "s3://no-such-bucket-of-ours/key".parse().unwrap();
    for (action, error) in [
        ("s3:GetObject", elsewhere.read("--from", &s3).await.unwrap_err()),
        ("s3:PutObject", elsewhere.write(b"x", &s3).await.unwrap_err()),
        ("s3:DeleteObject", elsewhere.delete(&s3).await.unwrap_err()),
    ] {
        assert_eq!(error.exit_code(), 78, "{error}");
        let told = error.to_string();
        assert!(told.contains(&format!("{action} failed: NoSuchBucket")), "{told}");
    }
}

#[tokio::test]
async fn a_denied_read_says_what_else_it_may_mean() {
    let world = world!(bare OwnPools);
    let bucket = Bucket::create(&world).await;
    let s3 = bucket.s3.clone();
    world.stack().s3.deny(true);
    let error = bucket.place("state.json").read("--checkpoint", &s3).await.unwrap_err();
    assert_eq!(error.exit_code(), 69, "{error}");
    assert!(error.to_string().contains("s3:ListBucket"), "{error}");
    let error = bucket.place("state.json").write(b"x", &s3).await.unwrap_err();
    assert!(error.exit_code() == 69 && !error.to_string().contains("s3:ListBucket"), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_in_the_middle_is_no_end_of_the_file() {
    let world = world!(bare OwnPools);
    let bucket = Bucket::create(&world).await;
    let s3 = bucket.s3.clone();
    let file = bucket.place("users.jsonl");
    file.write(&vec![b'x'; 200_000], &s3).await.unwrap();
    for cut in [0, 1, 100_000, 199_999] {
        world.stack().s3.break_off_after(Some(cut));
        let error = file.read("--from", &s3).await.unwrap_err();
        assert_eq!(error.exit_code(), 69, "{cut}: {error}");
        let mut streamed = Vec::new();
        let mut source = file.open("--from", &s3).await.unwrap();
        assert!(source.reader.read_to_end(&mut streamed).await.is_err(), "{cut}");
    }
    world.stack().s3.break_off_after(None);
    assert_eq!(file.read("--from", &s3).await.unwrap().unwrap().len(), 200_000);
}

#[tokio::test]
async fn a_state_in_a_bucket_is_gone_on_from() {
    let world = world!(bare UserPools);
    let bucket = Bucket::create(&world).await;
    let s3 = bucket.s3.clone();
    let state = bucket.place("state.json");
    let of = "backfill of eu-central-1_A1b2C3d4E";
    let (checkpoint, none) = Checkpoint::open::<u64>(state.clone(), of, false, &s3).await.unwrap();
    assert_eq!(none, None);
    checkpoint.keep(&420_u64).await.unwrap();
    drop(checkpoint);
    assert!(Checkpoint::open::<u64>(state.clone(), of, false, &s3).await.is_err_and(|e| e.exit_code() == 78));
    let (checkpoint, found) = Checkpoint::open::<u64>(state.clone(), of, true, &s3).await.unwrap();
    assert_eq!(found, Some(420));
    checkpoint.done().await.unwrap();
    assert_eq!(state.read("--checkpoint", &s3).await.unwrap(), None);
}
