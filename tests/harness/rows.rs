//! Some rows of a table that is too large to be read as a whole each time.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde_json::Value;

use crate::items::to_json;
use crate::world::World;

/// The most keys of one read (DynamoDB API reference, BatchGetItem).
const KEYS: usize = 100;

impl World {
    /// The rows under these ids, of those that are there, in DynamoDB's JSON; no id twice.
    pub async fn rows(&self, ids: &[String]) -> HashMap<String, Value> {
        let mut found = HashMap::new();
        for ids in ids.chunks(KEYS) {
            let key = |id: &String| HashMap::from([("id".to_owned(), AttributeValue::S(id.clone()))]);
            let keys = KeysAndAttributes::builder().set_keys(Some(ids.iter().map(key).collect()));
            let mut asked =
                HashMap::from([(self.table().to_owned(), keys.consistent_read(true).build().unwrap())]);
            while !asked.is_empty() {
                let request = self.dynamodb.batch_get_item().set_request_items(Some(asked));
                let answer = request.send().await.unwrap();
                for item in answer.responses.unwrap_or_default().into_values().flatten() {
                    let row = to_json(&item);
                    found.insert(row["id"]["S"].as_str().unwrap().to_owned(), row);
                }
                asked = answer.unprocessed_keys.unwrap_or_default();
            }
        }
        found
    }
}
