//! The heartbeat on a paused clock, against the queue of `scripted.rs`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;
use crate::delivery::Delivery;
use crate::permits::Permits;
use crate::pipeline::{self, Ended, Settings, Stop, WriteStrategy, fixture};
use crate::ports::Message;
use crate::telemetry::captured::Lines;
use crate::verify;
use scripted::{Answer, Queue, Table, VISIBILITY, WRITE, events};

mod scripted;

const SECOND: Duration = Duration::from_secs(1);

fn shared(queue: Queue) -> Arc<Shared<Queue, Table>> {
    let settings = Settings {
        visibility_timeout: VISIBILITY,
        write_deadline: WRITE + 5 * SECOND,
        drain_deadline: 1000 * SECOND,
        write_strategy: WriteStrategy::Put,
        ..fixture::settings()
    };
    Arc::new(fixture::shared(queue, Table, settings))
}

fn message(name: &str, body: String) -> Message {
    let now = Timestamp::from_epoch_ms(0).unwrap();
    Message {
        id: name.to_owned(),
        handle: ReceiptHandle(name.to_owned()),
        body,
        receive_count: 1,
        sent_at: now,
        first_received_at: now,
        traceparent: None,
        earlier_note: None,
    }
}

/// Deliveries in hand, received now.
async fn hold(shared: &Shared<Queue, Table>, visibility: Duration, names: &[&str]) -> Vec<Delivery> {
    let permits = Permits::new(names.len(), Arc::default()).acquire(names.len(), SECOND).await;
    let deliver = |(name, permit): (&&str, _)| {
        let delivery =
            Delivery::new(message(name, String::new()), Instant::now(), visibility, &shared.leases, permit);
        shared.queue.hide(&delivery.message.handle, Instant::now());
        delivery
    };
    names.iter().zip(permits).map(deliver).collect()
}

fn start(shared: &Arc<Shared<Queue, Table>>) -> (JoinHandle<()>, CancellationToken) {
    let done = CancellationToken::new();
    (tokio::spawn(run(Arc::clone(shared), done.clone())), done)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("m{nth}")).collect()
}

fn all_are_held(deliveries: &[Delivery]) -> bool {
    deliveries.iter().all(|delivery| delivery.lease.is_held(Instant::now()))
}

#[tokio::test(start_paused = true)]
async fn what_is_held_for_an_hour_stays_ours_at_one_call_for_ten_each_half_minute() {
    let shared = shared(Queue::scripted([]));
    let (beat, done) = start(&shared);
    let names = names(25);
    let deliveries = hold(&shared, VISIBILITY, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for second in 0..3600 {
        assert!(all_are_held(&deliveries), "lost after {second} seconds");
        for delivery in &deliveries {
            let really = shared.queue.invisible_until.lock().unwrap()[&delivery.message.handle];
            assert!(delivery.lease.until() <= really, "held for longer than SQS says");
        }
        sleep(SECOND).await;
    }
    // The first after 30 seconds, the last before the hour is full.
    assert_eq!(shared.queue.calls(), 3 * 119);
    let stats = shared.stats.snapshot(Instant::now());
    assert_eq!((stats.leases_extended, stats.leases_lost), (25 * 119, 0));
    drop(deliveries);
    sleep(10 * VISIBILITY).await;
    assert_eq!(shared.queue.calls(), 3 * 119, "what is settled is still extended");
    done.cancel();
    beat.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_in_whole_or_in_part_is_made_again_in_time() {
    for fault in [Answer::Unavailable, Answer::Unsendable, Answer::TooShort] {
        let shared = shared(Queue::scripted([fault, fault, fault]));
        let _beat = start(&shared);
        let deliveries = hold(&shared, VISIBILITY, &["a", "b", "c"]).await;
        for _ in 0..300 {
            sleep(SECOND).await;
            assert!(all_are_held(&deliveries), "{fault:?}");
        }
        let stats = shared.stats.snapshot(Instant::now());
        let (failed, class) = match fault {
            Answer::TooShort => (3, "unavailable"),
            Answer::Unsendable => (9, "refused"),
            _ => (9, "unavailable"),
        };
        assert_eq!(stats.errors, [(format!("extend.{class}"), failed)].into(), "{fault:?}");
        assert_eq!(stats.leases_lost, 0, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_receipt_is_lost_and_the_others_of_its_call_are_kept() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let shared = shared(Queue::scripted([Answer::Refused("b")]));
    let _beat = start(&shared);
    let deliveries = hold(&shared, VISIBILITY, &["a", "b", "c"]).await;
    sleep(VISIBILITY / 2 + SECOND).await;
    let held = |delivery: &Delivery| delivery.lease.is_held(Instant::now());
    assert_eq!(deliveries.iter().map(held).collect::<Vec<_>>(), [true, false, true]);
    sleep(10 * VISIBILITY).await;
    assert_eq!(deliveries.iter().map(held).collect::<Vec<_>>(), [true, false, true]);
    let extensions = shared.queue.extensions.lock().unwrap();
    assert!(extensions[1..].iter().all(|handles| handles.iter().all(|handle| handle != "b")));
    let stats = shared.stats.snapshot(Instant::now());
    assert_eq!((stats.leases_lost, stats.errors), (1, [("extend.refused".to_owned(), 1)].into()));
    assert_eq!(events(&lines), [("extend_failed".to_owned(), 1), ("leases_lost".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_one_line_for_all_the_leases_of_its_call() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let shared = shared(Queue::scripted([Answer::Unavailable; 100]));
    let _beat = start(&shared);
    let deliveries = hold(&shared, VISIBILITY, &["a", "b", "c", "d", "e"]).await;
    sleep(2 * VISIBILITY).await;
    assert!(!deliveries.iter().any(|delivery| delivery.lease.is_held(Instant::now())));
    let mut events = events(&lines);
    // The last attempt may be answered after the end.
    let lost = events.iter().position(|(event, _)| event == "leases_lost").unwrap();
    assert_eq!(events.remove(lost), ("leases_lost".to_owned(), 5));
    // What failed together is tried again together.
    assert_eq!(events, vec![("extend_failed".to_owned(), 5); shared.queue.calls()]);
    assert!(events.len() > 5, "given up after {} attempts", events.len());
    let stats = shared.stats.snapshot(Instant::now());
    assert_eq!((stats.leases_lost, stats.errors["extend.unavailable"]), (5, 5 * events.len() as u64));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_settled_is_left_alone() {
    let shared = shared(Queue::scripted([Answer::Refused("raced")]));
    let _beat = start(&shared);
    let deliveries = hold(&shared, VISIBILITY, &["before", "raced"]).await;
    deliveries[0].lease.begin_settling();
    // The answer to the extension comes when the settling has begun.
    sleep(VISIBILITY / 2 + shared.queue.latency / 2).await;
    assert_eq!(*shared.queue.extensions.lock().unwrap(), [["raced"]]);
    deliveries[1].lease.begin_settling();
    sleep(VISIBILITY / 4).await;
    assert!(all_are_held(&deliveries));
    sleep(VISIBILITY).await;
    assert_eq!(shared.queue.calls(), 1);
    let stats = shared.stats.snapshot(Instant::now());
    assert_eq!((stats.errors.len(), stats.leases_lost), (0, 0), "a refusal that was to be expected is told");
}

#[tokio::test(start_paused = true)]
async fn an_extension_answered_after_the_end_brings_nothing_back() {
    let shared = shared(Queue::scripted([Answer::Late(VISIBILITY * 3 / 4)]));
    let _beat = start(&shared);
    let deliveries = hold(&shared, VISIBILITY, &["a"]).await;
    sleep(VISIBILITY + SECOND / 100).await;
    for _ in 0..120 {
        assert!(!all_are_held(&deliveries));
        sleep(SECOND).await;
    }
    let stats = shared.stats.snapshot(Instant::now());
    assert_eq!((stats.leases_extended, stats.leases_lost), (0, 1));
    assert_eq!(shared.queue.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_lapsed_or_was_settled_before_the_call_left_is_not_asked_for() {
    let shared = shared(Queue::scripted([]));
    let mut early = hold(&shared, VISIBILITY, &["lapses", "settled"]).await;
    sleep(VISIBILITY / 4).await;
    let _late = hold(&shared, VISIBILITY, &["late"]).await;
    sleep(VISIBILITY / 2).await;
    let ten = shared.leases.with(LeaseTable::due);
    assert_eq!(ten.len(), 3);
    drop(early.pop());
    sleep(VISIBILITY * 3 / 8).await;
    extend(Arc::clone(&shared), ten).await;
    assert_eq!(*shared.queue.extensions.lock().unwrap(), [["late"]]);
}

#[tokio::test(start_paused = true)]
async fn several_tens_are_extended_at_once_but_not_all() {
    let shared = shared(Queue { latency: 2 * SECOND, ..Queue::default() });
    let _beat = start(&shared);
    let names = names(500);
    let deliveries = hold(&shared, VISIBILITY, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for _ in 0..600 {
        sleep(SECOND).await;
        assert!(all_are_held(&deliveries));
    }
    assert_eq!(shared.queue.most_in_the_air.load(Ordering::Relaxed), AT_ONCE);
    assert!(shared.queue.extensions.lock().unwrap().iter().all(|handles| handles.len() <= 10));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_due_before_all_others_wakes_it() {
    let shared = shared(Queue::scripted([]));
    let _beat = start(&shared);
    sleep(VISIBILITY).await;
    let long = hold(&shared, 10 * VISIBILITY, &["long"]).await;
    sleep(VISIBILITY).await;
    let short = hold(&shared, VISIBILITY, &["short"]).await;
    sleep(2 * VISIBILITY).await;
    assert!(all_are_held(&long) && all_are_held(&short));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_costs_its_own_leases_and_no_others() {
    let shared = shared(Queue::scripted([Answer::Panics]));
    let (beat, done) = start(&shared);
    let harmed = hold(&shared, VISIBILITY, &["harmed"]).await;
    sleep(SECOND).await;
    let others = hold(&shared, VISIBILITY, &["other"]).await;
    sleep(3 * VISIBILITY).await;
    assert!(!all_are_held(&harmed) && all_are_held(&others));
    assert_eq!(shared.stats.snapshot(Instant::now()).leases_lost, 1);
    done.cancel();
    beat.await.unwrap();
}

/// A message that is to become an item.
fn confirmation(user: usize) -> Message {
    let body = format!(
        r#"{{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
            "sub":"00000000-0000-0000-0000-{user:012x}","username":"u","observedAt":"2026-11-22T20:05:38.123Z"}}"#
    );
    message(&format!("m{user}"), body)
}

/// Runs the whole pipeline over so many confirmations; it is asked to stop when it has all of them.
async fn drained(shared: &Arc<Shared<Queue, Table>>, confirmations: usize) {
    *shared.queue.waiting.lock().unwrap() = (0..confirmations).map(confirmation).collect();
    let stop = Stop::default();
    let pipeline = tokio::spawn(pipeline::run(Arc::clone(shared), verify::OFF, stop.clone()));
    while shared.stats.received() < confirmations as u64 {
        sleep(SECOND / 10).await;
    }
    stop.soft.cancel();
    assert_eq!(pipeline.await.unwrap(), Ended::Drained);
    let stats = shared.stats.snapshot(Instant::now());
    assert_eq!((stats.outcomes["created"], stats.in_flight), (confirmations as u64, 0));
    assert_eq!((stats.leases_lost, stats.failed_deletes, shared.leases.in_flight()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_long_for_its_write_is_ours_to_the_end_of_the_drain() {
    let shared = shared(Queue::default());
    let begun = Instant::now();
    // Six rounds of sixty-four writes: the last begins when the first timeout is long over.
    drained(&shared, 384).await;
    assert!(begun.elapsed() > 5 * WRITE, "the drain was short: {:?}", begun.elapsed());
    assert!(shared.stats.snapshot(Instant::now()).leases_extended > 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_not_extended() {
    let shared = shared(Queue { delete_latency: VISIBILITY / 2, ..Queue::default() });
    let begun = Instant::now();
    drained(&shared, 5).await;
    assert!(begun.elapsed() > VISIBILITY / 2, "the deletes were quick: {:?}", begun.elapsed());
    assert_eq!(shared.queue.calls(), 0);
}
