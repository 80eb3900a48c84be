//! The doctor: looks at everything a worker needs and names what to mend. It must change nothing: each
//! permission is tried with a call that cannot take effect.

use std::fmt;

use aws_sdk_sqs::types::QueueAttributeName;
use serde::Serialize;

use crate::aws::attempts::{Attempts, Tried};
use crate::aws::clients::Clients;
use crate::aws::dynamodb::{key_mismatch, table_key};
use crate::aws::sqs::{QueueFacts, queue_facts};
use crate::config::Config;
use crate::pipeline::WriteStrategy;
use crate::ports::{CallError, ErrorClass};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but a person should know.
    Advice,
    /// Does not work.
    Finding,
    /// Could not be asked: not allowed, or not reachable.
    Unanswered,
}

/// One line of the doctor's report.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What was looked at.
    pub what: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mend: String,
}

/// The whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// In the order of looking.
    pub checks: Vec<Line>,
    /// Whether nothing was found.
    pub ok: bool,
}

impl Report {
    /// 0 well · 1 a finding · 69 something could not be asked.
    pub fn exit_code(&self) -> u8 {
        let any = |verdict| self.checks.iter().any(|line| line.verdict == verdict);
        if any(Verdict::Unanswered) { 69 } else { u8::from(any(Verdict::Finding)) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Advice => "advice",
            Self::Finding => "FINDING",
            Self::Unanswered => "UNANSWERED",
        })
    }
}

struct Doctor<'a> {
    config: &'a Config,
    clients: &'a Clients,
    lines: Vec<Line>,
}

/// Looks at everything.
pub async fn run(config: &Config, clients: &Clients) -> Report {
    let mut doctor = Doctor { config, clients, lines: Vec::new() };
    doctor.configuration();
    doctor.queue().await;
    doctor.table().await;
    doctor.user_pools().await;
    let ok = doctor.lines.iter().all(|line| matches!(line.verdict, Verdict::Ok | Verdict::Advice));
    Report { checks: doctor.lines, ok }
}

impl Doctor<'_> {
    fn add(
        &mut self,
        what: &'static str,
        verdict: Verdict,
        seen: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.lines.push(Line { what, verdict, seen: seen.into(), mend: mend.into() });
    }

    fn failed(&mut self, what: &'static str, error: &CallError, permission: &str) {
        let (verdict, mend) = match error.class {
            ErrorClass::Denied => (
                Verdict::Unanswered,
                format!("allow {permission} to the task role, and check its credentials"),
            ),
            ErrorClass::Missing => {
                (Verdict::Finding, "create it, or correct the name, account and region".to_owned())
            }
            ErrorClass::Refused => (Verdict::Finding, "correct the name or URL".to_owned()),
            ErrorClass::Throttled | ErrorClass::Unavailable => {
                (Verdict::Unanswered, "check network, region and endpoint, then try again".to_owned())
            }
        };
        self.add(what, verdict, error.to_string(), mend);
    }

    /// The relations between the settings held, or we would not be here.
    fn configuration(&mut self) {
        let settings = &self.config.settings;
        let duration = |duration| humantime::format_duration(duration);
        let seen = format!(
            "wait {} · visibility {} · write {} · hold {} · drain {} · stop {}",
            duration(settings.wait_time),
            duration(settings.visibility_timeout),
            duration(settings.write_deadline),
            duration(settings.hold_budget),
            duration(settings.drain_deadline),
            duration(self.config.stop_timeout),
        );
        self.add("time budgets", Verdict::Ok, seen, "");
        if self.config.rules.user_pools.is_empty() {
            self.add(
                "user pools",
                Verdict::Advice,
                "any pool is accepted",
                "name your pools in USER_POOL_IDS",
            );
        } else {
            self.add(
                "user pools",
                Verdict::Ok,
                format!("{} allowed", self.config.rules.user_pools.len()),
                "",
            );
        }
        let forwarded: Vec<_> = self.config.rules.model.referenced_attributes().into_iter().collect();
        if !forwarded.is_empty() {
            let seen = format!("the model uses {}", forwarded.join(", "));
            self.add(
                "forwarded attributes",
                Verdict::Advice,
                seen,
                "name them in the trigger's FORWARD_ATTRIBUTES",
            );
        }
    }

    async fn queue(&mut self) {
        let facts = match queue_facts(&self.clients.sqs_calm, &self.config.queue_url).await {
            Ok(facts) => facts,
            Err(error) => return self.failed("queue", &error, "sqs:GetQueueAttributes"),
        };
        if facts.attributes.get(&QueueAttributeName::FifoQueue).is_some_and(|fifo| fifo == "true") {
            return self.add(
                "queue",
                Verdict::Finding,
                "a FIFO queue",
                "profiles need no order; use a standard queue",
            );
        }
        self.add("queue", Verdict::Ok, "a standard queue", "");
        self.permission("sqs:ReceiveMessage", self.attempts().receive().await);
        self.permission("sqs:DeleteMessage", self.attempts().delete().await);
        self.permission("sqs:ChangeMessageVisibility", self.attempts().change_visibility().await);
        self.dead_letter_queue(&facts).await;
    }

    async fn dead_letter_queue(&mut self, queue: &QueueFacts) {
        let Some(url) = self.config.dead_letter_queue_url.clone().or_else(|| queue.dead_letter_url.clone())
        else {
            return self.add(
                "dead-letter queue",
                Verdict::Finding,
                "none: bad messages would be retried until they expire",
                "give the queue a RedrivePolicy, or set DEAD_LETTER_QUEUE_URL",
            );
        };
        let facts = match queue_facts(&self.clients.sqs_calm, &url).await {
            Ok(facts) => facts,
            Err(error) => {
                return self.failed(
                    "dead-letter queue",
                    &error,
                    "sqs:GetQueueAttributes on the dead-letter queue",
                );
            }
        };
        self.add("dead-letter queue", Verdict::Ok, "there", "");
        match queue.max_receive_count {
            None => self.add(
                "redrive policy",
                Verdict::Advice,
                "none: a message that kills the worker would come back for ever",
                "set maxReceiveCount to 100",
            ),
            Some(count) if count < 100 => self.add(
                "redrive policy",
                Verdict::Finding,
                format!("maxReceiveCount is {count}: an outage would fill the dead-letter queue"),
                "set it to 100; the worker itself decides what is poison",
            ),
            Some(count) => self.add("redrive policy", Verdict::Ok, format!("maxReceiveCount is {count}"), ""),
        }
        let retention = |facts: &QueueFacts| facts.number(&QueueAttributeName::MessageRetentionPeriod);
        match (retention(queue), retention(&facts)) {
            // A message keeps its age when it moves (SQS developer guide, "Using dead-letter queues").
            (Some(queue), Some(dead)) if dead <= queue => self.add(
                "retention",
                Verdict::Finding,
                format!("the dead-letter queue keeps messages {dead}s, the queue {queue}s"),
                "keep them longer in the dead-letter queue, 14 days at best: their age counts from the first send",
            ),
            (Some(queue), Some(dead)) => self.add("retention", Verdict::Ok, format!("{queue}s, then {dead}s"), ""),
            _ => self.add("retention", Verdict::Advice, "not told", "compare MessageRetentionPeriod of both queues"),
        }
        self.permission("sqs:SendMessage on the dead-letter queue", self.attempts().send(&url).await);
    }

    async fn table(&mut self) {
        let key = match table_key(&self.clients.dynamodb_calm, &self.config.table_name).await {
            Ok(key) => key,
            Err(error) => return self.failed("table", &error, "dynamodb:DescribeTable"),
        };
        match key_mismatch(&key, self.config.rules.model.key_attributes()) {
            Some(mismatch) => {
                return self.add(
                    "table key",
                    Verdict::Finding,
                    mismatch,
                    "point at the right table, or give the model its key",
                );
            }
            None => self.add("table key", Verdict::Ok, "fits the model", ""),
        }
        let strategy = self.config.settings.write_strategy;
        if strategy != WriteStrategy::Batch {
            self.permission("dynamodb:PutItem", self.attempts().put().await);
        }
        if strategy != WriteStrategy::Put {
            self.permission("dynamodb:PartiQLInsert", self.attempts().insert().await);
            self.permission("dynamodb:BatchGetItem", self.attempts().read().await);
        }
    }

    async fn user_pools(&mut self) {
        if self.config.verify_late.is_none() {
            return;
        }
        let pools = self.config.rules.user_pools.clone();
        if pools.is_empty() {
            let tried = Tried::NotTried("VERIFY_LATE is on, and USER_POOL_IDS names no pool to try it on");
            self.permission("cognito-idp:AdminGetUser", tried);
        }
        for pool in &pools {
            let tried = self.attempts().find_user(pool).await;
            self.permission("cognito-idp:AdminGetUser", tried);
        }
    }

    fn attempts(&self) -> Attempts<'_> {
        Attempts { config: self.config, clients: self.clients }
    }

    fn permission(&mut self, what: &'static str, tried: Tried) {
        match tried {
            Tried::Allowed => self.add(what, Verdict::Ok, "allowed", ""),
            Tried::NotTried(why) => {
                self.add(what, Verdict::Advice, why, "see for yourself that the task role allows it");
            }
            Tried::Failed(error) => self.failed(what, &error, what),
        }
    }
}
