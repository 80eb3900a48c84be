//! Beside the way of fresh messages: late ones are asked after in the user pool before they become items. What is
//! above the rate goes back to the queue at once. Must never hold up the receiver, and never decide without
//! an answer.

use std::sync::Arc;

use domain::{Timestamp, UserPoolId, Username};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::decide::late::{self, Rate, Verdict};
use crate::decide::settlement::Happened;
use crate::pipeline::Shared;
use crate::ports::{CallError, ConfirmationQueue, ProfileTable, User, UserPools};
use crate::receive::{Arrivals, Job};
use crate::settle::Fate;
use crate::stats::Operation;
use crate::telemetry::events;

/// Who is asked, and how often.
pub struct Verifier<P> {
    /// The user pools.
    pub pools: P,
    /// Questions a second at most.
    pub per_second: u32,
}

/// For a pipeline that asks after nobody.
pub const OFF: Option<Verifier<Nobody>> = None;

/// Is never asked.
pub enum Nobody {}

impl UserPools for Nobody {
    async fn user(&self, _: &UserPoolId, _: &Username) -> Result<Option<User>, CallError> {
        match *self {}
    }
}

/// Whether a message received now is to be asked after first.
pub fn is_late(job: &Job) -> bool {
    let now = Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond());
    now.is_ok_and(|now| late::is_late(&job.write, now))
}

/// Verifies until its input closes and every question is answered.
pub async fn run<Q: ConfirmationQueue, T: ProfileTable, P: UserPools>(
    shared: Arc<Shared<Q, T>>,
    verifier: Verifier<P>,
    mut late: mpsc::Receiver<Job>,
    arrivals: mpsc::Sender<Arrivals>,
    fates: mpsc::Sender<Fate>,
) {
    let mut rate = Rate::new(verifier.per_second, Instant::now());
    let pools = Arc::new(verifier.pools);
    let mut questions = JoinSet::new();
    while let Some(job) = late.recv().await {
        while let Some(question) = questions.try_join_next() {
            events::if_failed(&question);
        }
        if rate.take(Instant::now()) {
            let (shared, pools) = (Arc::clone(&shared), Arc::clone(&pools));
            questions.spawn(ask(shared, pools, job, arrivals.clone(), fates.clone()));
        } else {
            tell(job, Happened::AboveRate, &fates).await;
        }
    }
    while let Some(question) = questions.join_next().await {
        events::if_failed(&question);
    }
}

async fn ask<Q, T, P: UserPools>(
    shared: Arc<Shared<Q, T>>,
    pools: Arc<P>,
    job: Job,
    arrivals: mpsc::Sender<Arrivals>,
    fates: mpsc::Sender<Fate>,
) {
    let write = &job.write;
    let answer = pools.user(&write.user_pool_id, &write.username).await;
    match late::judge(answer.map(|user| user.map(|user| user.sub)), &write.sub) {
        Verdict::There => drop(arrivals.send(Arrivals { jobs: vec![job], more: true }).await),
        Verdict::Gone => tell(job, Happened::Gone, &fates).await,
        Verdict::Unknown(error) => {
            shared.stats.on_error(Instant::now(), Operation::Verify, error.class);
            tell(job, Happened::Unverified(error), &fates).await;
        }
    }
}

async fn tell(job: Job, happened: Happened, fates: &mpsc::Sender<Fate>) {
    let profile = Some(Box::new(job.write.profile));
    drop(fates.send(Fate { deliveries: vec![job.delivery], profile, happened }).await);
}

#[cfg(test)]
mod tests;
