//! The calls that can fail, by the names that errors are counted under.

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Looking for the queue and the table.
    Look,
    /// Receiving.
    Receive,
    /// Writing items.
    Write,
    /// Asking whose rows were there.
    Owners,
    /// Deleting messages.
    Delete,
    /// Giving messages back.
    MakeVisible,
    /// Extending leases.
    Extend,
    /// Sending to the dead-letter queue.
    Quarantine,
    /// Asking Cognito after a user.
    Verify,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 9] = [
        Self::Look,
        Self::Receive,
        Self::Write,
        Self::Owners,
        Self::Delete,
        Self::MakeVisible,
        Self::Extend,
        Self::Quarantine,
        Self::Verify,
    ];

    /// The stable name in logs and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Receive => "receive",
            Self::Write => "write",
            Self::Owners => "owners",
            Self::Delete => "delete",
            Self::MakeVisible => "make_visible",
            Self::Extend => "extend",
            Self::Quarantine => "quarantine",
            Self::Verify => "verify",
        }
    }
}
