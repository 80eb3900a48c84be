//! The table as others have met theirs: slow, down, or answering in part.

use std::time::Duration;

use simulator::people::What;
use simulator::plan::End;
use simulator::trouble::{Happening, Kind, Operation};
use worker::outcome::Outcome;
use worker::pipeline::WriteStrategy;

use crate::scene::{HOUR, MINUTE, SECOND, Scene, all};

#[test]
fn lesson_15_one_slow_write_holds_up_nobody_else() {
    let report = Scene::new()
        .set(|settings| settings.write_strategy = WriteStrategy::Put)
        .sign_ups(100, 10 * SECOND, Duration::from_millis(20))
        // The first of them only.
        .fault(
            10 * SECOND,
            10 * SECOND + Duration::from_millis(70),
            &[Operation::Insert],
            Kind::Slow(4 * SECOND),
        )
        .live();
    let done: Vec<_> =
        report.journal.iter().filter(|line| line.text == "  deleted").map(|line| line.at).collect();
    let before = done.iter().filter(|at| **at < 13 * SECOND).count();
    assert!(before > 80 && before < 100, "{before} of {} were not held up", done.len());
}

#[test]
fn lesson_16_hours_of_failing_receives_cost_next_to_nothing() {
    let report = Scene::new()
        .fault(Duration::ZERO, 10 * HOUR, &[Operation::Receive], Kind::Error("AccessDenied"))
        .sign_ups(3, HOUR, SECOND)
        .live();
    // Two steps a call, and for each failure a pause that has grown to half a minute.
    assert!(report.lives[0].steps < 12_000, "{}", report.lives[0].steps);
    assert_eq!(report.rows, 3);
}

#[test]
fn lesson_18_while_the_table_is_down_messages_wait_in_the_queue() {
    let report = Scene::new()
        .sign_ups(300, SECOND, SECOND)
        .fault(10 * SECOND, 6 * HOUR, &Operation::TABLE, Kind::Error("InternalServerError"))
        .stops(5 * HOUR)
        .live();
    let life = &report.lives[0];
    assert!(life.counts.received < 60, "{} received of 300", life.counts.received);
    assert!(report.most_receives <= 10 && report.dead_letters == 0, "{}", report.most_receives);
}

#[test]
fn lesson_19_no_receive_is_spent_without_an_attempt() {
    let report = Scene::new()
        .sign_ups(40, SECOND, MINUTE)
        .fault(MINUTE, 4 * HOUR, &Operation::TABLE, Kind::Error("ThrottlingException"))
        .joined(SECOND, End::Done)
        .joined(SECOND, End::Done)
        .live();
    assert!(report.lives.iter().all(|life| life.counts.receives_without_attempt == 0));
    assert!(report.most_receives <= 12, "{}", report.most_receives);
}

#[test]
fn lesson_21_one_bad_item_does_not_make_its_neighbours_go_one_by_one() {
    let report = Scene::new()
        .set(|settings| settings.linger = SECOND)
        .event(Duration::ZERO, Happening::Refuse(3))
        .sign_ups_of(0..25, SECOND)
        .stops(20 * SECOND)
        .live();
    let first = report.journal.iter().filter(|line| line.worker == Some(0));
    let calls = |name: &str| first.clone().filter(|line| line.text == name).count();
    let tries = usize::try_from(report.lives[0].count(Outcome::Retried)).unwrap();
    assert_eq!(report.lives[0].count(Outcome::Created), 24);
    assert!(calls("insert") <= tries + 1, "{} single puts, {tries} tries", calls("insert"));
    assert!(calls("insert_batch") <= 4 + tries);
}

#[test]
fn lesson_22_what_failed_inside_a_success_is_written_again() {
    let report = Scene::new()
        .sign_ups(50, SECOND, Duration::ZERO)
        .fault(SECOND, 30 * SECOND, &[Operation::InsertBatch], Kind::Entries("ProvisionedThroughputExceeded"))
        .some(SECOND, 30 * SECOND, &[Operation::InsertBatch], Kind::Short, 0.5)
        .live();
    assert!(report.struck["entries failed"] > 0 && report.struck["short answer"] > 0);
    assert_eq!((report.rows, report.lives[0].left), (50, (0, 0)));
}

#[test]
fn lesson_23_a_user_who_is_many_times_in_one_batch_is_written_once() {
    let scene =
        (0..40).fold(Scene::new(), |scene, nth| scene.send(SECOND, 1, What::SignUp { story: nth % 3 }));
    let report = scene.live();
    assert_eq!(
        (report.rows, all(&report, Outcome::Created), all(&report, Outcome::AlreadyPresent)),
        (1, 1, 39)
    );
    assert_eq!(report.lives[0].count(Outcome::Retried), 0);
}
