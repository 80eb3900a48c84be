//! Why a job could not go on, and with which exit code. A job that did its work and found something is not
//! here; that is a [`super::Report`].

use std::fmt;

use crate::config::Problem;
use crate::ports::{CallError, ErrorClass};

/// A job that could not go on. Never quotes what was read.
#[derive(Debug)]
pub enum JobError {
    /// The settings, a flag or a file cannot be used; nothing was done with them.
    Configuration(Vec<Problem>),
    /// AWS was not reachable, or said no.
    Call {
        /// The IAM action, such as `cognito-idp:ListUsers`.
        action: &'static str,
        /// What it said.
        error: CallError,
        /// What was kept and how to go on; empty if nothing was begun.
        hint: String,
    },
    /// This machine: a disk that is full, a file that cannot be written.
    Machine {
        /// What could not be done, with the file's name.
        what: String,
        /// What was kept and how to go on.
        hint: String,
    },
}

impl JobError {
    /// One problem with a flag or a file.
    pub fn problem(variable: &str, fault: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Configuration(vec![Problem::new(variable, fault, mend)])
    }

    /// A call that failed before anything was begun.
    pub fn call(action: &'static str, error: CallError) -> Self {
        Self::Call { action, error, hint: String::new() }
    }

    /// With what was kept and how to go on.
    #[must_use]
    pub fn with_hint(mut self, text: &str) -> Self {
        match &mut self {
            Self::Call { hint, .. } | Self::Machine { hint, .. } => {
                if !hint.is_empty() {
                    hint.push('\n');
                }
                hint.push_str(text);
            }
            Self::Configuration(_) => {}
        }
        self
    }

    /// 69 AWS unreachable or permission denied · 70 this machine · 78 configuration.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_) => 78,
            // The service understood and refuses: a name, or an id.
            Self::Call { error, .. } if matches!(error.class, ErrorClass::Missing | ErrorClass::Refused) => {
                78
            }
            Self::Call { .. } => 69,
            Self::Machine { .. } => 70,
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self {
            Self::Configuration(problems) => {
                f.write_str("The configuration cannot work:")?;
                return problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"));
            }
            Self::Call { action, error, hint } => {
                let mend = match error.class {
                    ErrorClass::Denied => "allow it to this role, and check its credentials",
                    ErrorClass::Missing => "create it, or correct the name, account and region",
                    ErrorClass::Refused => "correct the name, id or URL",
                    ErrorClass::Throttled => "try again later, or at a lower rate",
                    ErrorClass::Unavailable => "check network, region and endpoint, then try again",
                };
                write!(f, "{action} failed: {error}; {mend}")?;
                hint
            }
            Self::Machine { what, hint } => {
                f.write_str(what)?;
                hint
            }
        };
        if hint.is_empty() { Ok(()) } else { write!(f, "\n{hint}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_mend_itself_or_needs_a_role_is_69_and_a_wrong_name_78() {
        for (class, code) in [
            (ErrorClass::Throttled, 69),
            (ErrorClass::Unavailable, 69),
            (ErrorClass::Denied, 69),
            (ErrorClass::Missing, 78),
            (ErrorClass::Refused, 78),
        ] {
            let error = JobError::call("cognito-idp:ListUsers", CallError::new(class, "Code"));
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }

    #[test]
    fn the_hint_is_the_last_line() {
        let error = JobError::call("sqs:SendMessage", CallError::new(ErrorClass::Denied, "AccessDenied"));
        let told = error.with_hint("go on with --resume").to_string();
        assert_eq!(told.lines().last(), Some("go on with --resume"), "{told}");
    }
}
