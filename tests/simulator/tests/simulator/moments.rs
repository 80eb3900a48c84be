//! Stopped and killed at every moment. From outside a moment is a point between two steps of the calls
//! that a worker makes: before a request leaves, when it has taken effect, when its answer is there. What
//! the worker does between two steps nobody sees, and a kill forgets.

use std::time::Duration;

use simulator::plan::{End, Life, Moment, Plan};
use simulator::run;

/// Histories of few messages, so that every moment of them can be tried.
fn small(seed: u64) -> Plan {
    let mut plan = Plan::of(seed);
    plan.messages.truncate(12);
    for (nth, (at, _)) in (0..).zip(&mut plan.messages) {
        *at = Duration::from_millis(nth * 20);
    }
    // A night has too many moments.
    plan.troubles.retain(|trouble| trouble.ends() < Duration::from_secs(1000));
    plan.settings.wait_time = Duration::from_secs(20);
    plan.lives = vec![Life { from: Duration::ZERO, end: End::Done }];
    plan
}

/// Lives each history as often as it has steps, and ends the worker at each of them.
fn at_every_step(seeds: std::ops::Range<u64>, end: impl Fn(u64) -> End) {
    let mut moments = 0;
    for seed in seeds {
        let mut plan = small(seed);
        let steps = run(&plan, false).lives[0].steps.min(300);
        assert!(steps > 5, "seed {seed} does nothing");
        for step in 0..steps {
            plan.lives[0].end = end(step);
            let report = run(&plan, false);
            assert!(
                report.violations.is_empty(),
                "seed {seed}, step {step}: {:?}\n{plan}",
                report.violations
            );
            moments += 1;
        }
    }
    assert!(moments > 300, "{moments}");
}

#[test]
fn killed_at_any_moment_it_loses_nobody() {
    at_every_step(0..6, |step| End::Killed(Moment::Step(step, 0)));
}

#[test]
fn asked_to_stop_at_any_moment_it_loses_nobody_and_ends_in_time() {
    at_every_step(6..12, |step| End::Stopped(Moment::Step(step, u32::try_from(step % 4).unwrap()), None));
}

#[test]
fn told_to_stop_at_once_at_any_moment_it_loses_nobody() {
    let patience = |step: u64| Duration::from_millis(step % 7 * 10);
    at_every_step(12..18, |step| End::Stopped(Moment::Step(step, 0), Some(patience(step))));
}
