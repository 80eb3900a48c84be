//! When the breaker opens, probes and closes; what an outage may cost; sequences of everything that may
//! happen to it.

use super::*;
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

const PATIENCE: Patience =
    Patience { probe: Duration::from_secs(15), invite: Duration::from_secs(30), hold: HOUR };

fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(PATIENCE);
    for failure in 1..=Breaker::LIMIT {
        assert_eq!(breaker.on_failure(now, 0, 1.0), failure == Breaker::LIMIT);
    }
    breaker
}

#[tokio::test(start_paused = true)]
async fn failures_between_answers_are_items_and_failures_in_a_row_are_an_outage() {
    let now = Instant::now();
    let mut breaker = Breaker::new(PATIENCE);
    for _ in 0..100 {
        for _ in 1..Breaker::LIMIT {
            assert!(!breaker.on_failure(now, 0, 0.5));
        }
        assert!(!breaker.on_answer());
    }
    assert_eq!((breaker.poll(now, 0), breaker.turn(now)), (Poll::Full, Turn::Pass));
    let mut breaker = opened(now);
    assert!(matches!(breaker.poll(now, 0), Poll::NotBefore(_)));
    assert!(matches!(breaker.turn(now), Turn::NotBefore(_)));
    assert!(!breaker.trip(now, 0.5), "opened twice");
    assert!(breaker.on_answer() && breaker.trip(now, 0.5));
}

#[tokio::test(start_paused = true)]
async fn a_refused_probe_ends_an_outage_but_not_the_refusing_of_everything() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let Turn::NotBefore(probe) = breaker.turn(now) else { panic!("writes while open") };
    assert_eq!(breaker.turn(probe), Turn::Probe);
    assert!(breaker.on_refusal(probe, 0.5) && !breaker.is_open());
    assert!(breaker.trip(probe, 0.5));
    let Turn::NotBefore(probe) = breaker.turn(probe) else { panic!("writes while open") };
    assert_eq!(breaker.turn(probe), Turn::Probe);
    assert!(!breaker.on_refusal(probe, 0.5) && breaker.is_open());
    assert!(matches!(breaker.turn(probe), Turn::NotBefore(next) if next > probe));
    // Whichever came first.
    let mut breaker = opened(now);
    assert!(!breaker.trip(now, 0.5) && !breaker.on_refusal(now, 0.5));
}

#[tokio::test(start_paused = true)]
async fn work_in_hand_probes_one_at_a_time_and_an_answer_closes_it() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let Turn::NotBefore(probe) = breaker.turn(now) else { panic!("writes while open") };
    assert!(breaker.holds_back());
    assert!(matches!(breaker.poll(probe, 7), Poll::NotBefore(_)), "received although work is in hand");
    assert_eq!(breaker.turn(probe), Turn::Probe);
    assert!(!breaker.holds_back(), "the probe itself must be tried");
    assert_eq!(breaker.turn(probe), Turn::NotBefore(probe + PATIENCE.probe), "two probes at once");
    assert!(matches!(breaker.poll(probe, 0), Poll::NotBefore(_)), "received while a probe is on its way");
    assert!(breaker.on_answer());
    assert_eq!((breaker.poll(probe, 0), breaker.turn(probe)), (Poll::Full, Turn::Pass));
}

#[tokio::test(start_paused = true)]
async fn probes_that_fail_are_ever_further_apart_up_to_half_a_minute() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let Turn::NotBefore(at) = breaker.turn(now) else { panic!("probes at once") };
        waits.push((at - now).as_secs());
        now = at;
        assert_eq!(breaker.turn(now), Turn::Probe);
        breaker.on_failure(now, breaker.epoch(), 1.0);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_vanishes_is_replaced_and_a_write_from_before_does_not_fail_it() {
    let now = Instant::now() + Duration::from_secs(10);
    let mut breaker = opened(now - Duration::from_secs(10));
    let before = breaker.epoch();
    assert_eq!(breaker.turn(now), Turn::Probe);
    breaker.on_failure(now, before, 0.5);
    assert!(!breaker.holds_back(), "the probe would be turned away untried");
    assert_eq!(breaker.turn(now + PATIENCE.probe), Turn::Probe);
    assert_eq!(breaker.poll(now + 2 * PATIENCE.probe, 0), Poll::Invite, "waits for a probe that is gone");
    breaker.on_invited(now, false);
    assert_eq!(breaker.turn(now + 3 * PATIENCE.probe), Turn::Probe);
    breaker.on_failure(now, breaker.epoch(), 0.5);
    assert!(breaker.holds_back());
}

#[tokio::test(start_paused = true)]
async fn an_empty_poll_is_repeated_and_one_that_brought_a_message_is_rare() {
    let mut now = Instant::now() + Duration::from_secs(10);
    let mut breaker = opened(now - Duration::from_secs(10));
    for _ in 0..100 {
        assert_eq!(breaker.poll(now, 0), Poll::Invite);
        assert!(matches!(breaker.poll(now, 0), Poll::NotBefore(_)), "two polls at once");
        breaker.on_invited(now, false);
        assert!(matches!(breaker.poll(now, 0), Poll::NotBefore(_)), "polls in a tight loop");
        now += AFTER_EMPTY;
    }
    for _ in 0..2 {
        assert_eq!(breaker.poll(now, 0), Poll::Invite);
        breaker.on_invited(now, true);
    }
    // Both are gone, and others are asked for ever more rarely.
    for pause in [30, 60, 120, 240, 480, 960, 1800, 1800, 1800] {
        let next = now + Duration::from_secs(pause);
        assert_eq!(breaker.poll(now, 0), Poll::NotBefore(next));
        now = next;
        assert_eq!(breaker.poll(now, 0), Poll::Invite);
        breaker.on_invited(now, true);
    }
    // One message waits and may be the one that always fails.
    assert_eq!(opened(now).poll(now + HOUR / 3, 1), Poll::NotBefore(now + HOUR / 2));
    assert_eq!(breaker.poll(now, 1), Poll::NotBefore(now + HOUR / 2));
    assert_eq!(breaker.poll(now + HOUR / 2, 1), Poll::Invite);
}

#[tokio::test(start_paused = true)]
async fn what_one_outage_spent_does_not_keep_the_next_one_from_being_found_over() {
    let mut now = Instant::now() + Duration::from_secs(10);
    let mut breaker = opened(now - Duration::from_secs(10));
    for _ in 0..2 {
        assert_eq!(breaker.poll(now, 0), Poll::Invite);
        breaker.on_invited(now, true);
    }
    assert!(breaker.on_answer() && breaker.trip(now, 1.0));
    now += Duration::from_secs(10);
    assert_eq!(breaker.poll(now, 0), Poll::Invite, "nothing in hand, and nothing asked for");
}

/// Thirteen hours, past SQS's cap of 12 on one receive: one message and eight workers, of which one
/// holds it for an hour and gives it back for a quarter of one.
#[tokio::test(start_paused = true)]
async fn a_long_outage_spends_few_receives_on_one_message_among_eight_workers() {
    let begun = Instant::now();
    let pause = Duration::from_secs(900);
    for chance in [0.0, 0.5, 1.0] {
        let mut workers: Vec<_> = (0..8).map(|_| opened(begun)).collect();
        let (mut holder, mut free_at, mut receives, mut probes) = (None, begun, 0, 0);
        let mut now = begun;
        while now < begun + 13 * HOUR {
            if let Some((_, since)) = holder
                && now >= since + HOUR
            {
                (holder, free_at) = (None, now + pause);
            }
            for (nth, breaker) in workers.iter_mut().enumerate() {
                let holds = holder.is_some_and(|(who, _)| who == nth);
                if holds && breaker.turn(now) == Turn::Probe {
                    probes += 1;
                    breaker.on_failure(now, breaker.epoch(), chance);
                }
                match breaker.poll(now, usize::from(holds)) {
                    Poll::Full => panic!("closed without an answer"),
                    Poll::NotBefore(at) => assert!(at > now),
                    Poll::Invite => {
                        let brought = holder.is_none() && now >= free_at;
                        breaker.on_invited(now, brought);
                        if brought {
                            (holder, receives) = (Some((nth, now)), receives + 1);
                        }
                    }
                }
            }
            now += Duration::from_secs(1);
        }
        assert!(receives <= 13, "{receives} receives at chance {chance}");
        assert!(probes >= 13 * 60, "{probes} probes in 13 hours");
    }
}

proptest! {
    #[test]
    fn an_open_breaker_lets_nothing_through_but_probes_and_always_probes_again(
        steps in prop::collection::vec((0..7_u8, 0..2000_u64, 0..3_usize), 0..200),
    ) {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(PATIENCE);
        let mut received: Vec<Instant> = Vec::new();
        for (step, seconds, held) in steps {
            now += Duration::from_secs(seconds);
            let open = breaker.is_open();
            match step {
                0 => {
                    breaker.on_failure(now, breaker.epoch(), 0.5);
                }
                1 => {
                    breaker.on_answer();
                    received.clear();
                }
                2 => {
                    breaker.trip(now, 0.5);
                }
                3 => match breaker.turn(now) {
                    Turn::Pass => prop_assert!(!open),
                    Turn::Probe => prop_assert!(open && !breaker.holds_back()),
                    Turn::NotBefore(at) => prop_assert!(open && at > now && at <= now + Duration::from_secs(30)),
                },
                _ => match breaker.poll(now, held) {
                    Poll::Full => prop_assert!(!open),
                    Poll::NotBefore(at) => prop_assert!(open && at > now),
                    Poll::Invite => {
                        prop_assert!(open && held < 2);
                        breaker.on_invited(now, step > 4);
                        if step > 4 {
                            received.push(now);
                            let lately = received.iter().filter(|at| now < **at + HOUR).count();
                            prop_assert!(lately <= 9, "{lately} receives in one hold budget");
                            let hours = now.duration_since(received[0]).as_secs() / HOUR.as_secs();
                            let most = 9 + 2 * hours;
                            prop_assert!(received.len() as u64 <= most, "{} in {hours} hours", received.len());
                        }
                    }
                },
            }
        }
        let later = now + Duration::from_secs(31);
        prop_assert!(!matches!(breaker.turn(later), Turn::NotBefore(_)));
    }
}
