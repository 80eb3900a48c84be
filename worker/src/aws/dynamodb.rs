//! DynamoDB behind [`ProfileTable`]: the conditional put, the batch of INSERTs, and the table's key.
//!
//! Only calls that cannot overwrite: never BatchWriteItem, which has no conditions.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest, BatchStatementResponse, KeyType,
    KeysAndAttributes, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
};
use domain::{Item, Profile, ProfileKey};

use super::classify::{by_code, classify};
use super::clients::Clients;
use crate::ports::{CallError, ErrorClass, Inserted, ProfileTable, StoredOwner};

/// One table of profiles.
pub struct DynamoDbTable {
    clients: Clients,
    name: String,
    owner_attribute: Option<String>,
}

impl DynamoDbTable {
    /// The table `name`, whose rows say in `owner_attribute` whose they are.
    pub fn new(clients: Clients, name: String, owner_attribute: Option<String>) -> Self {
        Self { clients, name, owner_attribute }
    }

    fn stored_owner(&self, item: Option<&HashMap<String, AttributeValue>>) -> StoredOwner {
        match (item, &self.owner_attribute) {
            // An engine may say "exists" without showing the row; and a model without an owner asks nothing.
            (None, _) | (_, None) => StoredOwner::NotTold,
            (Some(item), Some(owner)) => match item.get(owner) {
                Some(AttributeValue::S(value)) => StoredOwner::Is(value.clone()),
                _ => StoredOwner::Missing,
            },
        }
    }
}

impl DynamoDbTable {
    /// A PartiQL INSERT, which by its nature only creates. Values are parameters; names are the model's,
    /// quoted as PartiQL quotes them (DynamoDB developer guide, "PartiQL insert statements").
    fn statement(&self, item: &Item) -> Result<BatchStatementRequest, CallError> {
        /// The longest statement (DynamoDB API reference, BatchStatementRequest).
        const MAX_STATEMENT: usize = 8192;
        const USUAL_STATEMENT: usize = 256;
        let mut statement = String::with_capacity(USUAL_STATEMENT);
        statement.push_str("INSERT INTO \"");
        doubled(&self.name, '"', &mut statement);
        statement.push_str("\" VALUE {");
        let mut parameters = Vec::with_capacity(item.iter().len());
        for (place, (name, value)) in item.iter().enumerate() {
            statement.push_str(if place == 0 { "'" } else { ", '" });
            doubled(name, '\'', &mut statement);
            statement.push_str("': ?");
            parameters.push(attribute(value));
        }
        statement.push('}');
        if statement.len() > MAX_STATEMENT {
            return Err(CallError::new(ErrorClass::Refused, "statement_too_long"));
        }
        BatchStatementRequest::builder()
            .statement(statement)
            .set_parameters(Some(parameters))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|_| unsendable())
    }

    fn result(&self, response: BatchStatementResponse) -> Result<Inserted, CallError> {
        let Some(error) = response.error else { return Ok(Inserted::Created) };
        match error.code {
            Some(
                BatchStatementErrorCodeEnum::DuplicateItem
                | BatchStatementErrorCodeEnum::ConditionalCheckFailed,
            ) => {
                let item = error.item.or(response.item);
                Ok(Inserted::Exists(self.stored_owner(item.as_ref())))
            }
            code => Err(by_code(code.as_ref().map(BatchStatementErrorCodeEnum::as_str))),
        }
    }
}

/// Writes `text` with each `quote` in it twice, as PartiQL has it inside quotes.
fn doubled(text: &str, quote: char, to: &mut String) {
    for (place, part) in text.split(quote).enumerate() {
        if place > 0 {
            to.push(quote);
            to.push(quote);
        }
        to.push_str(part);
    }
}

/// Whoever stands between may answer 200 with nothing in it, which the SDK takes for a success that has
/// nothing to say. DynamoDB gives every answer an id (developer guide, "DynamoDB low-level API").
pub(super) fn from_the_service(answer: &impl RequestId) -> Result<(), CallError> {
    let id = answer.request_id().map(drop);
    id.ok_or_else(|| CallError::new(ErrorClass::Unavailable, "answer_without_id"))
}

fn unsendable() -> CallError {
    CallError::new(ErrorClass::Refused, "unsendable_request")
}

impl ProfileTable for DynamoDbTable {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        let mut request = self
            .clients
            .dynamodb
            .put_item()
            .table_name(&self.name)
            .set_item(Some(attributes(&profile.item)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut conditions = Vec::new();
        for (place, (name, _)) in profile.key.iter().enumerate() {
            request = request.expression_attribute_names(format!("#k{place}"), name);
            conditions.push(format!("attribute_not_exists(#k{place})"));
        }
        match request.condition_expression(conditions.join(" AND ")).send().await {
            Ok(answer) => from_the_service(&answer).map(|()| Inserted::Created),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Inserted::Exists(self.stored_owner(failed.item())))
                }
                _ => Err(classify(&error)),
            },
        }
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        let statements: Result<Vec<_>, _> =
            profiles.iter().map(|profile| self.statement(&profile.item)).collect();
        let answer = self
            .clients
            .dynamodb
            .batch_execute_statement()
            .set_statements(Some(statements?))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let responses = answer.responses.unwrap_or_default().into_iter();
        Ok(responses.map(|response| self.result(response)).collect())
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        let (Some(owner), Some(first)) = (&self.owner_attribute, keys.first()) else {
            return Ok(vec![StoredOwner::NotTold; keys.len()]);
        };
        let key_names: Vec<&str> = first.iter().map(|(name, _)| name).collect();
        let mut unread = HashMap::from([(self.name.clone(), owner_question(keys, &key_names, owner)?)]);
        let mut found: HashMap<Vec<String>, StoredOwner> = HashMap::new();
        while !unread.is_empty() {
            let request = self.clients.dynamodb_calm.batch_get_item().set_request_items(Some(unread));
            let answer = request.send().await.map_err(|error| classify(&error))?;
            from_the_service(&answer)?;
            let before = found.len();
            for item in answer.responses.unwrap_or_default().remove(&self.name).unwrap_or_default() {
                let text = |name: &&str| Some(item.get(*name)?.as_s().ok()?.clone());
                if let Some(key) = key_names.iter().map(text).collect() {
                    found.insert(key, self.stored_owner(Some(&item)));
                }
            }
            unread = answer.unprocessed_keys.unwrap_or_default();
            // Throttled: what was not read at all is the caller's to try again, inside its deadline.
            if !unread.is_empty() && found.len() == before {
                return Err(CallError::new(ErrorClass::Throttled, "unprocessed_keys"));
            }
        }
        let values = |key: &ProfileKey| key.iter().map(|(_, value)| value.to_owned()).collect::<Vec<_>>();
        Ok(keys.iter().map(|key| found.remove(&values(key)).unwrap_or(StoredOwner::Gone)).collect())
    }
}

/// Asks for the keys and the owner of these rows, and nothing else of a person.
fn owner_question(
    keys: &[&ProfileKey],
    key_names: &[&str],
    owner: &str,
) -> Result<KeysAndAttributes, CallError> {
    let mut question = KeysAndAttributes::builder().consistent_read(true);
    // The owner may be the key itself, and a projection must not name an attribute twice.
    let others = key_names.iter().copied().filter(|name| *name != owner);
    let mut paths = Vec::new();
    for (place, name) in std::iter::once(owner).chain(others).enumerate() {
        let path = format!("#p{place}");
        question = question.expression_attribute_names(&path, name);
        paths.push(path);
    }
    for key in keys {
        let key = key.iter().map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        question = question.keys(key.collect());
    }
    question.projection_expression(paths.join(", ")).build().map_err(|_| unsendable())
}

/// An item in the SDK's types.
pub fn attributes(item: &Item) -> HashMap<String, AttributeValue> {
    item.iter().map(|(name, value)| (name.to_owned(), attribute(value))).collect()
}

fn attribute(value: &domain::AttributeValue) -> AttributeValue {
    match value {
        domain::AttributeValue::S(text) => AttributeValue::S(text.clone()),
        domain::AttributeValue::N(number) => AttributeValue::N(number.clone()),
        domain::AttributeValue::Bool(flag) => AttributeValue::Bool(*flag),
    }
}

/// A table's key: attribute names and types, the partition key first.
pub type TableKey = Vec<(String, ScalarAttributeType)>;

/// Asks the table for its key.
pub async fn table_key(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<TableKey, CallError> {
    let answer = client.describe_table().table_name(name).send().await.map_err(|error| classify(&error))?;
    let table = answer.table.ok_or_else(|| CallError::new(ErrorClass::Missing, "no_table"))?;
    if table.table_status != Some(aws_sdk_dynamodb::types::TableStatus::Active)
        && table.table_status != Some(aws_sdk_dynamodb::types::TableStatus::Updating)
    {
        return Err(CallError::new(ErrorClass::Missing, "table_not_active"));
    }
    let mut schema = table.key_schema.unwrap_or_default();
    schema.sort_by_key(|element| element.key_type != KeyType::Hash);
    let definitions = table.attribute_definitions.unwrap_or_default();
    let kind_of = |name: &str| {
        let definition = definitions.iter().find(|definition| definition.attribute_name == name);
        definition.map_or(ScalarAttributeType::S, |definition| definition.attribute_type.clone())
    };
    Ok(schema
        .into_iter()
        .map(|element| (element.attribute_name.clone(), kind_of(&element.attribute_name)))
        .collect())
}

/// Why the model's items cannot go into a table with this key, if so.
pub fn key_mismatch<'a>(key: &TableKey, model: impl Iterator<Item = &'a str>) -> Option<String> {
    let model: Vec<&str> = model.collect();
    let table: Vec<&str> = key.iter().map(|(name, _)| name.as_str()).collect();
    if table != model {
        let (table, model) = (table.join(", "), model.join(", "));
        return Some(format!("the table's key is ({table}), the model's is ({model})"));
    }
    let other = key.iter().find(|(_, kind)| *kind != ScalarAttributeType::S)?;
    Some(format!("the table's key attribute {} has type {}, the model writes S", other.0, other.1.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_inside_quotes_is_written_twice() {
        for (text, written) in [("plain", "plain"), ("o'clock", "o''clock"), ("''", "''''"), ("", "")] {
            let mut to = String::new();
            doubled(text, '\'', &mut to);
            assert_eq!(to, written);
        }
    }
}
