//! Where an engine does not do what AWS documents. An entry is a fact about the engine, never about the worker:
//! the worker follows the documentation and must be right on both. Entries that no longer hold fail the suite.

use crate::catalogue::Check;

/// One thing one engine does otherwise.
pub(crate) struct Difference {
    /// As `WIRE_ENGINE` names it.
    pub(crate) engine: &'static str,
    /// The check's name.
    pub(crate) check: &'static str,
    /// What it does, in the words of the finding.
    pub(crate) instead: &'static str,
}

/// All that are known, with what they mean here.
const DIFFERENCES: &[Difference] = &[];

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
