//! The queue and the table of scale beside those of the histories, which the contracts hold against real engines: what
//! either is asked, both answer alike.

use std::time::Duration;

use simulator::model::{Queue, Rules, Table};
use simulator::people::profile_of;
use simulator::scale::capacity::Provision;
use simulator::scale::queue::{IN_FLIGHT_QUOTA, Queue as LeanQueue};
use simulator::scale::table::{Put, Table as LeanTable};
use tokio::time::Instant;

use crate::scene::{HOUR, MINUTE, SECOND};

const VISIBILITY: Duration = MINUTE;

#[test]
fn the_queue_of_millions_answers_as_the_one_the_contracts_know() {
    let mut seen = [0_u64; 6];
    for seed in 0..300 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let rules = Rules { max_receive_count: Some(dice.u32(1..6)), ..Rules::default() };
        let (mut queue, mut lean) = (Queue::new(rules), LeanQueue::new(rules, IN_FLIGHT_QUOTA));
        let (begun, mut now) = (Instant::now(), Duration::ZERO);
        let mut receipts = Vec::new();
        for _ in 0..100 {
            let at = begun + now;
            let asked = dice.usize(0..6);
            match asked {
                0 => {
                    let count = dice.u64(0..8);
                    for _ in 0..count {
                        queue.send(at, String::new(), None, Duration::ZERO);
                    }
                    lean.send(now, count);
                }
                1 | 2 => {
                    let max = dice.usize(1..=10);
                    let (lent, leanly) = (
                        queue.receive(at, max, VISIBILITY),
                        lean.receive(now, max, VISIBILITY, true).unwrap(),
                    );
                    let told = |lent: &simulator::model::Lent| {
                        (lent.id, lent.receive_count, lent.sent_at - begun, lent.first_received_at - begun)
                    };
                    let leanly_told: Vec<_> = leanly
                        .iter()
                        .map(|lent| {
                            let receipt = lent.receipt;
                            (receipt.message, receipt.receive, lent.sent_at, lent.first_received_at)
                        })
                        .collect();
                    assert_eq!(lent.iter().map(told).collect::<Vec<_>>(), leanly_told, "seed {seed}");
                    receipts.extend(
                        lent.iter().map(|lent| lent.receipt).zip(leanly.iter().map(|lent| lent.receipt)),
                    );
                }
                3 if !receipts.is_empty() => {
                    let (receipt, leanly) = receipts[dice.usize(0..receipts.len())];
                    let lapsed = (queue.has_lapsed(at, receipt), lean.has_lapsed(now, leanly));
                    assert_eq!(lapsed.0, lapsed.1, "seed {seed}");
                    assert_eq!(
                        queue.delete(receipt).unwrap().is_some(),
                        lean.delete(leanly).is_some(),
                        "seed {seed}"
                    );
                }
                4 if !receipts.is_empty() => {
                    let (receipt, leanly) = receipts[dice.usize(0..receipts.len())];
                    let after = [Duration::ZERO, SECOND, MINUTE, 12 * HOUR][dice.usize(0..4)];
                    let changed = queue.change_visibility(at, receipt, after);
                    assert_eq!(changed, lean.change_visibility(now, leanly, after), "seed {seed}");
                }
                5 => now += [SECOND, 20 * SECOND, MINUTE, 2 * HOUR][dice.usize(0..4)],
                _ => continue,
            }
            seen[asked] += 1;
            let (visible, in_flight, _) = queue.depth(begun + now);
            assert_eq!((visible as u64, in_flight as u64), lean.depth(now), "seed {seed}");
            let dead: Vec<_> = queue.dead_letters().iter().filter_map(|letter| letter.id).collect();
            assert_eq!(
                (dead.as_slice(), queue.most_receives()),
                (lean.dead(), lean.most_receives()),
                "seed {seed}"
            );
            assert_eq!(queue.is_empty(), lean.is_empty(), "seed {seed}");
        }
    }
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
}

#[test]
fn at_its_quota_in_flight_a_long_poll_brings_nothing_and_a_short_one_is_an_error() {
    let mut queue = LeanQueue::new(Rules::default(), 15);
    queue.send(Duration::ZERO, 30);
    let mut receive = |now, is_long| queue.receive(now, 10, VISIBILITY, is_long).map(|lent| lent.len());
    assert_eq!([receive(SECOND, true), receive(SECOND, true)], [Ok(10), Ok(5)]);
    assert_eq!((receive(SECOND, true), receive(SECOND, false)), (Ok(0), Err("OverLimit")));
    assert_eq!(receive(SECOND + VISIBILITY, true), Ok(10), "what is visible again is not in flight");
}

#[test]
fn a_message_that_nobody_receives_for_as_long_as_it_is_kept_expires() {
    let rules = Rules { retention: HOUR, ..Rules::default() };
    let (mut queue, mut lean) = (Queue::new(rules), LeanQueue::new(rules, IN_FLIGHT_QUOTA));
    let begun = Instant::now();
    for _ in 0..5 {
        queue.send(begun, String::new(), None, Duration::ZERO);
    }
    lean.send(Duration::ZERO, 5);
    queue.receive(begun, 2, VISIBILITY);
    lean.receive(Duration::ZERO, 2, VISIBILITY, true).unwrap();
    assert!(queue.receive(begun + HOUR, 10, VISIBILITY).is_empty());
    assert!(lean.receive(HOUR, 10, VISIBILITY, true).unwrap().is_empty());
    assert_eq!((queue.expired().len() as u64, lean.is_empty()), (lean.expired(), true));
}

#[test]
fn the_table_of_millions_answers_as_the_one_the_contracts_know() {
    let (mut table, mut lean) = (Table::default(), LeanTable::new(Provision::Unlimited, 0.0));
    let mut dice = fastrand::Rng::with_seed(7);
    for _ in 0..2000 {
        let profile = profile_of(dice.u64(0..300));
        let made = table.put_if_absent(&profile).unwrap().is_none();
        let put = lean.put_if_absent(Duration::ZERO, &profile);
        assert_eq!(put, Ok(if made { Put::Made } else { Put::Present }));
    }
    assert_eq!(table.rows().len() as u64, lean.made());
    // Somebody else's item under a user's key.
    let (mut wrong, own) = (profile_of(640), profile_of(641));
    wrong.item = own.item;
    assert!(lean.put_if_absent(Duration::ZERO, &wrong).is_err());
}
