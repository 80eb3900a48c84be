//! For the tests of stages: what they share, around whatever queue and table a test brings.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, ProfileKey, ProfileModel, Timestamp, body};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Settings, Shared, WriteStrategy};
use crate::decide::breaker::Patience;
use crate::decide::decode::Rules;
use crate::delivery::{Delivery, Leases};
use crate::gate::Gate;
use crate::permits::Permits;
use crate::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, Inserted, Message, ProfileTable, Quarantine,
    ReceiptHandle, StoredOwner,
};
use crate::stats::Stats;
use crate::telemetry::Pseudonyms;

const SECOND: Duration = Duration::from_secs(1);

/// Numbers under which nothing happens by itself within a test's minutes.
pub(crate) const fn settings() -> Settings {
    Settings {
        max_in_flight: 1000,
        max_receivers: 1,
        wait_time: SECOND,
        visibility_timeout: Duration::from_secs(60),
        linger: Duration::from_millis(50),
        write_deadline: Duration::from_secs(600),
        hold_budget: Duration::from_secs(3600),
        drain_deadline: Duration::from_secs(90),
        write_strategy: WriteStrategy::Auto,
    }
}

/// Everything else as at the start of a run, with a breaker of quick probes.
pub(crate) fn shared<Q, T>(queue: Q, table: T, settings: Settings) -> Shared<Q, T> {
    let stats = Arc::new(Stats::default());
    Shared {
        queue,
        table,
        rules: Rules {
            model: ProfileModel::default(),
            user_pools: BTreeSet::new(),
            trigger_sources: BTreeSet::new(),
        },
        leases: Arc::new(Leases::default()),
        permits: Permits::new(settings.max_in_flight, Arc::clone(&stats)),
        gate: Gate::new(Patience { probe: SECOND, invite: SECOND, hold: SECOND }, Arc::clone(&stats)),
        settings,
        stats,
        pseudonyms: Pseudonyms::new(None),
        give_up: CancellationToken::new(),
    }
}

/// What a message says of one user.
pub(crate) fn confirmation(user: usize) -> String {
    format!(
        r#"{{"v":1,"kind":"user.confirmed","source":"cognito.trigger","userPoolId":"eu_A1",
            "sub":"00000000-0000-0000-0000-{user:012x}","username":"u{user}","observedAt":"2026-11-22T20:05:38.123Z"}}"#
    )
}

/// The item of one user.
pub(crate) fn profile(user: usize) -> Profile {
    let time = Timestamp::from_epoch_ms(0).unwrap();
    let received = body::read(&confirmation(user), time, |_| false).unwrap();
    ProfileModel::default().profile(&received.confirmation).unwrap()
}

/// A message received for the first time; its handle is its name.
pub(crate) fn message(name: &impl ToString, body: String) -> Message {
    let time = Timestamp::from_epoch_ms(0).unwrap();
    Message {
        id: name.to_string(),
        handle: ReceiptHandle(name.to_string()),
        body,
        receive_count: 1,
        sent_at: time,
        first_received_at: time,
        traceparent: None,
        earlier_note: None,
    }
}

/// A delivery that was received now and is ours for `visibility`.
pub(crate) async fn delivery<Q, T>(
    shared: &Shared<Q, T>,
    name: &impl ToString,
    visibility: Duration,
) -> Delivery {
    let permit = shared.permits.acquire(1, Duration::ZERO).await.remove(0);
    Delivery::new(message(name, String::new()), Instant::now(), visibility, &shared.leases, permit)
}

/// For stages that ask no queue.
pub(crate) struct NoQueue;

impl ConfirmationQueue for NoQueue {
    async fn receive(&self, _: u32, _: Duration) -> Result<Vec<Message>, CallError> {
        unreachable!()
    }

    async fn delete(&self, _: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        unreachable!()
    }

    async fn make_visible_after(&self, _: &[(ReceiptHandle, Duration)]) -> Result<EntryResults, CallError> {
        unreachable!()
    }

    async fn quarantine(&self, _: Quarantine<'_>) -> Result<(), CallError> {
        unreachable!()
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        unreachable!()
    }
}

/// For stages that ask no table.
pub(crate) struct NoTable;

impl ProfileTable for NoTable {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        unreachable!()
    }

    async fn insert_batch(&self, _: &[&Profile]) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        unreachable!()
    }

    async fn owners(&self, _: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        unreachable!()
    }
}
