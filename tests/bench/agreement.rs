//! Compares the plain table with dynoxide, call by call, before a figure rests on it.
//!
//! The rows of whole runs are compared too: both engines' are checked against the same expectation.

use std::collections::HashMap;

use anyhow::ensure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementRequest, KeysAndAttributes, ReturnValuesOnConditionCheckFailure,
};
use local::stack::{self, Stack};
use worker::aws::clients::Access;

use crate::endpoints::TABLE;
use crate::faults::Dice;
use crate::records::{CONDITION, PUT_NAMES, RECORDS, UPDATE, UPDATE_NAMES};
use crate::table::Table;

/// Puts the same questions to both.
pub(crate) async fn check() -> anyhow::Result<()> {
    let stack = Stack::start().await?;
    let (_plain, address) = Table::start(TABLE, Dice::new(0.0)).await?;
    let dynoxide = client(&stack.access());
    stack::create_table(&dynoxide, TABLE, &["id"]).await?;
    stack::create_table(&dynoxide, RECORDS, &["id"]).await?;
    let expected = answers(&dynoxide).await?;
    let given = answers(&client(&Access::local(&stack.sqs_endpoint(), &format!("http://{address}")))).await?;
    for (expected, given) in expected.iter().zip(&given) {
        ensure!(expected == given, "the engines disagree: dynoxide {expected}, plain {given}");
    }
    Ok(())
}

fn client(access: &Access) -> Client {
    Client::from_conf(access.dynamodb().build())
}

async fn answers(client: &Client) -> anyhow::Result<[String; 16]> {
    Ok([
        put(client, "a", "first").await,
        put(client, "a", "second").await,
        batch(client, &["b", "a", "c"]).await?,
        batch(client, &["d", "d"]).await?,
        owners(client, &["a", "b", "d"]).await?,
        key(client).await?,
        // As Powertools does: in progress, refused to a second one, over, taken again, done.
        record(client, "r", 1_000).await,
        record(client, "r", 999).await,
        record(client, "r", 1_000).await,
        record(client, "r", 1_001).await,
        record(client, "r", 1_001).await,
        finish(client, "r").await,
        record(client, "r", 9_000).await,
        record(client, "r", 3_601_000).await,
        finish(client, "new").await,
        record(client, "new", 1_000).await,
    ])
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put(client: &Client, id: &str, owner: &str) -> String {
    let request = client
        .put_item()
        .table_name(TABLE)
        .item("id", text(id))
        .item("profileOwner", text(owner))
        .condition_expression("attribute_not_exists(#k0)")
        .expression_attribute_names("#k0", "id")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match request.send().await {
        Ok(_) => "put".to_owned(),
        Err(error) => {
            let failed = error.as_service_error();
            let old = failed.and_then(|error| match error {
                aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(old) => {
                    Some(old.item()?.get("profileOwner"))
                }
                _ => None,
            });
            format!("{:?}, is {old:?}", failed.and_then(ProvideErrorMetadata::code))
        }
    }
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// At this time in milliseconds: in progress until it, kept for an hour's seconds.
async fn record(client: &Client, id: &str, now_ms: i64) -> String {
    let mut request = client
        .put_item()
        .table_name(RECORDS)
        .item("id", text(id))
        .item("expiration", number(3_600))
        .item("status", text("INPROGRESS"))
        .item("in_progress_expiration", number(now_ms))
        .condition_expression(CONDITION)
        .expression_attribute_values(":now", number(now_ms / 1000))
        .expression_attribute_values(":now_in_millis", number(now_ms))
        .expression_attribute_values(":inprogress", text("INPROGRESS"))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    for (short, long) in PUT_NAMES {
        request = request.expression_attribute_names(short, long);
    }
    match request.send().await {
        Ok(_) => "recorded".to_owned(),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(old)) => {
                let mut old: Vec<_> = old.item().into_iter().flatten().collect();
                old.sort_by_key(|(name, _)| *name);
                format!("refused, is {old:?}")
            }
            _ => format!("{:?}", error.code()),
        },
    }
}

async fn finish(client: &Client, id: &str) -> String {
    let mut request = client
        .update_item()
        .table_name(RECORDS)
        .key("id", text(id))
        .update_expression(UPDATE)
        .expression_attribute_values(":expiry", number(3_600))
        .expression_attribute_values(":response_data", text("{}"))
        .expression_attribute_values(":status", text("COMPLETED"));
    for (short, long) in UPDATE_NAMES {
        request = request.expression_attribute_names(short, long);
    }
    match request.send().await {
        Ok(answer) => format!("finished {:?}", answer.attributes()),
        Err(error) => format!("{:?}", error.code()),
    }
}

async fn batch(client: &Client, ids: &[&str]) -> anyhow::Result<String> {
    let mut request = client.batch_execute_statement();
    for id in ids {
        let statement = BatchStatementRequest::builder()
            .statement(format!("INSERT INTO \"{TABLE}\" VALUE {{'id': ?, 'profileOwner': ?}}"))
            .parameters(text(id))
            .parameters(text("batch"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        request = request.statements(statement.build()?);
    }
    Ok(match request.send().await {
        Ok(answer) => {
            let results = answer.responses().iter().map(|one| {
                let error = one.error().map(|error| (error.code(), error.item().is_some()));
                format!("{error:?} {:?} {}", one.table_name(), one.item().is_some())
            });
            results.collect::<Vec<_>>().join("; ")
        }
        Err(error) => format!("{:?}", error.code()),
    })
}

async fn owners(client: &Client, ids: &[&str]) -> anyhow::Result<String> {
    let mut question = KeysAndAttributes::builder()
        .consistent_read(true)
        .projection_expression("#p0, #p1")
        .expression_attribute_names("#p0", "profileOwner")
        .expression_attribute_names("#p1", "id");
    for id in ids {
        question = question.keys(HashMap::from([("id".to_owned(), text(id))]));
    }
    let answer = client.batch_get_item().request_items(TABLE, question.build()?).send().await?;
    let items = answer.responses().and_then(|tables| tables.get(TABLE)).into_iter().flatten();
    let mut shown: Vec<_> = items
        .map(|item| format!("{} {:?} {:?}", item.len(), item.get("id"), item.get("profileOwner")))
        .collect();
    shown.sort();
    Ok(format!("{shown:?}, unread {}", answer.unprocessed_keys().map_or(0, HashMap::len)))
}

async fn key(client: &Client) -> anyhow::Result<String> {
    let answer = client.describe_table().table_name(TABLE).send().await?;
    let table = answer.table();
    let schema = table.map(aws_sdk_dynamodb::types::TableDescription::key_schema);
    let types = table.map(aws_sdk_dynamodb::types::TableDescription::attribute_definitions);
    Ok(format!("{schema:?} {types:?}"))
}
