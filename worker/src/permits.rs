//! Room for messages in hand. A permit is taken before a message is asked for, rides with the delivery
//! and comes back when that is dropped, on whatever path. Only counting and waiting; how many there are
//! is decided by [`Effective`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::decide::permits::{Asked, Call, Effective};
use crate::stats::Stats;

/// All permits of one run.
pub struct Permits {
    state: Mutex<State>,
    freed: Notify,
    slot_freed: Notify,
    stats: Arc<Stats>,
}

struct State {
    effective: Effective,
    out: usize,
    slots_out: usize,
    starved_since: Option<Instant>,
}

/// Room for one message.
pub struct Permit {
    permits: Arc<Permits>,
}

/// Room for one write call.
pub struct Slot {
    permits: Arc<Permits>,
}

impl Permits {
    /// At most `most`.
    pub fn new(most: usize, stats: Arc<Stats>) -> Arc<Self> {
        let effective = Effective::new(most);
        stats.set_effective_permits(effective.limit());
        let state = State { effective, out: 0, slots_out: 0, starved_since: None };
        Arc::new(Self { state: Mutex::new(state), freed: Notify::new(), slot_freed: Notify::new(), stats })
    }

    /// Permits for `most` messages, or after `patience` for as many as there is room for. Waits for one
    /// at least. To be called by one task at a time.
    pub async fn acquire(self: &Arc<Self>, most: usize, patience: Duration) -> Vec<Permit> {
        loop {
            let patient_until = match self.try_acquire(most, patience) {
                Ok(permits) => return permits,
                Err(until) => until,
            };
            // One that is freed before this line is remembered by the Notify.
            if Instant::now() < patient_until {
                let _ = timeout_at(patient_until, self.freed.notified()).await;
            } else {
                self.freed.notified().await;
            }
        }
    }

    /// Takes the permits, or tells until when to be patient.
    fn try_acquire(self: &Arc<Self>, most: usize, patience: Duration) -> Result<Vec<Permit>, Instant> {
        let mut state = self.state();
        let free = state.effective.limit().saturating_sub(state.out);
        let most = most.min(state.effective.limit());
        let now = Instant::now();
        if free < most {
            state.effective.on_starved();
            let since = *state.starved_since.get_or_insert(now);
            if free == 0 || now < since + patience {
                return Err(since + patience);
            }
        }
        let taken = free.min(most);
        state.starved_since = None;
        state.out += taken;
        Ok((0..taken).map(|_| Permit { permits: Arc::clone(self) }).collect())
    }

    /// Whether there is room for a full hand of `most`.
    pub fn has_room(&self, most: usize) -> bool {
        let state = self.state();
        let limit = state.effective.limit();
        limit.saturating_sub(state.out) >= most.min(limit)
    }

    /// Whether a write is on its way.
    pub fn is_writing(&self) -> bool {
        self.state().slots_out > 0
    }

    /// Waits for room for one write call.
    pub async fn slot(self: &Arc<Self>) -> Slot {
        loop {
            let freed = self.slot_freed.notified();
            {
                let mut state = self.state();
                let slots = state.effective.write_slots();
                if state.slots_out < slots {
                    state.slots_out += 1;
                    if state.slots_out < slots {
                        // Two that came free at once may have woken only this one.
                        self.slot_freed.notify_one();
                    }
                    return Slot { permits: Arc::clone(self) };
                }
            }
            freed.await;
        }
    }

    /// The table answered a write of so many items after `took`.
    pub fn on_answer(&self, call: Call, took: Duration, asked: Asked) {
        let mut state = self.state();
        state.effective.on_answer(Instant::now(), call, took, asked);
        self.stats.set_effective_permits(state.effective.limit());
        self.freed.notify_one();
        self.slot_freed.notify_one();
    }

    /// The table throttled a whole call of so many items.
    pub fn on_throttled(&self, items: usize) {
        let mut state = self.state();
        state.effective.on_throttled(Instant::now(), items);
        self.stats.set_effective_permits(state.effective.limit());
    }

    /// Polls that may be in the air now.
    pub fn receivers(&self) -> usize {
        self.state().effective.receivers()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A few counts cannot be left half-changed by a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.state().out -= 1;
        self.permits.freed.notify_one();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.permits.state().slots_out -= 1;
        self.permits.slot_freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    const ONE: Asked = Asked { items: 1, throttled: 0 };

    /// As long as the table throttles everything for a moment.
    async fn throttled(permits: &Arc<Permits>) {
        for _ in 0..4 {
            permits.on_throttled(10);
            tokio::time::sleep(PATIENCE / 2).await;
        }
    }

    fn permits(most: usize) -> Arc<Permits> {
        Permits::new(most, Arc::default())
    }

    /// Somebody who would wait for ever gets none.
    async fn acquire(permits: &Arc<Permits>, most: usize) -> Vec<Permit> {
        timeout_at(Instant::now() + 100 * PATIENCE, permits.acquire(most, PATIENCE)).await.unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_hand_is_waited_for_and_then_what_there_is_is_taken() {
        let permits = permits(25);
        let begun = Instant::now();
        let first = acquire(&permits, 10).await;
        let second = acquire(&permits, 10).await;
        assert_eq!((first.len(), second.len(), begun.elapsed()), (10, 10, Duration::ZERO));
        let third = acquire(&permits, 10).await;
        assert_eq!((third.len(), begun.elapsed()), (5, PATIENCE));
        let (fourth, ()) = tokio::join!(acquire(&permits, 10), async {
            tokio::time::sleep(10 * PATIENCE).await;
            drop(first);
        });
        assert!(!fourth.is_empty());
        drop((second, third, fourth));
        assert_eq!(acquire(&permits, 100).await.len(), 25, "permits leaked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_smaller_limit_holds_for_what_is_taken_next() {
        let permits = permits(100);
        let taken = acquire(&permits, 100).await;
        throttled(&permits).await;
        let mut taken = taken.into_iter();
        for _ in 0..45 {
            drop(taken.next());
        }
        let waiting = permits.acquire(10, PATIENCE);
        assert!(tokio::time::timeout(PATIENCE * 10, waiting).await.is_err(), "more than the limit is out");
        for _ in 0..10 {
            drop(taken.next());
        }
        assert_eq!(acquire(&permits, 10).await.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn slots_follow_the_limit_and_come_back() {
        let permits = permits(6);
        let (one, two) = (permits.slot().await, permits.slot().await);
        assert!(tokio::time::timeout(PATIENCE, permits.slot()).await.is_err());
        let (_three, ()) = tokio::join!(permits.slot(), async { drop(one) });
        drop(two);
        let _four = permits.slot().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_full_hand_is_not_waited_for() {
        let permits = permits(20);
        let begun = Instant::now();
        assert!(permits.has_room(10) && permits.has_room(1000), "less than it may ever have is asked of it");
        let first = acquire(&permits, 10).await;
        assert!(permits.has_room(10) && !permits.has_room(11));
        let second = acquire(&permits, 10).await;
        assert_eq!((first.len(), second.len(), begun.elapsed()), (10, 10, Duration::ZERO));
        assert!(!permits.has_room(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_derives_from_the_limit_follows_it() {
        let permits = permits(1000);
        assert_eq!((permits.receivers(), permits.is_writing()), (4, false));
        let slot = permits.slot().await;
        assert!(permits.is_writing());
        drop(slot);
        assert!(!permits.is_writing());
        throttled(&permits).await;
        assert_eq!(permits.receivers(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn several_slots_that_open_at_once_are_all_taken() {
        let permits = permits(1000);
        let mut slots = Vec::new();
        for _ in 0..34 {
            slots.push(permits.slot().await);
        }
        let _all = acquire(&permits, 100).await;
        assert!(acquire(&permits, 1).await.is_empty());
        for _ in 0..3 {
            permits.on_answer(Call::One, PATIENCE / 10, ONE);
        }
        tokio::time::sleep(PATIENCE).await;
        let waiting: Vec<_> = (0..5)
            .map(|_| {
                let permits = Arc::clone(&permits);
                tokio::spawn(async move { permits.slot().await })
            })
            .collect();
        tokio::time::sleep(PATIENCE).await;
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        // The fourth makes a reading, and more room.
        permits.on_answer(Call::One, PATIENCE / 10, ONE);
        tokio::time::sleep(PATIENCE).await;
        assert!(waiting.iter().all(tokio::task::JoinHandle::is_finished), "woken one by one");
    }
}
