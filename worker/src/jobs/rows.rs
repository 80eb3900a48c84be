//! Every row of the table, page after page, from segments that are read side by side. Must never end early without
//! an error: a row that was not seen is a user without a profile, or one that gets a second.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::JobError;
use super::again::Again;
use crate::ports::{CallError, ErrorClass, ProfileRows, Row};

const ACTION: &str = "dynamodb:Scan";

/// Segments read at once. A segment has one call in the air, so this is also how much of the table's capacity the
/// job asks for.
const SEGMENTS: u32 = 4;

enum Seen {
    Page(Vec<Row>),
    End,
}

/// A table that is being read.
pub struct Rows {
    seen: mpsc::Receiver<Result<Seen, JobError>>,
    ended: u32,
    _readers: JoinSet<()>,
}

impl Rows {
    /// Begins to read.
    pub fn of(table: impl ProfileRows) -> Self {
        let table = Arc::new(table);
        let (send, seen) = mpsc::channel(4);
        let mut readers = JoinSet::new();
        for segment in 0..SEGMENTS {
            readers.spawn(read(Arc::clone(&table), segment, send.clone()));
        }
        Self { seen, ended: 0, _readers: readers }
    }

    /// The next page of whichever segment; `None` when every segment is at its end.
    ///
    /// # Errors
    /// A call that failed for good.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Row>>, JobError> {
        loop {
            match self.seen.recv().await {
                Some(Ok(Seen::Page(rows))) => return Ok(Some(rows)),
                Some(Ok(Seen::End)) => self.ended += 1,
                Some(Err(error)) => return Err(error),
                None if self.ended == SEGMENTS => return Ok(None),
                None => {
                    let error = CallError::new(ErrorClass::Unavailable, "task_ended_early");
                    return Err(JobError::call(ACTION, error));
                }
            }
        }
    }
}

/// Whoever does not listen any more has ended the job.
async fn read<T: ProfileRows>(table: Arc<T>, segment: u32, send: mpsc::Sender<Result<Seen, JobError>>) {
    let mut after: Option<Vec<String>> = None;
    loop {
        let mut again = Again::new(ACTION);
        let page = loop {
            match table.rows(segment, SEGMENTS, after.as_deref()).await {
                Ok(page) => break Ok(page),
                Err(error) => {
                    if let Err(error) = again.after(error).await {
                        break Err(error);
                    }
                }
            }
        };
        let (seen, last) = match page {
            Ok(page) => (Ok(Seen::Page(page.rows)), page.last),
            Err(error) => (Err(error), None),
        };
        let failed = seen.is_err();
        if send.send(seen).await.is_err() || failed {
            return;
        }
        match last {
            Some(last) => after = Some(last),
            None => return drop(send.send(Ok(Seen::End)).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::ports::RowPage;

    /// Rows 0 to 99, ten a page, every segment with an empty page in its midst; and what fails.
    #[derive(Default)]
    struct Table {
        failures: Mutex<Vec<ErrorClass>>,
        panics: bool,
    }

    impl ProfileRows for Table {
        async fn rows(&self, segment: u32, of: u32, after: Option<&[String]>) -> Result<RowPage, CallError> {
            assert!(!(self.panics && segment == 2), "a reader that dies");
            if let Some(class) = self.failures.lock().unwrap().pop() {
                return Err(CallError::new(class, "Code"));
            }
            let step: usize = after.map_or(0, |key| key[0].parse().unwrap());
            let row = |n: usize| Row { key: vec![n.to_string()], texts: Vec::new() };
            let mine = (0..100).filter(|n| n % of as usize == segment as usize).map(row);
            let rows = if step == 1 {
                Vec::new()
            } else {
                mine.skip(step.saturating_sub(1) * 10).take(10).collect()
            };
            Ok(RowPage { rows, last: (step < 3).then(|| vec![(step + 1).to_string()]) })
        }
    }

    async fn all(table: Table) -> Result<Vec<usize>, JobError> {
        let mut rows = Rows::of(table);
        let mut found = Vec::new();
        while let Some(page) = rows.next_page().await? {
            found.extend(page.iter().map(|row| row.key[0].parse::<usize>().unwrap()));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    #[tokio::test(start_paused = true)]
    async fn every_segment_is_read_to_its_end_past_empty_pages_and_throttles() {
        let failures =
            Mutex::new(vec![ErrorClass::Throttled, ErrorClass::Unavailable, ErrorClass::Throttled]);
        let found = all(Table { failures, panics: false }).await.unwrap();
        assert_eq!(found, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_no_end() {
        let denied = Table { failures: Mutex::new(vec![ErrorClass::Denied]), panics: false };
        assert_eq!(all(denied).await.unwrap_err().exit_code(), 69);
        let throttled = vec![ErrorClass::Throttled; 100];
        let error = all(Table { failures: Mutex::new(throttled), panics: false }).await.unwrap_err();
        assert_eq!(error.exit_code(), 69);
        let error = all(Table { panics: true, ..Table::default() }).await.unwrap_err();
        assert!(error.to_string().contains("task_ended_early"), "{error}");
    }
}
