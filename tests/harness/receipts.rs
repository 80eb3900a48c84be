//! Which receipt belongs to whom, as the proxy sees it. SQS makes a new receipt with every receive, so
//! that a test can say of one that it was acted on, or that it never was.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::confirmations::Person;
use crate::intercept::{Intercept, Reaction};

/// Every receipt that has passed the proxy.
#[derive(Debug, Clone, Default)]
pub struct Receipts(Arc<Mutex<Vec<Receipt>>>);

#[derive(Debug, Clone)]
struct Receipt {
    handle: String,
    body: String,
}

impl Receipts {
    /// Keeps them from now on. Takes the place of an earlier rule for receives.
    pub fn kept(proxy: &Intercept) -> Self {
        let receipts = Self::default();
        let kept = receipts.clone();
        proxy.on("ReceiveMessage", move |_| {
            let kept = kept.clone();
            Reaction::Change(Box::new(move |answer| {
                let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
                let text = |message: &Value, name: &str| message[name].as_str().unwrap().to_owned();
                kept.0.lock().unwrap().extend(messages.iter().map(|message| Receipt {
                    handle: text(message, "ReceiptHandle"),
                    body: text(message, "Body"),
                }));
                answer
            }))
        });
        receipts
    }

    /// All of them, in the order of their receives.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|receipt| receipt.handle.clone()).collect()
    }

    /// Those of one person's messages.
    pub fn of(&self, person: &Person) -> Vec<String> {
        let receipts = self.0.lock().unwrap();
        let theirs = receipts.iter().filter(|receipt| receipt.body.contains(&person.sub));
        theirs.map(|receipt| receipt.handle.clone()).collect()
    }
}

/// The receipt a request's entry is about.
pub fn handle(entry: &Value) -> String {
    entry["ReceiptHandle"].as_str().unwrap().to_owned()
}
