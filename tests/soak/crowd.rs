//! The users at work: does the deeds of the load at its pace, and looks meanwhile at the rows of those who
//! came lately and at the dead-letter queue. One task does all of it in turn, so that nobody is judged
//! between a deed and its entry in the ledger.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::MessageSystemAttributeName;
use fastrand::Rng;
use harness::{DeadLetter, Letter, World};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::ledger::{Ledger, Verdict};
use crate::load::{Deed, Load};
use crate::schedule::Schedule;
use crate::violations::Violations;

/// How often deeds are done; a second's worth is spread over its ticks.
const TICK: Duration = Duration::from_millis(100);

/// In calm less happens.
const QUIET: f64 = 0.5;

/// Of those who came before the latest, so many are looked at in each cycle.
const SAMPLE: usize = 500;

/// The users, and all that is known of them.
pub(crate) struct Crowd<'a> {
    world: &'a World,
    load: Load,
    chance: Rng,
    pub(crate) ledger: Ledger,
    pub(crate) sent: u64,
    pub(crate) edits: u64,
    /// How many rows were looked at during the run.
    pub(crate) looks: u64,
    violations: Violations,
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(world: &'a World, seed: u64, violations: Violations) -> Self {
        Self {
            world,
            load: Load::new(seed),
            chance: Rng::with_seed(seed ^ 0xC0DE),
            ledger: Ledger::default(),
            sent: 0,
            edits: 0,
            looks: 0,
            violations,
        }
    }

    /// Works until the schedule ends.
    pub(crate) async fn work(&mut self, schedule: &Schedule, rate: u32, begun: Instant) {
        let mut ticks = interval(TICK);
        // What a busy machine could not do in time it leaves out.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut cycle, mut seen, mut due) = (0, 0, 0.0);
        loop {
            ticks.tick().await;
            let at = begun.elapsed();
            if at >= schedule.length {
                return;
            }
            let quiet = schedule.is_quiet(at);
            // Every tenth second comes at twice the pace: a crowd, not a stream.
            let pace = if quiet {
                QUIET
            } else if at.as_secs().is_multiple_of(10) {
                2.0
            } else {
                1.0
            };
            due += f64::from(rate) * TICK.as_secs_f64() * pace;
            let mut bodies = Vec::new();
            while due >= 1.0 {
                due -= 1.0;
                let deed = self.load.next(&mut self.ledger, now());
                bodies.extend(self.begin(deed).await);
            }
            self.sent += bodies.len() as u64;
            self.world.send_all(bodies).await;
            if quiet && schedule.cycle(at) >= cycle {
                cycle = schedule.cycle(at) + 1;
                self.look(seen).await;
                seen = self.ledger.users();
                self.open_dead_letters().await;
            }
        }
    }

    /// Does what comes before the sending; gives what is to be sent.
    async fn begin(&mut self, deed: Deed) -> Vec<String> {
        match deed {
            Deed::Send(bodies) => bodies,
            Deed::Write(row, bodies) => {
                self.world.put(&row).await;
                bodies
            }
            Deed::Edit(person, bodies) => {
                let Some(mut row) =
                    self.world.rows(std::slice::from_ref(&person.sub)).await.remove(&person.sub)
                else {
                    return bodies;
                };
                // What is wrong before the edit would be right after it.
                if let Verdict::Wrong(fault) = self.ledger.judge(&person.sub, Some(&row)) {
                    self.violations.report(format!("{fault} ({})", person.sub));
                }
                self.edits += 1;
                row["displayName"] = json!({"S": format!("edit {}", self.edits)});
                row["updatedAt"] = json!({"S": "2026-12-24T18:00:00.000Z"});
                // Rows are only ever inserted, never replaced: nobody writes between the look and this.
                self.world.put(&row).await;
                self.ledger.stand(&person, row);
                bodies
            }
        }
    }

    /// Looks at the rows of those who came after the first `seen`, and at some of these.
    async fn look(&mut self, seen: usize) {
        let users = self.ledger.users();
        let mut places: Vec<usize> = (seen..users).collect();
        if seen > 0 {
            places.extend((0..SAMPLE).map(|_| self.chance.usize(..seen)));
        }
        places.sort_unstable();
        places.dedup();
        let ids: Vec<String> = places.iter().map(|place| self.ledger.person(*place).sub.clone()).collect();
        let rows = self.world.rows(&ids).await;
        self.looks += ids.len() as u64;
        for id in &ids {
            // Who has no row yet may have a message in the queue.
            if let Verdict::Wrong(fault) = self.ledger.judge(id, rows.get(id)) {
                self.violations.report(format!("{fault} ({id})"));
            }
        }
    }

    /// Looks at all rows there are.
    pub(crate) async fn look_at_all(&self) -> usize {
        let rows = local::stack::rows(&self.world.dynamodb, self.world.table()).await.unwrap();
        self.ledger.judge_all(&rows).into_iter().for_each(|fault| self.violations.report(fault));
        rows.len()
    }

    /// Takes out what lies in the dead-letter queue, and judges it.
    pub(crate) async fn open_dead_letters(&mut self) {
        loop {
            let request = self.world.sqs.receive_message().queue_url(&self.world.dead_letter);
            let request = request
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = request.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return;
            }
            for message in messages {
                let handle = message.receipt_handle.clone().unwrap();
                if let Some(fault) = self.ledger.found_dead(&DeadLetter::from(Letter::from(message))) {
                    self.violations.report(fault);
                }
                let delete = self.world.sqs.delete_message().queue_url(&self.world.dead_letter);
                delete.receipt_handle(handle).send().await.unwrap();
            }
        }
    }
}

/// The time that the queue would give to a message, in milliseconds. Its clock is the machine's until the
/// end of the run.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
