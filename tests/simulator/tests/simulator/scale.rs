//! Many workers and many messages, in small: what docs/scaling.md says of the large runs, as far as it does not depend
//! on their size. All of it in virtual time, so that numbers are facts of the run and not of the machine.

#![allow(clippy::cast_precision_loss, reason = "rates of counts far below 2^53")]

use std::time::Duration;

use simulator::scale::capacity::{Capacity, PARTITION, Provision, QUOTA};
use simulator::scale::scenario::Asked;
use simulator::scale::{Plan, Report, Scenario, run};
use simulator::trouble::Operation;

use crate::scene::{HOUR, MINUTE, SECOND};

mod agreement;

/// Lives it. Whatever else is asked, the promise is kept.
#[track_caller]
fn kept(plan: &Plan) -> Report {
    let report = run(plan, |_, _| {});
    assert!(report.violations.is_empty(), "{:#?}\n{plan:?}", report.violations);
    assert_eq!((report.dead_letters, report.rows), (0, plan.messages - plan.messages / 10));
    report
}

fn unlimited(workers: usize, messages: u64) -> Plan {
    Plan { provision: Provision::Unlimited, ..Plan::standing(workers, messages) }
}

#[test]
fn sixty_four_workers_share_a_backlog_and_receive_nothing_twice() {
    let report = kept(&Plan::standing(64, 8000));
    assert_eq!((report.receives_wasted, report.most_receives), (0, 1));
    // The fewest possible are 236; hands that are not full at the end of a short run are the rest.
    assert!(report.calls_per_1000 < 350.0, "{}", report.calls_per_1000);
    assert!(report.most_polls > 64, "{}", report.most_polls);
}

#[test]
fn four_workers_are_nearly_four_times_as_fast_as_one() {
    let (one, four) = (kept(&unlimited(1, 16_000)), kept(&unlimited(4, 16_000)));
    let ratio = one.drained_in_s / four.drained_in_s;
    // What is lacking is the first second, in which both find out how much they may.
    assert!((3.0..=4.1).contains(&ratio), "{ratio}");
}

#[test]
fn a_task_is_as_fast_as_its_processor_and_asks_for_no_more_than_it_can_retire() {
    let quarter = kept(&unlimited(1, 16_000));
    // 66 ms of CPU for 1,000 messages, on a quarter of a processor.
    assert!((3300.0..=3900.0).contains(&quarter.messages_per_s), "{}", quarter.messages_per_s);
    assert!((62.0..=70.0).contains(&quarter.cpu_ms_per_1000), "{}", quarter.cpu_ms_per_1000);
    assert!(quarter.receive_to_delete_p99_ms < 250, "{}", quarter.receive_to_delete_p99_ms);
    let free = kept(&Plan { vcpus: 0.0, ..unlimited(1, 16_000) });
    assert!(free.messages_per_s > 1.3 * quarter.messages_per_s, "{}", free.messages_per_s);
}

#[test]
fn a_table_that_takes_4000_a_second_is_used_to_the_full_and_not_fought() {
    let report = kept(&Plan { provision: Provision::New(30 * MINUTE), ..Plan::standing(4, 24_000) });
    let written = report.rows as f64 / report.drained_in_s;
    assert!(written > 3200.0, "{written} rows a second");
    assert!(report.throttled > 0 && report.throttled_share < 0.15, "{}", report.throttled_share);
    assert_eq!(report.receives_wasted, 0, "a throttled write gave its message back");
}

#[test]
fn workers_take_what_a_table_takes_as_it_warms_up() {
    let plan = Plan { provision: Provision::New(10 * SECOND), ..Plan::standing(4, 60_000) };
    let report = kept(&plan);
    let deleted_by = |second: f64| {
        let seen = report.samples.iter().rev().find(|sample| sample.at_s <= second);
        seen.map_or(0, |sample| sample.deleted)
    };
    let (before, after) = (deleted_by(9.1) - deleted_by(7.1), deleted_by(12.1) - deleted_by(10.1));
    assert!(after * 10 > before * 14, "{before} in two seconds, then {after}");
    assert!(report.samples.iter().any(|sample| sample.capacity > Some(7000.0)));
}

#[test]
fn one_hot_partition_holds_up_nobody_for_ever() {
    let even = kept(&Plan { provision: Provision::New(MINUTE), ..Plan::standing(4, 12_000) });
    let hot = kept(&Plan { provision: Provision::New(MINUTE), hot: 0.3, ..Plan::standing(4, 12_000) });
    // Three tenths of the rows at 1,000 a second are the least that it can take.
    assert!(hot.drained_in_s > even.drained_in_s && hot.drained_in_s < 10.0, "{}", hot.drained_in_s);
    assert!(hot.receives_wasted * 100 < hot.messages, "{}", hot.receives_wasted);
}

/// An hour of sign-ups, some of which are edited; then thirteen hours without a table.
fn outage(messages: u64) -> Plan {
    Plan {
        arrive: Duration::ZERO..14 * HOUR,
        outage: Some(HOUR..14 * HOUR),
        edits: Some(HOUR),
        provision: Provision::New(30 * MINUTE),
        ..Plan::standing(4, messages)
    }
}

#[test]
fn thirteen_hours_without_a_table_cost_each_worker_two_receives_an_hour() {
    let plan = outage(6000);
    let report = kept(&plan);
    // Two in a hold budget of an hour, a few more at its beginning, and what was in hand then.
    let most = plan.workers as u64 * (2 * 13 + 10);
    assert!((1..=most).contains(&report.receives_wasted), "{} wasted", report.receives_wasted);
    assert!(report.most_receives < 30, "{} receives of one message", report.most_receives);
    assert!(report.backlog > 5000 && report.drained_in_s < 60.0, "{} s", report.drained_in_s);
    assert!(report.edits > 20 && report.met_an_edit > 0, "{} of {}", report.met_an_edit, report.edits);
}

#[test]
fn the_same_night_with_a_small_receive_count_is_told() {
    let report = run(&Plan { max_receive_count: 2, ..outage(1000) }, |_, _| {});
    assert!(report.dead_letters > 0);
    let told = report.violations.iter().any(|text| text.contains("in the dead-letter queue"));
    assert!(told, "{:?}", report.violations);
}

#[test]
fn an_idle_worker_that_is_overrun_has_all_its_receivers_within_one_poll() {
    for (_, plan) in Scenario::Burst.plans(&Asked { messages: Some(8000), ..Asked::default() }) {
        let report = kept(&plan);
        assert!(report.first_receive_s < 0.1, "{} s to the first receive", report.first_receive_s);
        assert_eq!(report.most_polls, 16);
        let wait = plan.settings.wait_time.as_secs_f64();
        assert!(report.receivers_grown_s < wait / 10.0, "{} s until all polled", report.receivers_grown_s);
        assert_eq!(report.receives_wasted, 0);
    }
}

#[test]
fn the_quota_in_flight_is_met_and_nothing_spins() {
    let plan = Plan { in_flight_quota: 150, ..unlimited(8, 8000) };
    let report = kept(&plan);
    assert_eq!(report.most_in_flight, 150);
    assert_eq!(report.receives_wasted, 0);
    let polls = report.calls_of(Operation::Receive);
    // A poll that comes back at once without anything is followed by a pause.
    assert!(polls < 8000, "{polls} polls for 8,000 messages");
}

#[test]
fn a_partition_takes_1000_and_a_table_twice_its_peak_half_an_hour_later() {
    let takes = |capacity: &mut Capacity, from: u64, places: &dyn Fn(u64) -> f64| {
        // Ten seconds, asked 100,000 times a second.
        let asked = (0..1_000_000_u64).filter(|nth| {
            let now = Duration::from_secs(from) + Duration::from_micros(nth * 10);
            capacity.take(now, places(*nth))
        });
        asked.count() as f64 / 10.0
    };
    let even = |nth: u64| (nth * 7919 % 1000) as f64 / 1000.0;
    let mut new = Capacity::new(Provision::New(30 * MINUTE));
    // Ten seconds' worth, and what was there at the beginning.
    let taken = takes(&mut new, 0, &even);
    assert!((4390.0..=4400.0).contains(&taken), "{taken}");
    let taken = takes(&mut new, 60, &|_| 0.1);
    assert!((PARTITION..=1.1 * PARTITION).contains(&taken), "{taken}");
    assert_eq!(new.units(), Some(4000.0));
    let grown = takes(&mut new, 30 * 60, &even);
    assert!((8780.0..=8800.0).contains(&grown), "{grown}");
    for half_hour in 2..8 {
        takes(&mut new, half_hour * 30 * 60, &even);
    }
    assert_eq!(new.units(), Some(QUOTA));
    assert_eq!(Capacity::new(Provision::Unlimited).units(), None);
}

#[test]
fn a_seed_is_one_run() {
    let plan = Plan::standing(4, 3000);
    let (first, again) = (kept(&plan), kept(&plan));
    assert_eq!((&first.digest, first.drained_in_s), (&again.digest, again.drained_in_s));
    assert_ne!(first.digest, kept(&Plan { seed: 1, ..plan }).digest);
}
