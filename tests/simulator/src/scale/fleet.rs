//! Lives a plan: the workers, who comes when, and what is seen of it meanwhile. On virtual time and one thread, so that
//! equal plans are equal runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use worker::pipeline::{self, Ended, Shared, Stop};
use worker::stats::Stats;
use worker::verify;

use super::endpoint::Endpoint;
use super::processor::Processor;
use super::report::{Report, Sample};
use super::scenario::Plan;
use super::site::Site;
use crate::{life, oracles};

/// How often somebody looks.
const LOOK: Duration = Duration::from_secs(1);

/// Messages that come over hours come together with those of so long.
const ARRIVALS: Duration = Duration::from_millis(100);

/// Nothing was deleted for so long, though all has been well: nobody is coming any more. Longer than a message is held,
/// and than the longest delay after that.
const STUCK: Duration = Duration::from_secs(4 * 3600);

/// Looks that are kept while things are still to come, and in all.
const SAMPLES_BEFORE: u64 = 500;
const SAMPLES: usize = 4000;

struct Task {
    shared: Arc<Shared<Endpoint, Endpoint>>,
    processor: Arc<Mutex<Processor>>,
    stop: Stop,
    running: JoinHandle<Ended>,
}

/// Lives it. `on_look` hears once a second, of virtual time, how much is done.
pub fn run(plan: &Plan, mut on_look: impl FnMut(u64, Duration)) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(live(plan, &mut on_look))
}

async fn live(plan: &Plan, on_look: &mut impl FnMut(u64, Duration)) -> Report {
    // The workers' own dice, for back-offs.
    fastrand::seed(plan.seed);
    let site = Site::new(plan);
    tokio::spawn(arrive(site.clone(), plan.clone()));
    let tasks: Vec<Task> = (0..plan.workers).map(|number| start(&site, plan, number)).collect();
    let mut samples = Samples { list: Vec::new(), seen: 0, every: 1, ends: plan.ends() };
    let mut edits = plan.edits;
    loop {
        sleep(LOOK).await;
        let now = site.elapsed();
        let mut state = site.state();
        if edits.is_some_and(|at| at <= now) {
            edits = None;
            state.table.edit(7);
        }
        if samples.wants(now) {
            samples.add(Sample::of(&mut state, now, permits(&tasks)));
        }
        on_look(state.queue.deleted(), now);
        if state.is_all_sent && state.queue.is_empty() {
            break;
        }
        if now > state.last_delete.max(plan.ends()) + STUCK {
            state.violated("nothing was done for hours, though all has been well");
            break;
        }
    }
    tasks.iter().for_each(|task| task.stop.soft.cancel());
    let mut busy = Duration::ZERO;
    for (number, task) in tasks.into_iter().enumerate() {
        let ended = task.running.await.unwrap();
        let mut state = site.state();
        if ended != Ended::Drained {
            state.violated(format!("worker {number}: {ended:?}"));
        }
        for text in oracles::unbalanced(number, ended, &task.shared) {
            state.violated(text);
        }
        busy += task.processor.lock().unwrap_or_else(PoisonError::into_inner).busy();
    }
    let mut state = site.state();
    state.judge(plan.messages);
    Report::of(plan, &state, busy, samples.list)
}

fn start(site: &Site, plan: &Plan, number: usize) -> Task {
    let (stop, stats) = (Stop::default(), Arc::new(Stats::default()));
    let processor = Arc::new(Mutex::new(Processor::new(plan.vcpus)));
    let endpoint =
        || Endpoint::new(site.clone(), number, plan.settings.visibility_timeout, Arc::clone(&processor));
    let shared = life::shared(endpoint(), endpoint(), plan.settings.clone(), &stats);
    let running = tokio::spawn(pipeline::run(Arc::clone(&shared), verify::OFF, stop.clone()));
    Task { shared, processor, stop, running }
}

fn permits(tasks: &[Task]) -> usize {
    let now = Instant::now();
    tasks.iter().map(|task| task.shared.stats.snapshot(now).effective_permits).sum()
}

/// Sends everything, at its time.
async fn arrive(site: Site, plan: Plan) {
    let Plan { messages, arrive, .. } = plan;
    let lasts = arrive.end.saturating_sub(arrive.start);
    let step = ARRIVALS.max(lasts.div_f64(messages.max(1) as f64));
    let mut sent = 0;
    let mut at = arrive.start;
    loop {
        if at > site.elapsed() {
            sleep_until(site.at(at)).await;
        }
        let due = if at >= arrive.end {
            messages
        } else {
            (messages as f64 * at.saturating_sub(arrive.start).as_secs_f64() / lasts.as_secs_f64()) as u64
        };
        {
            let mut state = site.state();
            if due > sent {
                state.queue.send(at, due - sent);
            }
            state.is_all_sent = due == messages;
        }
        site.arrived.notify_waiters();
        if due == messages {
            return;
        }
        sent = due;
        at = (at + step).min(arrive.end);
    }
}

/// What was seen: every look once all that was to come has come, few before, ever fewer of a long run.
struct Samples {
    list: Vec<Sample>,
    seen: u64,
    every: u64,
    ends: Duration,
}

impl Samples {
    fn wants(&mut self, now: Duration) -> bool {
        let before = if now < self.ends { self.ends.as_secs().div_ceil(SAMPLES_BEFORE).max(1) } else { 1 };
        self.seen += 1;
        self.seen.is_multiple_of(self.every.max(before))
    }

    fn add(&mut self, sample: Sample) {
        if self.list.len() == SAMPLES {
            let mut place = 0;
            self.list.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            self.every *= 2;
        }
        self.list.push(sample);
    }
}
