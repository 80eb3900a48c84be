//! More receivers never lose speed, nor time: 1 to 128 of them, with 20 ms on every call.

use crate::goals::{Goal, Limit, Spread, goal};
use crate::runs::{P99, Runs, SPEED};
use crate::sections::p99::greedy;
use crate::variants::{DELAY_MS, Settings, Variant, Who, far};

/// Speed of more receivers to that of the best with fewer. Two runs of the same differ by some percent.
const NEVER_LESS: f64 = 0.9;

/// Of what so many receivers bring if each asks again as soon as it has its answer: ten messages a call.
const OF_LITTLE: f64 = 0.85;
const RECEIVERS: f64 = 8.0;
const MESSAGES: f64 = 10.0;

/// Its name, its settings, and how much it has to do.
type Few = (&'static str, &'static [(&'static str, &'static str)], usize);

/// One receiver makes 500 messages a second, two cores some 6,000: runs of about as long, the first few seconds.
/// The defaults, sixteen, are `far`; 128 are `greedy`, as they need more in hand than the default allows.
const SERIES: [Few; 6] = [
    ("1 receiver, 20 ms", &[("MAX_RECEIVERS", "1")], 2_000),
    ("2 receivers, 20 ms", &[("MAX_RECEIVERS", "2")], 4_000),
    ("4 receivers, 20 ms", &[("MAX_RECEIVERS", "4")], 8_000),
    (EIGHT, &[("MAX_RECEIVERS", "8")], 16_000),
    ("32 receivers, 20 ms", &[("MAX_RECEIVERS", "32")], 20_000),
    ("64 receivers, 20 ms", &[("MAX_RECEIVERS", "64")], 20_000),
];
const EIGHT: &str = "8 receivers, 20 ms";

/// Where sixteen belong among them.
const SIXTEEN: usize = 4;

/// Eight of them, of which two sections speak.
pub(super) fn eight(quick: bool) -> Variant {
    one(SERIES[3], quick)
}

fn one((name, variables, messages): Few, quick: bool) -> Variant {
    let settings = Settings { variables, ..Settings::default() };
    let messages = if quick { messages / 10 } else { messages };
    Variant { name, who: Who::Worker(settings), messages, ..far(quick) }
}

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    let mut variants: Vec<_> = SERIES.into_iter().map(|each| one(each, quick)).collect();
    variants.insert(SIXTEEN, far(quick));
    variants.push(greedy(quick));
    variants
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let names: Vec<_> = variants(false).iter().map(|variant| variant.name).collect();
    let rounds = runs.of(EIGHT).len();
    let least = (0..rounds).map(|round| least_kept(names.iter().map(|name| SPEED(&runs.of(name)[round]))));
    let mut goals = vec![
        goal("8 receivers, 20 ms a call, of Little's bound", little(runs), "", Limit::AtLeast(OF_LITTLE)),
        goal(
            "1 to 128 receivers: least speed to the best with fewer",
            Spread::of(least),
            " ×",
            Limit::AtLeast(NEVER_LESS),
        ),
    ];
    for name in names {
        let who = if name == far(false).name { "16 receivers, 20 ms, the defaults" } else { name };
        goals.push(goal(format!("messages a second, {who}"), runs.spread(name, SPEED), "", Limit::None));
        goals.push(goal(format!("p99 receive to delete, {who}"), runs.spread(name, P99), " ms", Limit::None));
    }
    goals
}

/// Speed to receivers times messages by the time one call takes: the shortest that was measured, as the calls
/// before a run may have met a busier machine than the run.
fn little(runs: &Runs) -> Spread {
    let far = runs.all().filter(|run| run.delay_ms == DELAY_MS);
    let call_ms = far.map(|run| run.call_ms).fold(f64::INFINITY, f64::min);
    Spread::of(runs.of(EIGHT).iter().map(|run| SPEED(run) / (RECEIVERS * MESSAGES * 1000.0 / call_ms)))
}

/// Each to the best before it: the least of these.
fn least_kept(speeds: impl Iterator<Item = f64>) -> f64 {
    let (mut best, mut least) = (0.0_f64, f64::INFINITY);
    for speed in speeds {
        if best > 0.0 {
            least = least.min(speed / best);
        }
        best = best.max(speed);
    }
    least
}
