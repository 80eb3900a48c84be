//! Receipts and their deletes.

use std::time::Duration;

use simulator::people::What;
use simulator::trouble::{Kind, Operation};
use worker::outcome::Outcome;

use crate::scene::{HOUR, MINUTE, SECOND, SIGN_UP, Scene, all, told};

#[test]
fn lesson_01_a_stop_flushes_receipts_that_wait_for_company() {
    let report = Scene::new()
        .set(|settings| (settings.linger, settings.wait_time) = (20 * SECOND, SECOND))
        .sign_ups(3, SECOND, Duration::ZERO)
        // Written by now, their deletes wait for seven others.
        .stops(5 * SECOND)
        .live();
    assert_eq!((report.lives[0].left, report.most_receives), ((0, 0), 1));
}

#[test]
fn lesson_02_a_receipt_that_joins_while_others_are_flushed_is_not_forgotten() {
    // One user's messages share a write, and so are to be deleted at the same moment: ten of them, and three.
    let report = (0..13)
        .fold(Scene::new().set(|settings| settings.linger = SECOND), |scene, _| {
            scene.send(SECOND, 1, SIGN_UP)
        })
        .live();
    assert_eq!((report.lives[0].left, report.most_receives), ((0, 0), 1));
    assert!(report.lives[0].at < 30 * SECOND, "{:?}", report.lives[0].at);
}

#[test]
fn lesson_11_a_message_delivered_twice_is_settled_by_each_of_its_receipts() {
    let report = Scene::new()
        .sign_ups(40, SECOND, Duration::from_millis(40))
        .some(SECOND, 10 * SECOND, &[Operation::Receive], Kind::Twice, 0.8)
        .live();
    let again = all(&report, Outcome::AlreadyPresent);
    assert!(again > 5, "hardly any was delivered twice: {again}");
    assert_eq!((report.rows, report.lives[0].left, report.lives[0].counts.failed_deletes), (40, (0, 0), 0));
}

#[test]
fn lesson_12_a_message_that_comes_back_after_its_delete_is_deleted_by_its_new_receipt() {
    let report = Scene::new()
        .sign_ups(20, SECOND, Duration::ZERO)
        .fault(SECOND, MINUTE, &[Operation::Delete], Kind::Forgotten)
        .live();
    assert!(told(&report, "is there again") >= 20);
    assert_eq!((report.rows, report.lives[0].left), (20, (0, 0)));
    assert_eq!(all(&report, Outcome::Created), 20, "written again");
}

#[test]
fn lesson_13_receipts_that_are_refused_stop_nothing() {
    let report = Scene::new()
        .sign_ups(20, SECOND, Duration::ZERO)
        .fault(SECOND, 30 * SECOND, &[Operation::Delete], Kind::Error("ReceiptHandleIsInvalid"))
        .sign_ups(20, 10 * SECOND, SECOND)
        .live();
    assert_eq!((report.rows, report.lives[0].left), (40, (0, 0)));
    assert_eq!(report.lives[0].ending(), "drained");
    assert!(report.lives[0].counts.failed_deletes >= 20);
}

#[test]
fn lesson_14_messages_that_cannot_be_read_leave_room_for_those_that_can() {
    let scene = (0..50).fold(Scene::new(), |scene, nth| scene.send(SECOND, nth, What::Junk));
    let report =
        scene.set(|settings| settings.max_in_flight = 1).sign_ups(5, 2 * SECOND, Duration::ZERO).live();
    assert_eq!((report.rows, report.dead_letters, report.lives[0].left), (5, 50, (0, 0)));
}

#[test]
fn lesson_17_a_quarantined_message_whose_delete_fails_is_not_sent_again() {
    let report = Scene::new()
        .send(SECOND, 0, What::Junk)
        .fault(SECOND, 15 * SECOND, &[Operation::Delete], Kind::Error("InternalError"))
        .live();
    assert!(report.lives[0].counts.errors.contains_key("delete_unavailable") || report.struck["error"] > 1);
    assert_eq!((report.dead_letters, report.most_receives), (1, 1));
}

#[test]
fn lesson_20_what_failed_comes_back_ever_more_rarely() {
    // One bad item, and nothing that would show whose fault it is.
    let report = Scene::new()
        .event(Duration::ZERO, simulator::trouble::Happening::Refuse(3))
        .send(SECOND, 3, SIGN_UP)
        // Keeps newcomers away for an hour.
        .send(HOUR, 4, SIGN_UP)
        .stops(59 * MINUTE)
        .live();
    let retried = report.lives[0].count(Outcome::Retried);
    assert!((8..=15).contains(&retried), "{retried} in an hour");
}
