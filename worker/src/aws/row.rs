//! One row of the table with all it holds, for a person who asks about one user. The worker itself never reads a
//! row as a whole.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ProfileKey;
use serde_json::{Value, json};

use super::classify::classify;
use super::dynamodb::from_the_service;
use crate::ports::CallError;

/// A row by attribute name, in DynamoDB's JSON.
pub type WholeRow = BTreeMap<String, Value>;

/// The row under this key, read consistently; `None` if there is none.
pub async fn whole_row(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    key: &ProfileKey,
) -> Result<Option<WholeRow>, CallError> {
    let mut request = client.get_item().table_name(table).consistent_read(true);
    for (name, value) in key.iter() {
        request = request.key(name, AttributeValue::S(value.to_owned()));
    }
    let answer = request.send().await.map_err(|error| classify(&error))?;
    from_the_service(&answer)?;
    let item = answer.item.filter(|item| !item.is_empty());
    Ok(item.map(|item| item.iter().map(|(name, value)| (name.clone(), shown(value))).collect()))
}

/// An attribute in DynamoDB's JSON; of bytes only how many.
fn shown(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(shown).collect::<Vec<_>>() }),
        AttributeValue::M(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), shown(value)));
            json!({ "M": fields.collect::<serde_json::Map<_, _>>() })
        }
        AttributeValue::B(bytes) => json!({ "B": format!("{} bytes", bytes.as_ref().len()) }),
        _ => Value::Null,
    }
}
