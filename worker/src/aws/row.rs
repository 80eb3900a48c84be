//! One row of the table with all it holds, for a person who asks about one user. The worker itself never reads a
//! row as a whole.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ProfileKey;
use serde_json::Value;

use super::classify::classify;
use super::dynamodb::from_the_service;
use super::json;
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
    Ok(item.map(|item| item.iter().map(|(name, value)| (name.clone(), json::value(value))).collect()))
}
