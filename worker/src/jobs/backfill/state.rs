//! How far a backfill came. Kept only when everything before it is in the queue: whoever goes on from it leaves
//! nobody out. What was sent after it is sent again, which makes no second item.

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::report::Counts;
use crate::jobs::JobError;
use crate::jobs::checkpoint::Checkpoint;

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum At {
    /// The page that this token leads to; the first without one.
    Page(Option<String>),
    /// This many bytes into the file.
    Byte(u64),
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) at: At,
    pub(super) counts: Counts,
    pub(super) seconds: f64,
    /// Bytes of rejected lines.
    pub(super) rejects: u64,
}

/// Keeps the state, where one is to be kept, and the time.
pub(super) struct Keeper {
    checkpoint: Option<Checkpoint>,
    kept: bool,
    before: f64,
    begun: Instant,
    again: String,
}

impl Keeper {
    /// `again` is the command that goes on.
    pub(super) fn new(checkpoint: Option<Checkpoint>, from: Option<&State>, again: String) -> Self {
        Self {
            checkpoint,
            kept: from.is_some(),
            before: from.map_or(0.0, |state| state.seconds),
            begun: Instant::now(),
            again,
        }
    }

    /// Of this run and those it goes on from.
    pub(super) fn seconds(&self) -> f64 {
        self.before + self.begun.elapsed().as_secs_f64()
    }

    /// Everything before `at` is in the queue.
    pub(super) async fn keep(&mut self, at: At, counts: &Counts, rejects: u64) -> Result<(), JobError> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(()) };
        let state = State { at, counts: counts.clone(), seconds: self.seconds(), rejects };
        checkpoint.keep(&state).await?;
        self.kept = true;
        Ok(())
    }

    /// Where there is something to go on from.
    pub(super) fn place(&self) -> Option<String> {
        self.checkpoint.as_ref().filter(|_| self.kept).map(|checkpoint| checkpoint.place().to_string())
    }

    /// For a person who was interrupted.
    pub(super) fn go_on(&self) -> String {
        match self.place() {
            Some(place) => format!("The state is kept in {place}. Go on with:\n  {}", self.again),
            None => {
                "No state was kept. Start again: whoever was sent already gets no second item.".to_owned()
            }
        }
    }

    /// Nothing is left to go on with.
    pub(super) async fn done(&mut self) -> Result<(), JobError> {
        self.kept = false;
        match self.checkpoint.take() {
            Some(checkpoint) => checkpoint.done().await,
            None => Ok(()),
        }
    }
}
