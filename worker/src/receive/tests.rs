//! The source against a queue in memory, on a paused clock: what it asks for and when, and that nothing it
//! was handed is forgotten.

use std::collections::VecDeque;
use std::sync::Mutex;

use domain::TriggerSource;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;
use crate::decide::breaker::Patience;
use crate::pipeline::Settings;
use crate::pipeline::fixture::{self, NoTable};
use crate::ports::{Depth, EntryResults, ErrorClass, Message, Quarantine, ReceiptHandle};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Queue {
    /// What each receive brings; afterwards nothing comes.
    hands: Mutex<VecDeque<Result<Vec<String>, CallError>>>,
    /// How long a receive takes that brings something.
    latency: Duration,
    /// It hands out what it has, however little is asked for.
    lavish: bool,
    polls: Mutex<Vec<(Instant, u32)>>,
}

impl Queue {
    fn of(hands: impl IntoIterator<Item = Vec<String>>) -> Self {
        Self { hands: Mutex::new(hands.into_iter().map(Ok).collect()), ..Self::default() }
    }

    /// How many messages each poll asked for.
    fn asked(&self) -> Vec<u32> {
        self.polls.lock().unwrap().iter().map(|(_, max)| *max).collect()
    }
}

impl ConfirmationQueue for Queue {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        self.polls.lock().unwrap().push((Instant::now(), max));
        let hand = self.hands.lock().unwrap().pop_front();
        sleep(if hand.is_some() { self.latency } else { wait }).await;
        let bodies = hand.unwrap_or(Ok(Vec::new()))?;
        let most = if self.lavish { bodies.len() } else { max as usize };
        let messages = bodies.into_iter().take(most).enumerate();
        Ok(messages.map(|(nth, body)| fixture::message(&nth, body)).collect())
    }

    async fn delete(&self, _: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        unreachable!()
    }

    async fn make_visible_after(&self, _: &[(ReceiptHandle, Duration)]) -> Result<EntryResults, CallError> {
        unreachable!()
    }

    async fn quarantine(&self, _: Quarantine<'_>) -> Result<(), CallError> {
        unreachable!()
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        unreachable!()
    }
}

struct Stage {
    shared: Arc<Shared<Queue, NoTable>>,
    arrivals: mpsc::Receiver<Arrivals>,
    fates: mpsc::Receiver<Fate>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// The stage, running.
fn start(queue: Queue, change: impl FnOnce(&mut Settings)) -> Stage {
    start_with(queue, change, |_| {})
}

fn start_with(
    queue: Queue,
    change: impl FnOnce(&mut Settings),
    before: impl FnOnce(&Shared<Queue, NoTable>),
) -> Stage {
    let mut settings = fixture::settings();
    change(&mut settings);
    let mut shared = fixture::shared(queue, NoTable, settings);
    shared.rules.trigger_sources = [TriggerSource::ConfirmSignUp].into();
    before(&shared);
    let shared = Arc::new(shared);
    let (arrived, arrivals) = mpsc::channel(100);
    let (told, fates) = mpsc::channel(100);
    let stop = CancellationToken::new();
    let ways = Ways { arrivals: arrived, late: None, fates: told };
    let running = tokio::spawn(run(Arc::clone(&shared), ways, stop.clone()));
    Stage { shared, arrivals, fates, stop, running }
}

fn confirmations(count: usize) -> Vec<String> {
    (0..count).map(fixture::confirmation).collect()
}

fn outage() -> CallError {
    CallError::new(ErrorClass::Unavailable, "timeout")
}

#[tokio::test(start_paused = true)]
async fn each_message_is_judged_alone_and_its_lease_counts_from_before_the_request() {
    let unwanted =
        fixture::confirmation(2).replace(r#""source""#, r#""trigger":"ConfirmForgotPassword","source""#);
    let hand = vec![fixture::confirmation(1), "not json".into(), unwanted, fixture::confirmation(3)];
    let mut stage = start(Queue { latency: 15 * SECOND, ..Queue::of([hand]) }, |_| {});
    let begun = Instant::now();
    let jobs = stage.arrivals.recv().await.unwrap().jobs;
    assert_eq!(begun.elapsed(), 15 * SECOND);
    assert_eq!(jobs.iter().map(|job| job.delivery.message.id.as_str()).collect::<Vec<_>>(), ["0", "3"]);
    for job in &jobs {
        assert_eq!(job.delivery.lease.until(), begun + stage.shared.settings.visibility_timeout);
    }
    assert!(matches!(stage.fates.recv().await.unwrap().happened, Happened::Rejected(_)));
    assert!(matches!(stage.fates.recv().await.unwrap().happened, Happened::Unwanted));
}

#[tokio::test(start_paused = true)]
async fn a_poll_in_the_air_is_waited_for_and_what_it_brings_is_given_back() {
    let queue = Queue { latency: 15 * SECOND, ..Queue::of([confirmations(4)]) };
    let mut stage = start(queue, |_| {});
    sleep(SECOND).await;
    stage.stop.cancel();
    for _ in 0..4 {
        let fate = stage.fates.recv().await.expect("the messages of the last poll are stranded");
        assert!(matches!(fate.happened, Happened::Stopped));
    }
    stage.running.await.unwrap();
    assert!(stage.arrivals.recv().await.is_some_and(|arrivals| arrivals.jobs.is_empty()));
    assert!(stage.arrivals.recv().await.is_none() && stage.fates.recv().await.is_none());
    assert_eq!(stage.shared.queue.asked().len(), 1, "polled after the stop");
    // Nobody is held for a table that fails, from now on.
    stage.shared.gate.trip(&outage());
    let turn = stage.shared.gate.turn(Instant::now() + 100 * SECOND).await;
    assert_eq!(turn, crate::gate::Turn::Stopped);
}

#[tokio::test(start_paused = true)]
async fn it_asks_for_no_more_than_there_is_room_for_and_for_nothing_without_room() {
    let hands = [confirmations(10), confirmations(10), confirmations(10)];
    let mut stage = start(Queue::of(hands), |settings| settings.max_in_flight = 13);
    let first = stage.arrivals.recv().await.unwrap();
    let second = stage.arrivals.recv().await.unwrap();
    assert_eq!((first.jobs.len(), second.jobs.len()), (10, 3));
    sleep(1000 * SECOND).await;
    assert_eq!(stage.shared.queue.asked(), [10, 3]);
    drop(first);
    stage.arrivals.recv().await.unwrap();
    assert_eq!(stage.shared.queue.asked(), [10, 3, 10]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_for_is_not_taken_in_hand() {
    let queue = Queue { lavish: true, ..Queue::of([confirmations(10)]) };
    let mut stage = start(queue, |settings| settings.max_in_flight = 4);
    let arrivals = stage.arrivals.recv().await.unwrap();
    assert_eq!((arrivals.jobs.len(), stage.shared.leases.in_flight()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_fails_is_repeated_ever_more_slowly() {
    let queue = Queue { hands: Mutex::new([(); 6].map(|()| Err(outage())).into()), ..Queue::default() };
    let mut stage = start(queue, |_| {});
    for _ in 0..6 {
        let arrivals = stage.arrivals.recv().await.unwrap();
        assert!(arrivals.jobs.is_empty() && !arrivals.more);
    }
    stage.arrivals.recv().await.unwrap();
    let polls = stage.shared.queue.polls.lock().unwrap().clone();
    let gaps: Vec<Duration> = polls.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps[0] >= SECOND / 10 && gaps[5] >= 3 * SECOND, "{gaps:?}");
    assert_eq!(stage.shared.stats.snapshot(Instant::now()).errors["receive.unavailable"], 6);
}

#[tokio::test(start_paused = true)]
async fn while_the_table_fails_single_messages_are_asked_for_to_find_out_with() {
    let hands = [confirmations(1), confirmations(1), confirmations(10)];
    let mut stage = start_with(Queue::of(hands), |_| {}, |shared| shared.gate.trip(&outage()));
    let begun = Instant::now();
    let probe = stage.arrivals.recv().await.unwrap();
    assert!(begun.elapsed() >= SECOND / 2, "polled before the table was to be looked at again");
    let other = stage.arrivals.recv().await.unwrap();
    assert_eq!((probe.jobs.len(), other.jobs.len()), (1, 1));
    sleep(20 * SECOND).await;
    stage.shared.gate.on_answer();
    let rest = stage.arrivals.recv().await.unwrap();
    assert_eq!((rest.jobs.len(), &stage.shared.queue.asked()[..3]), (10, &[1, 1, 10][..]));
    assert_eq!(stage.shared.stats.snapshot(Instant::now()).receives_without_attempt, 0);
}

#[tokio::test(start_paused = true)]
async fn an_invited_poll_that_brings_nothing_lets_another_follow_and_a_third_message_has_to_wait() {
    let hands = [vec![], vec![], confirmations(1), confirmations(1), confirmations(1)];
    let mut stage = start_with(Queue::of(hands), |_| {}, |shared| shared.gate.trip(&outage()));
    let mut brought = Vec::new();
    for _ in 0..4 {
        brought.push(stage.arrivals.recv().await.unwrap().jobs.len());
    }
    assert_eq!(brought, [0, 0, 1, 1]);
    sleep(29 * SECOND).await;
    assert_eq!(stage.shared.queue.asked(), [1; 4], "an outage spends its messages' receives");
    sleep(2 * SECOND).await;
    assert_eq!(stage.shared.queue.asked(), [1; 5], "nothing in hand, and nothing asked for");
}

#[tokio::test(start_paused = true)]
async fn leave_that_was_given_before_the_breaker_opened_is_not_used() {
    let stage = start(Queue::default(), |settings| settings.wait_time = 1000 * SECOND);
    sleep(SECOND).await;
    let (fates, _kept) = mpsc::channel(1);
    let (arrivals, _kept_too) = mpsc::channel(1);
    let ways = Arc::new(Ways { arrivals, late: None, fates });
    let permits = stage.shared.permits.acquire(10, SECOND).await;
    stage.shared.gate.trip(&outage());
    let leave = Leave { permits, invited: false };
    let answered = poll(Arc::clone(&stage.shared), leave, Arc::clone(&ways), stage.stop.clone()).await;
    assert_eq!(answered.answer, Answer::Brought { messages: 0, asked: 10 });
    assert_eq!(stage.shared.queue.asked().len(), 1, "polled though the breaker is open");
    let permits = stage.shared.permits.acquire(1, SECOND).await;
    drop(tokio::spawn(poll(
        Arc::clone(&stage.shared),
        Leave { permits, invited: true },
        ways,
        stage.stop.clone(),
    )));
    sleep(SECOND).await;
    assert_eq!(stage.shared.queue.asked(), [10, 1]);
    assert_eq!(stage.shared.stats.snapshot(Instant::now()).receives_without_attempt, 0);
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_is_not_used_is_handed_back() {
    let patience = Patience { probe: SECOND, invite: 1000 * SECOND, hold: 1000 * SECOND };
    let gate = Gate::new(patience, Arc::default());
    gate.trip(&outage());
    for used in [false, true] {
        sleep(2 * SECOND).await;
        assert_eq!(gate.poll(), Poll::Invite);
        let invitation = Invitation { gate: &gate };
        if used { invitation.accept() } else { drop(invitation) }
    }
    sleep(2 * SECOND).await;
    assert!(matches!(gate.poll(), Poll::NotBefore(_)), "two polls at once");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_table_or_for_room_shows_signs_of_life() {
    let shared = Arc::new(fixture::shared(Queue::default(), NoTable, fixture::settings()));
    shared.gate.trip(&outage());
    // Many messages were received for this outage: for minutes there is nothing to poll for.
    for _ in 0..6 {
        sleep(500 * SECOND).await;
        assert_eq!(shared.gate.poll(), Poll::Invite);
        shared.gate.on_invited(true);
    }
    let all = shared.permits.acquire(1000, Duration::ZERO).await;
    let waiting = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { leave_to_poll(&shared, None).await }
    });
    sleep(3 * SIGN_OF_LIFE + SECOND).await;
    assert!(shared.stats.stalled_for(Instant::now()) <= 2 * SECOND, "seems to be dead");
    shared.gate.on_answer();
    sleep(SECOND).await;
    drop(all);
    let leave = waiting.await.unwrap();
    assert_eq!((leave.invited, leave.permits.len()), (false, 10));
}

#[tokio::test(start_paused = true)]
async fn room_that_came_free_after_the_breaker_opened_is_not_polled_for() {
    let shared = Arc::new(fixture::shared(Queue::default(), NoTable, fixture::settings()));
    let all = shared.permits.acquire(1000, Duration::ZERO).await;
    let waiting = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { leave_to_poll(&shared, None).await }
    });
    sleep(SECOND).await;
    shared.gate.trip(&outage());
    drop(all);
    let leave = waiting.await.unwrap();
    assert_eq!((leave.invited, leave.permits.len()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lone_hand_waits_for_no_company_and_a_stream_does() {
    let hands = [confirmations(2), confirmations(10), confirmations(10)];
    let mut stage = start(Queue::of(hands), |_| {});
    let mut more = Vec::new();
    for _ in 0..4 {
        more.push(stage.arrivals.recv().await.unwrap().more);
    }
    assert_eq!(more, [false, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_when_there_is_no_room_and_no_write_that_makes_some() {
    for writing in [false, true] {
        let mut stage = start(Queue::of([confirmations(10)]), |settings| settings.max_in_flight = 10);
        let _slot = if writing { Some(stage.shared.permits.slot().await) } else { None };
        assert_eq!(stage.arrivals.recv().await.unwrap().more, writing);
    }
}

#[tokio::test(start_paused = true)]
async fn only_late_messages_take_the_other_way_and_only_where_there_is_one() {
    let now = jiff::Timestamp::now().to_string();
    let fresh = fixture::confirmation(1).replace("2026-11-22T20:05:38.123Z", &now);
    let old = fixture::confirmation(2).replace("2026-11-22T20:05:38.123Z", "2020-01-01T00:00:00Z");
    let replayed = format!(
        r#"{{"detail-type":"UserConfirmed","replay-name":"r","detail":{}}}"#,
        fixture::confirmation(3).replace("2026-11-22T20:05:38.123Z", &now)
    );
    let bodies = || vec![fresh.clone(), old.clone(), replayed.clone()];
    let ids =
        |jobs: &[Job]| jobs.iter().map(|job| job.write.username.as_str().to_owned()).collect::<Vec<_>>();

    for ways in [1, 2] {
        let shared = Arc::new(fixture::shared(Queue::of([bodies()]), NoTable, fixture::settings()));
        let (fates, _told) = mpsc::channel(100);
        let (arrivals, _arrived) = mpsc::channel(100);
        let (late, mut came_late) = mpsc::channel(100);
        let late = (ways == 2).then_some(late);
        let ways = Arc::new(Ways { arrivals, late, fates });
        let permits = shared.permits.acquire(10, SECOND).await;
        let leave = Leave { permits, invited: false };
        let answered = poll(Arc::clone(&shared), leave, Arc::clone(&ways), CancellationToken::new()).await;
        let mut aside = Vec::new();
        while let Ok(job) = came_late.try_recv() {
            aside.push(job);
        }
        if ways.late.is_some() {
            assert_eq!(
                (ids(&answered.jobs), ids(&aside)),
                (vec!["u1".into()], vec!["u2".into(), "u3".into()])
            );
        } else {
            assert_eq!((ids(&answered.jobs).len(), aside.len()), (3, 0));
        }
        assert_eq!(shared.stats.snapshot(Instant::now()).replayed, 1);
    }
}
