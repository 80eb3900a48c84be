//! Gets items into the table, each only if it is absent: one call for one item, one for twenty-five.
//!
//! Each item is attempted once; who is to be tried again is for [`crate::write`] to say. The SDK's retries
//! are off on this path, so that every attempt stays inside the lease and is counted once, and because a
//! batch hides its errors per statement in an HTTP 200, where the SDK cannot see them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AttributeValue, Profile};
use tokio::time::{Instant, timeout_at};

use crate::decide::permits::{Asked, Call};
use crate::decide::recent::Recent;
use crate::decide::rejections::{Blame, Rejections};
use crate::decide::settlement::{Happened, is_refusal};
use crate::pipeline::Shared;
use crate::ports::{CallError, ConfirmationQueue, ErrorClass, Inserted, ProfileTable, StoredOwner};
use crate::stats::Operation;

/// What the writes of one process have learnt about the table.
pub struct Knowledge {
    rejections: Mutex<Rejections>,
    recent: Mutex<Recent>,
}

/// Rows remembered as made by this process: what fits a quarter of a megabyte, twice, and no longer than
/// a row that was made and replaced by somebody else could matter.
const REMEMBERED: usize = 14_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

impl Default for Knowledge {
    fn default() -> Self {
        Self { rejections: Mutex::default(), recent: Mutex::new(Recent::new(REMEMBERED, REMEMBERED_FOR)) }
    }
}

/// What became of one item.
pub type Answer = Result<Inserted, Happened>;

/// One attempt against one deadline.
pub struct Inserter<'a, Q, T> {
    /// The queue is not asked; the table, the gate and the counters are.
    pub shared: &'a Shared<Q, T>,
    /// What earlier writes have learnt.
    pub knowledge: &'a Knowledge,
    /// When it was ready to be written: how long the attempt takes counts from here. For a first one that is
    /// before the wait for a slot.
    pub ready: Instant,
    /// When to give up: inside the lease.
    pub deadline: Instant,
}

impl<Q: ConfirmationQueue, T: ProfileTable> Inserter<'_, Q, T> {
    /// Writes one item.
    pub async fn one(&self, profile: &Profile) -> Answer {
        let answer = self.put(profile).await;
        self.with_owners_known_here(&[profile], vec![answer]).pop().unwrap_or_else(|| Err(unanswered()))
    }

    /// Writes several items of distinct keys, at most 25. One answer per item, in order.
    pub async fn several(&self, profiles: &[&Profile]) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = profiles.iter().map(|_| None).collect();
        let mut alone = Vec::new();
        let mut calls = vec![(0..profiles.len()).collect::<Vec<_>>()];
        while let Some(places) = calls.pop() {
            match self.batch(profiles, &places).await {
                Ok(results) => {
                    for (place, result) in places.into_iter().zip(results) {
                        match result {
                            Err(error) if is_refusal(&error) => alone.push(place),
                            result => set(&mut answers, place, result.map_err(Happened::Failed)),
                        }
                    }
                }
                // One bad statement fails the whole call: halve until it stands alone.
                Err(Happened::Failed(error)) if is_refusal(&error) && places.len() > 1 => {
                    let (left, right) = places.split_at(places.len() / 2);
                    calls.extend([left.to_vec(), right.to_vec()]);
                }
                Err(Happened::Failed(error)) if is_refusal(&error) => alone.extend(places),
                Err(happened) => {
                    places.into_iter().for_each(|place| set(&mut answers, place, Err(happened.clone())));
                }
            }
        }
        // What a batch refuses is judged by itself, with the words of a single put.
        for place in alone {
            if let Some(profile) = profiles.get(place) {
                set(&mut answers, place, self.put(profile).await);
            }
        }
        let answers = answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(unanswered()))).collect();
        self.with_owners_known_here(profiles, answers)
    }

    /// Puts one item.
    async fn put(&self, profile: &Profile) -> Answer {
        match self.attempt(1, self.put_once(profile)).await {
            Ok(inserted) => {
                self.shared.permits.on_answer(
                    Call::One,
                    self.ready.elapsed(),
                    Asked { items: 1, throttled: 0 },
                );
                self.on_answer();
                Ok(inserted)
            }
            // The same item again would be refused again; what it comes to depends on the others.
            Err(Happened::Failed(error)) if is_refusal(&error) => {
                let blame = self.rejections().on_refusal(&profile.key);
                if blame == Blame::Table {
                    self.shared.gate.trip(&error);
                }
                self.shared.gate.on_refusal(&error);
                Err(if blame == Blame::Item { Happened::Refused(error) } else { Happened::Failed(error) })
            }
            Err(happened) => Err(happened),
        }
    }

    async fn put_once(&self, profile: &Profile) -> Result<Inserted, CallError> {
        let instruments = &self.shared.stats.instruments;
        instruments.on_write(1);
        let present = |answer: &Inserted| usize::from(matches!(answer, Inserted::Exists(_)));
        let call = self.shared.table.insert(profile);
        instruments.asking("PutItem", 1, call, present).await
    }

    /// One batch call, one result per place.
    async fn batch(
        &self,
        profiles: &[&Profile],
        places: &[usize],
    ) -> Result<Vec<Result<Inserted, CallError>>, Happened> {
        let chosen: Vec<&Profile> = places.iter().filter_map(|place| profiles.get(*place).copied()).collect();
        let epoch = self.shared.gate.epoch();
        let mut results = {
            let call = self.shared.table.insert_batch(&chosen);
            self.shared.stats.instruments.on_write(chosen.len());
            let asking = self.shared.stats.instruments.asking(
                "BatchExecuteStatement",
                chosen.len(),
                call,
                |answers| answers.iter().filter(|answer| matches!(answer, Ok(Inserted::Exists(_)))).count(),
            );
            self.attempt(chosen.len(), asking).await?
        };
        results.resize_with(places.len(), || {
            Err(CallError::new(ErrorClass::Unavailable, "no_result_for_statement"))
        });
        let errors = || results.iter().filter_map(|result| result.as_ref().err());
        let throttled = errors().filter(|error| error.class == ErrorClass::Throttled).count();
        let asked = Asked { items: results.len(), throttled };
        self.shared.permits.on_answer(Call::Several, self.ready.elapsed(), asked);
        if results.iter().any(Result::is_ok) {
            self.on_answer();
        }
        for error in errors() {
            self.on_error(error);
        }
        if let Some(error) = errors().find(|error| !is_refusal(error))
            && results.iter().all(Result::is_err)
        {
            self.shared.gate.on_failure(epoch, error);
        }
        Ok(results)
    }

    /// One attempt of any call that writes so many `items`, counted; `Failed` with the reason, or `Stopped`.
    async fn attempt<A>(
        &self,
        items: usize,
        call: impl Future<Output = Result<A, CallError>>,
    ) -> Result<A, Happened> {
        // Waiting for the table is done at the gate, not here.
        if self.shared.gate.holds_back() {
            return Err(Happened::TurnedAway);
        }
        let epoch = self.shared.gate.epoch();
        // A write that took effect though its answer was lost is found present by the next attempt,
        // or, when time is up, by the next delivery.
        let Some(answer) = self.shared.give_up.run_until_cancelled(timeout_at(self.deadline, call)).await
        else {
            return Err(Happened::Stopped);
        };
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => CallError::new(ErrorClass::Unavailable, "write_deadline"),
        };
        self.on_error(&error);
        if error.class == ErrorClass::Throttled {
            self.shared.permits.on_throttled(items);
        }
        if !is_refusal(&error) {
            self.shared.gate.on_failure(epoch, &error);
        }
        Err(Happened::Failed(error))
    }

    /// Vouches for rows that this process made a short while ago: their owner need not be read back.
    fn with_owners_known_here(&self, profiles: &[&Profile], mut answers: Vec<Answer>) -> Vec<Answer> {
        let Some(owner_attribute) = self.shared.rules.model.owner_attribute() else { return answers };
        for (profile, answer) in profiles.iter().zip(&mut answers) {
            let Some(AttributeValue::S(owner)) = profile.item.get(owner_attribute) else { continue };
            match answer {
                Ok(Inserted::Created) => self.recent().remember(Instant::now(), &profile.key, owner),
                Ok(Inserted::Exists(stored))
                    if *stored == StoredOwner::NotTold
                        && self.recent().made(Instant::now(), &profile.key, owner) =>
                {
                    *stored = StoredOwner::Is(owner.clone());
                }
                _ => {}
            }
        }
        answers
    }

    fn on_error(&self, error: &CallError) {
        self.shared.stats.on_error(Instant::now(), Operation::Write, error.class);
    }

    fn on_answer(&self) {
        self.shared.stats.on_proven();
        self.shared.gate.on_answer();
        self.rejections().on_success();
    }

    fn rejections(&self) -> MutexGuard<'_, Rejections> {
        self.knowledge.rejections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.knowledge.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unanswered() -> Happened {
    Happened::Failed(CallError::new(ErrorClass::Unavailable, "no_result_for_item"))
}

fn set(answers: &mut [Option<Answer>], place: usize, answer: Answer) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

#[cfg(test)]
mod tests;
