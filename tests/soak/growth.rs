//! Has a process grown? The rule, and what it allows.
//!
//! Compared are the medians of two times at the same load: the calm of the run's second quarter and of its
//! last. The first quarter is for warming up: pools, caches and the allocator take what they keep.

use serde::Serialize;

/// What a measure may rise by: the larger of the two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// As a part of what it was.
    pub(crate) part: f64,
    /// In the measure's unit.
    pub(crate) amount: f64,
}

/// Bytes: 15 % or 4 MB.
pub(crate) const MEMORY: Allowance = Allowance { part: 0.15, amount: 4e6 };

/// Open files, threads, tasks: ten of them.
pub(crate) const COUNT: Allowance = Allowance { part: 0.0, amount: 10.0 };

/// Fewer looks say nothing about a quarter.
pub(crate) const FEWEST: usize = 5;

/// How one measure went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Course {
    /// The median of the second quarter.
    pub(crate) second_quarter: f64,
    /// The median of the last.
    pub(crate) last_quarter: f64,
    /// The most that the last may be.
    pub(crate) allowed: f64,
    /// The most that was seen, at any time.
    pub(crate) peak: f64,
    pub(crate) grown: bool,
}

/// Judges one measure; `None` if it was not looked at often enough. `looks` holds the quarter of each look,
/// whether it was calm, and what was seen.
pub(crate) fn course(looks: &[(usize, bool, f64)], allowance: Allowance) -> Option<Course> {
    let calm = |wanted: usize| {
        let looks = looks.iter().filter(|(quarter, calm, _)| *calm && *quarter == wanted);
        median(looks.map(|(_, _, seen)| *seen).collect())
    };
    let (second_quarter, last_quarter) = (calm(1)?, calm(3)?);
    let allowed = second_quarter + (second_quarter * allowance.part).max(allowance.amount);
    let peak = looks.iter().map(|(_, _, seen)| *seen).fold(0.0, f64::max);
    Some(Course { second_quarter, last_quarter, allowed, peak, grown: last_quarter > allowed })
}

fn median(mut seen: Vec<f64>) -> Option<f64> {
    if seen.len() < FEWEST {
        return None;
    }
    seen.sort_by(f64::total_cmp);
    Some(f64::midpoint(seen[(seen.len() - 1) / 2], seen[seen.len() / 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred looks in each quarter, every fourth of them calm; what is seen depends on the look.
    fn looks(seen: impl Fn(usize, bool) -> f64) -> Vec<(usize, bool, f64)> {
        (0..400).map(|n| (n / 100, n % 4 == 0, seen(n, n % 4 == 0))).collect()
    }

    fn grown(seen: impl Fn(usize, bool) -> f64, allowance: Allowance) -> bool {
        course(&looks(seen), allowance).unwrap().grown
    }

    #[test]
    fn what_rises_and_falls_with_the_load_has_not_grown() {
        let seen = |n: usize, calm: bool| if calm { 20e6 } else { 30e6 + n as f64 * 1e6 };
        assert!(!grown(seen, MEMORY));
        let files = |n: usize, calm: bool| if calm { 30.0 + (n % 7) as f64 } else { 200.0 };
        let course = course(&looks(files), COUNT).unwrap();
        assert!(!course.grown && course.peak.total_cmp(&200.0).is_eq(), "{course:?}");
    }

    #[test]
    fn warming_up_is_no_growth() {
        assert!(!grown(|n, _| if n < 100 { 5e6 + n as f64 * 2e5 } else { 25e6 }, MEMORY));
    }

    #[test]
    fn a_slow_leak_under_a_swinging_load_is_growth() {
        let leak = |n: usize, calm: bool| (if calm { 20e6 } else { 35e6 }) + n as f64 * 25e3;
        assert!(grown(leak, MEMORY));
        let tasks = |n: usize, calm: bool| (if calm { 14.0 } else { 60.0 }) + (n / 16) as f64;
        assert!(grown(tasks, COUNT));
    }

    #[test]
    fn the_allowance_is_the_larger_of_part_and_amount() {
        let step = |rise: f64, from: f64| move |n: usize, _| if n < 300 { from } else { from + rise };
        assert!(!grown(step(3.9e6, 20e6), MEMORY));
        assert!(grown(step(4.1e6, 20e6), MEMORY));
        assert!(!grown(step(14e6, 100e6), MEMORY));
        assert!(grown(step(16e6, 100e6), MEMORY));
        assert!(!grown(step(10.0, 20.0), COUNT));
        assert!(grown(step(11.0, 20.0), COUNT));
    }

    #[test]
    fn one_wild_look_does_not_decide_and_too_few_say_nothing() {
        assert!(!grown(|n, _| if n == 320 { 1e9 } else { 20e6 }, MEMORY));
        let mut few = looks(|_, _| 1.0);
        few.retain(|(quarter, calm, _)| *quarter != 3 || !calm);
        few.extend([(3, true, 1.0); FEWEST - 1]);
        assert_eq!(course(&few, COUNT), None);
    }
}
