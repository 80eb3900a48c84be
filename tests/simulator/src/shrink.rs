//! Finds the smallest history that still fails in the same way: leaves out troubles, then workers, then
//! messages, as long as the failure stays.

use crate::history::run;
use crate::plan::Plan;

/// Histories that are tried at the most.
const ATTEMPTS: usize = 600;

/// A smaller plan with the same kind of violation, and what it violates.
pub fn shrink(plan: &Plan, violation: &str, mut on_attempt: impl FnMut(&Plan)) -> (Plan, String) {
    let wanted = kind(violation);
    let mut search = Search { best: plan.clone(), violation: violation.to_owned(), attempts: 0 };
    let mut smaller = true;
    while smaller && search.attempts < ATTEMPTS {
        smaller = false;
        smaller |= search.without(&wanted, |plan| &mut plan.troubles, &mut on_attempt);
        smaller |= search.without(&wanted, |plan| &mut plan.lives, &mut on_attempt);
        smaller |= search.without(&wanted, |plan| &mut plan.messages, &mut on_attempt);
    }
    (search.best, search.violation)
}

struct Search {
    best: Plan,
    violation: String,
    attempts: usize,
}

impl Search {
    /// Leaves out as much of one list as it can: halves first, then ever smaller pieces.
    fn without<E: Clone>(
        &mut self,
        wanted: &str,
        list: impl Fn(&mut Plan) -> &mut Vec<E>,
        on_attempt: &mut impl FnMut(&Plan),
    ) -> bool {
        let mut any = false;
        let mut piece = list(&mut self.best).len().div_ceil(2);
        while piece > 0 {
            let mut from = 0;
            while from < list(&mut self.best).len() && self.attempts < ATTEMPTS {
                let mut plan = self.best.clone();
                let entries = list(&mut plan);
                entries.drain(from..(from + piece).min(entries.len()));
                self.attempts += 1;
                match run(&plan, false).violations.into_iter().find(|violation| kind(violation) == wanted) {
                    Some(violation) => {
                        on_attempt(&plan);
                        (self.best, self.violation, any) = (plan, violation, true);
                    }
                    None => from += piece,
                }
            }
            piece /= 2;
        }
        any
    }
}

/// A violation without its numbers.
pub fn kind(violation: &str) -> String {
    violation.chars().filter(|character| !character.is_ascii_digit()).collect()
}
