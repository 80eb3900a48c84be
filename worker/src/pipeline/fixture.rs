//! For the tests of stages: what they share, around whatever queue and table a test brings.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, ProfileKey, ProfileModel};
use tokio_util::sync::CancellationToken;

use super::{Settings, Shared, WriteStrategy};
use crate::decide::breaker::Patience;
use crate::decide::decode::Rules;
use crate::delivery::Leases;
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
