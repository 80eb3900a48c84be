//! DynamoDB behind [`ProfileRows`]: Scan, in segments, for the jobs that have to see every row. Must never ask for
//! more of a person than the job has a use for; and the worker itself never scans.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::types::AttributeValue;

use super::classify::classify;
use crate::ports::{CallError, ErrorClass, ProfileRows, Row, RowPage};

/// One table, to be read as a whole.
pub struct TableScan {
    client: aws_sdk_dynamodb::Client,
    table: String,
    key: Vec<String>,
    texts: Vec<String>,
    limit: Option<i32>,
}

impl TableScan {
    /// The key attributes `key` of every row of `table`, and the attributes `texts`. The client is to make no retries
    /// of its own.
    pub fn new(
        client: aws_sdk_dynamodb::Client,
        table: String,
        key: Vec<String>,
        texts: Vec<String>,
    ) -> Self {
        Self { client, table, key, texts, limit: None }
    }

    /// With at most so many rows a page; without, DynamoDB ends one at 1 MB.
    #[must_use]
    pub fn limit(mut self, rows: i32) -> Self {
        self.limit = Some(rows);
        self
    }

    fn row(&self, item: &HashMap<String, AttributeValue>) -> Option<Row> {
        let text = |name: &String| Some(item.get(name)?.as_s().ok()?.clone());
        Some(Row {
            key: self.key.iter().map(text).collect::<Option<_>>()?,
            texts: self.texts.iter().map(|name| text(name).filter(|text| !text.is_empty())).collect(),
        })
    }
}

impl ProfileRows for TableScan {
    async fn rows(&self, segment: u32, of: u32, after: Option<&[String]>) -> Result<RowPage, CallError> {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let mut request = self
            .client
            .scan()
            .table_name(&self.table)
            .segment(number(segment))
            .total_segments(number(of))
            .consistent_read(true)
            .set_limit(self.limit);
        // A projection must not name an attribute twice, and the owner may be the key.
        let others = self.texts.iter().filter(|name| !self.key.contains(name));
        let mut paths = Vec::new();
        for (place, name) in self.key.iter().chain(others).enumerate() {
            let path = format!("#p{place}");
            request = request.expression_attribute_names(&path, name);
            paths.push(path);
        }
        let start = after.map(|values| {
            let values = values.iter().map(|value| AttributeValue::S(value.clone()));
            self.key.iter().cloned().zip(values).collect()
        });
        let request = request.projection_expression(paths.join(", ")).set_exclusive_start_key(start);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        // An empty answer that DynamoDB did not give would be the end of the table.
        if answer.request_id().is_none() {
            return Err(CallError::new(ErrorClass::Unavailable, "answer_without_id"));
        }
        let unreadable = || CallError::new(ErrorClass::Unavailable, "row_without_key");
        let rows: Option<Vec<Row>> =
            answer.items.unwrap_or_default().iter().map(|item| self.row(item)).collect();
        let last = answer.last_evaluated_key.filter(|key| !key.is_empty());
        let last = last.map(|key| self.row(&key).map(|row| row.key).ok_or_else(unreadable)).transpose()?;
        Ok(RowPage { rows: rows.ok_or_else(unreadable)?, last })
    }
}
