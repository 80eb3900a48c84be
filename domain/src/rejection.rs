//! Why a message can never become an item. The reasons are a closed list that operators filter by;
//! the detail says more without ever naming a person.

use std::fmt;

/// The reason code of a quarantined message: stable, snake_case, one of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The body is not JSON.
    NotJson,
    /// The body nests deeper than any confirmation does.
    TooDeep,
    /// The body is larger than any confirmation can be.
    TooLarge,
    /// JSON, but none of the accepted forms.
    NotAConfirmation,
    /// A required field is absent or null.
    MissingField,
    /// `sub` is not a Cognito sub.
    InvalidSub,
    /// `userPoolId` is not a pool id.
    InvalidPool,
    /// The pool is not in the worker's allow-list.
    PoolNotAllowed,
    /// A time is not RFC 3339.
    InvalidTime,
    /// The envelope's `v` is newer than this worker knows.
    UnsupportedVersion,
    /// The model requires a field that the confirmation cannot fill.
    ModelFieldMissing,
    /// A key attribute is empty or too long for DynamoDB.
    KeyInvalid,
    /// The item is larger than DynamoDB's 400 KB.
    ItemTooLarge,
    /// The row exists and belongs to somebody else.
    OwnerConflict,
    /// DynamoDB refuses this one item.
    ServiceRejected,
}

impl Reason {
    /// Every reason, in the order of the contract.
    pub const ALL: [Self; 15] = [
        Self::NotJson,
        Self::TooDeep,
        Self::TooLarge,
        Self::NotAConfirmation,
        Self::MissingField,
        Self::InvalidSub,
        Self::InvalidPool,
        Self::PoolNotAllowed,
        Self::InvalidTime,
        Self::UnsupportedVersion,
        Self::ModelFieldMissing,
        Self::KeyInvalid,
        Self::ItemTooLarge,
        Self::OwnerConflict,
        Self::ServiceRejected,
    ];

    /// The code as it stands in the quarantine attribute and in metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::NotAConfirmation => "not_a_confirmation",
            Self::MissingField => "missing_field",
            Self::InvalidSub => "invalid_sub",
            Self::InvalidPool => "invalid_pool",
            Self::PoolNotAllowed => "pool_not_allowed",
            Self::InvalidTime => "invalid_time",
            Self::UnsupportedVersion => "unsupported_version",
            Self::ModelFieldMissing => "model_field_missing",
            Self::KeyInvalid => "key_invalid",
            Self::ItemTooLarge => "item_too_large",
            Self::OwnerConflict => "owner_conflict",
            Self::ServiceRejected => "service_rejected",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A reason with a bounded detail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Rejection {
    /// The reason code.
    pub reason: Reason,
    /// Field names, limits and positions; never a value that came from outside.
    pub detail: String,
}

impl Rejection {
    /// The longest detail, in characters: it must fit an SQS attribute beside the body.
    pub const MAX_DETAIL: usize = 200;

    /// A rejection whose detail is cut to [`Self::MAX_DETAIL`] characters.
    ///
    /// A model's field may have any name, but a detail has to pass SQS, which refuses some characters
    /// (SendMessage, API reference), and to stay on one line of a log.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let refused = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
        let mut detail = detail.into().replace(refused, "\u{fffd}");
        if let Some((cut, _)) = detail.char_indices().nth(Self::MAX_DETAIL) {
            detail.truncate(cut);
        }
        Self { reason, detail }
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self::new(Reason::MissingField, format!("{field} is absent or null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_cut_at_a_character_boundary() {
        let rejection = Rejection::new(Reason::NotJson, "é".repeat(500));
        assert_eq!(rejection.detail.chars().count(), Rejection::MAX_DETAIL);
    }

    #[test]
    fn a_detail_is_one_line_that_sqs_takes() {
        let rejection = Rejection::new(Reason::ModelFieldMissing, "a\nb\u{ffff}c\u{fffe}d\u{0}e");
        assert_eq!(rejection.detail, "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e");
    }

    #[test]
    fn codes_are_distinct() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
