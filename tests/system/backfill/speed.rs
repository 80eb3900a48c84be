//! How fast a hundred thousand users get their messages, into the embedded queue. A measurement, for release:
//!
//! ```sh
//! cargo test --release -p system-tests --test system -- --ignored --nocapture backfill::speed
//! ```

use harness::Ended;

use super::{assert_done, lines_of, scene};

const USERS: u32 = 100_000;

#[allow(clippy::print_stderr, reason = "the figure is what it is for")]
fn say(what: &str, ended: &Ended) {
    let seconds = ended.result()["seconds"].as_f64().unwrap();
    eprintln!("{USERS} users from {what}: {seconds:.2} s, {:.0} users/s", f64::from(USERS) / seconds);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn from_a_file() {
    let scene = scene!();
    let users = scene.crowd(USERS as usize);
    let text = lines_of(&users);
    let ended = scene.file_job(&text, &[]).run().await;
    assert_done(&ended, &scene, USERS as usize);
    say("a file", &ended);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn from_a_pool_that_sets_no_limit() {
    let scene = scene!();
    scene.crowd(USERS as usize);
    let ended = scene.pool_job(&[]).run().await;
    assert_done(&ended, &scene, USERS as usize);
    assert_eq!(ended.count("pages"), u64::from(USERS.div_ceil(60)));
    say("a pool", &ended);
}
