//! Outages past SQS's twelve hours, and tables that are made anew: the backlog waits, nothing goes to the
//! dead-letter queue for their sake.

use simulator::plan::End;
use simulator::trouble::{Happening, Kind, Operation};
use worker::outcome::Outcome;

use crate::scene::{HOUR, MINUTE, SECOND, SIGN_UP, Scene, all};

/// Thirteen hours in which calls to the table end like this; then everybody has a row.
fn night(kind: Kind, chance: f64) {
    let report = Scene::new()
        .sign_ups(30, SECOND, SECOND)
        .sign_ups(5, 6 * HOUR, MINUTE)
        .some(10 * SECOND, 13 * HOUR, &Operation::TABLE, kind, chance)
        .joined(MINUTE, End::Done)
        .live();
    assert_eq!((report.rows, report.dead_letters), (35, 0));
    assert_eq!(all(&report, Outcome::Created), 35);
    assert!(report.most_receives < 30, "{} receives of one message", report.most_receives);
    let in_vain: u64 = report.lives.iter().map(|life| life.counts.receives_without_attempt).sum();
    assert_eq!(in_vain, 0);
}

#[test]
fn a_table_that_is_away_for_thirteen_hours_costs_nobody_his_profile() {
    night(Kind::Unheard, 1.0);
}

#[test]
fn a_table_that_throttles_everything_for_thirteen_hours_costs_nobody_his_profile() {
    night(Kind::Error("ThrottlingException"), 1.0);
}

#[test]
fn a_table_that_throttles_most_for_thirteen_hours_costs_nobody_his_profile() {
    night(Kind::Error("ProvisionedThroughputExceededException"), 0.9);
}

#[test]
fn credentials_that_are_expired_for_thirteen_hours_cost_nobody_his_profile() {
    night(Kind::Error("ExpiredTokenException"), 1.0);
}

#[test]
fn statements_throttled_inside_a_success_for_thirteen_hours_cost_nobody_his_profile() {
    let report = Scene::new()
        .sign_ups(30, SECOND, SECOND)
        .fault(SECOND, 13 * HOUR, &[Operation::InsertBatch], Kind::Entries("ThrottlingError"))
        .live();
    assert_eq!((report.rows, report.dead_letters), (30, 0));
}

#[test]
fn a_table_that_is_missing_is_waited_for() {
    let report = Scene::new()
        .sign_ups(30, SECOND, SECOND)
        .event(10 * SECOND, Happening::TableMissing(2 * HOUR))
        .live();
    assert_eq!((report.rows, report.dead_letters), (30, 0));
}

#[test]
fn a_table_made_anew_with_another_key_keeps_everybody_waiting_and_quarantines_nobody() {
    let report = Scene::new()
        .sign_ups(40, SECOND, SECOND / 2)
        .event(10 * SECOND, Happening::WrongKey(13 * HOUR))
        .live();
    assert_eq!((report.rows, report.dead_letters), (40, 0));
}

/// Found by seed 162: messages that had been received more than five times when the table was made anew
/// were taken for bad ones.
#[test]
fn nor_those_who_had_come_back_often_before() {
    let report = Scene::new()
        .sign_ups(10, SECOND, SECOND)
        .fault(
            SECOND,
            3 * MINUTE,
            &[Operation::Insert, Operation::InsertBatch],
            Kind::Entries("InternalServerError"),
        )
        .set(|settings| settings.hold_budget = std::time::Duration::ZERO)
        .some(SECOND, 3 * MINUTE, &[Operation::Insert], Kind::Error("InternalServerError"), 0.9)
        // Somebody is taken, so that what is refused next might be blamed on the items.
        .send(3 * MINUTE + SECOND, 90, SIGN_UP)
        .event(3 * MINUTE + 5 * SECOND, Happening::WrongKey(2 * HOUR))
        .live();
    assert_eq!((report.rows, report.dead_letters), (11, 0));
}

/// Found by seeds 51 and 145: when a few items that the table refuses were all that came, they looked like
/// a table that refuses everything, and who signed up next waited for hours.
#[test]
fn a_few_items_that_are_refused_keep_nobody_waiting() {
    let scene = (0..8).fold(Scene::new().event(SECOND, Happening::Refuse(7)), |scene, nth| {
        scene.send((2 + nth) * SECOND, 7, SIGN_UP)
    });
    // After an hour of nothing else somebody signs up, and is not to wait.
    let report = scene.send(HOUR, 8, SIGN_UP).stops(HOUR + 30 * SECOND).live();
    assert_eq!(report.lives[0].count(Outcome::Created), 1);
}

/// Found by the soak: the messages that were to find out that the outage was over had lapsed while the
/// process stood still, and nothing more was asked for within the hour.
#[test]
fn an_outage_that_outlives_all_that_was_in_hand_is_found_over_soon() {
    let report = Scene::new()
        .sign_ups(4, SECOND, SECOND)
        .fault(SECOND, 20 * MINUTE, &Operation::TABLE, Kind::Error("InternalServerError"))
        .event(3 * MINUTE, Happening::Stall(2 * MINUTE))
        .event(8 * MINUTE, Happening::Stall(2 * MINUTE))
        .event(13 * MINUTE, Happening::Stall(2 * MINUTE))
        .live();
    assert!(report.lives[0].counts.leases_lost >= 3);
    assert!(report.lives[0].at < 30 * MINUTE, "{:?}", report.lives[0].at);
}
