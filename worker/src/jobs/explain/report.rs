//! What `explain` tells. Without being asked for more it holds nothing that names a user.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::QueueAttributeName;
use comfy_table::Table;
use serde::Serialize;
use serde_json::{Value, json};

use super::found::{Account, Dead, Elsewhere, Row, Whose};
use super::next::{Found, Next};
use crate::aws::row::WholeRow;
use crate::aws::sqs::QueueFacts;
use crate::jobs::dead_letters::Seen;
use crate::jobs::quarantine::show::{Entry, table_of};
use crate::jobs::{Ending, Report, blank_table};
use crate::ports::User;

/// Where his profile is.
pub struct Explained {
    /// His pseudonym in the logs, where his key is known.
    pub(super) user: Option<String>,
    /// When he was made.
    pub(super) created: Option<String>,
    pub(super) found: Found,
    pub(super) next: Next,
    pub(super) queue: Option<Depths>,
    pub(super) messages: Vec<Entry>,
    pub(super) seen: Option<Seen>,
    pub(super) personal: Option<Personal>,
    pub(super) interrupted: bool,
}

/// What the queue says it holds: somebody's messages, perhaps his.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Depths {
    visible: u64,
    in_flight: u64,
    delayed: u64,
}

impl Depths {
    pub(super) fn of(facts: &QueueFacts) -> Self {
        let number = |name| facts.number(&name).unwrap_or_default();
        Self {
            visible: number(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
        }
    }
}

/// What is told on request.
#[derive(Serialize)]
pub(super) struct Personal {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<WholeRow>,
}

impl Personal {
    pub(super) fn of(user: Option<&User>, item: Option<WholeRow>) -> Self {
        Self {
            username: user.map(|user| user.username.as_str().to_owned()),
            attributes: user.map(|user| user.attributes.clone()).unwrap_or_default(),
            item,
        }
    }
}

impl Explained {
    fn account(&self) -> &'static str {
        match self.found.account {
            Account::NotAsked => "not_asked",
            Account::Denied => "denied",
            Account::Absent => "absent",
            Account::Present { .. } => "present",
        }
    }

    fn item(&self) -> &'static str {
        match &self.found.row {
            Row::KeyUnknown => "key_unknown",
            Row::NoKey(_) => "no_key",
            Row::Denied => "denied",
            Row::Absent => "absent",
            Row::Present { whose: Whose::Anothers, .. } => "owner_conflict",
            Row::Present { whose: Whose::Unknown, .. } => "owner_unknown",
            Row::Present { lacks, .. } if !lacks.is_empty() => "malformed",
            Row::Present { .. } => "present",
        }
    }

    fn dead(&self) -> &'static str {
        match self.found.dead {
            Dead::NoQueue => "no_queue",
            Dead::Denied => "denied",
            Dead::None => "none",
            Dead::Message(_) => "present",
        }
    }
}

impl Serialize for Explained {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut account = json!({ "state": self.account() });
        if let (Account::Present { status, enabled }, Some(fields)) =
            (&self.found.account, account.as_object_mut())
        {
            fields.insert("status".to_owned(), json!(status.name()));
            fields.insert("enabled".to_owned(), json!(enabled));
            fields.insert("created".to_owned(), json!(self.created));
        }
        let mut item = json!({ "state": self.item() });
        if let (Row::Present { lacks, .. }, Some(fields)) = (&self.found.row, item.as_object_mut()) {
            fields.insert("lacks".to_owned(), json!(lacks));
        }
        let other_rows = match self.found.elsewhere {
            Elsewhere::NotLooked => Value::Null,
            Elsewhere::Rows(rows) => json!(rows),
        };
        let mut whole = json!({
            "user": self.user,
            "account": account,
            "item": item,
            "other_rows": other_rows,
            "queue": self.queue,
            "dead_letters": { "state": self.dead(), "messages": self.messages, "peek": self.seen },
            "next": self.next.sentence,
            "well": self.next.well,
            "interrupted": self.interrupted,
        });
        if let (Some(personal), Some(fields)) = (&self.personal, whole.as_object_mut()) {
            fields.insert("personal_data".to_owned(), json!(personal));
        }
        whole.serialize(serializer)
    }
}

impl Report for Explained {
    fn table(&self) -> Table {
        let mut table = blank_table(&["place", "found"]);
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        table.add_row(["user", self.user.as_deref().unwrap_or("no pseudonym, his key is not known")]);
        let account = match &self.found.account {
            Account::NotAsked => "not asked: USER_POOL_ID is not set".to_owned(),
            Account::Denied => "not allowed to ask (cognito-idp:ListUsers)".to_owned(),
            Account::Absent => "no such user".to_owned(),
            Account::Present { status, enabled } => {
                let enabled = if *enabled { "enabled" } else { "disabled" };
                let created = self.created.as_deref().unwrap_or_default();
                format!("{}, {enabled}, made {created}", shown(status.name()))
            }
        };
        table.add_row(["user pool", &account]);
        let item = match &self.found.row {
            Row::KeyUnknown => "his key takes more than his sub".to_owned(),
            Row::NoKey(rejection) => format!("no key: {rejection}"),
            Row::Denied => "not allowed to ask (dynamodb:GetItem)".to_owned(),
            Row::Absent => "not there".to_owned(),
            Row::Present { whose, lacks } => {
                let whose = match whose {
                    Whose::His => "there, his",
                    Whose::Nobodys => "there, without an owner",
                    Whose::Anothers => "there, somebody else's",
                    Whose::Unknown => "there, whose is not known",
                };
                let lacks =
                    if lacks.is_empty() { String::new() } else { format!(", lacks {}", lacks.join(", ")) };
                format!("{whose}{lacks}")
            }
        };
        table.add_row(["item", &item]);
        let other_rows = match self.found.elsewhere {
            Elsewhere::NotLooked => "not looked for; --scan does, and reads the whole table".to_owned(),
            Elsewhere::Rows(rows) => rows.to_string(),
        };
        table.add_row(["rows under other keys", &other_rows]);
        let queue = self.queue.map_or_else(
            || "not allowed to ask (sqs:GetQueueAttributes)".to_owned(),
            |queue| {
                let Depths { visible, in_flight, delayed } = queue;
                format!(
                    "about {visible} waiting, {in_flight} in flight, {delayed} delayed, whoever they are of"
                )
            },
        );
        table.add_row(["queue", &queue]);
        let dead = match &self.found.dead {
            Dead::NoQueue => "there is none".to_owned(),
            Dead::Denied => "not allowed to ask (sqs:ReceiveMessage on the dead-letter queue)".to_owned(),
            Dead::None => "nothing of his".to_owned(),
            Dead::Message(_) => table_of(&self.messages).to_string(),
        };
        table.add_row(["dead-letter queue", &dead]);
        if let Some(personal) = &self.personal {
            let told = serde_json::to_string_pretty(personal).unwrap_or_default();
            table.add_row(["personal data", &told]);
        }
        table.add_row(["next", &self.next.sentence]);
        table
    }

    fn ending(&self) -> Ending {
        let Found { account, row, dead, .. } = &self.found;
        let denied = *account == Account::Denied || *row == Row::Denied || *dead == Dead::Denied;
        match () {
            () if self.interrupted => Ending::Interrupted,
            () if denied => Ending::Unanswered,
            () if self.next.well => Ending::Done,
            () => Ending::Found,
        }
    }

    fn advice(&self) -> Option<String> {
        self.seen.map(Seen::told)
    }
}

/// A status newer than this program is whatever Cognito calls it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}
