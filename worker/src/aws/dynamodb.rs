//! DynamoDB behind [`ProfileTable`]: the conditional put, and the table's key.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeyType, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
};
use domain::{Item, Profile};

use super::classify::classify;
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

    fn stored_owner(&self, item: Option<&std::collections::HashMap<String, AttributeValue>>) -> StoredOwner {
        match (item, &self.owner_attribute) {
            // An engine may say "exists" without showing the row; and a model without an owner asks nothing.
            (None, _) | (_, None) => StoredOwner::Unknown,
            (Some(item), Some(owner)) => match item.get(owner) {
                Some(AttributeValue::S(value)) => StoredOwner::Is(value.clone()),
                _ => StoredOwner::Missing,
            },
        }
    }
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
            Ok(_) => Ok(Inserted::Created),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Inserted::Exists(self.stored_owner(failed.item())))
                }
                _ => Err(classify(&error)),
            },
        }
    }
}

/// An item in the SDK's types.
pub fn attributes(item: &Item) -> std::collections::HashMap<String, AttributeValue> {
    item.iter()
        .map(|(name, value)| {
            let value = match value {
                domain::AttributeValue::S(text) => AttributeValue::S(text.clone()),
                domain::AttributeValue::N(number) => AttributeValue::N(number.clone()),
                domain::AttributeValue::Bool(flag) => AttributeValue::Bool(*flag),
            };
            (name.to_owned(), value)
        })
        .collect()
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
