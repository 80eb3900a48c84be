//! A worker's way to the queue and the table: both ports over the model, with latency, faults and the
//! client's timeouts between. The worker behind it is the real one, unchanged.
//!
//! A request that has left goes on by itself, whatever becomes of who sent it: a call that was given up,
//! or whose worker was killed, may take effect all the same.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Profile, ProfileKey, Timestamp};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use worker::aws::classify::by_code;
use worker::aws::clients::ATTEMPT;
use worker::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, ErrorClass, Inserted, MOST_INSERTS, MOST_KEYS,
    Message, ProfileTable, Quarantine, ReceiptHandle, StoredOwner,
};
use worker::stats::Stats;

use crate::model::{Lent, Row, Statement};
use crate::trouble::{Kind, Operation};
use crate::world::{About, State, World};

/// One worker's connection.
#[derive(Clone)]
pub struct Endpoint {
    world: World,
    worker: usize,
    visibility: Duration,
    line: Arc<Line>,
    stats: Arc<Stats>,
}

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
    async fn step(&self) {
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

    /// A receipt may be acted on only while its message is invisible through it.
    fn check_leases<'a>(
        &self,
        operation: Operation,
        receipts: impl Iterator<Item = &'a ReceiptHandle>,
    ) -> Vec<u64> {
        let mut state = self.world.state();
        let numbers: Vec<u64> = receipts.map(|handle| handle.0.parse().unwrap_or(u64::MAX)).collect();
        let now = Instant::now();
        if !self.line.dead.is_cancelled() {
            for receipt in &numbers {
                if state.queue.has_lapsed(now, *receipt) {
                    let text = format!("{} with a lease that was lost", operation.name());
                    state.violated(format!("worker {}: {text} (receipt {receipt})", self.worker));
                }
            }
        }
        numbers
    }

    fn about(&self, receipts: &[u64]) -> About {
        let state = self.world.state();
        About::Messages(
            receipts.iter().filter_map(|receipt| Some(state.queue.of_receipt(*receipt)?.0)).collect(),
        )
    }

    fn message(lent: Lent, begun: Instant) -> Message {
        // Of one history: what a message says about its time is the same at every receive.
        let time = |at: Instant| {
            let since = i64::try_from(at.saturating_duration_since(begun).as_millis()).unwrap();
            Timestamp::from_epoch_ms(EPOCH_MS + since).unwrap()
        };
        Message {
            id: lent.id.to_string(),
            handle: ReceiptHandle(lent.receipt.to_string()),
            body: lent.body,
            receive_count: lent.receive_count,
            sent_at: time(lent.sent_at),
            first_received_at: time(lent.first_received_at),
            traceparent: lent.traceparent,
        }
    }
}

impl ConfirmationQueue for Endpoint {
    async fn receive(&self, max: u32, wait: Duration) -> Result<Vec<Message>, CallError> {
        if max > 1 && self.stats.snapshot(Instant::now()).breaker_open {
            self.world
                .state()
                .violated(format!("worker {}: a full poll while the breaker is open", self.worker));
        }
        let operation = Operation::Receive;
        let (fate, there, back) = self.leave(operation, &About::Users(Vec::new())).await;
        let (tell, told) = oneshot::channel();
        if fate != Some(Kind::Unheard) {
            let (world, worker, line, visibility) =
                (self.world.clone(), self.worker, Arc::clone(&self.line), self.visibility);
            tokio::spawn(async move {
                sleep(there).await;
                let answer = match fate {
                    Some(Kind::Error(code)) => Err(code),
                    _ => poll(&world, worker, max as usize, wait, visibility).await,
                };
                world.state().step((worker, operation, answer.as_ref().map_or(0, Vec::len)));
                line.step().await;
                sleep(back).await;
                // The messages are the worker's by now, whether or not it hears of them.
                if fate != Some(Kind::AnswerLost) {
                    drop(tell.send(answer));
                }
            });
        }
        let answer = self.wait(operation, fate, told, wait + ATTEMPT).await;
        self.line.step().await;
        let begun = self.world.state().begun;
        Ok(answer?.into_iter().map(|lent| Self::message(lent, begun)).collect())
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        let (operation, worker, world) = (Operation::Delete, self.worker, self.world.clone());
        let receipts = self.check_leases(operation, handles.iter());
        let about = self.about(&receipts);
        let effect = move |state: &mut State, _| {
            state.queue.check_batch(receipts.len())?;
            let forgets = state.strikes(operation, worker, |kind| kind == Kind::Forgotten).is_some();
            Ok(Self::entries(state, operation, worker, &receipts, |state, receipt| {
                let Some(id) = state.queue.delete(*receipt).map_err(|code| by_code(Some(code)))? else {
                    return Ok(());
                };
                crate::oracles::on_deleted(state, id);
                state.note(Some(worker), About::Messages(vec![id]), || "  deleted".to_owned());
                if forgets {
                    let (world, later) = (world.clone(), Duration::from_millis(state.roll(60_000)));
                    state.returning += 1;
                    tokio::spawn(async move {
                        sleep(later).await;
                        let mut state = world.state();
                        state.returning -= 1;
                        state.queue.bring_back(Instant::now(), id);
                        state.note(None, About::Messages(vec![id]), || "is there again".to_owned());
                    });
                }
                Ok(())
            }))
        };
        self.call(operation, about, effect).await
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        let (operation, worker) = (Operation::MakeVisible, self.worker);
        let receipts = self.check_leases(operation, entries.iter().map(|(handle, _)| handle));
        let about = self.about(&receipts);
        let entries: Vec<_> = receipts.into_iter().zip(entries.iter().map(|(_, after)| *after)).collect();
        let effect = move |state: &mut State, now| {
            state.queue.check_batch(entries.len())?;
            Ok(Self::entries(state, operation, worker, &entries, |state, (receipt, after)| {
                state.queue.change_visibility(now, *receipt, *after).map_err(|code| by_code(Some(code)))?;
                if let Some((id, _)) = state.queue.of_receipt(*receipt) {
                    state.note(Some(worker), About::Messages(vec![id]), || format!("  visible in {after:?}"));
                }
                Ok(())
            }))
        };
        self.call(operation, about, effect).await
    }

    async fn quarantine(&self, entry: Quarantine<'_>) -> Result<(), CallError> {
        let Message { body, traceparent, id, .. } = entry.message.clone();
        let (note, worker) = (entry.note, self.worker);
        let id = id.parse().unwrap_or(u64::MAX);
        let about = About::Messages(vec![id]);
        let effect = move |state: &mut State, now| {
            state.note(Some(worker), About::Messages(vec![id]), || "  in the dead-letter queue".to_owned());
            state.queue.quarantine(now, body, note, traceparent);
            Ok(())
        };
        self.call(Operation::Quarantine, about, effect).await
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        sleep(Duration::from_millis(1)).await;
        let mut state = self.world.state();
        state.queue.check_there().map_err(|code| by_code(Some(code)))?;
        let (visible, in_flight, delayed) = state.queue.depth(Instant::now());
        Ok(Depth { visible: visible as u64, in_flight: in_flight as u64, delayed: delayed as u64 })
    }
}

/// ReceiveMessage where SQS is: waits until there is something, or the wait is over.
async fn poll(
    world: &World,
    worker: usize,
    max: usize,
    wait: Duration,
    visibility: Duration,
) -> Answer<Vec<Lent>> {
    let until = Instant::now() + wait;
    let mut twice = world.state().strikes(Operation::Receive, worker, |kind| kind == Kind::Twice).is_some();
    loop {
        let now = Instant::now();
        let next = {
            let mut state = world.state();
            state.queue.check_receive(max)?;
            let mut lent = state.queue.receive(now, max, visibility);
            if std::mem::take(&mut twice) && lent.len() < max {
                let in_flight = state.queue.in_flight(now);
                let which = usize::try_from(state.roll(in_flight.len() as u64)).unwrap_or(0);
                let id = in_flight.get(which).copied().filter(|id| lent.iter().all(|lent| lent.id != *id));
                lent.extend(id.and_then(|id| state.queue.lend(now, id, visibility)));
            }
            for Lent { id, receipt, receive_count, .. } in &lent {
                let text = || format!("  received for the {receive_count}. time, receipt {receipt}");
                state.note(Some(worker), About::Messages(vec![*id]), text);
            }
            if !lent.is_empty() || now >= until {
                return Ok(lent);
            }
            state.queue.next_visible()
        };
        // New messages are sent at moments nobody here knows.
        let soon = now + Duration::from_millis(50);
        sleep_until(next.unwrap_or(until).max(soon).min(until).min(now + Duration::from_secs(1))).await;
    }
}

impl Endpoint {
    fn about_users<'a>(&self, keys: impl Iterator<Item = &'a ProfileKey>) -> About {
        About::Users(self.world.state().users_of(keys))
    }
}

fn tell_inserted(state: &mut State, worker: usize, profile: &Profile, inserted: &Inserted) {
    let about = About::Users(state.users_of(std::iter::once(&profile.key)));
    let text = if *inserted == Inserted::Created { "  row made" } else { "  the row is there" };
    state.note(Some(worker), about, || text.to_owned());
}

fn stored(row: Option<&Row>) -> StoredOwner {
    match row {
        None => StoredOwner::Gone,
        Some(row) => row.owner.clone().map_or(StoredOwner::Missing, StoredOwner::Is),
    }
}

impl ProfileTable for Endpoint {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        let about = self.about_users(std::iter::once(&profile.key));
        let (profile, worker) = (profile.clone(), self.worker);
        let effect = move |state: &mut State, _| {
            let inserted = match state.table.put_if_absent(&profile)? {
                None => Inserted::Created,
                row => Inserted::Exists(stored(row.as_ref())),
            };
            tell_inserted(state, worker, &profile, &inserted);
            Ok(inserted)
        };
        self.call(Operation::Insert, about, effect).await
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        let (operation, worker) = (Operation::InsertBatch, self.worker);
        let keys: HashSet<_> = profiles.iter().map(|profile| &profile.key).collect();
        if profiles.len() > MOST_INSERTS || keys.len() < profiles.len() {
            self.world.state().violated("a batch that is too large, or with a key twice");
        }
        let about = self.about_users(profiles.iter().map(|profile| &profile.key));
        let profiles: Vec<Profile> = profiles.iter().map(|profile| (*profile).clone()).collect();
        let effect = move |state: &mut State, _| {
            // The call as a whole is refused or not before any statement is looked at.
            state.table.check_batch(profiles.len())?;
            Ok(Self::entries(state, operation, worker, &profiles, |state, profile| {
                let inserted =
                    match state.table.insert_batch(&[profile]).map_err(|code| by_code(Some(code)))?.pop() {
                        Some(Statement::Inserted) => Inserted::Created,
                        Some(Statement::Duplicate) => Inserted::Exists(StoredOwner::NotTold),
                        _ => return Err(by_code(Some("ValidationError"))),
                    };
                tell_inserted(state, worker, profile, &inserted);
                Ok(inserted)
            }))
        };
        self.call(operation, about, effect).await
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        let distinct: HashSet<_> = keys.iter().collect();
        if keys.len() > MOST_KEYS || distinct.len() < keys.len() {
            self.world.state().violated("a read that is too large, or with a key twice");
        }
        let about = self.about_users(keys.iter().copied());
        let keys: Vec<ProfileKey> = keys.iter().map(|key| (*key).clone()).collect();
        let effect = move |state: &mut State, _| {
            let rows = state.table.get_batch(&keys.iter().collect::<Vec<_>>())?;
            Ok(rows.iter().map(|row| stored(row.as_ref())).collect())
        };
        self.call(Operation::Owners, about, effect).await
    }
}
