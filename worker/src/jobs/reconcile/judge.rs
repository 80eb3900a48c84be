//! What is this user, given what the table has of him? The classes are a contract of the command; every user is in
//! exactly one. Must never know how the table was asked.

use super::super::policy::{Judgement, SkipReason};

/// What stands under a user's own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtKey {
    /// No row.
    Nothing,
    /// His row, or one that says of nobody that it is his.
    His,
    /// The row of somebody else.
    Anothers,
}

/// What the table has of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Under his own key.
    pub at_key: AtKey,
    /// His rows under other keys.
    pub elsewhere: u64,
    /// Whether his own row has another address than his pool.
    pub other_email: bool,
}

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not to have a profile, by his status.
    SkippedStatus,
    /// Not to have a profile, for he may not sign in.
    SkippedDisabled,
    /// He has his profile.
    Matched,
    /// Somebody else's row stands where his has to.
    OwnerConflict,
    /// His only rows have other keys.
    Legacy,
    /// He has no profile; his message may be on its way.
    MissingInGrace,
    /// He has no profile, if another look agrees.
    Missing,
}

/// Decides over one user. `fresh` says that he changed so lately that his message may be on its way.
///
/// A row of his elsewhere is none where somebody else's row is in the way: that is the graver finding.
pub fn judge(policy: Judgement, found: Found, fresh: bool) -> Class {
    match (policy, found.at_key) {
        (Judgement::Skip(SkipReason::Status), _) => Class::SkippedStatus,
        (Judgement::Skip(SkipReason::Disabled), _) => Class::SkippedDisabled,
        (Judgement::Take, AtKey::His) => Class::Matched,
        (Judgement::Take, AtKey::Anothers) => Class::OwnerConflict,
        (Judgement::Take, AtKey::Nothing) if found.elsewhere > 0 => Class::Legacy,
        (Judgement::Take, AtKey::Nothing) if fresh => Class::MissingInGrace,
        (Judgement::Take, AtKey::Nothing) => Class::Missing,
    }
}

/// How many rows he has too many: all beside the one that counts. Nobody looks at those of a user who is skipped.
pub fn too_many(class: Class, found: Found) -> u64 {
    match class {
        Class::SkippedStatus | Class::SkippedDisabled => 0,
        Class::Matched => found.elsewhere,
        _ => found.elsewhere.saturating_sub(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Found = Found { at_key: AtKey::Nothing, elsewhere: 0, other_email: false };

    #[test]
    fn a_user_is_what_the_contract_says() {
        let his = Found { at_key: AtKey::His, ..NOTHING };
        let anothers = Found { at_key: AtKey::Anothers, ..NOTHING };
        let elsewhere = |found: Found, elsewhere| Found { elsewhere, ..found };
        for (found, fresh, class, surplus) in [
            (NOTHING, false, Class::Missing, 0),
            (NOTHING, true, Class::MissingInGrace, 0),
            (his, false, Class::Matched, 0),
            (his, true, Class::Matched, 0),
            (elsewhere(his, 2), false, Class::Matched, 2),
            (anothers, true, Class::OwnerConflict, 0),
            (elsewhere(anothers, 1), false, Class::OwnerConflict, 0),
            (elsewhere(NOTHING, 1), false, Class::Legacy, 0),
            (elsewhere(NOTHING, 1), true, Class::Legacy, 0),
            (elsewhere(NOTHING, 3), false, Class::Legacy, 2),
        ] {
            let judged = judge(Judgement::Take, found, fresh);
            assert_eq!(judged, class, "{found:?}");
            assert_eq!(too_many(judged, found), surplus, "{found:?}");
            for (reason, class) in
                [(SkipReason::Status, Class::SkippedStatus), (SkipReason::Disabled, Class::SkippedDisabled)]
            {
                let skipped = judge(Judgement::Skip(reason), found, fresh);
                assert_eq!((skipped, too_many(skipped, found)), (class, 0), "{found:?}");
            }
        }
    }
}
