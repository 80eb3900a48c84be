//! The simulator's model behind the simulator's own endpoint, with nothing that goes wrong, on virtual time: what
//! the simulator proves is worth as much as this model is like AWS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use harness::{Capability, Letter, eventually};
use serde_json::Value;
use simulator::endpoint::{EPOCH_MS, Endpoint, Line};
use simulator::model::{DeadLetter, Queue, Rules, Table};
use simulator::world::World;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use worker::stats::Stats;
use worker::telemetry::QUARANTINE_ATTRIBUTE;

use crate::subject::{Sent, Shape, Subject};

/// One world without troubles.
pub(crate) struct Model(World);

impl Model {
    fn endpoint(&self, visibility: Duration) -> Endpoint {
        let (line, stats) = (Arc::new(Line::default()), Arc::new(Stats::default()));
        Endpoint::new(self.0.clone(), 0, visibility, line, stats)
    }
}

impl Subject for Model {
    type Queue = Endpoint;
    type Table = Endpoint;

    fn engine() -> &'static str {
        "model"
    }

    fn supports(_: Capability) -> bool {
        true
    }

    fn runtime() -> std::io::Result<Runtime> {
        Builder::new_current_thread().enable_all().start_paused(true).build()
    }

    async fn start(_: &str) -> anyhow::Result<Self> {
        let world = World::new(0, &[], false);
        {
            let mut state = world.state();
            (state.queue.missing, state.table.missing) = (true, true);
        }
        Ok(Self(world))
    }

    async fn make_queue(&self, shape: Shape) {
        let rules = Rules { max_receive_count: Some(shape.max_receive_count), retention: shape.retention };
        self.0.state().queue = Queue::new(rules);
    }

    async fn queue(&self, visibility: Duration) -> Endpoint {
        self.endpoint(visibility)
    }

    async fn send(&self, message: Sent<'_>) -> String {
        let Sent { body, delay, traceparent } = message;
        let traceparent = traceparent.map(str::to_owned);
        self.0.state().queue.send(Instant::now(), body.to_owned(), traceparent, delay).to_string()
    }

    async fn dead_letters(&self, count: usize) -> Vec<Letter> {
        eventually(&format!("{count} dead letters are there"), async || {
            let state = self.0.state();
            let letters = state.queue.dead_letters();
            (letters.len() == count).then(|| letters.iter().map(|dead| letter(dead, state.begun)).collect())
        })
        .await
    }

    async fn make_table(&self, key: &[&str]) {
        let mut state = self.0.state();
        state.table.missing = false;
        state.table.key = Some(key.iter().map(|name| (*name).to_owned()).collect());
    }

    async fn drop_table(&self) {
        let mut state = self.0.state();
        state.table = Table::default();
        state.table.missing = true;
    }

    fn table(&self) -> Endpoint {
        self.endpoint(Duration::ZERO)
    }

    async fn items(&self) -> Vec<Value> {
        self.0.state().table.rows().values().map(|row| row.item.to_dynamodb_json()).collect()
    }

    async fn advance(&self, by: Duration) {
        tokio::time::advance(by).await;
    }
}

/// As a receive from the dead-letter queue would show it.
fn letter(dead: &DeadLetter, begun: Instant) -> Letter {
    let since = i64::try_from((dead.sent_at - begun).as_millis()).unwrap();
    let mut attributes = BTreeMap::new();
    attributes.extend(dead.note.clone().map(|note| (QUARANTINE_ATTRIBUTE.to_owned(), note)));
    attributes.extend(dead.traceparent.clone().map(|trace| ("traceparent".to_owned(), trace)));
    Letter {
        id: dead.id.unwrap_or_default().to_string(),
        body: dead.body.clone(),
        sent_at: EPOCH_MS + since,
        receives: dead.receive_count + 1,
        traceparent: dead.traceparent.clone(),
        attributes,
    }
}
