//! SIGTERM.

use std::time::Duration;

use simulator::plan::{End, Moment};
use simulator::trouble::{Kind, Operation};
use worker::outcome::Outcome;
use worker::pipeline::WriteStrategy;

use crate::scene::{ALWAYS, MINUTE, SECOND, SIGN_UP, Scene, all};

#[test]
fn lesson_03_what_the_last_poll_brings_is_given_back_at_once() {
    let report = Scene::new()
        .stops(5 * SECOND)
        // While the poll of the stopped worker is still in the air.
        .sign_ups(4, 6 * SECOND, Duration::ZERO)
        .joined(30 * SECOND, End::Done)
        .live();
    assert_eq!(report.lives[0].left, (4, 0), "visible, and none stranded");
    assert_eq!(report.lives[0].count(Outcome::Released), 4);
}

#[test]
fn lesson_04_a_stop_ends_in_time_though_writes_take_for_ever() {
    let report = Scene::new()
        .set(|settings| {
            settings.drain_deadline = 10 * SECOND;
            settings.wait_time = SECOND;
            settings.write_strategy = WriteStrategy::Put;
        })
        .sign_ups(300, SECOND, Duration::ZERO)
        .fault(SECOND, ALWAYS, &Operation::TABLE, Kind::Slow(Duration::from_millis(4900)))
        .stops(3 * SECOND)
        .live();
    let life = &report.lives[0];
    assert!(life.at <= 15 * SECOND, "{:?}", life.at);
    // What was not written by then can be received again at once.
    assert_eq!((life.ending(), life.left.1), ("drained", 0));
    assert!(life.count(Outcome::Created) > 0 && life.count(Outcome::Released) > 0, "{:?}", life.counts);
}

#[test]
fn lesson_05_a_stop_uses_the_time_it_has() {
    let report = Scene::new()
        .sign_ups(30, SECOND, Duration::ZERO)
        .fault(SECOND, MINUTE, &Operation::TABLE, Kind::Slow(Duration::from_millis(4900)))
        .stops(2 * SECOND)
        .live();
    assert_eq!((report.rows, report.lives[0].left), (30, (0, 0)), "written in the drain, not given back");
}

#[test]
fn lesson_24_a_worker_that_was_killed_leaves_no_lock_behind() {
    for step in 0..60 {
        let report = Scene::new()
            .sign_ups(25, SECOND, Duration::ZERO)
            .ends(End::Killed(Moment::Step(step, 0)))
            .joined(2 * SECOND, End::Done)
            .live();
        // The other one is done as soon as the queue lends the messages again.
        assert!(report.lives[1].at <= 90 * SECOND, "step {step}: {:?}", report.lives[1].at);
        assert_eq!(report.rows, 25);
    }
    let report =
        Scene::new().send(SECOND, 0, SIGN_UP).send(SECOND, 0, SIGN_UP).joined(SECOND, End::Done).live();
    assert_eq!((all(&report, Outcome::Created), report.rows), (1, 1));
}
