//! One function per thing that happens, one stable name per log event. Call sites say what happened;
//! only here is decided what is logged of it, so that one file shows that no person is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Reason;
use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::decide::repeats::Repeats;
use crate::decide::settlement::{Happened, Settlement};
use crate::outcome::Outcome;
use crate::ports::{CallError, Message};
use crate::stats::Snapshot;

/// For an event that an outage repeats for every message: how often it was not said since it was said last, if it is
/// to be said now. Each place in the code counts for itself.
macro_rules! repeated {
    () => {{
        static REPEATS: Mutex<Repeats> = Mutex::new(Repeats::new());
        REPEATS.lock().unwrap_or_else(PoisonError::into_inner).on(Instant::now())
    }};
}

/// The worker waits for its queue or its table.
pub fn waiting(what: &'static str, error: &CallError, next_try: Duration) {
    let (class, code) = (error.class.name(), &error.code);
    warn!(event = "waiting", what, class, code, next_try_ms = ms(next_try), "not ready yet; waiting");
}

/// The queue and the table were found and fit; receiving begins.
pub fn ready(dead_letter_queue: bool) {
    info!(event = "ready", dead_letter_queue, "receiving");
    if !dead_letter_queue {
        warn!(
            event = "no_dead_letter_queue",
            "the queue has no dead-letter queue: bad messages stay and are retried; set a RedrivePolicy or DEAD_LETTER_QUEUE_URL"
        );
    }
}

/// The admin endpoint is up.
pub fn admin_listening(addr: SocketAddr) {
    info!(event = "admin_listening", %addr, "admin endpoint");
}

/// Any pool is accepted.
pub fn any_pool_accepted() {
    warn!(
        event = "any_pool_accepted",
        "USER_POOL_IDS is empty: messages of any user pool become items; name your pools"
    );
}

/// A receive failed; `failures` in a row.
pub fn receive_failed(error: &CallError, failures: u32) {
    let Some(unsaid) = repeated!() else { return };
    let (class, code) = (error.class.name(), &error.code);
    warn!(event = "receive_failed", class, code, failures, unsaid, "receiving failed; trying again");
}

/// One attempt of a write failed. Detail: what comes of it is told by `retried` and `breaker_opened`.
pub fn write_failed(error: &CallError, failures: u32) {
    let (class, code) = (error.class.name(), &error.code);
    debug!(event = "write_failed", class, code, failures, "a write failed");
}

/// Writes fail in a row: no more messages are asked for until one succeeds.
pub fn breaker_opened(error: &CallError) {
    let (class, code) = (error.class.name(), &error.code);
    warn!(event = "breaker_opened", class, code, "the table cannot be written; messages wait in the queue");
}

/// The table can be written again.
pub fn breaker_closed() {
    info!(event = "breaker_closed", "the table can be written again; receiving");
}

/// Entries of a delete or a visibility change failed.
pub fn settle_failed(operation: &'static str, error: &CallError, failures: u32) {
    let Some(unsaid) = repeated!() else { return };
    let (class, code) = (error.class.name(), &error.code);
    warn!(
        event = "settle_failed",
        operation, class, code, failures, unsaid, "settling failed for some receipts"
    );
}

/// Extending the leases of so many messages failed, in one call.
pub fn extend_failed(error: &CallError, leases: usize) {
    let Some(unsaid) = repeated!() else { return };
    let (class, code) = (error.class.name(), &error.code);
    warn!(event = "extend_failed", class, code, leases, unsaid, "extending failed for some receipts");
}

/// The time of so many messages ran out while they were in hand.
pub fn leases_lost(leases: usize) {
    let Some(unsaid) = repeated!() else { return };
    warn!(
        event = "leases_lost",
        leases, unsaid, "messages in hand are no longer ours; they come back by themselves"
    );
}

/// The dead-letter queue would not take a message.
pub fn quarantine_failed(error: &CallError, reason: Reason) {
    let Some(unsaid) = repeated!() else { return };
    let (class, code, reason) = (error.class.name(), &error.code, reason.code());
    error!(
        event = "quarantine_failed",
        class, code, reason, unsaid, "the dead-letter queue refused a message; it stays in the queue"
    );
}

/// A message's fate was decided.
pub fn decided(
    outcome: Outcome,
    settlement: &Settlement,
    happened: &Happened,
    message: &Message,
    user: impl Fn() -> String,
) {
    let (outcome, attempts, message_id) = (outcome.name(), message.receive_count, &message.id);
    let trace_id = message.trace_id();
    match settlement {
        Settlement::Quarantine(rejection) => {
            let Some(unsaid) = repeated!() else { return };
            let (reason, detail) = (rejection.reason.code(), &rejection.detail);
            warn!(
                event = "quarantined",
                outcome,
                reason,
                detail,
                attempts,
                message_id,
                trace_id,
                user = user(),
                unsaid,
                "quarantined"
            );
        }
        Settlement::RetryAfter(delay) => {
            let Some(unsaid) = repeated!() else { return };
            let delay_ms = ms(*delay);
            let (class, code) = match happened {
                Happened::Failed(error) | Happened::Refused(error) | Happened::Unverified(error) => {
                    (error.class.name(), error.code.as_str())
                }
                Happened::Rejected(rejection) => ("rejected", rejection.reason.code()),
                Happened::AboveRate => ("late", "verify_rate"),
                Happened::HeldTooLong => ("held", "hold_budget"),
                _ => ("", ""),
            };
            info!(
                event = "retried",
                outcome,
                class,
                code,
                attempts,
                delay_ms,
                message_id,
                trace_id,
                user = user(),
                unsaid,
                "back to the queue"
            );
        }
        Settlement::Delete | Settlement::Release | Settlement::LeaveAlone => {
            if tracing::enabled!(tracing::Level::DEBUG) {
                debug!(event = "settled", outcome, attempts, message_id, trace_id, user = user(), "settled");
            }
        }
    }
}

/// The last of the telemetry did not reach its collector.
pub fn telemetry_lost(why: &'static str) {
    warn!(event = "telemetry_lost", why, "the collector did not take the last spans and metrics");
}

/// A stop was asked for.
pub fn drain_begins(in_flight: usize, deadline: Duration) {
    info!(
        event = "drain_begins",
        in_flight,
        deadline_ms = ms(deadline),
        "stopping: finishing what is in hand"
    );
}

/// The drain ended.
pub fn drain_ends(took: Duration, left: usize) {
    info!(event = "drain_ends", took_ms = ms(took), left, "stopped");
}

/// A task ended by a panic. The panic's text is not logged: it may quote what it choked on.
pub fn if_failed<T>(ended: &Result<T, JoinError>) {
    if let Err(failure) = ended
        && failure.is_panic()
    {
        error!(event = "task_panicked", "a task panicked: a bug, please report it");
    }
}

/// A stage ended though nobody asked it to.
pub fn stage_ended_early(ended: &Result<(), JoinError>) {
    if_failed(ended);
    error!(event = "stage_failed", "a stage ended by itself; stopping");
}

/// The regular sign of life, with the fields of `/status.json`.
pub fn status(snapshot: &Snapshot) {
    let count = |outcome: Outcome| snapshot.outcomes.get(outcome.name()).copied().unwrap_or_default();
    let latency = snapshot.confirmation_to_profile_ms;
    let lately = snapshot.confirmation_to_profile_last_minute_ms;
    info!(
        event = "status",
        ready = snapshot.ready,
        breaker_open = snapshot.breaker_open,
        received = snapshot.received,
        replayed = snapshot.replayed,
        in_flight = snapshot.in_flight,
        effective_permits = snapshot.effective_permits,
        tasks = snapshot.tasks,
        receives_without_attempt = snapshot.receives_without_attempt,
        created = count(Outcome::Created),
        already_present = count(Outcome::AlreadyPresent),
        owner_missing = count(Outcome::OwnerMissing),
        owner_conflict = count(Outcome::OwnerConflict),
        rejected = count(Outcome::Rejected),
        retried = count(Outcome::Retried),
        released = count(Outcome::Released),
        lease_lost = count(Outcome::LeaseLost),
        user_gone = count(Outcome::UserGone),
        ignored = count(Outcome::Ignored),
        failed_deletes = snapshot.failed_deletes,
        leases_extended = snapshot.leases_extended,
        leases_lost = snapshot.leases_lost,
        confirmation_to_profile_p50_ms = latency.map(|latency| latency.p50),
        confirmation_to_profile_p99_ms = latency.map(|latency| latency.p99),
        confirmation_to_profile_last_minute_p50_ms = lately.map(|latency| latency.p50),
        confirmation_to_profile_last_minute_p99_ms = lately.map(|latency| latency.p99),
        live_profiles = latency.map_or(0, |latency| latency.count),
        live_profiles_within_objective = snapshot.live_profiles_within_objective,
        queue_visible = snapshot.queue.map(|depth| depth.visible),
        queue_in_flight = snapshot.queue.map(|depth| depth.in_flight),
        queue_delayed = snapshot.queue.map(|depth| depth.delayed),
        dead_letter_messages = snapshot.dead_letter_messages,
        oldest_received_seconds = snapshot.oldest_received_seconds,
        answered_receives = snapshot.answered_receives,
        last_receive_seconds_ago = snapshot.last_receive_seconds_ago,
        uptime_seconds = snapshot.uptime_seconds,
        version = snapshot.version,
        quarantined = list(&snapshot.quarantined),
        errors = list(&snapshot.errors),
        api_calls = list(&snapshot.api_calls),
        "status"
    );
}

/// `name=count` pairs: log fields have fixed names, these have not.
fn list<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A job is under way.
pub fn progress(job: &'static str, done: u64, of: Option<u64>) {
    info!(event = "progress", job, done, of, "under way");
}

/// A job asks again, and for less.
pub fn job_retries(action: &'static str, error: &CallError, delay: Duration) {
    let (class, code) = (error.class.name(), &error.code);
    warn!(event = "job_retries", action, class, code, next_try_ms = ms(delay), "a call failed; trying again");
}

/// The pool no longer knows the token a walk stood at.
pub fn walk_starts_over() {
    warn!(
        event = "walk_starts_over",
        "the user pool no longer knows the pagination token: starting over from its first page, which does no harm"
    );
}
