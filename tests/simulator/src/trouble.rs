//! What goes wrong in a history: a list, each entry of which can be left out to find out which of them
//! a failure needs. Must stay data: nothing here does anything.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// What the worker asks of the outside world, one call each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// ReceiveMessage.
    Receive,
    /// DeleteMessageBatch.
    Delete,
    /// ChangeMessageVisibilityBatch: delays, releases and extensions.
    MakeVisible,
    /// SendMessage to the dead-letter queue.
    Quarantine,
    /// PutItem.
    Insert,
    /// BatchExecuteStatement.
    InsertBatch,
    /// BatchGetItem.
    Owners,
}

impl Operation {
    /// Those of SQS.
    pub const QUEUE: [Self; 4] = [Self::Receive, Self::Delete, Self::MakeVisible, Self::Quarantine];
    /// Those of DynamoDB.
    pub const TABLE: [Self; 3] = [Self::Insert, Self::InsertBatch, Self::Owners];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::QUEUE.into_iter().chain(Self::TABLE)
    }

    /// As the worker's counters call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Delete => "delete",
            Self::MakeVisible => "make_visible",
            Self::Quarantine => "quarantine",
            Self::Insert => "insert",
            Self::InsertBatch => "insert_batch",
            Self::Owners => "owners",
        }
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The service answers with this error code and has done nothing.
    Error(&'static str),
    /// The call takes effect, and the connection breaks before the answer.
    AnswerLost,
    /// It never arrives, and nobody says so: the client gives up by itself.
    Unheard,
    /// It arrives only after the client has given up, and takes effect then.
    Late,
    /// It takes so much longer.
    Slow(Duration),
    /// Inside a success, some entries failed with this error code.
    Entries(&'static str),
    /// The answer says nothing about some entries.
    Short,
    /// Messages whose delete succeeds come back.
    Forgotten,
    /// Messages are handed out although they are in flight.
    Twice,
}

/// What happens to the world, or in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Every worker stands still for so long, while the services' clocks go on: a suspended process, a
    /// clock that jumps.
    Stall(Duration),
    /// The table is gone for so long, then there again with its rows.
    TableMissing(Duration),
    /// The table's key is another for so long: every item is refused.
    WrongKey(Duration),
    /// This user edits his row, if he has one.
    Edit(u64),
    /// This user deletes his row.
    Remove(u64),
    /// Somebody makes a row under this user's key, if there is none.
    Squat(u64),
    /// From now on DynamoDB refuses this user's item.
    Refuse(u64),
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// Calls fail.
    Fault {
        /// When, counted from the beginning.
        when: Range<Duration>,
        /// Which.
        operations: Vec<Operation>,
        /// How.
        kind: Kind,
        /// How many of them, in 0..=1.
        chance: f64,
        /// Of which worker; of all if none is named.
        worker: Option<usize>,
    },
    /// Something happens.
    Event {
        /// When, counted from the beginning.
        at: Duration,
        /// What.
        what: Happening,
    },
}

impl Trouble {
    /// When it is over.
    pub fn ends(&self) -> Duration {
        match self {
            Self::Fault { when, .. } => when.end,
            Self::Event { at, what } => match what {
                Happening::Stall(lasts) | Happening::TableMissing(lasts) | Happening::WrongKey(lasts) => {
                    *at + *lasts
                }
                _ => *at,
            },
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { when, operations, kind, chance, worker } => {
                let names: Vec<_> = operations.iter().map(|operation| operation.name()).collect();
                write!(f, "{:?} to {:?}: {} % of ", when.start, when.end, (chance * 100.0).round())?;
                write!(f, "{}", if names.len() == 7 { "everything".to_owned() } else { names.join(", ") })?;
                if let Some(worker) = worker {
                    write!(f, " of worker {worker}")?;
                }
                write!(f, ": {kind:?}")
            }
            Self::Event { at, what } => write!(f, "{at:?}: {what:?}"),
        }
    }
}
