//! The line between one worker and the world: counts what crosses it, and is where a worker is stopped or
//! killed. It knows nothing of what it carries.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

/// Counts what crosses the line between a worker and the world, and cuts it where it was asked to: three
/// steps a call, before the request leaves, when it has taken effect, when its answer is there.
#[derive(Default)]
pub struct Line {
    steps: AtomicU64,
    tripwire: Option<Tripwire>,
    /// The worker is no more. Nothing that it would still do happens.
    pub dead: CancellationToken,
}

/// What happens at one step.
pub struct Tripwire {
    /// At which, from 0.
    pub step: u64,
    /// How many times others go first.
    pub yields: u32,
    /// What is to happen: a stop, or [`Line::dead`].
    pub then: CancellationToken,
}

impl Line {
    /// A line that cancels something at one step.
    pub fn with(tripwire: impl FnOnce(&CancellationToken) -> Tripwire) -> Self {
        let dead = CancellationToken::new();
        let tripwire = Some(tripwire(&dead));
        Self { steps: AtomicU64::new(0), tripwire, dead }
    }

    /// How many steps there were.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// One more step. Never returns to a worker that is dead.
    pub(super) async fn step(&self) {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        if let Some(wire) = self.tripwire.as_ref().filter(|wire| wire.step == step) {
            if wire.yields == 0 {
                wire.then.cancel();
            } else {
                let (then, yields) = (wire.then.clone(), wire.yields);
                tokio::spawn(async move {
                    for _ in 0..yields {
                        yield_now().await;
                    }
                    then.cancel();
                });
            }
        }
        if self.dead.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }
}
