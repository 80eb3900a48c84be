//! The sentence for every state, and which state wins.

use tokio::time::Instant;

use super::*;
use crate::ports::Depth;
use crate::stats::{Percentiles, Stats};

fn ready() -> Snapshot {
    let stats = Stats::default();
    stats.set_ready();
    let mut now = stats.snapshot(Instant::now());
    now.last_receive_seconds_ago = Some(0);
    now.queue = Some(Depth::default());
    now
}

fn latency(p50: u64, p99: u64) -> Percentiles {
    Percentiles { p50, p99, max: p99, count: 100 }
}

fn error(operation: &'static str, class: &'static str, seconds_ago: u64) -> LastError {
    LastError { operation, class, count: 1, seconds_ago }
}

fn lately(rate: f64, created: u64, repeated: u64) -> Lately {
    Lately { rate, created, repeated }
}

/// With plain spaces, as it is read.
fn read(now: &Snapshot, lately: Lately) -> (Tone, String) {
    let headline = Headline::of(now, lately);
    (headline.tone, headline.sentence.replace('\u{a0}', " "))
}

#[test]
fn at_the_start_it_says_what_it_waits_for_and_why() {
    let mut now = Stats::default().snapshot(Instant::now());
    assert_eq!(read(&now, Lately::default()), (Tone::Waiting, "Looking for the queue and the table".into()));
    for class in ["denied", "missing", "unavailable"] {
        now.last_errors = vec![error("look", class, 1)];
        // As the worker has it: waiting is an open breaker, and that is not what has to be said.
        now.breaker_open = true;
        let expected = format!("Waiting for the queue and the table: {class}");
        assert_eq!(read(&now, Lately::default()), (Tone::Waiting, expected));
        assert!(Headline::of(&now, Lately::default()).notes[0].contains("`profile-worker check`"));
    }
}

#[test]
fn sign_ups_that_become_profiles_are_told_with_their_rate_and_their_time() {
    let mut now = ready();
    now.confirmation_to_profile_last_minute_ms = Some(latency(412, 900));
    for (rate, created, expected) in [
        (1234.4, 9999, "1,234 a second"),
        (38.2, 2280, "38 a second"),
        (9.97, 600, "10 a second"),
        (4.25, 200, "4.2 a second"),
        (0.9, 54, "54 in the last minute"),
        (0.0, 1, "1 in the last minute"),
    ] {
        let sentence = format!("Sign-ups become profiles: {expected}, half of them within 0.4 s");
        assert_eq!(read(&now, lately(rate, created, 3)), (Tone::Working, sentence));
    }
}

#[test]
fn times_are_as_precise_as_a_sentence_needs() {
    for (ms, expected) in [
        (0, "0.1 s"),
        (99, "0.1 s"),
        (149, "0.1 s"),
        (951, "1.0 s"),
        (9_949, "9.9 s"),
        (9_950, "10 s"),
        (59_400, "59 s"),
        (119_999, "120 s"),
        (120_000, "2 min"),
        (3_600_000, "60 min"),
    ] {
        assert_eq!(time(ms).replace('\u{a0}', " "), expected, "{ms}");
    }
    assert_eq!(
        (grouped(0), grouped(999), grouped(1_234_567)),
        ("0".into(), "999".into(), "1,234,567".into())
    );
}

#[test]
fn profiles_later_than_promised_are_not_called_well() {
    let mut now = ready();
    now.confirmation_to_profile_last_minute_ms = Some(latency(60_001, 70_000));
    let (tone, sentence) = read(&now, lately(3.0, 180, 0));
    assert_eq!((tone, sentence.contains("late")), (Tone::Late, true), "{sentence}");
    now.confirmation_to_profile_last_minute_ms = Some(latency(60_000, 70_000));
    let headline = Headline::of(&now, lately(3.0, 180, 0));
    assert_eq!((headline.tone, headline.notes.len()), (Tone::Working, 1));
    assert!(headline.notes[0].contains("One in a hundred"));
}

#[test]
fn what_no_sign_up_made_is_not_said_of_sign_ups() {
    let sentence = read(&ready(), lately(38.0, 100, 0)).1;
    assert_eq!(sentence, "Profiles are made, none of a live sign-up: 38 a second");
    let (tone, sentence) = read(&ready(), lately(0.0, 0, 12));
    assert_eq!(tone, Tone::Working);
    assert_eq!(sentence, "Only repeats: 12 in the last minute, whose profiles were there");
}

#[test]
fn a_table_that_cannot_be_written_is_said_before_all_that_went_well() {
    let mut now = ready();
    now.breaker_open = true;
    now.confirmation_to_profile_last_minute_ms = Some(latency(400, 900));
    now.last_errors = vec![error("receive", "unavailable", 1), error("write", "throttled", 3)];
    for (held, expected) in [
        (0, "The table cannot be written: all messages wait in the queue"),
        (1, "The table cannot be written: 1 message is held, the rest waits in the queue"),
        (1200, "The table cannot be written: 1,200 messages are held, the rest waits in the queue"),
    ] {
        now.in_flight = held;
        assert_eq!(read(&now, lately(38.0, 2000, 0)), (Tone::Stopped, expected.into()));
    }
    let notes = Headline::of(&now, lately(38.0, 2000, 0)).notes.join(" ").replace('\u{a0}', " ");
    assert!(notes.contains("last write: throttled, 3 s ago"), "{notes}");
}

#[test]
fn a_queue_that_does_not_answer_is_no_idle_queue() {
    let mut now = ready();
    now.last_receive_seconds_ago = Some(UNANSWERED);
    now.last_errors = vec![error("receive", "denied", 2)];
    assert_eq!(read(&now, Lately::default()), (Tone::Stopped, "The queue cannot be read: denied".into()));
    // Answered since; or failed only a moment ago.
    now.last_receive_seconds_ago = Some(1);
    assert_eq!(read(&now, Lately::default()).0, Tone::Idle);
    // Never answered at all.
    now.last_receive_seconds_ago = None;
    now.uptime_seconds = UNANSWERED;
    assert_eq!(read(&now, Lately::default()).0, Tone::Stopped);
}

#[test]
fn without_work_there_is_nothing_to_do_and_with_some_in_hand_there_is() {
    let mut now = ready();
    assert_eq!(read(&now, Lately::default()), (Tone::Idle, "Nothing to do".into()));
    now.in_flight = 1;
    assert_eq!(read(&now, Lately::default()), (Tone::Working, "1 message is in hand".into()));
    now.in_flight = 12;
    assert_eq!(read(&now, Lately::default()), (Tone::Working, "12 messages are in hand".into()));
}

#[test]
fn dead_letters_and_fresh_failures_are_noted_and_old_ones_are_not() {
    let mut now = ready();
    now.dead_letter_messages = Some(0);
    now.last_errors = vec![error("delete", "throttled", NEWS)];
    assert_eq!(Headline::of(&now, Lately::default()).notes, Vec::<String>::new());
    now.dead_letter_messages = Some(1);
    now.last_errors = vec![error("delete", "throttled", NEWS - 1)];
    let notes = Headline::of(&now, Lately::default()).notes;
    assert_eq!(notes.len(), 2);
    assert!(notes[0].contains("last delete: throttled"), "{notes:?}");
    assert!(notes[1].starts_with("1 message is in the dead-letter queue"), "{notes:?}");
}
