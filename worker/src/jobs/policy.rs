//! Whom a profile is for: users who are confirmed, whatever brought them there, and may sign in. Decided on our
//! side, because one pass then sees and counts every status. Must never choose somebody who is not confirmed.

use std::collections::BTreeSet;

use crate::config::Problem;
use crate::ports::{User, UserStatus};

const FLAG: &str = "--include-status";

const MEND: &str =
    "write CONFIRMED, EXTERNAL_PROVIDER, RESET_REQUIRED, FORCE_CHANGE_PASSWORD, separated by commas";

/// The statuses that get a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statuses: BTreeSet<UserStatus>,
}

/// What becomes of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// He is to have a profile.
    Take,
    /// He is left out.
    Skip(SkipReason),
}

/// Why a user is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// His status.
    Status,
    /// He may not sign in.
    Disabled,
}

impl Policy {
    /// Reads `--include-status`.
    ///
    /// # Errors
    /// What is wrong with it; the value itself is not repeated.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let statuses: BTreeSet<_> = names.map(UserStatus::parse).collect();
        let fault = if statuses.is_empty() {
            "names no status"
        } else if statuses.contains(&UserStatus::Unconfirmed) {
            "names UNCONFIRMED: such a user never confirmed, and may never; he gets his profile when he does"
        } else if statuses.iter().any(|status| matches!(status, UserStatus::Other(_))) {
            "names what is no status of a Cognito user, or one that Cognito no longer gives"
        } else {
            return Ok(Self { statuses });
        };
        Err(Problem::new(FLAG, fault, MEND))
    }

    /// Decides over a user.
    pub fn judge(&self, user: &User) -> Judgement {
        self.judge_status(&user.status, user.enabled)
    }

    /// Decides over whoever has this status.
    pub fn judge_status(&self, status: &UserStatus, enabled: bool) -> Judgement {
        if !self.statuses.contains(status) {
            Judgement::Skip(SkipReason::Status)
        } else if enabled {
            Judgement::Take
        } else {
            Judgement::Skip(SkipReason::Disabled)
        }
    }

    /// The names of the statuses, in an order of their own.
    pub fn names(&self) -> String {
        self.statuses.iter().map(UserStatus::name).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "CONFIRMED,EXTERNAL_PROVIDER,RESET_REQUIRED";

    #[test]
    fn confirmed_users_who_may_sign_in_are_taken() {
        let policy = Policy::parse(DEFAULT).unwrap();
        let taken = [UserStatus::Confirmed, UserStatus::ExternalProvider, UserStatus::ResetRequired];
        let other = UserStatus::Other("ARCHIVED".to_owned());
        for status in UserStatus::NAMED.iter().chain([&other]) {
            let (enabled, disabled) = if taken.contains(status) {
                (Judgement::Take, Judgement::Skip(SkipReason::Disabled))
            } else {
                (Judgement::Skip(SkipReason::Status), Judgement::Skip(SkipReason::Status))
            };
            assert_eq!(policy.judge_status(status, true), enabled, "{status:?}");
            assert_eq!(policy.judge_status(status, false), disabled, "{status:?}");
        }
    }

    #[test]
    fn who_never_signed_in_is_taken_on_request() {
        let policy = Policy::parse(" FORCE_CHANGE_PASSWORD ,, CONFIRMED").unwrap();
        assert_eq!(policy.judge_status(&UserStatus::ForceChangePassword, true), Judgement::Take);
        assert_eq!(policy.names(), "CONFIRMED,FORCE_CHANGE_PASSWORD");
    }

    #[test]
    fn who_never_confirmed_cannot_be_asked_for_and_nothing_is_repeated() {
        for (text, said) in [
            ("CONFIRMED,UNCONFIRMED", "never confirmed"),
            ("", "no status"),
            (" , ", "no status"),
            ("ana@example.com", "no status of a Cognito user"),
            ("confirmed", "no status of a Cognito user"),
            ("ARCHIVED", "no longer gives"),
        ] {
            let problem = Policy::parse(text).unwrap_err().to_string();
            assert!(problem.contains(said) && !problem.contains("ana@"), "{text}: {problem}");
        }
    }
}
