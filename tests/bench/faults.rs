//! What services do now and then: refuse single statements and single entries, inside an answer that is a
//! success. By seeds, so that every run meets as many.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::intercept::{Intercept, Reaction};
use serde_json::{Value, json};

const SEED: u64 = 875;

/// Decides which ones fail, and counts them.
#[derive(Clone)]
pub(crate) struct Dice {
    rate: f64,
    chance: Arc<Mutex<fastrand::Rng>>,
    failed: Arc<AtomicU64>,
}

impl Dice {
    pub(crate) fn new(rate: f64) -> Self {
        let chance = Arc::new(Mutex::new(fastrand::Rng::with_seed(SEED)));
        Self { rate, chance, failed: Arc::default() }
    }

    /// Whether this one fails.
    pub(crate) fn fails(&self) -> bool {
        let fails = self.rate > 0.0 && self.chance.lock().unwrap().f64() < self.rate;
        self.failed.fetch_add(u64::from(fails), Ordering::Relaxed);
        fails
    }

    /// How many have failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// SQS behind a proxy that keeps these entries of `DeleteMessageBatch` from it and says they failed.
pub(crate) async fn failing_deletes(sqs: String, dice: Dice) -> String {
    let proxy = Intercept::start(sqs, String::new()).await;
    proxy.forget();
    proxy.on("DeleteMessageBatch", move |call| {
        let mut request = call.request.clone();
        let Some(entries) = request["Entries"].as_array_mut() else { return Reaction::Forward };
        let mut failed = Vec::new();
        entries.retain(|entry| {
            let fails = dice.fails();
            if fails {
                failed.push(failure(&entry["Id"]));
            }
            !fails
        });
        match (failed.is_empty(), entries.is_empty()) {
            (true, _) => Reaction::Forward,
            (false, true) => Reaction::Answer(200, json!({ "Successful": [], "Failed": failed })),
            (false, false) => {
                let tell = move |mut answer: Value| {
                    if let Some(others) = answer["Failed"].as_array_mut() {
                        others.append(&mut failed);
                    } else {
                        answer["Failed"] = failed.into();
                    }
                    answer
                };
                Reaction::Exchange(request, Box::new(tell))
            }
        }
    });
    proxy.endpoint().to_owned()
}

fn failure(id: &Value) -> Value {
    json!({ "Id": id, "SenderFault": false, "Code": "InternalError", "Message": "scripted" })
}
