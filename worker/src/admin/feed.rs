//! What the status page listens to: one sample a second into the history, and to whoever listens. A listener is told
//! the last ten minutes first, then each sample with everything that `/status.json` says.
//!
//! It reads the counters and nothing else of the worker, and shares no lock with the way of a message. Who does not
//! keep up is let go: nothing is kept for him beyond a few samples, and nobody waits for him.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::sse::Event;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;

use super::headline::Headline;
use super::history::{History, Point};
use crate::stats::{Snapshot, Stats};

/// Listeners at once. A browser tab is one.
pub(super) const MOST_LISTENERS: usize = 32;

/// Events a listener may be behind, the history and the first sample among them.
const BEHIND: usize = 8;

const SECOND: Duration = Duration::from_secs(1);

/// One for the whole run.
pub(super) struct Feed {
    stats: Arc<Stats>,
    began: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    history: History,
    listeners: Vec<mpsc::Sender<Told>>,
}

type Told = Result<Event, Infallible>;

/// The whole history, as the first event has it.
#[derive(Serialize)]
struct Points<'a> {
    points: Vec<&'a Point>,
}

/// One sample, as an event has it.
#[derive(Serialize)]
struct Sample<'a> {
    status: &'a Snapshot,
    headline: Headline,
    point: Option<&'a Point>,
}

impl Feed {
    /// With no history yet.
    pub(super) fn new(stats: Arc<Stats>) -> Self {
        Self { stats, began: Instant::now(), inner: Mutex::default() }
    }

    /// Samples until dropped.
    pub(super) async fn run(&self) {
        let mut ticks = interval(SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.sample(Instant::now());
        }
    }

    /// The state in words, as of now.
    pub(super) fn headline(&self) -> Headline {
        Headline::of(&self.stats.snapshot(Instant::now()), self.inner().history.lately())
    }

    /// One more listener; `None` while there are [`MOST_LISTENERS`].
    pub(super) fn listen(&self) -> Option<ReceiverStream<Told>> {
        let now = self.stats.snapshot(Instant::now());
        let mut inner = self.inner();
        inner.listeners.retain(|listener| !listener.is_closed());
        if inner.listeners.len() >= MOST_LISTENERS {
            return None;
        }
        let (listener, stream) = mpsc::channel(BEHIND);
        let history = event("history", &Points { points: inner.history.points().collect() });
        // Both fit: the channel is empty.
        let _ = listener.try_send(Ok(history));
        let _ = listener.try_send(Ok(sample(&now, &inner.history)));
        inner.listeners.push(listener);
        Some(ReceiverStream::new(stream))
    }

    fn sample(&self, now: Instant) {
        let snapshot = self.stats.snapshot(now);
        let mut inner = self.inner();
        inner.history.push(now.saturating_duration_since(self.began), &snapshot);
        if inner.listeners.is_empty() {
            return;
        }
        let event = sample(&snapshot, &inner.history);
        // Full: he does not read. Closed: he has gone.
        inner.listeners.retain(|listener| listener.try_send(Ok(event.clone())).is_ok());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Numbers stay usable after a panic elsewhere.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sample(status: &Snapshot, history: &History) -> Event {
    let headline = Headline::of(status, history.lately());
    event("sample", &Sample { status, headline, point: history.last() })
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // Numbers and names of ours: there is nothing in it that could fail to be written.
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn feed() -> Feed {
        Feed::new(Arc::new(Stats::default()))
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_may_listen_and_one_who_goes_makes_room() {
        let feed = feed();
        let mut listening: Vec<_> = (0..MOST_LISTENERS).map(|_| feed.listen().unwrap()).collect();
        assert!(feed.listen().is_none());
        listening.pop();
        assert!(feed.listen().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_let_go_and_nobody_waits_for_him() {
        let feed = feed();
        let (mut reads, mut sleeps) = (feed.listen().unwrap(), feed.listen().unwrap());
        let mut heard = 0;
        for _ in 0..3 * BEHIND {
            feed.sample(Instant::now());
            while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, reads.next()).await {
                heard += 1;
            }
        }
        assert_eq!(heard, 2 + 3 * BEHIND);
        assert_eq!(feed.inner().listeners.len(), 1, "he still has a place");
        let mut left = 0;
        while sleeps.next().await.is_some() {
            left += 1;
        }
        assert_eq!(left, BEHIND, "more was kept for him, or his stream did not end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sample_is_taken_each_second_whether_or_not_anybody_listens() {
        let feed = Arc::new(feed());
        let running = Arc::clone(&feed);
        let task = tokio::spawn(async move { running.run().await });
        tokio::time::sleep(10 * SECOND + SECOND / 2).await;
        task.abort();
        let times: Vec<_> = feed.inner().history.points().map(|point| point.t).collect();
        assert_eq!(times, (0..=10).map(|second| second * 1000).collect::<Vec<_>>());
    }
}
