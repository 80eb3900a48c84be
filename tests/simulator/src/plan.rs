//! Everything that a history is to be, from one seed: the worker's settings, what is sent and when, what
//! goes wrong, who lives for how long. Parts can be left out, to find out which of them a failure needs.

use std::fmt;
use std::time::Duration;

use worker::pipeline::{Settings, WriteStrategy};

use crate::people::{Sent, What};
use crate::trouble::{Happening, Kind, Operation, Trouble};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A history before it is lived.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it comes from, and all further dice of it.
    pub seed: u64,
    /// The settings of every worker.
    pub settings: Settings,
    /// What is sent, when.
    pub messages: Vec<(Duration, Sent)>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// The workers that live in it. Another one, when all is well again, finishes.
    pub lives: Vec<Life>,
}

/// One worker's life.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// When it begins.
    pub from: Duration,
    /// How it ends.
    pub end: End,
}

/// How a worker's life ends.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// When nothing is left to do; that it comes to this is demanded.
    Done,
    /// It is asked to stop; after that long it is told to stop at once.
    Stopped(Moment, Option<Duration>),
    /// It is killed.
    Killed(Moment),
}

/// A moment in a worker's life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    /// After so long.
    After(Duration),
    /// At the nth step of its calls, after others have gone first so many times.
    Step(u64, u32),
}

/// Error codes of whole calls to SQS (API reference, "Common Errors" and the errors of each action).
const QUEUE_CODES: [&str; 11] = [
    "RequestThrottled",
    "ThrottlingException",
    "InternalError",
    "InternalFailure",
    "ServiceUnavailable",
    "OverLimit",
    "AWS.SimpleQueueService.NonExistentQueue",
    "AccessDenied",
    "ExpiredToken",
    "KmsThrottled",
    "KmsDisabled",
];

/// Error codes of entries inside an HTTP 200 of SQS.
const ENTRY_CODES: [&str; 4] =
    ["InternalError", "ServiceUnavailable", "RequestThrottled", "ReceiptHandleIsInvalid"];

/// Error codes of whole calls to DynamoDB (developer guide, "Error handling with DynamoDB").
const TABLE_CODES: [&str; 10] = [
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "ResourceNotFoundException",
    "AccessDeniedException",
    "ExpiredTokenException",
    "UnrecognizedClientException",
];

/// Every code of BatchStatementError (API reference) that does not say that the row is there.
const STATEMENT_CODES: [&str; 9] = [
    "ItemCollectionSizeLimitExceeded",
    "RequestLimitExceeded",
    "ValidationError",
    "ProvisionedThroughputExceeded",
    "TransactionConflict",
    "ThrottlingError",
    "InternalServerError",
    "ResourceNotFound",
    "AccessDenied",
];

impl Plan {
    /// The history of this seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let settings = settings(&mut dice);
        let messages = messages(&mut dice);
        let troubles = troubles(&mut dice);
        let lives = lives(&mut dice);
        let mut plan = Self { seed, settings, messages, troubles, lives };
        if plan.lasts_for_hours() {
            // Polls without a wait would be all there is to see of it.
            plan.settings.wait_time = plan.settings.wait_time.max(5 * SECOND);
        }
        plan
    }

    fn lasts_for_hours(&self) -> bool {
        self.ends() > HOUR
            || self.happens(|what| matches!(what, Happening::Refuse(_)))
            || self.messages.iter().any(|(_, sent)| sent.what == What::Newer)
    }

    /// A history with nothing in it: one worker with settings that hurry nothing, which lives until it
    /// is done. To be furnished.
    pub fn empty() -> Self {
        Self {
            seed: 0,
            settings: Settings {
                max_in_flight: 100,
                max_receivers: 4,
                wait_time: 20 * SECOND,
                visibility_timeout: 60 * SECOND,
                linger: Duration::from_millis(50),
                write_deadline: 10 * SECOND,
                hold_budget: HOUR,
                drain_deadline: 90 * SECOND,
                write_strategy: WriteStrategy::Auto,
            },
            messages: Vec::new(),
            troubles: Vec::new(),
            lives: vec![Life { from: Duration::ZERO, end: End::Done }],
        }
    }

    /// When the last trouble is over and everything was sent.
    pub fn ends(&self) -> Duration {
        let sent = self.messages.iter().map(|(at, _)| *at);
        self.troubles.iter().map(Trouble::ends).chain(sent).max().unwrap_or_default()
    }

    /// What is the matter with one user.
    pub fn happens(&self, is: impl Fn(Happening) -> bool) -> bool {
        self.troubles.iter().any(|trouble| matches!(trouble, Trouble::Event { what, .. } if is(*what)))
    }
}

fn settings(dice: &mut fastrand::Rng) -> Settings {
    let max_in_flight = [1, 7, 40, 1000][dice.usize(0..4)];
    Settings {
        max_in_flight,
        max_receivers: (max_in_flight / 10).clamp(1, 16),
        wait_time: [Duration::ZERO, SECOND, 5 * SECOND, 20 * SECOND, 20 * SECOND][dice.usize(0..5)],
        visibility_timeout: 60 * SECOND,
        linger: Duration::from_millis([0, 50, 1000][dice.usize(0..3)]),
        write_deadline: 10 * SECOND,
        hold_budget: [Duration::ZERO, 30 * SECOND, HOUR][dice.usize(0..3)],
        drain_deadline: 90 * SECOND,
        write_strategy: [WriteStrategy::Auto, WriteStrategy::Put, WriteStrategy::Batch][dice.usize(0..3)],
    }
}

fn messages(dice: &mut fastrand::Rng) -> Vec<(Duration, Sent)> {
    let users = dice.u64(1..60);
    let mut at = Duration::ZERO;
    (0..dice.u64(1..160))
        .map(|nonce| {
            // Singly and in rushes.
            if dice.u8(0..10) == 0 {
                at = Duration::from_millis(dice.u64(0..300_000));
            }
            let what = match dice.u8(0..60) {
                0 => What::Junk,
                1..3 => What::Reset,
                3 => What::Newer,
                _ => What::SignUp { story: dice.u64(0..2) },
            };
            (at, Sent { nonce, user: dice.u64(0..users), what })
        })
        .collect()
}

fn troubles(dice: &mut fastrand::Rng) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = (0..dice.usize(0..=6)).map(|_| fault(dice)).collect();
    if dice.u8(0..10) < 6 {
        // At least once, throughout.
        troubles.push(Trouble::Fault {
            when: Duration::ZERO..400 * SECOND,
            operations: vec![Operation::Receive],
            kind: Kind::Twice,
            chance: [0.005, 0.05][dice.usize(0..2)],
            worker: None,
        });
    }
    for _ in 0..dice.usize(0..6) {
        let at = Duration::from_millis(dice.u64(0..300_000));
        let lasts = SECOND * [1, 20, 90, 1200][dice.usize(0..4)];
        let user = dice.u64(0..30);
        let what = match dice.u8(0..12) {
            0 => Happening::Stall(lasts),
            1 => Happening::TableMissing(lasts),
            2 => Happening::WrongKey(lasts),
            3 => Happening::Remove(user),
            4 => Happening::Refuse(user),
            5..7 => Happening::Squat(user),
            7 => Happening::Ownerless(user),
            _ => Happening::Edit(user),
        };
        troubles.push(Trouble::Event { at, what });
    }
    // A table that is wrong three times in one message's life could be taken for a bad message (ADR 15).
    let mut wrong = 0;
    troubles.retain(|trouble| {
        wrong += u32::from(matches!(trouble, Trouble::Event { what: Happening::WrongKey(_), .. }));
        wrong <= 2 || !matches!(trouble, Trouble::Event { what: Happening::WrongKey(_), .. })
    });
    if dice.u8(0..200) == 0 {
        troubles.push(night(dice));
    }
    troubles
}

/// A bad time of seconds, of minutes, or longer than a lease.
fn fault(dice: &mut fastrand::Rng) -> Trouble {
    let start = Duration::from_millis(dice.u64(0..300_000));
    let when = start..start + SECOND * [2, 20, 90, 400][dice.usize(0..4)];
    let slow = Kind::Slow(Duration::from_millis(dice.u64(100..9000)));
    let worker = [None, None, Some(0), Some(1)][dice.usize(0..4)];
    let (operations, kind) = match dice.u8(0..16) {
        // An endpoint that is down, or that refuses.
        0..2 => (Operation::QUEUE.to_vec(), Kind::Error(pick(dice, &QUEUE_CODES))),
        2..4 => (Operation::TABLE.to_vec(), Kind::Error(pick(dice, &TABLE_CODES))),
        // Both: the network, or the credentials.
        4 => (Operation::all().collect(), Kind::Unheard),
        5 => (Operation::all().collect(), Kind::Error("ExpiredTokenException")),
        6 => (Operation::all().collect(), Kind::AnswerLost),
        7 => (Operation::all().collect(), slow),
        // Entries inside a success.
        8 => (vec![Operation::InsertBatch], Kind::Entries(pick(dice, &STATEMENT_CODES))),
        9 => (vec![Operation::Delete, Operation::MakeVisible], Kind::Entries(pick(dice, &ENTRY_CODES))),
        10 => (vec![Operation::InsertBatch, Operation::Delete, Operation::MakeVisible], Kind::Short),
        11 => (vec![Operation::Delete], Kind::Forgotten),
        // One operation only.
        _ => {
            let operation = Operation::all().nth(dice.usize(0..7)).unwrap();
            let kinds = [Kind::Unheard, Kind::AnswerLost, Kind::Late, slow, Kind::Error("InternalError")];
            (vec![operation], kinds[dice.usize(0..5)])
        }
    };
    Trouble::Fault { when, operations, kind, chance: [0.1, 0.5, 1.0][dice.usize(0..3)], worker }
}

/// An outage past SQS's twelve hours.
fn night(dice: &mut fastrand::Rng) -> Trouble {
    let (kind, chance) = match dice.u8(0..4) {
        0 => (Kind::Error("ThrottlingException"), 0.95),
        1 => (Kind::Entries("ThrottlingError"), 1.0),
        2 => (Kind::Unheard, 1.0),
        _ => (Kind::Error(pick(dice, &TABLE_CODES)), 1.0),
    };
    let when = Duration::ZERO..13 * HOUR;
    Trouble::Fault { when, operations: Operation::TABLE.to_vec(), kind, chance, worker: None }
}

fn pick(dice: &mut fastrand::Rng, codes: &[&'static str]) -> &'static str {
    codes[dice.usize(0..codes.len())]
}

fn lives(dice: &mut fastrand::Rng) -> Vec<Life> {
    let mut from = Duration::ZERO;
    (0..dice.usize(1..4))
        .map(|_| {
            let after = match dice.u8(0..3) {
                0 => Moment::Step(dice.u64(0..400), dice.u32(0..3)),
                _ => Moment::After(Duration::from_millis(dice.u64(0..400_000))),
            };
            let end = match dice.u8(0..6) {
                0 | 1 => End::Done,
                2 | 3 => End::Killed(after),
                4 => End::Stopped(after, None),
                _ => End::Stopped(after, Some(Duration::from_millis(dice.u64(0..20_000)))),
            };
            let life = Life { from, end };
            // The next one beside it, or after it.
            from += Duration::from_millis(dice.u64(0..300_000));
            life
        })
        .collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { max_in_flight, max_receivers, wait_time, linger, hold_budget, write_strategy, .. } =
            &self.settings;
        writeln!(
            f,
            "seed {}: at most {max_in_flight} in flight, {max_receivers} receivers, wait {wait_time:?}, linger \
             {linger:?}, hold {hold_budget:?}, {write_strategy:?}",
            self.seed
        )?;
        for (place, Life { from, end }) in self.lives.iter().enumerate() {
            writeln!(f, "  worker {place} from {from:?}: {end:?}")?;
        }
        for trouble in &self.troubles {
            writeln!(f, "  {trouble}")?;
        }
        writeln!(f, "  {} messages", self.messages.len())?;
        for (at, sent) in self.messages.iter().take(12) {
            writeln!(f, "    {at:?}: {sent} (nonce {})", sent.nonce)?;
        }
        if self.messages.len() > 12 { writeln!(f, "    …") } else { Ok(()) }
    }
}
