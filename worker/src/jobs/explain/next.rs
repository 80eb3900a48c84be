//! What happens next with one user, in one sentence: the decision that support asks for. Must never promise what
//! the worker does not do: it changes and deletes no row.

use domain::{Reason, Rejection};

use super::found::{Account, Dead, Elsewhere, Row, Whose};
use crate::ports::UserStatus;
use crate::telemetry::Cause;

/// Everything that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// In the user pool.
    pub(super) account: Account,
    /// Under his key.
    pub(super) row: Row,
    /// Under other keys.
    pub(super) elsewhere: Elsewhere,
    /// In the dead-letter queue.
    pub(super) dead: Dead,
    /// Why the model makes no item of this user, if so.
    pub(super) unmakeable: Option<Rejection>,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    /// For a person.
    pub(super) sentence: String,
    /// There is an item of his, and nothing is wrong.
    pub(super) well: bool,
}

/// Decides.
pub(super) fn next(found: &Found) -> Next {
    let wrong = |sentence: String| Next { sentence, well: false };
    match (&found.row, &found.account) {
        (Row::Denied, _) => wrong("the table was not asked: allow dynamodb:GetItem to this role".to_owned()),
        (Row::Present { whose, lacks }, account) => present(found, *whose, lacks, account),
        (_, Account::Absent) => wrong(match &found.dead {
            Dead::Message(_) => {
                "no such user in this pool, and no item: quarantine drop removes his message".into()
            }
            _ => "no such user in this pool, and no item: nothing happens".to_owned(),
        }),
        (Row::NoKey(rejection), _) => {
            wrong(format!("the model has no key for him ({rejection}): mend the model, or his attributes"))
        }
        (Row::KeyUnknown, Account::Denied) => {
            wrong("his key takes his user name: allow cognito-idp:ListUsers to this role".to_owned())
        }
        (Row::KeyUnknown, _) => {
            wrong("his key takes his user name: name the pool in USER_POOL_ID".to_owned())
        }
        (Row::Absent, account) => absent(found, account),
    }
}

fn present(found: &Found, whose: Whose, lacks: &[String], account: &Account) -> Next {
    let message = if let Dead::Message(_) = found.dead { ", then quarantine retry" } else { "" };
    let (sentence, well) = match (whose, account) {
        (Whose::Anothers, _) => (
            format!(
                "owner conflict: the row under his key is somebody else's and is never overwritten; find out who \
                 wrote it, move or delete it{message}, or reconcile --fix missing"
            ),
            false,
        ),
        (_, Account::Absent) => {
            ("no such user in this pool: the item is an orphan; nothing deletes it by itself".to_owned(), false)
        }
        (Whose::Unknown, _) => {
            ("a row is there; whose it is takes his user name, which only Cognito tells".to_owned(), false)
        }
        (Whose::His | Whose::Nobodys, _) if !lacks.is_empty() => (
            format!(
                "the item is malformed, it lacks {}: list queries that find it fail; mend it by hand, the worker \
                 changes no row",
                lacks.join(", ")
            ),
            false,
        ),
        (Whose::His | Whose::Nobodys, _) => match (found.elsewhere, &found.dead) {
            (Elsewhere::Rows(rows @ 1..), _) => (
                format!("his profile is there, and {rows} more of his under other keys: adopt merges them"),
                false,
            ),
            (_, Dead::Message(_)) => (
                "nothing: his profile is there; his message in the dead-letter queue can be retried or dropped"
                    .to_owned(),
                true,
            ),
            _ => ("nothing: his profile is there".to_owned(), true),
        },
    };
    Next { sentence, well }
}

fn absent(found: &Found, account: &Account) -> Next {
    if let Elsewhere::Rows(rows @ 1..) = found.elsewhere {
        // One row under a random id is the documented handler's: a profile, if not in its place.
        return match rows {
            1 => Next {
                sentence: "he has a row of the documented handler under another key: adopt moves it, and until then \
                           he is left alone"
                    .to_owned(),
                well: true,
            },
            rows => Next {
                sentence: format!("he has {rows} rows under other keys, and none under his: adopt merges them"),
                well: false,
            },
        };
    }
    let sentence = match account {
        Account::Denied => "no item under his key, and Cognito was not asked about him: allow \
                            cognito-idp:ListUsers to this role"
            .to_owned(),
        Account::NotAsked => {
            "no item under his key, and Cognito was not asked about him: name the pool in USER_POOL_ID".to_owned()
        }
        Account::Absent => "no such user in this pool, and no item: nothing happens".to_owned(),
        Account::Present { status: UserStatus::Unconfirmed, .. } => {
            "not confirmed yet: the trigger fires when he confirms".to_owned()
        }
        Account::Present { enabled: false, .. } => {
            "disabled: he gets no profile; once he is enabled, reconcile --fix missing enqueues him".to_owned()
        }
        Account::Present { status: UserStatus::ForceChangePassword, .. } => {
            "made by an administrator, and never signed in: backfill --include-status FORCE_CHANGE_PASSWORD would \
             enqueue him; otherwise reconcile --fix missing does once he has signed in"
                .to_owned()
        }
        Account::Present { status: UserStatus::Other(_), .. } => {
            "his status gets no profile: look him up in the user pool".to_owned()
        }
        Account::Present { .. } => confirmed(found),
    };
    Next { sentence, well: false }
}

/// Confirmed, enabled, and without an item.
fn confirmed(found: &Found) -> String {
    if let Some(rejection) = &found.unmakeable {
        return format!(
            "confirmed, no item, and the model makes none of him ({rejection}): mend the model or his attributes, \
             then reconcile --fix missing enqueues him"
        );
    }
    match &found.dead {
        Dead::None => {
            "confirmed, no item, nothing in the dead-letter queue: reconcile --fix missing enqueues \
                       him, unless his message is still in the queue"
                .to_owned()
        }
        Dead::NoQueue => {
            "confirmed, no item, and there is no dead-letter queue: reconcile --fix missing enqueues \
                          him, unless his message is still in the queue"
                .to_owned()
        }
        Dead::Denied => {
            "confirmed, no item, and the dead-letter queue was not asked: allow sqs:ReceiveMessage and \
                         sqs:ChangeMessageVisibility on it to this role"
                .to_owned()
        }
        Dead::Message(cause) => {
            format!("confirmed, no item, his message is in quarantine: {}", remedy(cause))
        }
    }
}

/// What brings a quarantined message on.
fn remedy(cause: &Cause) -> String {
    let Cause::Quarantined(reason) = cause else {
        return match cause {
            Cause::MovedBySqs => {
                "SQS moved it after too many receives; quarantine retry sends it back".to_owned()
            }
            _ => "for a reason this version does not know; see its detail, then quarantine retry".to_owned(),
        };
    };
    let retry = "then quarantine retry";
    match reason {
        Reason::NotJson
        | Reason::TooDeep
        | Reason::TooLarge
        | Reason::NotAConfirmation
        | Reason::MissingField
        | Reason::InvalidSub
        | Reason::InvalidPool
        | Reason::InvalidTime => {
            "it can never become an item; reconcile --fix missing enqueues him anew, quarantine drop removes it"
                .to_owned()
        }
        Reason::PoolNotAllowed => format!("add his pool to USER_POOL_IDS of the worker, {retry}"),
        Reason::UnsupportedVersion => format!("deploy a newer worker, {retry}"),
        Reason::ModelFieldMissing | Reason::KeyInvalid | Reason::ItemTooLarge => {
            format!("mend the model, {retry}; if his attributes were mended, reconcile --fix missing")
        }
        Reason::OwnerConflict => "the row that was in the way has gone; quarantine retry sends it back".to_owned(),
        Reason::ServiceRejected => format!("DynamoDB refused it; see its detail, {retry}"),
    }
}

#[cfg(test)]
mod tests;
