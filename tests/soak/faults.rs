//! What each fault of the wire does to the calls that pass the proxy. Must hit only what a service or a
//! network does by itself: whatever is answered for the service's own, the service has done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use harness::{Call, Gate, Intercept, Reaction};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::schedule::Wire;

const PUT: &str = "PutItem";
const BATCH: &str = "BatchExecuteStatement";
const READ: &str = "BatchGetItem";
const RECEIVE: &str = "ReceiveMessage";
const DELETE: &str = "DeleteMessageBatch";
const DELAY: &str = "ChangeMessageVisibilityBatch";
const QUARANTINE: &str = "SendMessage";
const LOOK: [&str; 2] = ["GetQueueAttributes", "DescribeTable"];

const TABLE: [&str; 3] = [PUT, BATCH, READ];
const QUEUE: [&str; 4] = [RECEIVE, DELETE, DELAY, QUARANTINE];

/// What a statement that may be asked again says of itself inside an HTTP 200.
const STATEMENT_CODES: [&str; 4] =
    ["InternalServerError", "ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"];

/// In milliseconds; often longer than the worker waits for a write.
const LATE: std::ops::Range<u64> = 50..3000;

/// The wire, with the fault it has now.
pub(crate) struct Faults<'a> {
    proxy: &'a Intercept,
    chance: Rng,
    hits: Arc<AtomicU64>,
    /// How many calls had come when the wire was cut.
    before: usize,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(proxy: &'a Intercept, seed: u64) -> Self {
        Self { proxy, chance: Rng::with_seed(seed ^ 0xFA17), hits: Arc::default(), before: 0 }
    }

    /// From now on, until [`Self::end`].
    pub(crate) fn begin(&mut self, wire: Wire) {
        match wire {
            Wire::Throttling => {
                self.on(&[PUT, READ], 0.4, |_, _| dynamodb(400, "ProvisionedThroughputExceededException"));
                self.on(&[BATCH], 1.0, |call, chance| some_statements(call, chance, &["ThrottlingError"]));
            }
            Wire::ServerErrors => {
                self.on(&TABLE, 0.5, |_, _| dynamodb(500, "InternalServerError"));
                self.on(&QUEUE, 0.5, |_, _| Reaction::error(503, "ServiceUnavailable"));
                self.on(&LOOK, 0.5, |_, _| Reaction::error(500, "InternalFailure"));
            }
            Wire::LostAnswers => {
                self.on(&TABLE, 0.3, |_, _| Reaction::LoseAnswer);
                self.on(&QUEUE, 0.3, |_, _| Reaction::LoseAnswer);
            }
            Wire::EntriesFail => {
                self.on(&[BATCH], 1.0, |call, chance| some_statements(call, chance, &STATEMENT_CODES));
                self.on(&[DELETE, DELAY], 1.0, some_entries);
            }
            Wire::CutOff => {
                self.before = self.calls();
                self.proxy.cut();
            }
            Wire::TableThrottled => self.table_throttled(),
            Wire::SlowAnswers => {
                self.on(&TABLE, 0.4, late);
                self.on(&[DELETE, DELAY, QUARANTINE], 0.4, late);
            }
            Wire::LeasesFail => {
                self.table_throttled();
                self.on(&[DELAY], 1.0, |_, _| Reaction::error(500, "InternalError"));
            }
            Wire::TokenExpired => {
                self.on(&TABLE, 1.0, |_, _| dynamodb(400, "ExpiredTokenException"));
                self.on(&QUEUE, 1.0, |_, _| Reaction::error(403, "ExpiredToken"));
                self.on(&LOOK, 1.0, |_, _| Reaction::error(403, "ExpiredToken"));
            }
            Wire::TableGone => {
                let gone = |_: &Call, _: &mut Rng| dynamodb(400, "ResourceNotFoundException");
                self.on(&TABLE, 1.0, gone);
                self.on(&LOOK[1..], 1.0, gone);
            }
            Wire::DeadLettersRefused => {
                self.on(&[QUARANTINE], 1.0, |_, _| Reaction::error(403, "KmsDisabled"));
            }
        }
    }

    /// The wire is well again; answers how many calls were hit.
    pub(crate) fn end(&mut self, wire: Wire) -> u64 {
        if wire == Wire::CutOff {
            self.proxy.mend();
            return (self.calls() - self.before) as u64;
        }
        operations().for_each(|operation| self.proxy.pass(operation));
        self.hits.swap(0, Ordering::AcqRel)
    }

    fn calls(&self) -> usize {
        operations().map(|operation| self.proxy.calls(operation)).sum()
    }

    fn table_throttled(&mut self) {
        self.on(&[PUT, READ], 1.0, |_, _| dynamodb(400, "ThrottlingException"));
        self.on(&[BATCH], 1.0, |_, _| dynamodb(400, "RequestLimitExceeded"));
    }

    /// Puts a fault in front of operations, which hits this part of their calls.
    fn on(
        &mut self,
        operations: &[&str],
        part: f64,
        fault: impl Fn(&Call, &mut Rng) -> Reaction + Clone + Send + 'static,
    ) {
        for operation in operations {
            let (mut chance, hits, fault) = (self.chance.fork(), Arc::clone(&self.hits), fault.clone());
            self.proxy.on(operation, move |call| {
                if chance.f64() >= part {
                    return Reaction::Forward;
                }
                let reaction = fault(call, &mut chance);
                if !matches!(reaction, Reaction::Forward) {
                    hits.fetch_add(1, Ordering::AcqRel);
                }
                reaction
            });
        }
    }
}

fn operations() -> impl Iterator<Item = &'static str> {
    TABLE.iter().chain(&QUEUE).chain(&LOOK).copied()
}

fn dynamodb(status: u16, code: &str) -> Reaction {
    Reaction::error(status, &format!("com.amazonaws.dynamodb.v20120810#{code}"))
}

/// Some of the statements reach the table; the others are answered for in their places.
fn some_statements(call: &Call, chance: &mut Rng, codes: &[&str]) -> Reaction {
    let statements = call.request["Statements"].as_array().cloned().unwrap_or_default();
    let code = codes[chance.usize(..codes.len())].to_owned();
    let failed: Vec<bool> = statements.iter().map(|_| chance.f64() < 0.4).collect();
    if !failed.contains(&true) {
        return Reaction::Forward;
    }
    let error = json!({"Error": {"Code": code, "Message": "scripted"}});
    let mut request = call.request.clone();
    let passed = statements.into_iter().zip(&failed).filter(|(_, failed)| !**failed);
    let passed: Vec<Value> = passed.map(|(statement, _)| statement).collect();
    if passed.is_empty() {
        return Reaction::Answer(200, json!({"Responses": vec![error; failed.len()]}));
    }
    request["Statements"] = passed.into();
    Reaction::Exchange(
        request,
        Box::new(move |mut answer| {
            // What is no list is a refusal of the whole call, and stays one.
            let Some(mut answered) = answer["Responses"].as_array().cloned().map(Vec::into_iter) else {
                return answer;
            };
            let each =
                failed.iter().map(|failed| if *failed { Some(error.clone()) } else { answered.next() });
            answer["Responses"] = each.map(Option::unwrap_or_default).collect::<Vec<Value>>().into();
            answer
        }),
    )
}

/// Some of the entries reach the queue; the others are answered for as failed.
fn some_entries(call: &Call, chance: &mut Rng) -> Reaction {
    let entries = call.request["Entries"].as_array().cloned().unwrap_or_default();
    let (failed, passed): (Vec<Value>, Vec<Value>) = entries.into_iter().partition(|_| chance.f64() < 0.4);
    if failed.is_empty() {
        return Reaction::Forward;
    }
    let failed = failed.iter().map(|entry| {
        json!({"Id": entry["Id"], "Code": "InternalError", "Message": "scripted", "SenderFault": false})
    });
    let failed: Vec<Value> = failed.collect();
    if passed.is_empty() {
        return Reaction::Answer(200, json!({"Successful": [], "Failed": failed}));
    }
    let mut request = call.request.clone();
    request["Entries"] = passed.into();
    Reaction::Exchange(
        request,
        Box::new(move |mut answer| {
            if answer["Successful"].is_array() {
                let own = answer["Failed"].as_array().cloned().unwrap_or_default();
                answer["Failed"] = own.into_iter().chain(failed).collect::<Vec<Value>>().into();
            }
            answer
        }),
    )
}

/// The call takes effect at once or after a while, and its answer comes after a while.
fn late(_: &Call, chance: &mut Rng) -> Reaction {
    let (gate, after) = (Gate::default(), Duration::from_millis(chance.u64(LATE)));
    let opened = gate.clone();
    tokio::spawn(async move {
        sleep(after).await;
        opened.open();
    });
    if chance.bool() { Reaction::HoldAnswer(gate) } else { Reaction::HoldRequest(gate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(request: Value) -> Call {
        Call { operation: String::new(), nth: 0, request }
    }

    #[test]
    fn statements_that_pass_keep_their_answers_and_the_others_their_places() {
        let mut chance = Rng::with_seed(3);
        let mut exchanged = 0;
        for count in 1..=25 {
            let statements: Vec<Value> = (0..count).map(Value::from).collect();
            let call = call(json!({"Statements": statements}));
            let answer = match some_statements(&call, &mut chance, &["ThrottlingError"]) {
                Reaction::Forward => continue,
                Reaction::Answer(200, answer) => answer,
                Reaction::Exchange(request, change) => {
                    exchanged += 1;
                    change(json!({"Responses": request["Statements"]}))
                }
                _ => panic!("another reaction"),
            };
            let answers = answer["Responses"].as_array().unwrap();
            assert_eq!(answers.len(), count);
            for (place, answer) in answers.iter().enumerate() {
                assert!(*answer == place || answer["Error"]["Code"] == "ThrottlingError", "{answer}");
            }
        }
        assert!(exchanged > 15);
    }

    #[test]
    fn every_entry_is_answered_for_once() {
        let mut chance = Rng::with_seed(3);
        for count in 1..=10 {
            let entries: Vec<Value> = (0..count).map(|id| json!({"Id": id})).collect();
            let answer = match some_entries(&call(json!({"Entries": entries})), &mut chance) {
                Reaction::Forward => continue,
                Reaction::Answer(200, answer) => answer,
                Reaction::Exchange(request, change) => change(json!({"Successful": request["Entries"]})),
                _ => panic!("another reaction"),
            };
            let named = |list: &str| answer[list].as_array().unwrap().clone();
            let mut ids: Vec<_> = named("Successful").into_iter().chain(named("Failed")).collect();
            ids.sort_by_key(|entry| entry["Id"].as_u64());
            let ids: Vec<_> = ids.iter().map(|entry| entry["Id"].as_u64().unwrap()).collect();
            assert_eq!(ids, (0..count).collect::<Vec<u64>>());
        }
    }
}
