//! Finds the smallest history that still fails in the same way: leaves out troubles, then workers, then
//! messages, as long as the failure stays.

use crate::plan::Plan;

/// Histories that are tried at the most.
const ATTEMPTS: usize = 600;

/// A smaller plan with the same kind of violation, and what it violates. `violations` lives a plan and
/// tells what must not have happened.
pub fn shrink(plan: &Plan, violation: &str, violations: impl Fn(&Plan) -> Vec<String>) -> (Plan, String) {
    let mut search = Search {
        best: plan.clone(),
        violation: violation.to_owned(),
        wanted: kind(violation),
        violations,
        attempts: 0,
    };
    let mut smaller = true;
    while smaller && search.attempts < ATTEMPTS {
        smaller = search.without(|plan| &mut plan.troubles);
        smaller |= search.without(|plan| &mut plan.lives);
        smaller |= search.without(|plan| &mut plan.messages);
    }
    (search.best, search.violation)
}

struct Search<V> {
    best: Plan,
    violation: String,
    wanted: String,
    violations: V,
    attempts: usize,
}

impl<V: Fn(&Plan) -> Vec<String>> Search<V> {
    /// Leaves out as much of one list as it can: halves first, then ever smaller pieces.
    fn without<E>(&mut self, list: impl Fn(&mut Plan) -> &mut Vec<E>) -> bool {
        let mut any = false;
        let mut piece = list(&mut self.best).len().div_ceil(2);
        while piece > 0 {
            let mut from = 0;
            while from < list(&mut self.best).len() && self.attempts < ATTEMPTS {
                let mut plan = self.best.clone();
                let entries = list(&mut plan);
                entries.drain(from..(from + piece).min(entries.len()));
                self.attempts += 1;
                let found = (self.violations)(&plan).into_iter().find(|found| kind(found) == self.wanted);
                match found {
                    Some(violation) => (self.best, self.violation, any) = (plan, violation, true),
                    None => from += piece,
                }
            }
            piece /= 2;
        }
        any
    }
}

/// A violation without its numbers.
fn kind(violation: &str) -> String {
    violation.chars().filter(|character| !character.is_ascii_digit()).collect()
}
