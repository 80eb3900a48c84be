//! What the worker is compared with: the loops one would write with the AWS SDK for Rust alone, with the
//! worker's versions of it and the worker's HTTP client. Right as long as nothing fails.
//!
//! Must never be slower than such a loop has to be: no logging, no counting, no decoding beyond need.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use clap::ValueEnum;
use serde_json::Value;
use tokio::task::JoinSet;
use worker::aws::clients::Access;

use crate::command::LoopOrder;

/// How one works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Habit {
    /// Receive up to ten; put one, delete one.
    Sequential,
    /// Eight loops; each receives ten, puts ten at once, deletes them by one call.
    Concurrent,
}

impl Habit {
    /// As the command line has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Concurrent => "concurrent",
        }
    }
}

const LOOPS: usize = 8;

#[derive(Clone)]
struct Loop {
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    queue: String,
    table: String,
}

/// Works until a receive comes back empty.
pub(crate) async fn run(order: LoopOrder) -> anyhow::Result<()> {
    let access = Access::from_environment().await;
    let one = Loop {
        sqs: aws_sdk_sqs::Client::from_conf(access.sqs().build()),
        dynamodb: aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build()),
        queue: order.queue,
        table: order.table,
    };
    match order.habit {
        Habit::Sequential => one.one_by_one().await,
        Habit::Concurrent => {
            let mut loops: JoinSet<_> =
                (0..LOOPS).map(|_| one.clone()).map(async |one| one.ten_by_ten().await).collect();
            while let Some(ended) = loops.join_next().await {
                ended??;
            }
            Ok(())
        }
    }
}

impl Loop {
    async fn one_by_one(&self) -> anyhow::Result<()> {
        loop {
            let messages = self.receive().await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                self.put(&message).await?;
                let delete = self.sqs.delete_message().queue_url(&self.queue);
                delete.set_receipt_handle(message.receipt_handle).send().await?;
            }
        }
    }

    async fn ten_by_ten(&self) -> anyhow::Result<()> {
        loop {
            let messages = self.receive().await?;
            if messages.is_empty() {
                return Ok(());
            }
            let mut puts = JoinSet::new();
            for message in messages {
                let one = self.clone();
                puts.spawn(async move { one.put(&message).await.map(|()| message.receipt_handle) });
            }
            let mut delete = self.sqs.delete_message_batch().queue_url(&self.queue);
            let mut place = 0;
            while let Some(put) = puts.join_next().await {
                let entry =
                    DeleteMessageBatchRequestEntry::builder().id(place.to_string()).set_receipt_handle(put??);
                delete = delete.entries(entry.build()?);
                place += 1;
            }
            ensure!(delete.send().await?.failed.is_empty(), "a delete failed");
        }
    }

    async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let receive = self.sqs.receive_message().queue_url(&self.queue);
        let answer = receive.max_number_of_messages(10).wait_time_seconds(1).visibility_timeout(60);
        Ok(answer.send().await?.messages.unwrap_or_default())
    }

    async fn put(&self, message: &Message) -> anyhow::Result<()> {
        let put = self.dynamodb.put_item().table_name(&self.table).set_item(Some(item(message)?));
        match put.condition_expression("attribute_not_exists(id)").send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_there) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_there(error: &aws_sdk_dynamodb::operation::put_item::PutItemError) -> bool {
    error.is_conditional_check_failed_exception()
}

fn item(message: &Message) -> anyhow::Result<HashMap<String, AttributeValue>> {
    let envelope: Value = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    let field = |name: &str| envelope[name].as_str().with_context(|| format!("no {name}"));
    let (sub, at) = (field("sub")?, field("observedAt")?);
    let attributes = [
        ("id", sub.to_owned()),
        ("__typename", "UserProfile".to_owned()),
        ("email", field("email")?.to_owned()),
        ("profileOwner", format!("{sub}::{}", field("username")?)),
        ("createdAt", at.to_owned()),
        ("updatedAt", at.to_owned()),
    ];
    Ok(attributes.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into())
}
