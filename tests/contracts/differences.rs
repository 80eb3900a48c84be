//! Where an engine does not do what AWS documents. An entry is a fact about the engine, never about the worker:
//! the worker follows the documentation and must be right on both. Entries that no longer hold fail the suite.

use crate::catalogue::Check;
use crate::finding::Finding;
use crate::matrix::Matrix;

/// One thing one engine does otherwise.
pub(crate) struct Difference {
    /// As `WIRE_ENGINE` names it.
    pub(crate) engine: &'static str,
    /// The check's name.
    pub(crate) check: &'static str,
    /// What it does, in the words of the finding.
    pub(crate) instead: &'static str,
    /// Why, as far as it is known.
    pub(crate) because: &'static str,
}

/// All that are known.
const DIFFERENCES: &[Difference] = &[
    Difference {
        engine: MINISTACK,
        check: "deleting::a_stale_receipt_deletes_nothing",
        instead: "refused; the message stays",
        because: "keeps the newest receipt of a message only (services/sqs.py, _act_delete_message_batch)",
    },
    Difference {
        engine: MINISTACK,
        check: "visibility::twelve_hours_at_once_and_no_more",
        instead: "ok; it stays lent",
        because: "has no longest timeout for a message (services/sqs.py, _act_change_visibility)",
    },
    Difference {
        engine: MINISTACK,
        check: "visibility::twelve_hours_in_all_and_no_more",
        instead: "ok; it stays lent",
        because: "does not remember when a message was received (services/sqs.py, _act_change_visibility)",
    },
    Difference {
        engine: MINISTACK,
        check: "batches::one_bad_timeout_among_changes_fails_alone",
        instead: "3 × ok; 2 visible, 1 in flight",
        because: "has no longest timeout for a message (services/sqs.py, _act_change_visibility_batch)",
    },
    Difference {
        engine: MINISTACK,
        check: "batch_inserting::a_bad_item_fails_alone",
        instead: "3 × created; the table is wrong",
        because: "looks at the partition key of an INSERT, not at the sort key (services/dynamodb.py, _partiql_insert)",
    },
];

/// Release 1.5.33, the one that the gate installs.
const MINISTACK: &str = "ministack";

/// What this engine is known to do otherwise.
pub(crate) fn known(engine: &str, check: &str) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.engine == engine && difference.check == check)
}

/// An entry whose check was renamed or removed would never be looked at again.
pub(crate) fn all_are_about<S>(checks: &[Check<S>]) -> Result<(), String> {
    let mut seen = std::collections::HashSet::new();
    for Difference { engine, check, .. } in DIFFERENCES {
        if !["embedded", "ministack", "model"].contains(engine) {
            return Err(format!("no engine is called {engine}"));
        }
        if !checks.iter().any(|known| known.name == *check) {
            return Err(format!("no check is called {check}"));
        }
        if !seen.insert((engine, check)) {
            return Err(format!("{engine} and {check} are listed twice"));
        }
    }
    Ok(())
}

/// The judge itself: what is listed passes, what is not listed fails, and so does what is listed and gone.
pub(crate) fn are_held_to() -> Result<(), String> {
    let matrix = Matrix::default();
    for Difference { engine, check, instead, .. } in DIFFERENCES {
        let judged = |observed: &str| {
            matrix.judge(check, engine, &Finding::documented("as it should be", observed)).is_ok()
        };
        let verdicts = [judged(instead), judged("as it should be"), judged("otherwise")];
        if verdicts != [true, false, false] {
            return Err(format!("{engine}, {check}: listed, gone and another one are judged {verdicts:?}"));
        }
    }
    let unlisted = matrix.judge("no such check", "embedded", &Finding::documented("one", "another"));
    if unlisted.is_ok() { Err("a difference that is not listed passes".to_owned()) } else { Ok(()) }
}
