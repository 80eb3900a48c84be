//! How many polls, and when the next; sequences of answers.

use super::*;
use proptest::prelude::*;

const LINGER: Duration = Duration::from_millis(50);
const WAIT: Duration = Duration::from_secs(20);
const FULL: Answer = Answer::Brought { messages: 10, asked: 10 };
const FEW: Answer = Answer::Brought { messages: 2, asked: 10 };
const NONE: Answer = Answer::Brought { messages: 0, asked: 10 };

fn receivers() -> Receivers {
    Receivers::new(16, LINGER, WAIT)
}

/// Starts every poll that is wanted and answers one of them.
fn turn(receivers: &mut Receivers, now: Instant, answer: Answer) -> bool {
    while receivers.wants_another(usize::MAX) {
        receivers.on_poll();
    }
    receivers.on_answer(now, now, answer, true, 0.5)
}

#[tokio::test(start_paused = true)]
async fn one_waits_while_nothing_comes_and_more_join_while_receives_are_full() {
    let now = Instant::now();
    let mut receivers = receivers();
    assert!(receivers.wants_another(16));
    receivers.on_poll();
    assert!(!receivers.wants_another(16), "two long polls on a quiet queue");
    receivers.on_answer(now + WAIT, now, NONE, true, 0.5);
    assert_eq!(receivers.not_before(), None);
    for _ in 1..BACKLOG {
        turn(&mut receivers, now, FULL);
        assert_eq!(receivers.wanted, 1);
    }
    receivers.on_poll();
    receivers.on_answer(now, now, FULL, false, 0.5);
    assert_eq!(receivers.wanted, 1, "another receiver, and no room for what it brings");
    for joined in 2..=16 {
        turn(&mut receivers, now, FULL);
        assert_eq!(receivers.wanted, joined);
    }
    turn(&mut receivers, now, FULL);
    assert_eq!(receivers.wanted, 16);
    turn(&mut receivers, now, Answer::Brought { messages: 5, asked: 10 });
    assert_eq!(receivers.wanted, 16, "SQS brings a little less now and then");
    turn(&mut receivers, now, FEW);
    assert_eq!(receivers.wanted, 15);
    turn(&mut receivers, now, NONE);
    assert_eq!(receivers.wanted, 1);
}

#[test]
fn the_effective_permits_bound_them() {
    let mut receivers = receivers();
    receivers.wanted = 16;
    (0..4).for_each(|_| receivers.on_poll());
    assert!(receivers.wants_another(5));
    assert!(!receivers.wants_another(4));
    assert!(super::Receivers::new(4, LINGER, WAIT).wants_another(0), "nobody would ever poll");
}

/// A message every 5 ms, and answers at once.
#[tokio::test(start_paused = true)]
async fn at_a_trickle_it_pauses_so_that_one_receive_brings_nearly_ten() {
    let begun = Instant::now();
    let (mut now, mut receivers, mut polls, mut brought) = (begun, receivers(), 0, 0_u128);
    while brought < 10_000 {
        let pause = receivers.not_before().map_or(Duration::from_millis(1), |at| at - now);
        assert!(pause <= LINGER);
        now += pause;
        let mut waiting = (now - begun).as_millis() / 5 - brought;
        if waiting == 0 {
            // A long poll is answered with the next message.
            now += Duration::from_millis(5);
            waiting = 1;
        }
        let messages = waiting.min(10);
        assert!(receivers.in_the_air() == 0 && receivers.wants_another(16));
        receivers.on_poll();
        let answer = Answer::Brought { messages: usize::try_from(messages).unwrap(), asked: 10 };
        receivers.on_answer(now, now, answer, true, 0.5);
        polls += 1;
        brought += messages;
    }
    assert_eq!(receivers.wanted, 1, "several receivers compete for a trickle");
    assert!(polls * 8 < brought, "{polls} receives for {brought} messages");
}

#[tokio::test(start_paused = true)]
async fn a_lone_message_is_not_kept_waiting_for_company_and_a_steady_stream_is() {
    let now = Instant::now();
    let mut receivers = receivers();
    assert!(!turn(&mut receivers, now, FEW));
    assert!(turn(&mut receivers, now + LINGER, FEW));
    assert!(!turn(&mut receivers, now + 100 * LINGER, FEW));
    assert!(turn(&mut receivers, now + 200 * LINGER, FULL));
    // Another poll is out and may bring company.
    receivers.wanted = 2;
    assert!(turn(&mut receivers, now + 300 * LINGER, FEW));
}

#[tokio::test(start_paused = true)]
async fn the_pause_grows_in_steps_shrinks_from_the_second_full_hand_on_and_ends_with_a_backlog() {
    let now = Instant::now();
    let mut receivers = receivers();
    let mut pause = |answer| {
        turn(&mut receivers, now, answer);
        receivers.not_before().map(|at| at - now)
    };
    assert_eq!(pause(FULL), None);
    assert_eq!(pause(FEW), Some(LINGER / STEPS));
    assert_eq!(pause(FEW), Some(2 * (LINGER / STEPS)));
    for _ in 0..STEPS {
        pause(FEW);
    }
    assert_eq!([pause(FEW), pause(FULL)], [Some(LINGER); 2]);
    assert_eq!(pause(FULL), Some(LINGER.mul_f64(SHORTER)));
    assert_eq!(pause(FULL), Some(LINGER.mul_f64(SHORTER).mul_f64(SHORTER)));
    assert_eq!([pause(FULL), pause(FULL)], [None; 2]);
}

#[tokio::test(start_paused = true)]
async fn polls_that_do_not_wait_are_spaced_and_failed_ones_ever_wider() {
    let now = Instant::now();
    let mut short = Receivers::new(16, Duration::ZERO, Duration::ZERO);
    turn(&mut short, now, NONE);
    assert_eq!(short.not_before(), Some(now + SHORT_POLLS));
    let mut receivers = receivers();
    for (after, spaced) in [(WAIT / 3, true), (WAIT / 2, false), (WAIT, false)] {
        receivers.on_poll();
        receivers.on_answer(now + after, now, NONE, true, 0.5);
        assert_eq!(receivers.not_before().is_some(), spaced, "an empty answer after {after:?}");
    }
    turn(&mut receivers, now, FULL);
    let mut last = Duration::ZERO;
    for failures in 1..20 {
        turn(&mut receivers, now, Answer::Failed);
        assert_eq!((receivers.failures(), receivers.wanted), (failures, 1));
        let delay = receivers.not_before().unwrap() - now;
        assert!(delay >= last && delay <= AFTER_FAILURE.max_interval);
        last = delay;
    }
    turn(&mut receivers, now, NONE);
    assert_eq!(receivers.failures(), 0);
}

#[tokio::test(start_paused = true)]
async fn sixteen_polls_that_fail_together_are_one_failure() {
    let asked_at = Instant::now();
    let failed = asked_at + Duration::from_secs(1);
    let mut receivers = receivers();
    receivers.wanted = 16;
    (0..16).for_each(|_| receivers.on_poll());
    for _ in 0..16 {
        receivers.on_answer(failed, asked_at, Answer::Failed, true, 1.0);
    }
    assert_eq!(
        (receivers.failures(), receivers.not_before()),
        (1, Some(failed + AFTER_FAILURE.initial_interval))
    );
}

proptest! {
    #[test]
    fn somebody_always_polls_and_never_too_many(
        most in 1..40_usize,
        steps in prop::collection::vec((0..5_u8, 0..100_u64, 0..50_usize), 0..300),
    ) {
        let mut now = Instant::now();
        let mut receivers = Receivers::new(most, LINGER, WAIT);
        for (step, ms, allowed) in steps {
            now += Duration::from_millis(ms);
            while receivers.wants_another(allowed) {
                receivers.on_poll();
            }
            prop_assert!(receivers.in_the_air() >= 1, "nobody polls");
            prop_assert!(receivers.in_the_air() <= most);
            let answer = match step {
                0 => Answer::Failed,
                1 => NONE,
                2 => FEW,
                _ => FULL,
            };
            receivers.on_answer(now, now, answer, step > 3, 0.5);
            if let (Some(at), false) = (receivers.not_before(), answer == Answer::Failed) {
                prop_assert!(at <= now + LINGER.max(SHORT_POLLS));
            }
        }
    }
}
