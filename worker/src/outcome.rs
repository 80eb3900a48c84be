//! The closed list of ways a delivery can end. Metrics, the summary and the tests use these names;
//! every delivery ends in exactly one.

use domain::Source;

/// How one delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// This delivery made the user's item.
    Created,
    /// The user's item was there.
    AlreadyPresent,
    /// An item was there, without an owner. The user has a row, though nobody can read it.
    OwnerMissing,
    /// An item was there and belongs to somebody else; quarantined.
    OwnerConflict,
    /// The message can never become an item; quarantined.
    Rejected,
    /// Back to the queue, with a delay.
    Retried,
    /// Back to the queue unwritten: at once when the worker stops, later when it was held for too long.
    Released,
    /// The visibility timeout ran out before the write; the message comes back by itself.
    LeaseLost,
    /// The user no longer exists.
    UserGone,
    /// A trigger source that is not wanted; deleted.
    Ignored,
}

impl Outcome {
    /// Every outcome, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::AlreadyPresent,
        Self::OwnerMissing,
        Self::OwnerConflict,
        Self::Rejected,
        Self::Retried,
        Self::Released,
        Self::LeaseLost,
        Self::UserGone,
        Self::Ignored,
    ];

    /// The stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::AlreadyPresent => "already_present",
            Self::OwnerMissing => "owner_missing",
            Self::OwnerConflict => "owner_conflict",
            Self::Rejected => "rejected",
            Self::Retried => "retried",
            Self::Released => "released",
            Self::LeaseLost => "lease_lost",
            Self::UserGone => "user_gone",
            Self::Ignored => "ignored",
        }
    }

    /// What a follower of a coalesced leader counts as: the leader made the item, so for everyone
    /// after it the item was there.
    #[must_use]
    pub const fn for_follower(self) -> Self {
        match self {
            Self::Created => Self::AlreadyPresent,
            same => same,
        }
    }
}

/// Why a delivery's confirmation was sent, as far as it could be read. Only the live ones are under the latency
/// objective: nobody waits for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A user was confirmed a moment ago.
    Live,
    /// Told again from an EventBridge archive.
    Replay,
    /// The backfill job.
    Backfill,
    /// The reconcile job.
    Reconcile,
    /// The message could not be read.
    Unknown,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 5] = [Self::Live, Self::Replay, Self::Backfill, Self::Reconcile, Self::Unknown];

    /// The value of the label `source`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Replay => "replay",
            Self::Backfill => "backfill",
            Self::Reconcile => "reconcile",
            Self::Unknown => "unknown",
        }
    }

    /// Of a message that was read.
    pub fn of(source: Source, replayed: bool) -> Self {
        match source {
            Source::Reconcile => Self::Reconcile,
            Source::BackfillCognito | Source::BackfillFile => Self::Backfill,
            Source::CognitoTrigger if replayed => Self::Replay,
            Source::CognitoTrigger => Self::Live,
        }
    }
}
