//! The admin endpoint: is the worker well, and what has it counted? For machines, and as a page for people.
//! Read-only, on loopback by default.
//!
//! Health is about this process, never about DynamoDB: a table that is down must not get tasks killed
//! that would only come back to the same table.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::stats::{Snapshot, Stats};
use crate::telemetry::meter::Exposition;

mod ask;
mod feed;
mod guard;
mod headline;
mod history;
mod page;
mod patient;

use feed::Feed;
use guard::Names;
use patient::Patient;

pub use ask::{Answer, ask};

/// Permissions refused for this long before the first success are a bad deployment, to be rolled back.
const DENIED: Duration = Duration::from_secs(120);

/// Polls follow each other within the long poll, its margin and the longest back-off (together 45 s);
/// writes end within their deadline. Twice that without any of them is a stall.
const STALL: Duration = Duration::from_secs(120);

/// Beyond two write deadlines, in which a message is read, verified, written, its owner read, and settled: settling alone
/// gives up after 20 s. Polls go on while a later stage hangs, until no permit is left; this does not wait for that.
const STUCK: Duration = Duration::from_secs(180);

/// What there is to look at.
#[derive(Clone)]
struct Shown {
    stats: Arc<Stats>,
    exposition: Exposition,
}

/// Serves until dropped.
pub async fn serve(listener: TcpListener, stats: Arc<Stats>, exposition: Exposition) {
    let names = Names { loopback_only: listener.local_addr().is_ok_and(|addr| addr.ip().is_loopback()) };
    let feed = Arc::new(Feed::new(Arc::clone(&stats)));
    let shown = Shown { stats, exposition };
    let app = Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/status.json", get(status))
        .route("/metrics", get(metrics))
        .with_state(shown)
        .merge(for_people(Arc::clone(&feed)))
        .layer(middleware::from_fn_with_state(names, guard::guard));
    // The listener lives as long as the process; an accept error is retried inside axum.
    tokio::select! {
        _ = axum::serve(Patient(listener), app) => {}
        () = feed.run() => {}
    }
}

/// The status page and what it listens to.
fn for_people(feed: Arc<Feed>) -> Router {
    let mut routes = Router::new().route("/", get(page)).route("/events", get(events));
    for (path, kind, text) in page::FILES {
        routes = routes.route(path, get(async move || page::file(kind, text)));
    }
    routes.with_state(feed)
}

/// Whether the process should be left alone.
pub fn is_live(stats: &Stats, now: Instant) -> Result<&'static str, &'static str> {
    if stats.denied_for(now).is_some_and(|denied| denied >= DENIED) {
        return Err(
            "a permission on the queue or the table has been denied for two minutes; run profile-worker check",
        );
    }
    if stats.is_ready() && stats.stalled_for(now) >= STALL {
        return Err("no poll was started and no message settled for two minutes");
    }
    if stats.is_ready() && stats.stuck_for(now) >= STUCK {
        return Err(
            "messages are in hand and none of them has ended for minutes, though the table takes writes",
        );
    }
    Ok(if stats.is_ready() { "receiving" } else { "waiting for the queue and the table" })
}

async fn live(State(Shown { stats, .. }): State<Shown>) -> (StatusCode, &'static str) {
    match is_live(&stats, Instant::now()) {
        Ok(state) => (StatusCode::OK, state),
        Err(fault) => (StatusCode::SERVICE_UNAVAILABLE, fault),
    }
}

async fn ready(State(Shown { stats, .. }): State<Shown>) -> (StatusCode, &'static str) {
    if stats.is_ready() {
        (StatusCode::OK, "receiving")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "waiting for the queue and the table")
    }
}

async fn page(State(feed): State<Arc<Feed>>) -> impl IntoResponse {
    page::page(&feed.headline())
}

async fn events(State(feed): State<Arc<Feed>>) -> Response {
    match feed.listen() {
        Some(stream) => Sse::new(stream).keep_alive(KeepAlive::default()).into_response(),
        None => {
            let why = format!("{} are listening already; close a page\n", feed::MOST_LISTENERS);
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")], why).into_response()
        }
    }
}

async fn status(State(Shown { stats, .. }): State<Shown>) -> Json<Snapshot> {
    Json(stats.snapshot(Instant::now()))
}

async fn metrics(State(Shown { exposition, .. }): State<Shown>) -> Response {
    match exposition.text() {
        Ok(text) => ([(CONTENT_TYPE, Exposition::CONTENT_TYPE)], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written: a bug").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ErrorClass;
    use crate::stats::Operation;

    #[tokio::test(start_paused = true)]
    async fn waiting_is_healthy_but_two_minutes_of_denied_permissions_are_not() {
        let stats = Stats::default();
        let start = Instant::now();
        stats.on_not_ready(start, ErrorClass::Missing);
        assert!(is_live(&stats, start + 10 * DENIED).is_ok());
        stats.on_not_ready(start, ErrorClass::Denied);
        stats.on_not_ready(start + DENIED / 2, ErrorClass::Denied);
        assert!(is_live(&stats, start + DENIED / 2).is_ok());
        assert!(is_live(&stats, start + DENIED).is_err());
        stats.on_not_ready(start + DENIED, ErrorClass::Unavailable);
        assert!(is_live(&stats, start + DENIED).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_may_look_but_not_work_is_a_bad_deployment_until_the_first_profile() {
        let start = Instant::now();
        for operation in [Operation::Receive, Operation::Write, Operation::Quarantine] {
            let stats = Stats::default();
            stats.set_ready();
            stats.on_error(start, operation, ErrorClass::Unavailable);
            stats.on_progress(start + DENIED);
            assert!(is_live(&stats, start + DENIED).is_ok());
            stats.on_error(start, operation, ErrorClass::Denied);
            assert!(is_live(&stats, start + DENIED).is_err(), "{operation:?}");
            stats.on_proven();
            stats.on_error(start, operation, ErrorClass::Denied);
            assert!(is_live(&stats, start + DENIED).is_ok(), "{operation:?} denied after a profile was made");
        }
        let stats = Stats::default();
        stats.on_error(start, Operation::Receive, ErrorClass::Denied);
        stats.on_receive(start, 0, None);
        assert!(is_live(&stats, start + DENIED / 2).is_ok());
        assert_eq!(stats.denied_for(start + DENIED), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_hand_and_does_not_move_is_a_stall_whatever_the_receiver_does() {
        let (stats, start, second) = (Stats::default(), Instant::now(), Duration::from_secs(1));
        stats.set_ready();
        stats.set_write_deadline(10 * second);
        let limit = STUCK + 20 * second;
        let is_live_at = |now| {
            stats.on_poll(now, false);
            is_live(&stats, now).is_ok()
        };
        // A quiet queue, for hours.
        for minute in 0..600 {
            stats.on_receive(start + 60 * minute * second, 0, None);
        }
        let quiet_until = start + 599 * 60 * second;
        assert!(is_live_at(quiet_until + second));
        stats.on_receive(quiet_until, 2, None);
        assert!(is_live_at(quiet_until + limit - second));
        assert!(!is_live_at(quiet_until + limit));
        // More that come are no sign of life; one that ends is.
        stats.on_receive(quiet_until + limit, 8, None);
        assert!(!is_live_at(quiet_until + limit));
        let ended = quiet_until + limit + second;
        stats.on_outcome(ended, crate::outcome::Outcome::Created, crate::outcome::Origin::Live);
        assert!(is_live_at(ended) && !is_live_at(ended + limit));
        // What is held because the table fails is where it should be, and has its time once the table is back.
        tokio::time::sleep_until(ended + 2 * limit).await;
        stats.set_breaker_open(true);
        assert!(is_live_at(ended + 9 * limit));
        tokio::time::sleep_until(ended + 10 * limit).await;
        stats.set_breaker_open(false);
        assert!(is_live_at(ended + 10 * limit) && !is_live_at(ended + 11 * limit));
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_polls_is_live_and_one_that_does_not_is_stalled() {
        let stats = Stats::default();
        let start = Instant::now();
        stats.set_ready();
        stats.on_progress(start + STALL);
        assert!(is_live(&stats, start + STALL + STALL / 2).is_ok());
        assert!(is_live(&stats, start + 2 * STALL).is_err());
        stats.on_progress(start + 2 * STALL);
        assert!(is_live(&stats, start + 2 * STALL).is_ok());
    }
}
