//! The comparison: the table, then the pool, then once more whoever seems to have nothing. Changes nothing.
//!
//! A user is missing only if nothing of his was in the table when his page was looked at, nothing is there at the
//! end of the job, and he changed longer ago than the grace. Nobody asks the pool again whether he is still there:
//! ListUsers answers eventually, so that no answer of it would settle the matter. Whoever was deleted a moment ago gets
//! a row, and the next full comparison calls it an orphan.

use std::future::Future;
use std::sync::Arc;

use domain::{Confirmation, Owner, ProfileModel, Timestamp, UserPoolId, body};
use tokio_util::sync::CancellationToken;

use super::super::JobError;
use super::super::legacy::Legacy;
use super::super::policy::Judgement;
use super::super::progress::Progress;
use super::super::rows::Rows;
use super::super::users::Users;
use super::findings::Findings;
use super::judge::{AtKey, Class, Found, judge, too_many};
use super::lookup::{Answers, Lookups, at_key};
use super::person::{Identity, confirmation};
use super::report::Counts;
use super::settings::Settings;
use super::spool::Spool;
use super::table::{Columns, Table};
use crate::ports::{ProfileTable, Row, UserDirectory, UserPage};

/// What is known of the table before the walk.
pub enum Known {
    /// All of it.
    Table(Table),
    /// Who has rows under other keys; whatever stands under his own is asked page by page.
    Legacy(Legacy),
}

/// Whether it came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Went {
    /// It did.
    Through,
    /// It was asked to stop.
    Interrupted,
}

/// Something of a user that has to be asked for.
struct Asked {
    user: Confirmation,
    owner: Option<Owner>,
    fresh: bool,
}

/// One comparison of a pool with a table.
pub struct Comparison<'a, T> {
    /// How items are made.
    pub model: &'a ProfileModel,
    /// Whose users.
    pub pool: &'a UserPoolId,
    /// What was asked for.
    pub settings: &'a Settings,
    /// The rows under the users' own keys.
    pub table: Arc<T>,
    /// Asks it to end.
    pub stop: CancellationToken,
    /// When it began.
    pub begun: Timestamp,
    /// What it has come to.
    pub counts: Counts,
    /// One by one, if they are wanted.
    pub findings: Findings,
    /// Users that could not be read.
    pub unreadable: u64,
    /// Who seems to have nothing, as he would be enqueued.
    pub candidates: Spool,
}

impl<T: ProfileTable> Comparison<'_, T> {
    /// Reads the whole table; `None` if it was asked to stop.
    ///
    /// # Errors
    /// A scan that did not come to its end.
    pub async fn read_table(
        &mut self,
        mut rows: Rows,
        progress: &mut Progress,
    ) -> Result<Option<Table>, JobError> {
        let columns = Columns::of(self.model);
        let mut table = Table::new(columns.clone());
        while let Some(page) = self.unless_stopped(rows.next_page()).await.transpose()? {
            let Some(page) = page else {
                table.complete();
                self.findings.rows_are_complete();
                return Ok(Some(table));
            };
            progress.add(u64::try_from(page.len()).unwrap_or_default());
            for row in &page {
                self.counts.profiles += 1;
                table.add(row);
                if columns.malformed(row) {
                    self.counts.malformed += 1;
                    self.findings.row("malformed", row, columns.owner(row), self.model)?;
                }
            }
        }
        Ok(None)
    }

    /// Walks the pool and decides over every user; who seems to have nothing becomes a candidate.
    ///
    /// # Errors
    /// A walk or a question to the table that did not come to its end.
    pub async fn walk<D: UserDirectory>(
        &mut self,
        mut users: Users<D>,
        known: &mut Known,
        progress: &mut Progress,
    ) -> Result<Went, JobError> {
        let table_only = self.counts;
        let mut restarts = 0;
        let mut lookups = Lookups::new(Arc::clone(&self.table));
        while let Some(page) = self.unless_stopped(users.next_page()).await.transpose()? {
            if users.restarts() != restarts {
                restarts = users.restarts();
                self.counts = table_only;
                self.unreadable = 0;
                self.candidates.back_to(0)?;
                self.findings.forget_users()?;
                lookups = Lookups::new(Arc::clone(&self.table));
                if let Known::Table(table) = known {
                    table.forget_users();
                }
            }
            let Some(page) = page else {
                while let Some(answers) = self.unless_stopped(lookups.next()).await.transpose()? {
                    let Some(answers) = answers else { return Ok(Went::Through) };
                    self.heard(answers, known)?;
                }
                return Ok(Went::Interrupted);
            };
            progress.add(u64::try_from(page.users.len()).unwrap_or_default());
            let to_ask = self.look_at(&page, known)?;
            let Some(answers) = self.unless_stopped(lookups.ask(to_ask)).await.transpose()? else {
                return Ok(Went::Interrupted);
            };
            self.heard(answers, known)?;
        }
        Ok(Went::Interrupted)
    }

    /// Decides over a page as far as that can be done without asking.
    fn look_at(
        &mut self,
        page: &UserPage,
        known: &mut Known,
    ) -> Result<Vec<(domain::ProfileKey, Asked)>, JobError> {
        let mut to_ask = Vec::new();
        self.unreadable += page.unreadable;
        let grace = i64::try_from(self.settings.grace.as_millis()).unwrap_or(i64::MAX);
        for of_pool in &page.users {
            let policy = self.settings.policy.judge(of_pool);
            let fresh = of_pool.modified_at.epoch_ms() > self.begun.epoch_ms().saturating_sub(grace);
            let user = confirmation(of_pool, self.pool, self.model, self.begun);
            let identity = Identity::of(&user, self.model)?;
            match (&mut *known, policy) {
                (Known::Table(table), _) => {
                    let mut found = table.find(&identity, user.email.as_deref());
                    if !self.settings.legacy_rows {
                        found.elsewhere = 0;
                    }
                    self.decided(policy, found, fresh, &user)?;
                }
                (Known::Legacy(_), Judgement::Skip(_)) => {
                    let nothing = Found { at_key: AtKey::Nothing, elsewhere: 0, other_email: false };
                    self.decided(policy, nothing, fresh, &user)?;
                }
                (Known::Legacy(_), Judgement::Take) => {
                    to_ask.push((identity.key, Asked { user, owner: identity.owner, fresh }));
                }
            }
        }
        Ok(to_ask)
    }

    fn heard(&mut self, answers: Answers<Asked>, known: &Known) -> Result<(), JobError> {
        for (asked, stored) in answers {
            let at_key = at_key(&stored, asked.owner.as_ref());
            self.counts.profiles += u64::from(at_key != AtKey::Nothing);
            let elsewhere = match known {
                Known::Legacy(legacy) if at_key == AtKey::Nothing => {
                    u64::from(legacy.holds(&asked.user.sub, &asked.user.username))
                }
                _ => 0,
            };
            let found = Found { at_key, elsewhere, other_email: false };
            self.decided(Judgement::Take, found, asked.fresh, &asked.user)?;
        }
        Ok(())
    }

    fn decided(
        &mut self,
        policy: Judgement,
        found: Found,
        fresh: bool,
        user: &Confirmation,
    ) -> Result<(), JobError> {
        let class = judge(policy, found, fresh);
        self.counts.users += 1;
        let surplus = too_many(class, found);
        self.counts.duplicate += surplus;
        let sub = user.sub.as_str();
        if surplus > 0 {
            self.findings.user("duplicate", sub)?;
        }
        match class {
            // He is counted when he was looked for again.
            Class::Missing => return self.candidates.push(&domain::envelope::write(user)),
            Class::MissingInGrace => self.findings.user("missing_in_grace", sub)?,
            Class::Legacy => self.findings.user("legacy", sub)?,
            Class::OwnerConflict => self.findings.user("owner_conflict", sub)?,
            Class::Matched if found.other_email => {
                self.counts.email_drift += 1;
                self.findings.user("email_drift", sub)?;
            }
            Class::Matched | Class::SkippedStatus | Class::SkippedDisabled => {}
        }
        *self.counts.of(class) += 1;
        Ok(())
    }

    /// Looks once more for who seems to have nothing. Gives those who still have nothing, as they would be enqueued.
    ///
    /// # Errors
    /// A question to the table that did not come to its end.
    pub async fn look_again(&mut self, progress: &mut Progress) -> Result<(Spool, Went), JobError> {
        /// Candidates of one question.
        const TOGETHER: usize = crate::ports::MOST_KEYS;
        let mut candidates = std::mem::take(&mut self.candidates).read()?;
        let mut missing = Spool::default();
        let mut lookups = Lookups::new(Arc::clone(&self.table));
        loop {
            let mut to_ask = Vec::new();
            while to_ask.len() < TOGETHER
                && let Some(line) = candidates.next_line()?
            {
                let user = written(&line, self.begun)?;
                let identity = Identity::of(&user, self.model)?;
                to_ask.push((identity.key, (line, user.sub, identity.owner)));
            }
            let last = to_ask.len() < TOGETHER;
            let Some(answers) = self.unless_stopped(lookups.ask(to_ask)).await.transpose()? else {
                return Ok((missing, Went::Interrupted));
            };
            let mut landed = Some(answers);
            while let Some(answers) = landed {
                progress.add(u64::try_from(answers.len()).unwrap_or_default());
                for ((line, sub, owner), stored) in answers {
                    let class = match at_key(&stored, owner.as_ref()) {
                        AtKey::Nothing => Class::Missing,
                        AtKey::His => Class::Matched,
                        AtKey::Anothers => Class::OwnerConflict,
                    };
                    *self.counts.of(class) += 1;
                    match class {
                        Class::Missing => {
                            self.findings.user("missing", sub.as_str())?;
                            missing.push(&line)?;
                        }
                        Class::OwnerConflict => self.findings.user("owner_conflict", sub.as_str())?,
                        _ => {}
                    }
                    // It came after the scan, or after his page.
                    self.counts.profiles += u64::from(class != Class::Missing);
                }
                if !last {
                    break;
                }
                let Some(next) = self.unless_stopped(lookups.next()).await.transpose()? else {
                    return Ok((missing, Went::Interrupted));
                };
                landed = next;
            }
            if last {
                return Ok((missing, Went::Through));
            }
        }
    }

    /// Finds the orphans' names, for the list: their rows were kept as numbers.
    ///
    /// # Errors
    /// A scan that did not come to its end.
    pub async fn name_orphans(&mut self, table: &Table, mut rows: Rows) -> Result<Went, JobError> {
        let columns = Columns::of(self.model);
        while let Some(page) = self.unless_stopped(rows.next_page()).await.transpose()? {
            let Some(page) = page else { return Ok(Went::Through) };
            let orphans: Vec<Row> = page.into_iter().filter(|row| table.is_orphan(row)).collect();
            for row in &orphans {
                self.findings.row("orphan", row, columns.owner(row), self.model)?;
            }
        }
        Ok(Went::Interrupted)
    }

    async fn unless_stopped<R>(&self, work: impl Future<Output = R>) -> Option<R> {
        self.stop.run_until_cancelled(work).await
    }
}

/// A candidate, read back.
///
/// # Errors
/// None that is not a fault of this program.
pub fn written(line: &str, begun: Timestamp) -> Result<Confirmation, JobError> {
    body::read(line, begun, |_| true).map(|received| received.confirmation).map_err(|rejection| {
        JobError::Machine {
            what: format!("a user cannot be enqueued: {}", rejection.detail),
            hint: String::new(),
        }
    })
}

#[cfg(test)]
mod tests;
