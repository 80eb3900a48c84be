//! What more than one number is kept in, without a lock: the parts are read one after the other, and who reads while they
//! change may see some of them new and some of them old.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::ports::Depth;

/// Calls of one kind that failed in one way.
#[derive(Default)]
pub(super) struct Failures {
    pub(super) count: AtomicU64,
    pub(super) last: Moment,
}

/// When something happened last, in milliseconds since the start, counted from one; 0 for never.
#[derive(Default)]
pub(super) struct Moment(AtomicU64);

impl Moment {
    pub(super) fn set(&self, uptime: Duration) {
        let ms = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX - 1);
        self.0.fetch_max(ms + 1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Option<Duration> {
        self.0.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_millis)
    }
}

/// What a queue was last seen to hold, a field at a time.
#[derive(Default)]
pub(super) struct Depths {
    known: AtomicBool,
    visible: AtomicU64,
    in_flight: AtomicU64,
    delayed: AtomicU64,
}

impl Depths {
    pub(super) fn set(&self, depth: Option<Depth>) {
        if let Some(depth) = depth {
            self.visible.store(depth.visible, Ordering::Relaxed);
            self.in_flight.store(depth.in_flight, Ordering::Relaxed);
            self.delayed.store(depth.delayed, Ordering::Relaxed);
        }
        self.known.store(depth.is_some(), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Option<Depth> {
        self.known.load(Ordering::Relaxed).then(|| Depth {
            visible: self.visible.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            delayed: self.delayed.load(Ordering::Relaxed),
        })
    }
}
