//! Does the table hold exactly what it must? Looks at every row and every quarantined message; the
//! worker's own counts are compared with that, never believed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};
use worker::service::Summary;
use worker::telemetry::QUARANTINE_ATTRIBUTE;

use super::crowd::{Crowd, Expected};
use crate::stack::{self, Queues};

/// What was found wrong. Nothing, on a good day.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Users who must have a row.
    pub(super) users: usize,
    /// Rows in the table.
    pub(super) items: usize,
    /// One sentence per fault, the first few.
    pub(super) faults: Vec<String>,
}

impl Verdict {
    /// Whether everything is as it must be.
    pub(super) fn is_exact(&self) -> bool {
        self.faults.is_empty()
    }

    fn demand(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        const SHOWN: usize = 10;
        if !holds && self.faults.len() < SHOWN {
            self.faults.push(fault());
        }
    }
}

/// Puts the rows that are there before.
pub(super) async fn put_rows(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    rows: impl Iterator<Item = &Value>,
) -> anyhow::Result<()> {
    for row in rows {
        let attributes = row.as_object().into_iter().flatten().filter_map(|(name, value)| {
            Some((name.clone(), AttributeValue::S(value.get("S")?.as_str()?.to_owned())))
        });
        client.put_item().table_name(table).set_item(Some(attributes.collect())).send().await?;
    }
    Ok(())
}

/// Compares table, dead-letter queue and counts with the plan.
pub(super) async fn compare(
    crowd: &Crowd,
    dynamodb: &aws_sdk_dynamodb::Client,
    table: &str,
    sqs: &aws_sdk_sqs::Client,
    queues: &Queues,
    summary: &Summary,
) -> anyhow::Result<Verdict> {
    let rows = stack::rows(dynamodb, table).await?;
    let mut verdict = Verdict { users: crowd.expected.len(), items: rows.len(), faults: Vec::new() };
    for (id, expected) in &crowd.expected {
        match rows.get(id) {
            None => verdict.demand(false, || format!("user {id} has no row")),
            Some(row) => verdict.demand(is_as_expected(row, expected), || {
                format!("the row of user {id} is not as it must be")
            }),
        }
    }
    for id in rows.keys().filter(|id| !crowd.expected.contains_key(*id)) {
        verdict.demand(false, || format!("row {id} belongs to nobody"));
    }
    let parked = parked(sqs, &queues.dead_letter).await?;
    verdict.demand(
        parked == crowd.quarantined.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        || format!("the dead-letter queue holds {parked:?}, not {:?}", crowd.quarantined),
    );
    let counts = &summary.counts;
    let settled: u64 = counts.outcomes.values().sum();
    verdict.demand(summary.drained, || "the worker did not drain".into());
    verdict
        .demand(counts.received == settled, || format!("received {} but settled {settled}", counts.received));
    let made =
        crowd.expected.values().filter(|expected| matches!(expected, Expected::Made { .. })).count() as u64;
    verdict.demand(counts.outcomes.get("created") == Some(&made), || {
        format!("the worker counts {:?} created, the table shows {made}", counts.outcomes.get("created"))
    });
    Ok(verdict)
}

fn is_as_expected(row: &Value, expected: &Expected) -> bool {
    match expected {
        Expected::Untouched(before) => row == before,
        Expected::Made { email, owner } => {
            let text = |name: &str| row.get(name).and_then(|value| value.get("S")?.as_str());
            let attributes = row.as_object().map_or(0, Map::len);
            text("__typename") == Some("UserProfile")
                && text("email") == email.as_deref()
                && text("profileOwner") == Some(owner)
                && text("createdAt").is_some_and(is_appsync_time)
                && text("createdAt") == text("updatedAt")
                && attributes == 5 + usize::from(email.is_some())
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`, and of the last hour.
fn is_appsync_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let age =
        text.parse::<jiff::Timestamp>().map(|time| jiff::Timestamp::now().as_second() - time.as_second());
    shape == "9999-99-99T99:99:99.999Z" && age.is_ok_and(|age| (-5..3600).contains(&age))
}

/// The dead-letter queue's messages, counted by reason. Reads until nothing more comes.
async fn parked(client: &aws_sdk_sqs::Client, url: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut reasons = BTreeMap::new();
    loop {
        let answer = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .visibility_timeout(3600)
            .message_attribute_names(QUARANTINE_ATTRIBUTE)
            .send()
            .await?;
        let messages = answer.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(reasons);
        }
        for message in messages {
            let note =
                message.message_attributes.and_then(|mut attributes| attributes.remove(QUARANTINE_ATTRIBUTE));
            let note: Value = note
                .and_then(|note| serde_json::from_str(note.string_value.as_deref()?).ok())
                .unwrap_or_default();
            let reason = note.get("reason").and_then(Value::as_str).unwrap_or("without a reason").to_owned();
            *reasons.entry(reason).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made() -> (Value, Expected) {
        let now = format!("{:.3}", jiff::Timestamp::now());
        let row = json!({
            "id": {"S": "1"}, "__typename": {"S": "UserProfile"}, "email": {"S": "a@example.com"},
            "profileOwner": {"S": "1::a"}, "createdAt": {"S": now}, "updatedAt": {"S": now}
        });
        (row, Expected::Made { email: Some("a@example.com".into()), owner: "1::a".into() })
    }

    #[test]
    fn every_deviation_of_a_row_is_seen() {
        let (row, expected) = made();
        assert!(is_as_expected(&row, &expected));
        for (name, value) in [
            ("email", json!({"S": "b@example.com"})),
            ("email", Value::Null),
            ("profileOwner", json!({"S": "1"})),
            ("__typename", json!({"S": "Profile"})),
            ("updatedAt", json!({"S": "2026-01-01T00:00:00.000Z"})),
            ("createdAt", json!({"S": "today"})),
            ("extra", json!({"S": "x"})),
        ] {
            let mut other = row.clone();
            other[name] = value;
            assert!(!is_as_expected(&other, &expected), "{name} may be anything");
        }
        assert!(is_as_expected(&row, &Expected::Untouched(row.clone())));
        assert!(!is_as_expected(&row, &Expected::Untouched(json!({}))));
    }
}
