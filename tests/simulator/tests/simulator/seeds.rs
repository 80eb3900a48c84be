//! Histories from seeds: always the same ones, and some that nobody has seen.

use simulator::campaign::{Totals, run_all};
use simulator::{Plan, run, shrink};
use worker::outcome::Outcome;

/// `cargo run --release -p simulator -- run 1000000` lives more.
const FIXED: u64 = 2000;
const FRESH: u64 = 200;

fn assert_kept(from: u64, histories: u64) -> Totals {
    let seeds: Vec<u64> = (from..from + histories).collect();
    let totals = run_all(&seeds, true, |_| {});
    if let Some((seed, violations)) = totals.failed.first() {
        let (small, violation) =
            shrink::shrink(&Plan::of(*seed), &violations[0], |plan| run(plan, false).violations);
        panic!("{violation}\n{small}\nseed {seed}: cargo run -p simulator -- replay {seed}");
    }
    assert_eq!(totals.histories, histories);
    totals
}

#[test]
fn the_promise_is_kept_in_two_thousand_histories() {
    let totals = assert_kept(0, FIXED);
    // Histories in which nothing goes wrong, or nothing is done, would prove nothing.
    for kind in [
        "error",
        "unheard",
        "answer lost",
        "late",
        "slow",
        "entries failed",
        "short answer",
        "delivered twice",
        "delete forgotten",
        "stall",
        "table missing",
        "wrong key",
        "item refused",
        "squat",
        "row without an owner",
        "edit",
        "remove",
    ] {
        assert!(totals.struck.get(kind).is_some_and(|count| *count >= 100), "{kind} has hardly struck");
    }
    for outcome in
        Outcome::ALL.iter().filter(|outcome| !matches!(outcome, Outcome::UserGone | Outcome::OwnerMissing))
    {
        let count = totals.outcomes.get(outcome.name());
        assert!(count.is_some_and(|count| *count >= 100), "hardly any {}", outcome.name());
    }
    for ending in ["drained", "killed", "overrun"] {
        assert!(totals.lives.get(ending).is_some_and(|count| *count >= 50), "hardly any worker was {ending}");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "libtest shows it if the test fails")]
fn the_promise_is_kept_in_histories_that_nobody_has_seen() {
    let from = fastrand::u64(..1 << 48);
    println!("seeds from {from}");
    assert_kept(from, FRESH);
}

/// A seed that fails must fail again when it is looked at.
#[test]
fn a_seed_is_one_history() {
    for seed in 0..40 {
        let plan = Plan::of(seed);
        let (first, again) = (run(&plan, false), run(&plan, true));
        assert_eq!((first.digest, first.took), (again.digest, again.took), "seed {seed}");
        assert_ne!(first.digest, run(&Plan::of(seed + 1), false).digest);
    }
}
