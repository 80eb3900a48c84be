//! SQS, DynamoDB, Cognito and S3 on free loopback ports, and the queue and table a worker needs. One instance per
//! demo and per test: nothing is shared, nothing is left behind.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use dynoxide::Database;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use worker::aws::clients::Access;

use crate::cognito::CognitoServer;
use crate::s3::S3Server;
use crate::sqs::SqsServer;

/// All endpoints, running. Dropping it ends them and all they hold.
pub struct Stack {
    /// The queue server.
    pub sqs: SqsServer,
    /// The server of user pools.
    pub cognito: CognitoServer,
    /// The server of buckets.
    pub s3: S3Server,
    dynamodb: SocketAddr,
    serving: JoinHandle<()>,
}

/// Every row of a table with the key `id`, as DynamoDB JSON, by id.
///
/// # Errors
/// When the table cannot be read.
pub async fn rows(client: &aws_sdk_dynamodb::Client, table: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut rows = BTreeMap::new();
    let mut items = client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    while let Some(item) = items.next().await {
        let row: Map<String, Value> = item?
            .into_iter()
            .map(|(name, value)| match value {
                AttributeValue::S(text) => (name, json!({ "S": text })),
                other => (name, json!(format!("{other:?}"))),
            })
            .collect();
        let id = row.get("id").and_then(|id| id.get("S")?.as_str()).unwrap_or_default().to_owned();
        rows.insert(id, row.into());
    }
    Ok(rows)
}

/// The queues of one worker.
#[derive(Debug, Clone)]
pub struct Queues {
    /// URL of the queue of confirmations.
    pub queue: String,
    /// URL of its dead-letter queue.
    pub dead_letter: String,
}

/// Ports on loopback; 0 picks a free one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// SQS's.
    pub sqs: u16,
    /// DynamoDB's.
    pub dynamodb: u16,
    /// Cognito's.
    pub cognito: u16,
    /// S3's.
    pub s3: u16,
}

/// What keeps the worker's promise in an outage: SQS's own redrive is only the last guard.
pub const MAX_RECEIVE_COUNT: u32 = 100;

impl Stack {
    /// Starts all on free ports.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(Ports::default()).await
    }

    /// Starts all on the given ports.
    pub async fn start_on(ports: Ports) -> anyhow::Result<Self> {
        let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let sqs = SqsServer::start(on(ports.sqs)).await?;
        let cognito = CognitoServer::start(on(ports.cognito)).await?;
        let s3 = S3Server::start(on(ports.s3)).await?;
        let listener = TcpListener::bind(on(ports.dynamodb)).await?;
        let dynamodb = listener.local_addr()?;
        let database = Database::memory()?;
        let serving = tokio::spawn(dynoxide::server::serve_on(listener, database));
        Ok(Self { sqs, cognito, s3, dynamodb, serving })
    }

    /// SQS's endpoint.
    pub fn sqs_endpoint(&self) -> String {
        self.sqs.endpoint()
    }

    /// DynamoDB's endpoint.
    pub fn dynamodb_endpoint(&self) -> String {
        format!("http://{}", self.dynamodb)
    }

    /// Cognito's endpoint.
    pub fn cognito_endpoint(&self) -> String {
        self.cognito.endpoint()
    }

    /// S3's endpoint.
    pub fn s3_endpoint(&self) -> String {
        self.s3.endpoint()
    }

    /// How clients reach all of them, and nothing else.
    pub fn access(&self) -> Access {
        Access::local(&self.sqs_endpoint(), &self.dynamodb_endpoint())
            .with_cognito(&self.cognito_endpoint())
            .with_s3(&self.s3_endpoint())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Makes the queue `name` and its dead-letter queue `name-dlq`, with the attributes infra gives them.
pub async fn create_queues(client: &aws_sdk_sqs::Client, name: &str) -> anyhow::Result<Queues> {
    const FOUR_DAYS: u32 = 4 * 24 * 3600;
    const FOURTEEN_DAYS: u32 = 14 * 24 * 3600;
    let dead_letter = client
        .create_queue()
        .queue_name(format!("{name}-dlq"))
        .attributes(QueueAttributeName::MessageRetentionPeriod, FOURTEEN_DAYS.to_string())
        .send()
        .await?
        .queue_url
        .unwrap_or_default();
    let attributes = client
        .get_queue_attributes()
        .queue_url(&dead_letter)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await?
        .attributes
        .unwrap_or_default();
    let arn = attributes.get(&QueueAttributeName::QueueArn).cloned().unwrap_or_default();
    // As a number: one engine refuses the string form.
    let redrive = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT });
    let queue = client
        .create_queue()
        .queue_name(name)
        .attributes(QueueAttributeName::MessageRetentionPeriod, FOUR_DAYS.to_string())
        .attributes(QueueAttributeName::RedrivePolicy, redrive.to_string())
        .send()
        .await?
        .queue_url
        .unwrap_or_default();
    Ok(Queues { queue, dead_letter })
}

/// Makes the table of profiles: on-demand, with these key attributes of type S, the partition key first.
pub async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str, key: &[&str]) -> anyhow::Result<()> {
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in key.iter().zip([KeyType::Hash, KeyType::Range]) {
        request = request
            .key_schema(KeySchemaElement::builder().attribute_name(*attribute).key_type(kind).build()?)
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(*attribute)
                    .attribute_type(ScalarAttributeType::S)
                    .build()?,
            );
    }
    request.send().await?;
    Ok(())
}
