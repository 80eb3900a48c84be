//! The table of idempotency records that Powertools for AWS Lambda keeps beside the items: the two calls it
//! makes while all is well, word for word, and no other.
//!
//! Exists for the plain table alone. Must refuse loudly what it does not know: a guess would be a wrong figure.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::table::{Answer, Item, PutItem, failed_condition, id_of, invalid};

pub(crate) const RECORDS: &str = "idempotency-bench";

/// `DynamoDBPersistenceLayer._put_record` of aws-lambda-powertools 3.37: no record, or one that is over.
pub(crate) const CONDITION: &str = "attribute_not_exists(#id) OR #expiry < :now OR (#status = :inprogress AND \
     attribute_exists(#in_progress_expiry) AND #in_progress_expiry < :now_in_millis)";
/// `DynamoDBPersistenceLayer._update_record` of the same.
pub(crate) const UPDATE: &str = "SET #response_data = :response_data, #expiry = :expiry, #status = :status";

/// Names as its defaults have them.
pub(crate) const PUT_NAMES: [(&str, &str); 4] = [
    ("#id", "id"),
    ("#expiry", "expiration"),
    ("#in_progress_expiry", "in_progress_expiration"),
    ("#status", "status"),
];
pub(crate) const UPDATE_NAMES: [(&str, &str); 3] =
    [("#expiry", "expiration"), ("#response_data", "data"), ("#status", "status")];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct UpdateItem {
    table_name: String,
    key: Item,
    update_expression: String,
    expression_attribute_names: HashMap<String, String>,
    expression_attribute_values: HashMap<String, Value>,
}

/// The records, by id.
#[derive(Default)]
pub(crate) struct Records(Mutex<HashMap<String, Item>>);

impl Records {
    pub(crate) fn put(&self, request: PutItem) -> Answer {
        let names = request.expression_attribute_names.unwrap_or_default();
        let condition = request.condition_expression.unwrap_or_default();
        if condition != CONDITION || !same(&names, &PUT_NAMES) {
            return Err(invalid(format!("not offered: condition {condition} {names:?}")));
        }
        let values = request.expression_attribute_values.unwrap_or_default();
        let (now, now_ms) = (number(values.get(":now"))?, number(values.get(":now_in_millis"))?);
        let in_progress = values.get(":inprogress").ok_or_else(|| invalid("no :inprogress"))?;
        let id = id_of(&request.item)?;
        let mut records = self.0.lock().unwrap();
        if let Some(there) = records.get(&id) {
            let over = |name: &str, now: i64| {
                there.get(name).is_some_and(|at| number(Some(at)).is_ok_and(|at| at < now))
            };
            let free = over("expiration", now)
                || (there.get("status") == Some(in_progress) && over("in_progress_expiration", now_ms));
            if !free {
                let shown = request.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
                return Err(failed_condition(shown.then(|| there.clone())));
            }
        }
        records.insert(id, request.item);
        Ok(json!({}))
    }

    pub(crate) fn update(&self, request: &UpdateItem) -> Answer {
        let known = request.table_name == RECORDS
            && request.update_expression == UPDATE
            && same(&request.expression_attribute_names, &UPDATE_NAMES);
        if !known {
            return Err(invalid(format!("not offered: {}", request.update_expression)));
        }
        let mut records = self.0.lock().unwrap();
        // An update of what is not there makes it.
        let record = records.entry(id_of(&request.key)?).or_insert_with(|| request.key.clone());
        for (value, name) in [(":response_data", "data"), (":expiry", "expiration"), (":status", "status")] {
            let value = request.expression_attribute_values.get(value);
            record.insert(name.to_owned(), value.ok_or_else(|| invalid("a value is missing"))?.clone());
        }
        Ok(json!({}))
    }
}

fn same(names: &HashMap<String, String>, expected: &[(&str, &str)]) -> bool {
    names.len() == expected.len()
        && expected.iter().all(|(short, long)| names.get(*short).is_some_and(|name| name == long))
}

fn number(value: Option<&Value>) -> Result<i64, crate::table::Refusal> {
    let text = value.and_then(|value| value.get("N")?.as_str());
    text.and_then(|text| text.parse().ok()).ok_or_else(|| invalid("not offered: no whole number"))
}
