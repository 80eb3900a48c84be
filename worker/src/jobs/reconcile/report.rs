//! What the comparison came to: the numbers of the contract, for people, for machines and for CloudWatch, from one
//! list. Must never name a user.

use comfy_table::Table;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::super::{Ending, Report, blank_table};
use super::judge::Class;
use crate::telemetry::emf::{self, Metric};
use domain::{Timestamp, UserPoolId};

/// How many there are of each. Every user is in one of `matched` `missing` `missing_in_grace` `legacy`
/// `owner_conflict` `skipped_status` `skipped_disabled`; the others count rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are told in `Outcome::fields`")]
pub struct Counts {
    pub users: u64,
    pub profiles: u64,
    pub matched: u64,
    pub missing: u64,
    pub missing_in_grace: u64,
    pub legacy: u64,
    pub orphan: u64,
    pub duplicate: u64,
    pub owner_conflict: u64,
    pub malformed: u64,
    pub email_drift: u64,
    pub skipped_status: u64,
    pub skipped_disabled: u64,
}

impl Counts {
    /// Where users of this class are counted.
    pub fn of(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::SkippedStatus => &mut self.skipped_status,
            Class::SkippedDisabled => &mut self.skipped_disabled,
            Class::Matched => &mut self.matched,
            Class::OwnerConflict => &mut self.owner_conflict,
            Class::Legacy => &mut self.legacy,
            Class::MissingInGrace => &mut self.missing_in_grace,
            Class::Missing => &mut self.missing,
        }
    }
}

/// The result of the job.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Outcome {
    /// The numbers.
    pub counts: Counts,
    /// Whether every row was looked at.
    pub full: bool,
    /// Whether users with rows under other keys were looked for.
    pub legacy_known: bool,
    /// How many were enqueued, if any were to be.
    pub enqueued: Option<u64>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Users of the pool without a sub, a name or a date.
    pub unreadable: u64,
    /// Whether users of other pools have their rows in the same table.
    pub other_pools: bool,
    /// The pool and the time, for CloudWatch, if it is to hear of it.
    pub metrics: Option<(UserPoolId, Timestamp)>,
}

struct Field {
    name: &'static str,
    metric: &'static str,
    meaning: &'static str,
    value: u64,
}

impl Outcome {
    /// What is told, in the contract's order.
    fn fields(&self) -> Vec<Field> {
        let c = &self.counts;
        let field = |name, metric, value, meaning| Field { name, metric, meaning, value };
        let profiles = if self.full { "rows of the table" } else { "rows under the keys of users" };
        let mut fields = vec![
            field("users", "ReconcileUsers", c.users, "users of the pool"),
            field("profiles", "ReconcileProfiles", c.profiles, profiles),
            field("matched", "ReconcileMatched", c.matched, "users who have their profile"),
            field("missing", "ReconcileMissing", c.missing, "users without one"),
            field(
                "missing_in_grace",
                "ReconcileMissingInGrace",
                c.missing_in_grace,
                "users without one who changed a moment ago",
            ),
        ];
        if self.full || self.legacy_known {
            let meaning = "users whose only row has another key";
            fields.push(field("legacy", "ReconcileLegacy", c.legacy, meaning));
        }
        if self.full {
            fields.extend([
                field("orphan", "ReconcileOrphan", c.orphan, "rows whose user is not in the pool"),
                field("duplicate", "ReconcileDuplicate", c.duplicate, "rows beside the one that counts"),
                field(
                    "owner_conflict",
                    "ReconcileOwnerConflict",
                    c.owner_conflict,
                    "users under whose key is the row of another",
                ),
                field(
                    "malformed",
                    "ReconcileMalformed",
                    c.malformed,
                    "rows that break the lists they are in",
                ),
                field(
                    "email_drift",
                    "ReconcileEmailDrift",
                    c.email_drift,
                    "rows with another address than the pool",
                ),
            ]);
        }
        fields.extend([
            field("skipped_status", "ReconcileSkippedStatus", c.skipped_status, "users not confirmed"),
            field("skipped_disabled", "ReconcileSkippedDisabled", c.skipped_disabled, "users disabled"),
        ]);
        if let Some(enqueued) = self.enqueued {
            fields.push(field("enqueued", "ReconcileEnqueued", enqueued, "users sent to the queue"));
        }
        fields
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.fields() {
            map.serialize_entry(field.name, &field.value)?;
        }
        if self.interrupted {
            map.serialize_entry("interrupted", &true)?;
        }
        map.end()
    }
}

impl Report for Outcome {
    fn table(&self) -> Table {
        let mut table = blank_table(&["", "count", "what they are"]);
        for field in self.fields() {
            table.add_row([field.name, &field.value.to_string(), field.meaning]);
        }
        if self.interrupted {
            table.add_row(["interrupted", "", "so far; the comparison did not come to its end"]);
        }
        if let Some(numbers) = table.column_mut(1) {
            numbers.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        table
    }

    fn ending(&self) -> Ending {
        if self.interrupted {
            Ending::Interrupted
        } else if self.counts.missing > 0 {
            Ending::Found
        } else {
            Ending::Done
        }
    }

    fn advice(&self) -> Option<String> {
        let c = &self.counts;
        let mut lines = Vec::new();
        if self.interrupted {
            lines.push(match self.enqueued {
                None | Some(0) => {
                    "Interrupted: nothing was enqueued. Run it again; it begins anew.".to_owned()
                }
                Some(sent) => {
                    format!("Interrupted: {sent} were enqueued. Run it again for the rest; it begins anew.")
                }
            });
        } else if c.missing > 0 && self.enqueued.is_none() {
            let legacy = if self.full || self.legacy_known {
                ""
            } else {
                " Users with a row of the documented handler (random id) are among them; --full tells them apart."
            };
            lines.push(format!("{} without a profile; --fix missing enqueues them.{legacy}", c.missing));
        } else if self.enqueued.is_some_and(|sent| sent > 0) {
            lines.push("The worker writes what was enqueued; run it again afterwards to see.".to_owned());
        }
        if c.owner_conflict > 0 && !self.full {
            lines.push(format!(
                "{} have the row of another under their key, and count as neither; --full has the number.",
                c.owner_conflict
            ));
        }
        if self.full && c.orphan > 0 && self.other_pools {
            lines.push(
                "USER_POOL_IDS names other pools: rows of their users are orphans to this one.".to_owned(),
            );
        }
        if self.unreadable > 0 {
            lines.push(format!(
                "{} could not be read, for want of a sub, a name or a date, and were left out.",
                self.unreadable
            ));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Nothing of a comparison that was not finished: its numbers would look like good news.
    fn metrics(&self) -> Option<String> {
        let (pool, time) = self.metrics.as_ref().filter(|_| !self.interrupted)?;
        let metrics: Vec<_> =
            self.fields().iter().map(|field| Metric::count(field.metric, field.value)).collect();
        Some(emf::line(time.epoch_ms(), ("UserPoolId", pool.as_str()), &metrics))
    }
}

#[cfg(test)]
mod tests;
