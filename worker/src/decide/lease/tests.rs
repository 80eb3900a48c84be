//! The cases with a story. All others are left to `properties.rs`.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn handle(name: &impl ToString) -> ReceiptHandle {
    ReceiptHandle(name.to_string())
}

fn opened(received_at: Instant) -> (LeaseTable, u64) {
    let mut table = LeaseTable::default();
    let id = table.open(handle(&"only"), received_at, received_at + MINUTE);
    (table, id)
}

fn ids(due: &[(u64, ReceiptHandle)]) -> Vec<u64> {
    due.iter().map(|(id, _)| *id).collect()
}

#[test]
fn half_of_the_time_is_left_when_it_is_asked_for_and_it_counts_from_the_asking() {
    let start = Instant::now();
    let (mut table, id) = opened(start);
    assert_eq!(table.next_deadline(), Some(start + MINUTE / 2));
    assert_eq!(table.due(start + MINUTE / 2 - SECOND), []);
    let asked_at = start + MINUTE / 2;
    assert_eq!(table.due(asked_at), [(id, handle(&"only"))]);
    assert!(table.on_extended(id, asked_at + 4 * SECOND, asked_at, MINUTE));
    assert_eq!(table.until(id), Some(asked_at + MINUTE));
    assert_eq!(table.next_deadline(), Some(asked_at + MINUTE / 2));
    assert_eq!(table.take_lost(), 0);
}

#[test]
fn what_is_asked_for_is_not_asked_for_again() {
    let start = Instant::now();
    let (mut table, id) = opened(start);
    assert_eq!(ids(&table.due(start + MINUTE / 2)), [id]);
    for second in 30..60 {
        assert_eq!(table.due(start + second * SECOND), []);
    }
}

#[test]
fn an_extension_that_comes_after_the_end_brings_nothing_back() {
    let start = Instant::now();
    let asked_at = start + MINUTE / 2;
    for noticed in [false, true] {
        let (mut table, id) = opened(start);
        table.due(asked_at);
        let late = start + MINUTE;
        if noticed {
            assert_eq!(table.due(late), []);
        }
        assert!(!table.on_extended(id, late, asked_at, MINUTE));
        assert!(!table.is_held(id, late), "the stopped process holds on");
        assert_eq!((table.handles(late), table.due(late)), (vec![], vec![]));
        assert_eq!((table.take_lost(), table.take_lost(), table.next_deadline()), (1, 0, None));
        assert_eq!(table.in_flight(), 1);
    }
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let start = Instant::now();
    let asked_at = start + MINUTE / 2;
    let (mut table, id) = opened(start);
    assert!(!table.on_extended(id, start, start + SECOND, MINUTE));
    assert_eq!((table.until(id), table.next_deadline()), (Some(start + MINUTE), Some(asked_at)));
    table.due(asked_at);
    assert!(table.on_extended(id, asked_at, asked_at, MINUTE));
    assert!(!table.on_extended(id, asked_at + SECOND, asked_at + SECOND, MINUTE));
    assert_eq!(table.until(id), Some(asked_at + MINUTE));
}

#[test]
fn without_an_answer_it_is_lost_when_its_time_is_up() {
    let start = Instant::now();
    let (mut table, id) = opened(start);
    table.due(start + MINUTE / 2);
    assert_eq!(table.next_deadline(), Some(start + MINUTE));
    assert!(table.is_held(id, start + MINUTE - SECOND));
    assert_eq!((table.due(start + MINUTE), table.take_lost()), (vec![], 1));
}

#[test]
fn a_refused_receipt_is_lost_at_once_and_alone() {
    let start = Instant::now();
    let (mut table, refused) = opened(start);
    let kept = table.open(handle(&"kept"), start, start + MINUTE);
    let now = start + MINUTE / 2;
    assert_eq!(ids(&table.due(now)), [refused, kept]);
    assert!(table.on_failed(refused, now, true, 0.5));
    assert!(table.on_extended(kept, now, now, MINUTE));
    assert!(!table.is_held(refused, now) && table.is_held(kept, now));
    assert!(!table.is_held(refused, now - SECOND), "held for one who looked at his clock before");
    assert_eq!((table.handles(now), table.take_lost()), (vec![handle(&"kept")], 1));
    assert_eq!(ids(&table.due(now + MINUTE / 2)), [kept]);
}

#[test]
fn a_failed_extension_is_tried_again_in_a_quarter_of_what_is_left_and_never_after_the_end() {
    let start = Instant::now();
    let end = start + MINUTE;
    for (left, chance, pause) in [
        (20 * SECOND, 0.0, 20 * SECOND * 3 / 16),
        (20 * SECOND, 0.5, 20 * SECOND / 4),
        (20 * SECOND, 1.0, 20 * SECOND * 5 / 16),
        (2 * SECOND, 0.5, SECOND),
    ] {
        let (mut table, id) = opened(start);
        table.due(start + MINUTE / 2);
        assert!(table.on_failed(id, end - left, false, chance));
        assert_eq!(table.next_deadline(), Some(end - left + pause));
        assert_eq!(ids(&table.due(end - left + pause)), [id]);
    }
    for left in [SECOND, SECOND / 2] {
        let (mut table, id) = opened(start);
        table.due(start + MINUTE / 2);
        assert!(table.on_failed(id, end - left, false, 0.5));
        assert_eq!((table.next_deadline(), table.take_lost()), (Some(end), 0));
        assert_eq!((table.due(end), table.take_lost()), (vec![], 1));
    }
}

#[test]
fn what_is_being_settled_is_left_alone() {
    let start = Instant::now();
    let (mut table, id) = opened(start);
    table.settling(id);
    assert_eq!((table.next_deadline(), table.due(start + MINUTE / 2)), (None, vec![]));
    assert!(table.is_held(id, start + MINUTE / 2) && !table.is_held(id, start + MINUTE));
    assert_eq!((table.due(start + MINUTE), table.take_lost()), (vec![], 0));
}

#[test]
fn an_extension_that_races_the_settling_may_succeed_but_its_failure_means_nothing() {
    let start = Instant::now();
    let now = start + MINUTE / 2;
    let asked_and_settling = || {
        let (mut table, id) = opened(start);
        table.due(now);
        table.settling(id);
        (table, id)
    };
    let (mut table, id) = asked_and_settling();
    assert!(table.on_extended(id, now, now, MINUTE));
    assert_eq!((table.until(id), table.next_deadline()), (Some(now + MINUTE), None));
    for permanent in [false, true] {
        let (mut table, id) = asked_and_settling();
        assert!(!table.on_failed(id, now, permanent, 0.5), "a refusal that was to be expected is told");
        assert!(table.is_held(id, now));
        assert_eq!((table.take_lost(), table.next_deadline()), (0, None));
    }
}

#[test]
fn of_what_is_closed_or_unknown_nothing_more_is_heard() {
    let start = Instant::now();
    let now = start + MINUTE / 2;
    let (mut table, id) = opened(start);
    table.due(now);
    table.close(id);
    table.close(id);
    for id in [id, 77] {
        table.settling(id);
        assert!(!table.on_extended(id, now, now, MINUTE) && !table.on_failed(id, now, true, 0.5));
        assert!(!table.is_held(id, now) && table.until(id).is_none());
    }
    assert_eq!((table.in_flight(), table.take_lost(), table.next_deadline()), (0, 0, None));
}

#[test]
fn twelve_hours_are_the_end_with_one_timeout_to_spare() {
    let start = Instant::now();
    let hour = 60 * MINUTE;
    let (mut table, id) = opened(start);
    while let Some(now) = table.next_deadline() {
        for id in ids(&table.due(now)) {
            table.on_extended(id, now, now, MINUTE);
        }
        assert!(table.until(id).unwrap() <= start + 12 * hour - MINUTE);
    }
    assert_eq!(table.take_lost(), 1);
    assert!(table.until(id).unwrap() > start + 12 * hour - 2 * MINUTE, "given up too early");

    // Nor is it passed by one who comes late.
    let mut table = LeaseTable::default();
    let id = table.open(handle(&"half a day"), start, start + 4 * hour);
    assert_eq!(table.next_deadline(), Some(start + 2 * hour));
    assert_eq!(ids(&table.due(start + 2 * hour)), [id]);
    assert!(table.on_failed(id, start + 2 * hour, false, 0.5));
    let late = start + 4 * hour - SECOND;
    assert_eq!(ids(&table.due(late)), [id]);
    assert!(table.on_extended(id, late, late, 4 * hour));
    assert_eq!((table.due(late + 3 * hour), table.next_deadline()), (vec![], table.until(id)));
}

#[test]
fn tens_are_handed_out_and_those_that_end_first_come_first() {
    let start = Instant::now();
    let (mut table, urgent) = opened(start);
    // Its second attempt comes up later than the first of the others, who have more time.
    let failed_at = start + 40 * SECOND;
    table.due(failed_at);
    table.on_failed(urgent, failed_at, false, 0.5);
    let others: Vec<u64> = (1..=24)
        .rev()
        .map(|tenths| {
            let received_at = start + tenths * SECOND / 10;
            table.open(handle(&tenths), received_at, received_at + MINUTE)
        })
        .collect();
    let now = failed_at + 5 * SECOND;
    let mut due = Vec::new();
    for expected in [10, 10, 5, 0] {
        let ten = table.due(now);
        assert_eq!(ten.len(), expected);
        let more = due.len() + expected < 25;
        assert_eq!(table.next_deadline().is_some_and(|deadline| deadline <= now), more);
        due.extend(ids(&ten));
    }
    assert_eq!(due[0], urgent);
    assert!(due[1..].iter().eq(others.iter().rev()), "{due:?}");
}
