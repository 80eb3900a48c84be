//! Rules of one queue, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use super::super::letter::{Ask, Delivery, Letter};
use super::super::message::{Message, WireMessage};
use super::super::random_uuid;
use super::{Counts, HoldRefused, LONGEST_HOLD, Queue};

const DAY: u64 = 86_400_000;
const ASK: Ask =
    Ask { max: 10, visibility: 30_000, dead_after: None, in_flight_limit: 120_000, running: Duration::ZERO };

fn message(body: &str, group: Option<&str>) -> Arc<Message> {
    let wire = serde_json::json!({ "MessageBody": body, "MessageGroupId": group });
    let wire: WireMessage = serde_json::from_value(wire).unwrap();
    Arc::new(wire.check(1024).unwrap())
}

fn put(queue: &mut Queue, now: u64, body: &str) {
    let letter = Letter::new(random_uuid(), message(body, None), now);
    queue.put(now, letter, 0);
}

fn receive(queue: &mut Queue, now: u64, ask: Ask) -> Vec<Delivery> {
    queue.receive(now, ask).deliveries
}

fn counts(visible: usize, in_flight: usize, delayed: usize) -> Counts {
    Counts { visible, in_flight, delayed }
}

#[test]
fn a_message_comes_back_with_a_new_handle_when_its_visibility_ends() {
    let mut queue = Queue::new(7, DAY);
    put(&mut queue, 0, "a");
    let first = receive(&mut queue, 0, ASK).remove(0);
    assert!(receive(&mut queue, 29_999, ASK).is_empty());
    let second = receive(&mut queue, 30_000, ASK).remove(0);
    assert_eq!(second.letter.id, first.letter.id);
    assert_eq!(second.letter.receives, 2);
    assert_eq!(second.letter.first_received_at, Some(0));
    assert_ne!(second.receipt, first.receipt);
    // The old handle neither deletes nor holds what someone else has now.
    assert!(!queue.delete(&first.receipt));
    assert_eq!(queue.hold(30_000, &first.receipt, 1000), Err(HoldRefused::NotYours));
    assert!(queue.delete(&second.receipt));
    assert!(!queue.delete(&second.receipt));
    assert_eq!(queue.counts(30_000), counts(0, 0, 0));
}

#[test]
fn the_latest_handle_deletes_also_after_its_visibility_ended() {
    let mut queue = Queue::new(7, DAY);
    put(&mut queue, 0, "a");
    let got = receive(&mut queue, 0, ASK).remove(0);
    assert_eq!(queue.counts(40_000), counts(1, 0, 0));
    assert!(queue.delete(&got.receipt));
    assert_eq!(queue.counts(40_000), counts(0, 0, 0));
    assert!(receive(&mut queue, 40_000, ASK).is_empty());
}

#[test]
fn a_handle_knows_its_own_receive_and_only_while_it_is_the_latest() {
    let mut queue = Queue::new(7, DAY);
    put(&mut queue, 5, "a");
    let seconds = Duration::from_secs;
    let first = receive(&mut queue, 5, Ask { running: seconds(1), ..ASK }).remove(0);
    assert_eq!(queue.received(&first.receipt), Some((5, seconds(1))));
    let second = receive(&mut queue, 30_005, Ask { running: seconds(31), ..ASK }).remove(0);
    assert_eq!(queue.received(&first.receipt), None);
    assert_eq!(queue.received(&second.receipt), Some((5, seconds(31))));
    assert!(queue.delete(&second.receipt));
    assert_eq!(queue.received(&second.receipt), None);
}

#[test]
fn holding_is_counted_from_the_call_and_capped_from_the_receive() {
    let mut queue = Queue::new(7, 14 * DAY);
    put(&mut queue, 0, "a");
    let got = receive(&mut queue, 0, ASK).remove(0);
    queue.hold(20_000, &got.receipt, 20_000).unwrap();
    assert!(receive(&mut queue, 39_999, ASK).is_empty());
    let beyond = LONGEST_HOLD - 39_999 + 1;
    assert_eq!(queue.hold(39_999, &got.receipt, beyond), Err(HoldRefused::BeyondLongestHold));
    queue.hold(39_999, &got.receipt, beyond - 1).unwrap();
    assert_eq!(queue.next_deadline(), Some(LONGEST_HOLD));
    queue.hold(40_000, &got.receipt, 0).unwrap();
    assert_eq!(queue.hold(40_000, &got.receipt, 5), Err(HoldRefused::NotInFlight));
    assert_eq!(receive(&mut queue, 40_000, ASK).len(), 1);
}

#[test]
fn a_receive_with_visibility_zero_gives_a_message_once_and_leaves_it_visible() {
    let mut queue = Queue::new(7, DAY);
    put(&mut queue, 0, "a");
    let ask = Ask { visibility: 0, ..ASK };
    assert_eq!(receive(&mut queue, 0, ask).len(), 1);
    assert_eq!(receive(&mut queue, 0, ask).len(), 1);
    assert_eq!(queue.counts(0), counts(1, 0, 0));
}

#[test]
fn delayed_messages_appear_in_time_and_count_as_delayed() {
    let mut queue = Queue::new(7, DAY);
    queue.put(0, Letter::new(random_uuid(), message("a", None), 0), 5000);
    assert_eq!(queue.counts(4999), counts(0, 0, 1));
    assert_eq!(queue.next_deadline(), Some(5000));
    assert_eq!(receive(&mut queue, 5000, ASK).len(), 1);
}

#[test]
fn retention_ends_visible_hidden_and_held_messages_alike() {
    let mut queue = Queue::new(7, 60_000);
    put(&mut queue, 0, "in flight");
    let held = receive(&mut queue, 0, ASK).remove(0);
    queue.hold(0, &held.receipt, DAY / 24).unwrap();
    put(&mut queue, 1, "visible");
    queue.put(2, Letter::new(random_uuid(), message("x", None), 2), 900_000);
    put(&mut queue, 3, "younger");
    assert_eq!(queue.counts(60_000), counts(2, 0, 1));
    assert_eq!(queue.counts(60_002), counts(1, 0, 0));
    assert_eq!(receive(&mut queue, 60_002, ASK)[0].letter.message.body, "younger");
}

#[test]
fn a_message_dies_on_the_receive_beyond_the_limit_and_not_before() {
    let mut queue = Queue::new(7, DAY);
    put(&mut queue, 0, "a");
    let ask = Ask { dead_after: Some(2), ..ASK };
    assert_eq!(receive(&mut queue, 0, ask).len(), 1);
    assert_eq!(receive(&mut queue, 30_000, ask).len(), 1);
    let third = queue.receive(60_000, ask);
    assert!(third.deliveries.is_empty());
    let dead = third.dead.into_iter().next().unwrap();
    assert_eq!((dead.receives, dead.sent_at), (2, 0));
    assert_eq!(queue.counts(60_000), counts(0, 0, 0));

    // Its count goes on for clients, but a limit of the next queue starts afresh.
    let mut next = Queue::new(8, DAY);
    next.put(60_000, dead, 0);
    assert_eq!(receive(&mut next, 60_000, ask)[0].letter.receives, 3);
}

#[test]
fn the_in_flight_quota_stops_receives_until_something_settles() {
    let mut queue = Queue::new(7, DAY);
    for n in 0..120_002 {
        put(&mut queue, n, "a");
    }
    let mut last = None;
    for _ in 0..12_000 {
        last = receive(&mut queue, 120_002, ASK).pop();
    }
    let refused = queue.receive(120_002, ASK);
    assert!(refused.at_limit && refused.deliveries.is_empty());
    assert!(queue.delete(&last.unwrap().receipt));
    assert_eq!(receive(&mut queue, 120_002, ASK).len(), 1);
}

#[test]
fn moving_takes_visible_messages_without_counting_a_receive() {
    let mut queue = Queue::new(7, DAY);
    put(&mut queue, 0, "held");
    assert_eq!(receive(&mut queue, 0, ASK).len(), 1);
    put(&mut queue, 1, "free");
    let taken = queue.take(1).unwrap();
    assert_eq!((taken.message.body.as_str(), taken.receives), ("free", 0));
    assert!(queue.take(1).is_none());
    assert_eq!(queue.counts(1), counts(0, 1, 0));
}

/// Not a timing: with a scan per step this would be some 10^11 comparisons and never end.
#[test]
fn a_million_messages_are_received_and_deleted_without_scanning() {
    let mut queue = Queue::new(7, DAY);
    let shared = message("a", None);
    for n in 0..1_000_000 {
        queue.put(n / 1000, Letter::new(random_uuid(), Arc::clone(&shared), n / 1000), 0);
    }
    let mut settled = 0;
    while settled < 1_000_000 {
        for got in receive(&mut queue, 2000, ASK) {
            assert!(queue.delete(&got.receipt));
            settled += 1;
        }
    }
    assert_eq!(queue.counts(2000), counts(0, 0, 0));
}

/// Random steps against the plainest possible account of what must be where.
#[test]
fn counts_stay_true_under_random_steps() {
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let mut queue = Queue::new(7, DAY);
    let (mut now, mut sent, mut gone) = (0, 0_usize, 0_usize);
    let mut receipts = Vec::new();
    for _ in 0..50_000 {
        now += random.u64(0..500);
        match random.u8(0..5) {
            0 => {
                let delay = random.u64(0..2) * 3000;
                let group = random.choice([None, Some("a"), Some("b")]).unwrap();
                queue.put(now, Letter::new(random_uuid(), message("x", group), now), delay);
                sent += 1;
            }
            1 => receipts.extend(queue.receive(now, ASK).deliveries.into_iter().map(|got| got.receipt)),
            2 if !receipts.is_empty() => {
                let receipt = receipts.swap_remove(random.usize(..receipts.len()));
                gone += usize::from(queue.delete(&receipt));
            }
            3 if !receipts.is_empty() => {
                let receipt = receipts[random.usize(..receipts.len())];
                let _ = queue.hold(now, &receipt, random.u64(0..60) * 1000);
            }
            _ => gone += usize::from(random.u8(0..50) == 0 && queue.take(now).is_some()),
        }
        let counts = queue.counts(now);
        assert_eq!(counts.visible + counts.in_flight + counts.delayed, sent - gone);
        assert!(queue.next_deadline().is_none_or(|deadline| deadline > now));
    }
    // What the counts claim is there can be received, to the last message.
    now += DAY / 2;
    let mut left = sent - gone;
    let one = Ask { max: 1, ..ASK };
    while let Some(got) = receive(&mut queue, now, one).pop() {
        assert!(queue.delete(&got.receipt));
        left -= 1;
    }
    assert_eq!(left, 0);
}
