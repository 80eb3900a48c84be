//! How fast a hundred thousand users get their messages, into the embedded queue. A measurement, for release:
//!
//! ```sh
//! cargo test --release -p system-tests --test system -- --ignored --nocapture backfill::speed
//! ```

use harness::Ended;

use super::{assert_done, record, scene};

const USERS: usize = 100_000;

#[allow(clippy::print_stderr, reason = "the figure is what it is for")]
fn say(what: &str, ended: &Ended) {
    let seconds = ended.result()["seconds"].as_f64().unwrap();
    let users = USERS as f64;
    eprintln!("{USERS} users from {what}: {seconds:.2} s, {:.0} users/s", users / seconds);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn from_a_file() {
    let scene = scene!();
    let users = scene.crowd(USERS);
    let text: String = users.iter().map(|user| format!("{}\n", record(user))).collect();
    let ended = scene.from_file(&text, &[]).run().await;
    assert_done(&ended, &scene, USERS);
    say("a file", &ended);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn from_a_pool_that_sets_no_limit() {
    let scene = scene!();
    scene.crowd(USERS);
    let ended = scene.from_pool(&[]).run().await;
    assert_done(&ended, &scene, USERS);
    assert_eq!(ended.count("pages"), USERS.div_ceil(60) as u64);
    say("a pool", &ended);
}
