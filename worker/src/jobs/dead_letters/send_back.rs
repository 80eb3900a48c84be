//! From the dead-letter queue back to the queue, by this program: for what SQS's own moves cannot do. First a
//! message is sent, and only when SQS has named it as taken it is deleted with its copies: if this ends between,
//! it is sent twice, and makes no second item. Must never touch again in one run what came back while it ran: a
//! message that dies at once would go round for ever, and a copy that is the only one left would be deleted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::Timestamp;
use serde::Serialize;
use tokio::time::sleep;

use super::{Choice, Identity, Letter, Peek, Seen, now};
use crate::aws::dead_letters::DeadLetter;
use crate::aws::outbox::{MOST_BYTES, MOST_ENTRIES, Outbox};
use crate::decide::backoff::Policy;
use crate::jobs::JobError;
use crate::jobs::pace::Pace;
use crate::jobs::progress::Progress;
use crate::pipeline::Stop;
use crate::ports::{CallError, ErrorClass};
use crate::telemetry::events;

const ACTION: &str = "sqs:SendMessage";

/// Bytes of messages kept in memory before they are sent.
const MOST_IN_HAND: usize = 16 * 1024 * 1024;

const RETRY: Policy = Policy {
    initial_interval: Duration::from_millis(250),
    multiplier: 2.0,
    max_interval: Duration::from_secs(5),
    max_elapsed_time: None,
};

/// Asked again this often.
const ATTEMPTS: u32 = 6;

/// What became of the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SentBack {
    /// Messages sent back.
    pub moved: u64,
    /// Copies of them, deleted without being sent.
    pub copies: u64,
    /// Messages that died again while this ran, and were left.
    pub came_back: u64,
    /// Messages that the queue would not take, and were left.
    pub refused: u64,
    /// Messages that were sent but could not be deleted: they may be sent once more.
    pub not_deleted: u64,
    /// How much of the dead-letter queue was seen.
    #[serde(flatten)]
    pub seen: Seen,
}

impl SentBack {
    /// Nothing that was asked for is left.
    pub fn is_clean(&self) -> bool {
        self.came_back + self.refused + self.not_deleted == 0 && self.seen.complete
    }
}

/// One message with its copies.
struct Group {
    letter: DeadLetter,
    size: usize,
    ids: Vec<String>,
}

/// Sends back what `choice` takes, at a pace, until nothing more is seen or a stop is asked for.
///
/// # Errors
/// A queue that cannot be read, or sent to. What was sent and taken is deleted by then.
pub async fn send_back(
    peek: &mut Peek,
    outbox: &Outbox,
    choice: &Choice,
    rate: u16,
    stop: &Stop,
) -> Result<SentBack, JobError> {
    let now = now()?;
    let mut mover = Mover {
        outbox,
        stop,
        pace: Pace::new(Some(f64::from(rate))),
        progress: Progress::new("sending back", Some(peek.seen().about)),
        tried: HashSet::new(),
        done: SentBack::default(),
    };
    let ended = mover.run(peek, choice, now).await;
    mover.done.seen = peek.seen();
    ended.map(|()| mover.done).map_err(|error| {
        error.with_hint(&format!(
            "{} messages were sent back; the others are where they were, run it again to go on",
            mover.done.moved
        ))
    })
}

struct Mover<'a> {
    outbox: &'a Outbox,
    stop: &'a Stop,
    pace: Pace,
    progress: Progress,
    tried: HashSet<Identity>,
    done: SentBack,
}

impl Mover<'_> {
    async fn run(&mut self, peek: &mut Peek, choice: &Choice, now: Timestamp) -> Result<(), JobError> {
        loop {
            let mut groups: HashMap<Identity, Group> = HashMap::new();
            let mut bytes = 0;
            let mut more = true;
            while bytes < MOST_IN_HAND {
                let Some(page) = peek.next().await? else {
                    more = false;
                    break;
                };
                for message in page {
                    let letter = Letter::of(&message);
                    if !choice.takes(&letter, now) {
                        continue;
                    }
                    if self.tried.contains(&letter.identity) {
                        self.done.came_back += 1;
                        continue;
                    }
                    let group = groups.entry(letter.identity).or_insert_with(|| {
                        bytes += letter.size;
                        Group { letter: message, size: letter.size, ids: Vec::new() }
                    });
                    group.ids.push(letter.id);
                }
            }
            self.tried.extend(groups.keys().cloned());
            for batch in batches(groups.into_values()) {
                if self.stop.soft.is_cancelled() {
                    return Ok(());
                }
                self.move_batch(peek, batch).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn move_batch(&mut self, peek: &Peek, batch: Vec<Group>) -> Result<(), JobError> {
        self.pace.wait(u32::try_from(batch.len()).unwrap_or(u32::MAX)).await;
        let (taken, failure) = self.until_taken(&batch).await;
        let mut copies = 0;
        let mut ids = Vec::new();
        for (group, taken) in batch.into_iter().zip(taken) {
            if taken {
                self.done.moved += 1;
                copies += group.ids.len().saturating_sub(1);
                ids.extend(group.ids);
            } else if failure.is_none() {
                self.done.refused += 1;
            }
        }
        self.progress.add(number(ids.len()));
        self.done.copies += number(copies);
        self.done.not_deleted += number(peek.delete(ids).await.len());
        failure.map_or(Ok(()), |error| Err(JobError::call(ACTION, error)))
    }

    /// Which of them SQS took. What it refuses for its own sake is left; what fails otherwise is sent again.
    async fn until_taken(&self, batch: &[Group]) -> (Vec<bool>, Option<CallError>) {
        let mut taken = vec![false; batch.len()];
        let mut open: Vec<usize> = (0..batch.len()).collect();
        let mut failures = 0;
        while !open.is_empty() {
            let letters: Vec<_> =
                open.iter().filter_map(|place| batch.get(*place)).map(|group| &group.letter).collect();
            let results = match self.outbox.send_back(&letters).await {
                Ok(results) => results,
                // One of them spoils the call: each is sent alone.
                Err(error) if error.class == ErrorClass::Refused && letters.len() > 1 => {
                    let mut results = Vec::new();
                    for letter in letters {
                        let alone = self.outbox.send_back(&[letter]).await;
                        results.push(alone.and_then(|mut results| {
                            results.pop().unwrap_or_else(|| {
                                Err(CallError::new(ErrorClass::Unavailable, "no_result_for_entry"))
                            })
                        }));
                    }
                    results
                }
                Err(error) => vec![Err(error); letters.len()],
            };
            let mut again = Vec::new();
            let mut last = None;
            for (place, result) in open.into_iter().zip(results) {
                match result {
                    Ok(()) => taken.iter_mut().skip(place).take(1).for_each(|taken| *taken = true),
                    Err(error) if error.class == ErrorClass::Refused => {
                        events::settle_failed("send back", &error, 1);
                    }
                    Err(error) => {
                        again.push(place);
                        last = Some(error);
                    }
                }
            }
            open = again;
            if let Some(error) = last {
                failures += 1;
                let hopeless = matches!(error.class, ErrorClass::Denied | ErrorClass::Missing);
                if hopeless || failures == ATTEMPTS {
                    return (taken, Some(error));
                }
                let delay = RETRY.delay(failures, fastrand::f64());
                events::job_retries(ACTION, &error, delay);
                sleep(delay).await;
            }
        }
        (taken, None)
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// As SQS takes them: so many entries and so many bytes together. One that is larger goes alone.
fn batches(groups: impl Iterator<Item = Group>) -> Vec<Vec<Group>> {
    let mut batches: Vec<Vec<Group>> = Vec::new();
    let mut bytes = 0;
    for group in groups {
        bytes += group.size;
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_ENTRIES && bytes <= MOST_BYTES => batch.push(group),
            _ => {
                bytes = group.size;
                batches.push(vec![group]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::message;
    use super::*;

    fn sizes(sizes: &[usize]) -> Vec<Vec<usize>> {
        let groups =
            sizes.iter().map(|&size| Group { letter: message("id", "", None, false), size, ids: Vec::new() });
        batches(groups).iter().map(|batch| batch.iter().map(|group| group.size).collect()).collect()
    }

    #[test]
    fn a_batch_is_what_sqs_takes() {
        assert_eq!(sizes(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(sizes(&[1; 21]), [vec![1; 10], vec![1; 10], vec![1]]);
        let half = MOST_BYTES / 2;
        assert_eq!(sizes(&[half, half, 1]), [vec![half, half], vec![1]]);
        let large = MOST_BYTES * 3;
        assert_eq!(sizes(&[1, large, 1, 1]), [vec![1], vec![large], vec![1, 1]]);
    }

    #[test]
    fn a_run_is_clean_only_if_nothing_is_left() {
        let seen = Seen { seen: 3, about: 3, complete: true };
        let clean = SentBack { moved: 2, copies: 1, seen, ..SentBack::default() };
        assert!(clean.is_clean());
        for left in [
            SentBack { came_back: 1, ..clean },
            SentBack { refused: 1, ..clean },
            SentBack { not_deleted: 1, ..clean },
            SentBack { seen: Seen { complete: false, ..seen }, ..clean },
        ] {
            assert!(!left.is_clean(), "{left:?}");
        }
    }
}
