//! `adopt`: rows of the documented handler, which made one under a random id for each call, become the one row under
//! the user's key. Shows its plan and changes nothing unless told to; writes every row down before it changes it.
//! Runs while no worker does (docs/migrate-from-amplify-handler.md), and again as often as it takes: what was
//! adopted is no longer found. Must never decide over rows that two edits tell apart.

use std::collections::BTreeMap;

use comfy_table::Table;
use domain::{ProfileKey, ProfileModel, UserPoolId, UserSub, Username};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::again::Again;
use super::files::Place;
use super::lines::Lines;
use super::pace::{Pace, per_second};
use super::progress::Progress;
use super::rows::Rows;
use super::{Context, Ending, JobError, Report, blank_table, table_fits};
use crate::aws::adoption::{Action, AdoptionTable, Swapped, Value, WholeRow, text, under_key};
use crate::aws::json;
use crate::aws::scan::TableScan;
use crate::cli::JobWritten;
use crate::cli::jobs::Adopt;
use crate::config::{Needs, Problem};
use crate::pipeline::Stop;
use crate::ports::StoredOwner;
use owners::{OwnedBy, owned_by};
use plan::{Candidate, Plan, Why, choose};

mod owners;
mod plan;

const GET: &str = "dynamodb:GetItem";
const SWAP: &str = "dynamodb:PutItem and dynamodb:DeleteItem (TransactWriteItems)";

/// What was found, and what was done about it.
#[derive(Debug, Default, Serialize)]
pub struct Adopted {
    /// Rows of the table.
    rows: u64,
    /// Users with rows under other keys than theirs.
    users: u64,
    /// Rows that became a user's row under his key; with `dry_run`, that would.
    moved: u64,
    /// Rows deleted besides: duplicates of the row that was kept.
    deleted: u64,
    /// Users whose deleted rows differed from the kept one in more than their times.
    with_differences: u64,
    /// Users left alone, by reason.
    left_alone: BTreeMap<&'static str, u64>,
    /// Rows whose owner names no user, and rows without an owner.
    unknown_owner: u64,
    /// Whether nothing was changed.
    dry_run: bool,
    /// Whether it was asked to stop before the end.
    interrupted: bool,
    /// Where every user's old and new keys are told, for the models that refer to them.
    plan: String,
    /// Where the rows are that were changed; empty with `dry_run`.
    backup: String,
}

/// A row that changed between being read and being moved.
const CHANGED: &str = "changed_meanwhile";

struct Flags {
    apply: bool,
    rate: f64,
    plan: Place,
    backup: Place,
}

fn flags(given: &Adopt) -> Result<Flags, Vec<Problem>> {
    let mut problems = Vec::new();
    let rate = per_second("--rate", &given.rate, 1000.0).map_err(|problem| problems.push(problem));
    let mut place = |flag: &str, text: &str| {
        let place = text.parse::<Place>();
        place.map_err(|fault| problems.push(Problem::new(flag, fault, "write a path or s3://bucket/key")))
    };
    let plan = place("--plan", &given.plan);
    let backup = place("--backup", &given.backup);
    match (rate, plan, backup) {
        (Ok(rate), Ok(plan), Ok(backup)) => Ok(Flags { apply: given.apply, rate, plan, backup }),
        _ => Err(problems),
    }
}

/// Finds what is to be adopted and, if told to, adopts it.
///
/// # Errors
/// Settings that cannot be used; a table that cannot be read or written. What was adopted by then stays adopted.
pub async fn run(given: &Adopt, written: &JobWritten, stop: Stop) -> Result<Adopted, JobError> {
    let needs = Needs { table: true, pool: true, ..Needs::default() };
    let (context, flags) = Context::with(written, &needs, flags(given), stop).await?;
    let config = &context.config;
    let (Some(owner), Some(pool)) = (config.model.owner_attribute(), &config.user_pool) else {
        return Err(JobError::problem(
            "PROFILE_MODEL",
            "names no owner, by which rows could be told apart",
            "give the model the attribute that says whose a row is (docs/model.md, owner)",
        ));
    };
    let key: Vec<String> = config.model.key_attributes().map(str::to_owned).collect();
    table_fits(&context).await?;
    let mut adopting = Adopting {
        model: &config.model,
        owner,
        pool,
        table: AdoptionTable::new(context.clients.dynamodb.clone(), config.table_name.clone(), key.clone()),
        plan: Lines::open(flags.plan, "--plan", &context.clients.s3)?,
        backup: if flags.apply {
            Some(Lines::open(flags.backup, "--backup", &context.clients.s3)?)
        } else {
            None
        },
        found: Adopted { dry_run: !flags.apply, ..Adopted::default() },
    };
    adopting.found.plan = adopting.plan.place().to_string();
    adopting.found.backup =
        adopting.backup.as_ref().map(|backup| backup.place().to_string()).unwrap_or_default();

    let dynamodb = context.clients.dynamodb.clone();
    let scan = TableScan::new(dynamodb, config.table_name.clone(), key, vec![owner.to_owned()]);
    let Some(strays) = context.stop.soft.run_until_cancelled(Box::pin(adopting.strays(Rows::of(scan)))).await
    else {
        adopting.found.interrupted = true;
        return Ok(adopting.found);
    };
    let strays = strays?;
    adopting.found.users = u64::try_from(strays.len()).unwrap_or(u64::MAX);

    let mut pace = Pace::new(Some(flags.rate));
    let mut progress = Progress::new("users", Some(adopting.found.users));
    for (sub, stray) in strays {
        // Between two users, never within one.
        if context.stop.soft.run_until_cancelled(pace.wait(1)).await.is_none() {
            adopting.found.interrupted = true;
            break;
        }
        let done = adopting.user(&sub, &stray).await;
        done.map_err(|error| error.with_hint("What was adopted stays adopted; run the same command again."))?;
        progress.add(1);
    }
    adopting.plan.keep().await?;
    Ok(adopting.found)
}

/// A user's rows under other keys than his.
struct Stray {
    username: Username,
    keys: Vec<Vec<String>>,
}

struct Adopting<'a> {
    model: &'a ProfileModel,
    owner: &'a str,
    pool: &'a UserPoolId,
    table: AdoptionTable,
    plan: Lines,
    backup: Option<Lines>,
    found: Adopted,
}

impl Adopting<'_> {
    /// Reads the table for rows that stand under another key than their owner's.
    async fn strays(&mut self, mut rows: Rows) -> Result<BTreeMap<UserSub, Stray>, JobError> {
        let mut strays: BTreeMap<UserSub, Stray> = BTreeMap::new();
        let mut progress = Progress::new("rows", None);
        while let Some(page) = rows.next_page().await? {
            progress.add(u64::try_from(page.len()).unwrap_or(u64::MAX));
            for row in page {
                self.found.rows += 1;
                let owner = row.texts.first().and_then(Option::as_deref);
                match owned_by(owner, &row.key, self.model, self.pool) {
                    OwnedBy::Himself => {}
                    OwnedBy::Nobody => {
                        self.found.unknown_owner += 1;
                        let line = json!({"others": [row.key], "left_alone": "unknown_owner"});
                        self.plan.push(&line.to_string());
                    }
                    OwnedBy::Stray { sub, username } => {
                        let stray = strays.entry(sub).or_insert(Stray { username, keys: Vec::new() });
                        stray.keys.push(row.key);
                    }
                }
            }
            self.plan.keep().await?;
        }
        Ok(strays)
    }

    async fn user(&mut self, sub: &UserSub, stray: &Stray) -> Result<(), JobError> {
        let leave_alone = |found: &mut Adopted, why| *found.left_alone.entry(why).or_default() += 1;
        let Some((key, owner)) = owners::place_of(self.model, self.pool, sub, &stray.username) else {
            leave_alone(&mut self.found, Why::Malformed.name());
            return Ok(());
        };
        let his = values(&key);
        if stray.keys.len() >= plan::MOST_ACTIONS {
            leave_alone(&mut self.found, Why::TooMany.name());
            return Ok(());
        }
        let mut rows = Vec::new();
        for key in std::iter::once(&his).chain(&stray.keys) {
            if let Some(row) = self.get(key).await? {
                rows.push((key.clone(), row));
            }
        }
        let stands = rows.first().is_some_and(|(key, _)| *key == his);
        if rows.len() == usize::from(stands) {
            // Somebody was faster.
            return Ok(());
        }
        let why = if stands && rows.first().is_some_and(|(_, row)| !owner.is_of(&self.stored_owner(row))) {
            Some(Why::OwnerConflict)
        } else if rows.iter().any(|(_, row)| !json::is_complete(row)) {
            Some(Why::UnknownType)
        } else {
            None
        };
        let candidates: Vec<_> = rows.iter().map(|(key, row)| self.candidate(key, row)).collect();
        let plan = why.map_or_else(|| choose(&candidates), Plan::LeaveAlone);
        let others: Vec<_> = rows.iter().map(|(key, _)| key).filter(|key| **key != his).collect();
        let (kept, differences) = match plan {
            Plan::LeaveAlone(why) => {
                self.plan.push(&json!({"key": his, "others": others, "left_alone": why}).to_string());
                leave_alone(&mut self.found, why.name());
                return Ok(());
            }
            Plan::Keep { place, differences } => (place, differences),
        };
        let Some((kept_key, kept_row)) = rows.get(kept) else { return Ok(()) };
        let line = json!({"key": his, "others": others, "kept": kept_key, "differences": differences});
        self.plan.push(&line.to_string());

        let copy = under_key(kept_row, &key);
        let mut actions = Vec::new();
        match rows.first() {
            Some((_, seen)) if stands && kept == 0 => actions.push(Action::Unchanged(seen)),
            Some((_, seen)) if stands => actions.push(Action::Replace { seen, by: &copy }),
            _ => actions.push(Action::PutIfAbsent(&copy)),
        }
        actions.extend(rows.iter().skip(usize::from(stands)).map(|(_, row)| Action::Delete(row)));

        let moved = u64::from(!(stands && kept == 0));
        let deleted = u64::try_from(rows.len()).unwrap_or(u64::MAX) - 1;
        if let Some(backup) = &mut self.backup {
            for (_, row) in &rows {
                backup.push(&json::item(row).to_string());
            }
            // On the disk before anything is touched, the plan too: it is what leads from an old id to the new one.
            backup.keep().await?;
            self.plan.keep().await?;
            if self.swap(&actions).await? == Swapped::Changed {
                leave_alone(&mut self.found, CHANGED);
                return Ok(());
            }
        }
        self.found.moved += moved;
        self.found.deleted += deleted;
        self.found.with_differences += u64::from(!differences.is_empty());
        Ok(())
    }

    async fn get(&self, key: &[String]) -> Result<Option<WholeRow>, JobError> {
        let mut again = Again::new(GET);
        loop {
            match self.table.get(key).await {
                Ok(row) => return Ok(row),
                Err(error) => again.after(error).await?,
            }
        }
    }

    async fn swap(&self, actions: &[Action<'_>]) -> Result<Swapped, JobError> {
        let (mut again, token) = (Again::new(SWAP), Uuid::new_v4().to_string());
        loop {
            match self.table.swap(actions, &token).await {
                Ok(swapped) => return Ok(swapped),
                Err(error) => again.after(error).await?,
            }
        }
    }

    fn stored_owner(&self, row: &WholeRow) -> StoredOwner {
        match text(row, self.owner) {
            Some(owner) => StoredOwner::Is(owner.clone()),
            None => StoredOwner::Missing,
        }
    }

    fn candidate(&self, key: &[String], row: &WholeRow) -> Candidate<Value> {
        let names: Vec<&str> = self.model.key_attributes().collect();
        Candidate {
            key: key.to_vec(),
            attributes: row
                .iter()
                .filter(|(name, _)| !names.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            times: text(row, "createdAt").cloned().zip(text(row, "updatedAt").cloned()),
        }
    }
}

fn values(key: &ProfileKey) -> Vec<String> {
    key.iter().map(|(_, value)| value.to_owned()).collect()
}

impl Report for Adopted {
    fn table(&self) -> Table {
        let (were, deleted) =
            if self.dry_run { ("would be", "rows that would be") } else { ("were", "rows") };
        let mut table = blank_table(&["adopt", if self.dry_run { "dry run" } else { "applied" }]);
        let mut row = |what: String, count: u64| {
            table.add_row([what, count.to_string()]);
        };
        row("rows in the table".into(), self.rows);
        row("users with rows under other keys".into(), self.users);
        row(format!("rows that {were} moved under their user's key"), self.moved);
        row(format!("{deleted} deleted besides"), self.deleted);
        row("users whose rows differ".into(), self.with_differences);
        for (why, users) in &self.left_alone {
            row(format!("users left alone: {why}"), *users);
        }
        row("rows whose owner is not known".into(), self.unknown_owner);
        table
    }

    fn ending(&self) -> Ending {
        if self.interrupted {
            Ending::Interrupted
        } else if self.left_alone.is_empty() && self.unknown_owner == 0 {
            Ending::Done
        } else {
            Ending::Found
        }
    }

    fn advice(&self) -> Option<String> {
        if self.interrupted {
            return Some("Interrupted. What was adopted stays adopted; run the same command again.".into());
        }
        if self.dry_run && self.users > 0 {
            return Some(format!(
                "Nothing was changed. The plan, with every old and new key, is in {}; other models may refer to the \
                 old ones. Stop the worker, then run it again with --apply.",
                self.plan
            ));
        }
        (!self.left_alone.is_empty() || self.unknown_owner > 0)
            .then(|| format!("Some rows were left alone; which and why is in {}.", self.plan))
    }
}
