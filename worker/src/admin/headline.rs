//! Whether sign-ups become profiles, in one sentence. Pure: numbers in, words out. The page shows it first, and
//! without JavaScript it is all that the page shows. Must never say that all is well while nothing comes or goes.

use serde::Serialize;

use super::history::Lately;
use crate::stats::{LastError, Snapshot};

/// What stands above everything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Headline {
    /// Its colour and its mark.
    pub tone: Tone,
    /// The state in a word.
    pub word: &'static str,
    /// The sentence.
    pub sentence: String,
    /// What else a person should know, most urgent first. What is to be typed stands between backticks.
    pub notes: Vec<String>,
}

/// The states a person tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    /// Messages come and go.
    Working,
    /// There are none.
    Idle,
    /// For the queue and the table, at the start.
    Waiting,
    /// They become profiles, but later than promised.
    Late,
    /// They do not.
    Stopped,
}

impl Tone {
    /// As the page names it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Late => "late",
            Self::Stopped => "stopped",
        }
    }
}

/// The objective: 99 of 100 live confirmations have their item within this.
const OBJECTIVE_MS: u64 = 60_000;

/// A receive answers within its long poll of 20 seconds; after this it is worth looking for the reason.
const UNANSWERED: u64 = 30;

/// A failed call is news for a minute.
const NEWS: u64 = 60;

impl Headline {
    /// Of the numbers now and of the last minute.
    pub(super) fn of(now: &Snapshot, lately: Lately) -> Self {
        let mut headline = Self::state(now, lately);
        if let Some(letters) = now.dead_letter_messages.filter(|letters| *letters > 0) {
            let are = if letters == 1 { "message is" } else { "messages are" };
            headline.notes.push(format!(
                "{} {are} in the dead-letter queue; `profile-worker quarantine list` says why.",
                grouped(letters)
            ));
        }
        headline
    }

    fn state(now: &Snapshot, lately: Lately) -> Self {
        if !now.ready {
            return waiting(now);
        }
        if now.breaker_open {
            return breaker_open(now);
        }
        if let Some(error) = unanswered(now) {
            return Self {
                tone: Tone::Stopped,
                word: "Stopped",
                sentence: format!("The queue cannot be read: {}", error.class),
                notes: vec![format!(
                    "The last receive failed {}. It is tried again by itself; `profile-worker check` says what to mend.",
                    ago(error.seconds_ago)
                )],
            };
        }
        let mut headline = flowing(now, lately);
        if let Some(error) = now.last_errors.iter().find(|error| error.seconds_ago < NEWS) {
            headline.notes.push(format!("Some calls fail; {}.", last(error)));
        }
        headline
    }
}

fn waiting(now: &Snapshot) -> Headline {
    let looked = now.last_errors.iter().find(|error| error.operation == "look");
    let (sentence, note) = match looked {
        None => ("Looking for the queue and the table".to_owned(), None),
        Some(error) => {
            let note = match error.class {
                "denied" => {
                    "`profile-worker check` names the permission that lacks. After two minutes health/live fails, so that a deployment is rolled back."
                }
                "missing" => {
                    "`profile-worker check` says which of them is not there. It goes on by itself when both are; a table that Amplify makes anew takes minutes."
                }
                _ => {
                    "`profile-worker check` says which of them does not answer. It goes on by itself when both do."
                }
            };
            (format!("Waiting for the queue and the table: {}", error.class), Some(note.to_owned()))
        }
    };
    Headline { tone: Tone::Waiting, word: "Waiting", sentence, notes: note.into_iter().collect() }
}

fn breaker_open(now: &Snapshot) -> Headline {
    let sentence = match now.in_flight {
        0 => "The table cannot be written: all messages wait in the queue".to_owned(),
        1 => "The table cannot be written: 1\u{a0}message is held, the rest waits in the queue".to_owned(),
        held => format!(
            "The table cannot be written: {}\u{a0}messages are held, the rest waits in the queue",
            grouped(held)
        ),
    };
    let mut note =
        "Nothing is lost meanwhile: the worker tries the table with what it holds and goes on by itself."
            .to_owned();
    if let Some(error) = now.last_errors.iter().find(|error| error.operation == "write") {
        note = format!("{note} The {}.", last(error));
    }
    Headline { tone: Tone::Stopped, word: "Stopped", sentence, notes: vec![note] }
}

/// The failure that receiving ended with, if nothing was answered since.
fn unanswered(now: &Snapshot) -> Option<&LastError> {
    let silent = now.last_receive_seconds_ago.unwrap_or(now.uptime_seconds);
    let error = now.last_errors.iter().find(|error| error.operation == "receive")?;
    (silent >= UNANSWERED && error.seconds_ago <= silent).then_some(error)
}

fn flowing(now: &Snapshot, lately: Lately) -> Headline {
    let say = |tone, word, sentence| Headline { tone, word, sentence, notes: Vec::new() };
    let rate = rate(lately);
    if lately.created > 0 {
        return match now.confirmation_to_profile_last_minute_ms {
            Some(latency) if latency.p50 > OBJECTIVE_MS => say(
                Tone::Late,
                "Behind",
                format!(
                    "Sign-ups become profiles late: {rate}, half of them after more than {}",
                    time(latency.p50)
                ),
            ),
            Some(latency) => {
                let sentence =
                    format!("Sign-ups become profiles: {rate}, half of them within {}", time(latency.p50));
                let mut headline = say(Tone::Working, "Working", sentence);
                if latency.p99 > OBJECTIVE_MS {
                    headline.notes.push(format!("One in a hundred takes more than {}.", time(latency.p99)));
                }
                headline
            }
            None => {
                say(Tone::Working, "Working", format!("Profiles are made, none of a live sign-up: {rate}"))
            }
        };
    }
    if lately.repeated > 0 {
        let sentence = format!(
            "Only repeats: {} in the last minute, whose profiles were there",
            grouped(lately.repeated)
        );
        return say(Tone::Working, "Working", sentence);
    }
    match now.in_flight {
        0 => say(Tone::Idle, "Idle", "Nothing to do".to_owned()),
        1 => say(Tone::Working, "Working", "1\u{a0}message is in hand".to_owned()),
        some => say(Tone::Working, "Working", format!("{}\u{a0}messages are in hand", grouped(some))),
    }
}

/// A rate that is less than one a second says more by the minute.
fn rate(lately: Lately) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate of profiles, never negative"
    )]
    match lately.rate {
        rate if rate >= 9.95 => format!("{}\u{a0}a\u{a0}second", grouped(rate.round() as u64)),
        rate if rate >= 1.0 => format!("{rate:.1}\u{a0}a\u{a0}second"),
        _ => format!("{} in the last minute", grouped(lately.created)),
    }
}

/// Milliseconds, to the precision that a sentence needs.
fn time(ms: u64) -> String {
    match ms {
        0..100 => "0.1\u{a0}s".to_owned(),
        100..9_950 => {
            let tenths = (ms + 50) / 100;
            format!("{}.{}\u{a0}s", tenths / 10, tenths % 10)
        }
        9_950..120_000 => format!("{}\u{a0}s", (ms + 500) / 1000),
        _ => format!("{}\u{a0}min", (ms + 30_000) / 60_000),
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0 => "just now".to_owned(),
        1..120 => format!("{seconds}\u{a0}s ago"),
        _ => format!("{}\u{a0}min ago", seconds / 60),
    }
}

fn last(error: &LastError) -> String {
    format!("last {}: {}, {}", error.operation, error.class, ago(error.seconds_ago))
}

/// 1234 as 1,234, as the page writes it.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
