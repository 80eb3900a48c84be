//! Looks at the workers as long as they live: what the kernel says of them, and what they say of
//! themselves. Must never wait for a worker that does not answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::{http, vitals};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::growth::{COUNT, Course, MEMORY, course};
use crate::schedule::Schedule;
use crate::violations::Violations;

/// How often each worker is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A worker that has not answered by then is not asked any more this time.
const ANSWER: Duration = Duration::from_secs(2);

/// Where the workers are now.
pub(crate) type Board = Arc<Mutex<[Option<Post>; 2]>>;

/// Where one is.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) id: u32,
    pub(crate) status_url: String,
    /// It sleeps, and would not answer.
    pub(crate) suspended: bool,
}

/// What was seen of one worker at one moment.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Look {
    #[serde(skip)]
    at: Duration,
    received: u64,
    resident_bytes: u64,
    open_files: u64,
    threads: u64,
    tasks: u64,
}

/// How everything that was measured of one worker went.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Vitals {
    pub(crate) resident_bytes: Course,
    pub(crate) open_files: Course,
    pub(crate) threads: Course,
    pub(crate) tasks: Course,
}

/// Looks until the schedule ends; answers what was seen of each worker.
pub(crate) async fn watch(
    board: &Board,
    schedule: &Schedule,
    begun: Instant,
    violations: &Violations,
) -> [Vec<Look>; 2] {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = [Vec::new(), Vec::new()];
    while begun.elapsed() < schedule.length {
        ticks.tick().await;
        for (place, seen) in seen.iter_mut().enumerate() {
            let post = board.lock().unwrap()[place].clone();
            let Some(post) = post.filter(|post| !post.suspended) else { continue };
            let at = begun.elapsed();
            let Some(status) = status(&post).await else { continue };
            if let Some(fault) = fault_in(&status) {
                violations.report(fault);
            }
            seen.extend(look(at, &post, &status));
        }
    }
    seen
}

/// What `/status.json` says, if it is told in time.
pub(crate) async fn status(post: &Post) -> Option<Value> {
    let (code, text) = timeout(ANSWER, http::get(&post.status_url)).await.ok()?.ok()?;
    if code == 200 { serde_json::from_str(&text).ok() } else { None }
}

/// What must never be in a status or in a summary.
pub(crate) fn fault_in(status: &Value) -> Option<String> {
    let in_vain = status["receives_without_attempt"].as_u64();
    (in_vain != Some(0)).then(|| format!("{in_vain:?} polls were started while the breaker was open"))
}

fn look(at: Duration, post: &Post, status: &Value) -> Option<Look> {
    Some(Look {
        at,
        received: status["received"].as_u64()?,
        resident_bytes: vitals::resident(post.id)?,
        open_files: vitals::open_files(post.id)?,
        threads: vitals::threads(post.id)?,
        tasks: status["tasks"].as_u64()?,
    })
}

/// Judges what was seen; `None` if that is too little.
pub(crate) fn vitals_of(seen: &[Look], schedule: &Schedule) -> Option<Vitals> {
    let course = |measure: fn(&Look) -> u64, allowance| {
        let looks = seen
            .iter()
            .map(|look| (schedule.quarter(look.at), schedule.is_calm(look.at), measure(look) as f64));
        course(&looks.collect::<Vec<_>>(), allowance)
    };
    Some(Vitals {
        resident_bytes: course(|look| look.resident_bytes, MEMORY)?,
        open_files: course(|look| look.open_files, COUNT)?,
        threads: course(|look| look.threads, COUNT)?,
        tasks: course(|look| look.tasks, COUNT)?,
    })
}

/// The longest time, in seconds, for which a worker received nothing, though there always was something;
/// the beginning and the end of the run are looks like any other.
pub(crate) fn longest_idle(seen: &[Look], schedule: &Schedule) -> u64 {
    let (mut since, mut received, mut longest) = (Duration::ZERO, 0, Duration::ZERO);
    for look in seen {
        if look.received > received {
            longest = longest.max(look.at.saturating_sub(since));
            (since, received) = (look.at, look.received);
        }
    }
    longest.max(schedule.length.saturating_sub(since)).as_secs()
}

/// The most of everything.
pub(crate) fn most(seen: &[Look]) -> Option<Look> {
    let looks = seen.iter().copied();
    looks.reduce(|one, other| Look {
        at: other.at,
        received: one.received.max(other.received),
        resident_bytes: one.resident_bytes.max(other.resident_bytes),
        open_files: one.open_files.max(other.open_files),
        threads: one.threads.max(other.threads),
        tasks: one.tasks.max(other.tasks),
    })
}

/// One look for each of so many parts of the run, the last one of each: for a curve.
pub(crate) fn curve(seen: &[Look], schedule: &Schedule, parts: u32) -> Vec<Option<Look>> {
    let part = schedule.length / parts;
    let last = |nth| seen.iter().rev().find(|look| look.at >= part * nth && look.at < part * (nth + 1));
    (0..parts).map(|nth| last(nth).copied()).collect()
}

impl Vitals {
    /// By name.
    pub(crate) fn all(&self) -> [(&'static str, Course); 4] {
        by_name([self.resident_bytes, self.open_files, self.threads, self.tasks])
    }
}

impl Look {
    /// By name.
    pub(crate) fn all(&self) -> [(&'static str, u64); 4] {
        by_name([self.resident_bytes, self.open_files, self.threads, self.tasks])
    }
}

fn by_name<T>([resident_bytes, open_files, threads, tasks]: [T; 4]) -> [(&'static str, T); 4] {
    [("resident_bytes", resident_bytes), ("open_files", open_files), ("threads", threads), ("tasks", tasks)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_stops_receiving_is_idle_until_it_does_again_or_to_the_end() {
        let schedule = Schedule::new(1, Duration::from_secs(120));
        let idle = |received: &[u64]| {
            let look = |(nth, received): (usize, &u64)| Look {
                at: Duration::from_secs(10 * (nth as u64 + 1)),
                received: *received,
                resident_bytes: 0,
                open_files: 0,
                threads: 0,
                tasks: 0,
            };
            longest_idle(&received.iter().enumerate().map(look).collect::<Vec<_>>(), &schedule)
        };
        assert_eq!(idle(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), 10);
        assert_eq!(idle(&[1, 2, 3, 3, 3, 3, 7, 8, 9, 10, 11]), 40);
        assert_eq!(idle(&[1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]), 100);
        assert_eq!(idle(&[]), 120);
    }
}
