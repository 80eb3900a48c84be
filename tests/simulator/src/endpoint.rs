//! A worker's way to the queue and the table: both ports over the model, with latency, faults and the
//! client's timeouts between. The worker behind it is the real one, unchanged.
//!
//! A request that has left goes on by itself, whatever becomes of who sent it: a call that was given up,
//! or whose worker was killed, may take effect all the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use worker::aws::classify::by_code;
use worker::aws::clients::ATTEMPT;
use worker::ports::{CallError, ErrorClass};
use worker::stats::Stats;

use crate::trouble::{Kind, Operation};
use crate::world::{About, State, World};

mod line;
mod queue;
mod table;

pub use line::{Line, Tripwire};

/// One worker's connection.
#[derive(Clone)]
pub struct Endpoint {
    world: World,
    worker: usize,
    visibility: Duration,
    line: Arc<Line>,
    stats: Arc<Stats>,
}

/// When every history begins, as its messages tell the time.
pub const EPOCH_MS: i64 = 1_795_000_000_000;

type Answer<A> = Result<A, &'static str>;

impl Endpoint {
    /// A connection of worker number `worker`, whose receives ask for `visibility`.
    pub fn new(
        world: World,
        worker: usize,
        visibility: Duration,
        line: Arc<Line>,
        stats: Arc<Stats>,
    ) -> Self {
        Self { world, worker, visibility, line, stats }
    }

    /// One call: the way there, the effect, the way back, and what can go wrong with each.
    async fn call<A: Send + 'static>(
        &self,
        operation: Operation,
        about: About,
        effect: impl FnOnce(&mut State, Instant) -> Answer<A> + Send + 'static,
    ) -> Result<A, CallError> {
        let (fate, there, back) = self.leave(operation, &about).await;
        let (tell, told) = oneshot::channel();
        if fate != Some(Kind::Unheard) {
            let (world, worker, line) = (self.world.clone(), self.worker, Arc::clone(&self.line));
            tokio::spawn(async move {
                sleep(there).await;
                let answer = {
                    let mut state = world.state();
                    let answer = match fate {
                        Some(Kind::Error(code)) => Err(code),
                        _ => effect(&mut state, Instant::now()),
                    };
                    state.step((worker, operation, answer.is_ok()));
                    let what = answer.as_ref().err().copied().unwrap_or("done");
                    state.note(Some(worker), about, || format!("  {}: {what}", operation.name()));
                    answer
                };
                line.step().await;
                sleep(back).await;
                if fate == Some(Kind::AnswerLost) {
                    return;
                }
                // Nobody listens any more when the call was given up.
                drop(tell.send(answer));
            });
        }
        let answer = self.wait(operation, fate, told, ATTEMPT).await;
        self.line.step().await;
        answer
    }

    /// The request is about to leave: what will become of it, and how long its ways take.
    async fn leave(&self, operation: Operation, about: &About) -> (Option<Kind>, Duration, Duration) {
        self.line.step().await;
        let mut state = self.world.state();
        let whole = |kind| !matches!(kind, Kind::Entries(_) | Kind::Short | Kind::Forgotten | Kind::Twice);
        let fate = state.strikes(operation, self.worker, whole);
        state.step((self.worker, operation));
        let trouble = fate.map(|fate| format!(" ({fate:?})")).unwrap_or_default();
        state.note(Some(self.worker), about.clone(), || format!("{}{trouble}", operation.name()));
        let mut way = || Duration::from_millis(1 + state.roll(15));
        let (mut there, back) = (way(), way());
        match fate {
            Some(Kind::Slow(longer)) => there += longer,
            Some(Kind::Late) => there += ATTEMPT + Duration::from_millis(state.roll(20_000)),
            _ => {}
        }
        (fate, there, back)
    }

    /// Waits for the answer, as long as the SDK would.
    async fn wait<A>(
        &self,
        operation: Operation,
        fate: Option<Kind>,
        told: oneshot::Receiver<Answer<A>>,
        patience: Duration,
    ) -> Result<A, CallError> {
        let lost = |code| CallError::new(ErrorClass::Unavailable, code);
        let answer = match timeout(patience, told).await {
            Ok(Ok(answer)) => answer.map_err(|code| by_code(Some(code))),
            // Unheard is silence; a broken connection is noticed.
            Ok(Err(_)) if fate == Some(Kind::Unheard) => {
                sleep(patience).await;
                Err(lost("timeout"))
            }
            Ok(Err(_)) => Err(lost("connection")),
            Err(_) => Err(lost("timeout")),
        };
        if let Err(error) = &answer {
            let text = || format!("  {} failed: {error}", operation.name());
            self.world.state().note(Some(self.worker), About::Users(Vec::new()), text);
        }
        answer
    }

    /// Entry by entry, inside a success. What is struck has not taken effect.
    fn entries<E, R>(
        state: &mut State,
        operation: Operation,
        worker: usize,
        entries: &[E],
        mut act: impl FnMut(&mut State, &E) -> Result<R, CallError>,
    ) -> Vec<Result<R, CallError>> {
        let failing = state.strikes(operation, worker, |kind| matches!(kind, Kind::Entries(_)));
        let short = state.strikes(operation, worker, |kind| kind == Kind::Short);
        let mut results = Vec::with_capacity(entries.len());
        for entry in entries {
            results.push(match failing {
                Some(Kind::Entries(code)) if state.chance(0.3) => Err(by_code(Some(code))),
                _ => act(state, entry),
            });
        }
        if short.is_some() {
            let named = state.roll(results.len() as u64);
            results.truncate(usize::try_from(named).unwrap_or(0));
        }
        results
    }
}
