//! The worker beside its peers: the same messages at the same endpoints, without delay and with 5 and 20 ms on
//! every call. DynamoDB is the plain table for all: one engine at every delay, which takes least of the cores.

use std::time::Duration;

use crate::goals::{Goal, Limit, Spread, goal};
use crate::loops::Habit;
use crate::peers::{Kit, Peer};
use crate::runs::{CALLS, CPU, MEMORY, Runs, SPEED};
use crate::variants::{Settings, Variant, Who, plain};
use crate::{calls, workload};

/// What is added to every call, half of it each way.
pub(crate) const DELAYS_MS: [u64; 3] = [0, 5, 20];
const NEAR: usize = 0;
const FAR: usize = 2;

/// One consumer at every delay.
pub(crate) struct Line {
    /// As the tables and the plot call it.
    pub(crate) who: &'static str,
    /// Of its run without a message: what it costs that it starts.
    pub(crate) start: &'static str,
    /// Of its other runs, by delay.
    pub(crate) names: [&'static str; 3],
    program: fn() -> Who,
    /// Fewer where a run would take long.
    messages: [usize; 3],
}

macro_rules! line {
    ($who:literal, $program:expr, $messages:expr) => {
        Line {
            who: $who,
            start: concat!($who, ", no message"),
            names: [$who, concat!($who, ", 5 ms"), concat!($who, ", 20 ms")],
            program: || $program,
            messages: $messages,
        }
    };
}

const fn node(arguments: &'static [&'static str]) -> Who {
    Who::Peer(Peer { kit: Kit::Node, arguments })
}

const fn python(arguments: &'static [&'static str]) -> Who {
    Who::Peer(Peer { kit: Kit::Python, arguments })
}

const MOST: usize = 5_000;
const OURS: Line = line!("profile-worker", Who::Worker(Settings::default()), [MOST; 3]);
const OURS_PUT: Line = line!(
    "profile-worker, put",
    Who::Worker(Settings { variables: &[("WRITE_STRATEGY", "put")], ..Settings::default() }),
    [MOST; 3]
);
const CONCURRENT: Line = line!("Rust SDK, 8 loops", Who::Loop(Habit::Concurrent), [MOST; 3]);
const SEQUENTIAL: Line = line!("Rust SDK, one by one", Who::Loop(Habit::Sequential), [MOST, 800, 200]);
const BATCH: Line =
    line!("sqs-consumer, batch ×1", node(&["consumer.js", "batch", "1"]), [MOST, 2_000, 1_000]);
const BATCH_8: Line = line!("sqs-consumer, batch ×8", node(&["consumer.js", "batch", "8"]), [MOST; 3]);
const TEN: Line = line!("sqs-consumer, ten ×1", node(&["consumer.js", "ten", "1"]), [2_000, 1_000, 600]);
const TEN_8: Line = line!("sqs-consumer, ten ×8", node(&["consumer.js", "ten", "8"]), [2_000; 3]);
const ONE: Line =
    line!("sqs-consumer, default ×1", node(&["consumer.js", "default", "1"]), [2_000, 400, 200]);
const ONE_8: Line =
    line!("sqs-consumer, default ×8", node(&["consumer.js", "default", "8"]), [2_000, 1_000, 1_000]);
const BOTO3: Line = line!("boto3, 8 threads", python(&["boto3_threads.py"]), [MOST, 2_000, 2_000]);
const AIOBOTOCORE: Line =
    line!("aiobotocore, 8 loops", python(&["aiobotocore_loops.py"]), [MOST, 2_000, 2_000]);
const POWERTOOLS: Line = line!("Powertools, 8 threads", python(&["powertools_batch.py"]), [MOST, 1_000, 600]);

pub(crate) const LINES: [Line; 13] = [
    OURS,
    OURS_PUT,
    CONCURRENT,
    SEQUENTIAL,
    BATCH,
    BATCH_8,
    TEN,
    TEN_8,
    ONE,
    ONE_8,
    BOTO3,
    AIOBOTOCORE,
    POWERTOOLS,
];
const OFF_THE_SHELF: [Line; 9] = [BATCH, BATCH_8, TEN, TEN_8, ONE, ONE_8, BOTO3, AIOBOTOCORE, POWERTOOLS];

/// Its CPU to the worker's, at least.
const CPU_OF: [(Line, f64); 5] =
    [(BATCH, 12.0), (BOTO3, 27.0), (AIOBOTOCORE, 27.0), (POWERTOOLS, 70.0), (CONCURRENT, 3.3)];
const CALLS_OVER_FLOOR: f64 = 1.05;
const SPEED_OVER_BEST: f64 = 5.0;
const SPEED_OVER_CONCURRENT: f64 = 2.5;
const MEMORY_OF_SQS_CONSUMER: f64 = 6.0;
const OF_LITTLES_BOUND: f64 = 0.85;

/// The worker's receivers where Little's law is asked: so many tens under way at once, each for a delay.
const RECEIVERS: f64 = 8.0;

fn eight_receivers(quick: bool) -> Variant {
    let settings = Settings { variables: &[("MAX_RECEIVERS", "8")], ..Settings::default() };
    let name = "profile-worker, 8 receivers, 20 ms";
    let messages = if quick { 4_000 } else { 20_000 };
    Variant { name, who: Who::Worker(settings), messages, ..ours(FAR) }
}

fn at(line: &Line, place: usize) -> Variant {
    Variant {
        name: line.names[place],
        who: (line.program)(),
        messages: line.messages[place],
        delay_ms: DELAYS_MS[place],
        deadline: Duration::from_secs(300),
        ..plain()
    }
}

fn ours(place: usize) -> Variant {
    at(&OURS, place)
}

/// The worker as it comes, with as many messages as its fastest peers get.
pub(super) fn short() -> Variant {
    ours(NEAR)
}

/// So many times fewer messages with --quick.
const QUICK: usize = 20;

pub(super) fn variants(quick: bool) -> Vec<Variant> {
    let starts = LINES.iter().map(|line| Variant { name: line.start, messages: 0, ..at(line, NEAR) });
    let mut variants: Vec<_> = starts.collect();
    for place in 0..DELAYS_MS.len() {
        variants.extend(LINES.iter().map(|line| at(line, place)));
    }
    // Fewest as may be: that they run, and are right.
    if quick {
        for variant in &mut variants {
            variant.messages = (variant.messages / QUICK).next_multiple_of(workload::BLOCK);
        }
    }
    variants.push(eight_receivers(quick));
    variants
}

pub(super) fn goals(runs: &Runs) -> Vec<Goal> {
    let there = |line: &Line| line.names.iter().all(|name| !runs.of(name).is_empty());
    let near = OURS.names[NEAR];
    let mut goals = vec![goal("CPU per 1,000 messages", runs.spread(near, CPU), " ms", Limit::None)];
    for (line, least) in CPU_OF.iter().filter(|(line, _)| there(line)) {
        let what = format!("CPU of {} to the worker's", line.who);
        goals.push(goal(what, runs.ratio(line.names[NEAR], near, CPU), " ×", Limit::AtLeast(*least)));
    }
    let floor = calls::floor(runs.of(near)[0].messages);
    let what = format!("API calls per 1,000 messages (fewest possible: {floor:.0})");
    goals.push(goal(what, runs.spread(near, CALLS), "", Limit::AtMost(CALLS_OVER_FLOOR * floor)));
    let far = OURS.names[FAR];
    goals.push(goal("messages a second, 20 ms a call", runs.spread(far, SPEED), "", Limit::None));
    if let Some(over) = over_best(runs) {
        goals.push(goal("over the fastest peer off the shelf", over, " ×", Limit::AtLeast(SPEED_OVER_BEST)));
    }
    let over = runs.ratio(far, CONCURRENT.names[FAR], SPEED);
    goals.push(goal("over the eight loops in Rust", over, " ×", Limit::AtLeast(SPEED_OVER_CONCURRENT)));
    goals.push(littles(runs));
    if there(&BATCH) {
        let ratio = runs.ratio(BATCH.names[NEAR], near, MEMORY);
        let what = "peak memory of sqs-consumer to the worker's";
        goals.push(goal(what, ratio, " ×", Limit::AtLeast(MEMORY_OF_SQS_CONSUMER)));
    }
    goals
}

/// In each round against whoever was fastest in it; none if no peer is there.
fn over_best(runs: &Runs) -> Option<Spread> {
    let peers = OFF_THE_SHELF.iter().map(|line| runs.of(line.names[FAR]));
    let peers: Vec<_> = peers.filter(|runs| !runs.is_empty()).collect();
    if peers.is_empty() {
        return None;
    }
    let ours = runs.of(OURS.names[FAR]).iter().enumerate();
    Some(Spread::of(ours.map(|(round, run)| {
        let best = peers.iter().map(|peer| SPEED(&peer[round])).max_by(f64::total_cmp);
        SPEED(run) / best.unwrap_or(f64::NAN)
    })))
}

fn littles(runs: &Runs) -> Goal {
    let variant = eight_receivers(false);
    let bound = RECEIVERS * 10.0 * 1000.0 / DELAYS_MS[FAR] as f64;
    let parts = runs.of(variant.name).iter().map(|run| SPEED(run) / bound);
    let what = format!("of Little's bound with `MAX_RECEIVERS=8` ({bound:.0} a second)");
    goal(what, Spread::of(parts), " ×", Limit::AtLeast(OF_LITTLES_BOUND))
}
