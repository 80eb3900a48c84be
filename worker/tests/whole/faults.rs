//! When calls fail, how, and how long they take: all from one seed.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use worker::ports::{CallError, ErrorClass};

/// The faults of one endpoint; clones share their dice.
#[derive(Clone)]
pub(crate) struct Faults {
    dice: Arc<Mutex<fastrand::Rng>>,
    begun: Instant,
    /// When everything fails.
    down: Vec<Range<Duration>>,
    /// When some of it does.
    shaky: Vec<Range<Duration>>,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self { dice: Arc::default(), begun: Instant::now(), down: Vec::new(), shaky: Vec::new() }
    }

    /// Some minutes with a few bad times, of seconds, of minutes, or longer than a lease.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut times = |most| -> Vec<Range<Duration>> {
            (0..dice.usize(0..=most))
                .map(|_| {
                    let start = Duration::from_secs(dice.u64(0..300));
                    start..start + Duration::from_secs([2, 20, 90, 400][dice.usize(0..4)])
                })
                .collect()
        };
        let (down, shaky) = (times(2), times(3));
        Self { dice: Arc::new(Mutex::new(dice)), begun: Instant::now(), down, shaky }
    }

    pub(crate) fn chance(&self, of_one: f64) -> bool {
        self.dice.lock().unwrap().f64() < of_one
    }

    pub(crate) fn roll(&self, below: u64) -> u64 {
        self.dice.lock().unwrap().u64(0..below)
    }

    /// Whether this is a bad time.
    pub(crate) fn now(&self) -> bool {
        let elapsed = self.begun.elapsed();
        self.down.iter().chain(&self.shaky).any(|bad| bad.contains(&elapsed))
    }

    fn is_down(&self) -> bool {
        let elapsed = self.begun.elapsed();
        self.down.iter().any(|bad| bad.contains(&elapsed))
    }

    /// The way to the service: it takes time, and may be the end of the call.
    pub(crate) async fn call(&self, _operation: &str) -> Result<(), CallError> {
        self.take_time().await;
        if self.is_down() || (self.now() && self.chance(0.2)) {
            return Err(self.error());
        }
        Ok(())
    }

    /// The way back: the call has taken effect, and the answer may be lost.
    pub(crate) async fn answer<A>(&self, answer: A) -> Result<A, CallError> {
        self.take_time().await;
        if self.now() && self.chance(0.1) {
            return Err(CallError::new(ErrorClass::Unavailable, "timeout"));
        }
        Ok(answer)
    }

    pub(crate) fn error(&self) -> CallError {
        let classes =
            [ErrorClass::Throttled, ErrorClass::Unavailable, ErrorClass::Missing, ErrorClass::Denied];
        CallError::new(classes[self.dice.lock().unwrap().usize(0..classes.len())], "scripted")
    }

    async fn take_time(&self) {
        let ms = {
            let mut dice = self.dice.lock().unwrap();
            if self.now() && dice.f64() < 0.05 { dice.u64(1000..9000) } else { dice.u64(1..30) }
        };
        sleep(Duration::from_millis(ms)).await;
    }
}
