//! Who waits at the gate, for how long, and who is woken.

use std::time::Duration;

use super::*;
use crate::ports::ErrorClass;

const HOUR: Duration = Duration::from_secs(3600);

fn opened() -> Arc<Gate> {
    let patience = Patience { probe: 10 * HOUR, invite: 10 * HOUR, hold: HOUR };
    let gate = Arc::new(Gate::new(patience, Arc::new(Stats::default())));
    for _ in 0..Breaker::LIMIT {
        gate.on_failure(gate.epoch(), &error());
    }
    gate
}

fn error() -> CallError {
    CallError::new(ErrorClass::Unavailable, "timeout")
}

#[tokio::test(start_paused = true)]
async fn turns_to_probe_go_round_and_the_end_of_the_outage_lets_all_through() {
    let gate = opened();
    let (told, mut probes) = tokio::sync::mpsc::unbounded_channel();
    let writes: Vec<_> = (0..3)
        .map(|nth| {
            let (gate, told) = (Arc::clone(&gate), told.clone());
            tokio::spawn(async move {
                let until = Instant::now() + 5 * HOUR;
                while gate.turn(until).await == Turn::Probe {
                    told.send(nth).unwrap();
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    // The seventh probe finds the table well again.
                    if told.strong_count() > 0 && gate.epoch() == 7 {
                        gate.on_answer();
                    } else {
                        gate.on_failure(gate.epoch(), &error());
                    }
                }
            })
        })
        .collect();
    for write in writes {
        write.await.unwrap();
    }
    drop(told);
    let mut order = Vec::new();
    while let Some(nth) = probes.recv().await {
        order.push(nth);
    }
    assert_eq!(order, [0, 1, 2, 0, 1, 2, 0]);
    assert_eq!((gate.held(), gate.poll()), (0, Poll::Full));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_his_time_nor_past_a_stop() {
    let gate = opened();
    // The first takes the probe and never tells; the others must not wait for it.
    assert_eq!(gate.turn(Instant::now() + HOUR).await, Turn::Probe);
    let begun = Instant::now();
    assert_eq!(gate.turn(begun + HOUR).await, Turn::TimeUp);
    assert_eq!((begun.elapsed(), gate.held()), (HOUR, 0));
    let (turn, ()) = tokio::join!(gate.turn(begun + 5 * HOUR), async { gate.stop_holding() });
    assert_eq!((turn, begun.elapsed(), gate.held()), (Turn::Stopped, HOUR, 0));
    gate.on_answer();
    assert_eq!(gate.turn(begun).await, Turn::Pass, "the drain may write");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_lets_the_next_in_line_probe() {
    let gate = opened();
    let begun = Instant::now();
    let (first, second) =
        tokio::join!(gate.turn(begun + Duration::from_millis(100)), gate.turn(begun + 5 * HOUR));
    assert_eq!((first, second), (Turn::TimeUp, Turn::Probe));
    assert!(begun.elapsed() < HOUR, "waited behind somebody who is gone");
}

#[tokio::test(start_paused = true)]
async fn polls_wait_while_work_is_held_and_hear_of_the_end() {
    let gate = opened();
    let held = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.turn(Instant::now() + Duration::from_millis(100)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(gate.held(), 1);
    let Poll::NotBefore(until) = gate.poll() else { panic!("polls while work is held") };
    assert_eq!(held.await.unwrap(), Turn::TimeUp);
    let begun = Instant::now();
    tokio::join!(gate.wait(until), async { gate.on_answer() });
    assert_eq!((gate.poll(), begun.elapsed()), (Poll::Full, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_news_waits_until_told_and_not_at_all_while_the_table_is_well() {
    let gate = opened();
    let begun = Instant::now();
    gate.wait(begun + HOUR).await;
    assert_eq!(begun.elapsed(), HOUR);
    gate.on_answer();
    gate.wait(begun + 5 * HOUR).await;
    assert_eq!(begun.elapsed(), HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_refuses_everything_shuts_it_at_once_and_a_poll_that_was_let_through_is_told() {
    const SECONDS: Duration = Duration::from_secs(2);
    let gate = Gate::new(Patience { probe: HOUR, invite: HOUR, hold: HOUR }, Arc::default());
    assert!(!gate.is_open() && !gate.holds_back());
    gate.trip(&error());
    assert!(gate.is_open() && gate.holds_back());
    for _ in 0..2 {
        tokio::time::sleep(SECONDS).await;
        assert_eq!(gate.poll(), Poll::Invite);
        assert!(matches!(gate.poll(), Poll::NotBefore(_)), "two polls at once");
        gate.on_invited(false);
    }
    assert_eq!(gate.turn(Instant::now() + SECONDS).await, Turn::Probe);
    assert!(gate.is_open() && !gate.holds_back(), "the probe itself would be held back");
}

#[tokio::test(start_paused = true)]
async fn a_refused_probe_ends_an_outage_and_nothing_else() {
    let outage = opened();
    assert_eq!(outage.turn(Instant::now() + HOUR).await, Turn::Probe);
    outage.on_refusal(&error());
    assert!(!outage.is_open());
    let patience = Patience { probe: HOUR, invite: HOUR, hold: HOUR };
    let refusing = Gate::new(patience, Arc::default());
    refusing.trip(&error());
    assert_eq!(refusing.turn(Instant::now() + HOUR).await, Turn::Probe);
    refusing.on_refusal(&error());
    assert!(refusing.holds_back(), "the next probe is not waited for");
}
