//! Leases: what was received stays ours for as long as it is in hand, and not longer.

use std::time::Duration;

use simulator::people::What;
use simulator::trouble::{Happening, Kind, Operation};
use worker::outcome::Outcome;

use crate::scene::{HOUR, MINUTE, SECOND, Scene, all};

#[test]
fn lesson_06_what_waits_for_longer_than_the_visibility_timeout_does_not_come_twice() {
    let report = Scene::new()
        .sign_ups(9, SECOND, Duration::ZERO)
        .fault(SECOND, 10 * MINUTE, &Operation::TABLE, Kind::Error("InternalServerError"))
        .live();
    assert_eq!((report.rows, report.most_receives), (9, 1));
    assert!(report.lives[0].counts.leases_extended >= 9 * 10);
}

#[test]
fn lesson_07_all_that_is_in_hand_is_extended_in_time() {
    let report = Scene::new()
        .set(|settings| settings.max_receivers = 16)
        // More than there is room for, so that all the room is taken.
        .sign_ups(400, SECOND, Duration::ZERO)
        .fault(Duration::ZERO, 30 * MINUTE, &Operation::TABLE, Kind::Slow(9 * SECOND))
        // Each answer takes long, and now and then there is none.
        .some(SECOND, 30 * MINUTE, &[Operation::MakeVisible], Kind::Slow(4 * SECOND), 0.7)
        .some(SECOND, 30 * MINUTE, &[Operation::MakeVisible], Kind::AnswerLost, 0.2)
        .live();
    let life = &report.lives[0];
    assert_eq!((report.rows, report.most_receives, life.counts.leases_lost), (400, 1, 0));
    assert!(life.counts.leases_extended > 50 * 30, "{}", life.counts.leases_extended);
}

#[test]
fn lesson_08_an_extension_in_the_air_does_not_race_the_delete() {
    let report = Scene::new()
        .set(|settings| settings.visibility_timeout = 12 * SECOND)
        .sign_ups(10, SECOND, Duration::ZERO)
        // Nobody hears of the first write; the second succeeds while the extension at half-life is in the air.
        .fault(SECOND, 5 * SECOND, &Operation::TABLE, Kind::Unheard)
        .fault(5 * SECOND, MINUTE, &Operation::TABLE, Kind::Slow(Duration::from_millis(1500)))
        .fault(SECOND, MINUTE, &[Operation::MakeVisible], Kind::Slow(3 * SECOND))
        .live();
    let at = |text: &str| report.journal.iter().find(|line| line.text.starts_with(text)).unwrap().at;
    let (left, arrived, deleted) = (at("make_visible"), at("  make_visible"), at("  deleted"));
    assert!(left < deleted && deleted < arrived, "no race: {left:?} {deleted:?} {arrived:?}");
    let counts = &report.lives[0].counts;
    assert_eq!((report.most_receives, counts.failed_deletes, counts.leases_lost), (1, 0, 0));
    assert!(!counts.errors.keys().any(|name| name.starts_with("extend")), "{:?}", counts.errors);
}

#[test]
fn lesson_09_what_is_settled_is_extended_no_more() {
    let report = Scene::new()
        .sign_ups(20, SECOND, Duration::ZERO)
        .send(SECOND, 50, What::Junk)
        .send(SECOND, 51, What::Reset)
        .fault(SECOND, 5 * MINUTE, &Operation::TABLE, Kind::Error("InternalServerError"))
        .stops(3 * HOUR)
        .live();
    let last =
        report.journal.iter().filter(|line| line.text.starts_with("make_visible")).map(|line| line.at).max();
    assert!(last.is_some_and(|at| at < 10 * MINUTE), "{last:?}");
    assert_eq!(report.lives[0].left, (0, 0));
}

#[test]
fn lesson_10_what_has_lapsed_in_hand_is_not_worked_on() {
    let report = Scene::new()
        .sign_ups(20, SECOND, Duration::ZERO)
        .fault(SECOND, 20 * SECOND, &Operation::TABLE, Kind::Error("InternalServerError"))
        // Longer than the visibility timeout, while they are held.
        .event(10 * SECOND, Happening::Stall(2 * MINUTE))
        .live();
    assert!(all(&report, Outcome::LeaseLost) >= 10, "{:?}", report.outcomes);
    assert_eq!((all(&report, Outcome::Created), report.rows), (20, 20));
}
