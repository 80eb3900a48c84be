//! Moving a row under another key, in one transaction that takes effect whole or not at all. Whatever changed since
//! it was read makes the transaction fail. Must never delete what was not read, nor overwrite what was not seen.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};

use domain::ProfileKey;

use super::classify::{by_code, classify};
use super::dynamodb::from_the_service;
use crate::ports::{CallError, ErrorClass};

/// A value as it stands in the table.
pub type Value = AttributeValue;

/// A whole row.
pub type WholeRow = HashMap<String, Value>;

/// The text under this name.
pub fn text<'a>(row: &'a WholeRow, name: &str) -> Option<&'a String> {
    row.get(name)?.as_s().ok()
}

/// The row, but for its key.
pub fn under_key(row: &WholeRow, key: &ProfileKey) -> WholeRow {
    let mut copy = row.clone();
    copy.extend(key.iter().map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))));
    copy
}

/// One action of the transaction.
pub enum Action<'a> {
    /// Writes a row where none is.
    PutIfAbsent(&'a WholeRow),
    /// Writes a row in the place of this one, if it is as it was.
    Replace {
        /// As it was seen.
        seen: &'a WholeRow,
        /// What is to stand there.
        by: &'a WholeRow,
    },
    /// Deletes a row, if it is as it was.
    Delete(&'a WholeRow),
    /// Does nothing, if it is as it was.
    Unchanged(&'a WholeRow),
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// All of it took effect.
    Done,
    /// None of it: a row is no longer as it was.
    Changed,
}

/// One table whose rows are moved.
pub struct AdoptionTable {
    client: aws_sdk_dynamodb::Client,
    name: String,
    key: Vec<String>,
}

/// The longest condition expression (DynamoDB developer guide, "Quotas").
const MAX_EXPRESSION: usize = 4096;

impl AdoptionTable {
    /// The table `name` with these key attributes. The client is to make no retries of its own.
    pub fn new(client: aws_sdk_dynamodb::Client, name: String, key: Vec<String>) -> Self {
        Self { client, name, key }
    }

    /// The row under this key, read consistently.
    pub async fn get(&self, key: &[String]) -> Result<Option<WholeRow>, CallError> {
        let values = key.iter().map(|value| AttributeValue::S(value.clone()));
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(self.key.iter().cloned().zip(values).collect()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| classify(&error))?;
        from_the_service(&answer)?;
        Ok(answer.item)
    }

    /// Does it all, or nothing. The same `token` makes a repetition harmless whose first answer was lost, for ten
    /// minutes (DynamoDB API reference, ClientRequestToken).
    pub async fn swap(&self, actions: &[Action<'_>], token: &str) -> Result<Swapped, CallError> {
        let items = actions.iter().map(|action| self.action(action)).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.transact_write_items().client_request_token(token);
        match request.set_transact_items(Some(items)).send().await {
            Ok(answer) => from_the_service(&answer).map(|()| Swapped::Done),
            Err(error) => {
                let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                    error.as_service_error()
                else {
                    return Err(classify(&error));
                };
                let reasons = cancelled.cancellation_reasons().iter();
                let codes: Vec<&str> =
                    reasons.filter_map(|reason| reason.code()).filter(|code| *code != "None").collect();
                if codes.contains(&"ConditionalCheckFailed") {
                    return Ok(Swapped::Changed);
                }
                Err(by_code(Some(codes.first().copied().unwrap_or("TransactionCanceledException"))))
            }
        }
    }

    fn action(&self, action: &Action<'_>) -> Result<TransactWriteItem, CallError> {
        let item = TransactWriteItem::builder();
        Ok(match action {
            Action::PutIfAbsent(row) => {
                let mut put = Put::builder().table_name(&self.name).set_item(Some((*row).clone()));
                let mut conditions = Vec::new();
                for (place, name) in self.key.iter().enumerate() {
                    put = put.expression_attribute_names(format!("#k{place}"), name);
                    conditions.push(format!("attribute_not_exists(#k{place})"));
                }
                item.put(put.condition_expression(conditions.join(" AND ")).build().map_err(unsendable)?)
            }
            Action::Replace { seen, by } => {
                let same = Same::as_seen(seen);
                let put = Put::builder().table_name(&self.name).set_item(Some((*by).clone()));
                let put = put
                    .condition_expression(same.expression)
                    .set_expression_attribute_names(Some(same.names))
                    .set_expression_attribute_values(Some(same.values));
                item.put(put.build().map_err(unsendable)?)
            }
            Action::Delete(seen) => {
                let same = Same::as_seen(seen);
                let delete = Delete::builder().table_name(&self.name).set_key(Some(self.key_of(seen)));
                let delete = delete
                    .condition_expression(same.expression)
                    .set_expression_attribute_names(Some(same.names))
                    .set_expression_attribute_values(Some(same.values));
                item.delete(delete.build().map_err(unsendable)?)
            }
            Action::Unchanged(seen) => {
                let same = Same::as_seen(seen);
                let check = ConditionCheck::builder().table_name(&self.name).set_key(Some(self.key_of(seen)));
                let check = check
                    .condition_expression(same.expression)
                    .set_expression_attribute_names(Some(same.names))
                    .set_expression_attribute_values(Some(same.values));
                item.condition_check(check.build().map_err(unsendable)?)
            }
        }
        .build())
    }

    fn key_of(&self, row: &WholeRow) -> WholeRow {
        self.key.iter().filter_map(|name| Some((name.clone(), row.get(name)?.clone()))).collect()
    }
}

/// The condition that a row is as it was seen: every attribute the same, as far as an expression can hold them, the
/// times first, which every edit through AppSync changes.
struct Same {
    expression: String,
    names: HashMap<String, String>,
    values: WholeRow,
}

impl Same {
    fn as_seen(row: &WholeRow) -> Self {
        let mut seen: Vec<_> = row.iter().collect();
        seen.sort_by_key(|(name, _)| (!matches!(name.as_str(), "updatedAt" | "createdAt"), *name));
        let mut same = Self { expression: String::new(), names: HashMap::new(), values: HashMap::new() };
        for (place, (name, value)) in seen.into_iter().enumerate() {
            let and = if place == 0 { "" } else { " AND " };
            let clause = format!("{and}#u{place} = :u{place}");
            if same.expression.len() + clause.len() > MAX_EXPRESSION {
                break;
            }
            same.expression.push_str(&clause);
            same.names.insert(format!("#u{place}"), name.clone());
            same.values.insert(format!(":u{place}"), value.clone());
        }
        same
    }
}

fn unsendable<E>(_: E) -> CallError {
    CallError::new(ErrorClass::Refused, "unsendable_request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_compared_first_and_an_expression_never_grows_too_long() {
        let value = || AttributeValue::S("x".into());
        let mut row: WholeRow = (0..400).map(|n| (format!("a{n:03}"), value())).collect();
        row.insert("updatedAt".into(), value());
        row.insert("createdAt".into(), value());
        let same = Same::as_seen(&row);
        assert!(same.expression.len() <= MAX_EXPRESSION && same.names.len() > 200);
        assert!(same.expression.starts_with("#u0 = :u0 AND #u1 = :u1 AND #u2"));
        assert_eq!(
            (same.names["#u0"].as_str(), same.names["#u1"].as_str(), same.names["#u2"].as_str()),
            ("createdAt", "updatedAt", "a000")
        );
        assert_eq!(same.names.len(), same.values.len());
        assert_eq!(Same::as_seen(&[("id".to_owned(), value())].into()).expression, "#u0 = :u0");
    }
}
