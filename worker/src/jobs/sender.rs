//! Sends confirmations to the queue in full batches, several at once. What SQS did not take is sent again:
//! a message that comes twice makes no second item. Must never count a message that SQS did not name as taken.

use domain::{Confirmation, envelope};
use tokio::task::{JoinError, JoinSet};

use super::JobError;
use super::again::Again;
use super::pace::Pace;
use crate::aws::outbox::{MOST_BYTES, MOST_ENTRIES, Outbox};
use crate::ports::{CallError, ErrorClass, Letterbox};

const ACTION: &str = "sqs:SendMessage";

/// Batches in the air at most.
const AT_ONCE: usize = 16;

/// The way to the queue.
pub struct Sender<L = Outbox> {
    outbox: L,
    pace: Pace,
    batch: Vec<String>,
    bytes: usize,
    flying: JoinSet<Result<u64, JobError>>,
    taken: u64,
}

impl<L: Letterbox> Sender<L> {
    /// At most `per_second` messages a second.
    pub fn new(outbox: L, per_second: Option<f64>) -> Self {
        Self {
            outbox,
            pace: Pace::new(per_second),
            batch: Vec::new(),
            bytes: 0,
            flying: JoinSet::new(),
            taken: 0,
        }
    }

    /// Sends one, with others.
    ///
    /// # Errors
    /// A batch that SQS would not take. What was pushed since the last flush may or may not be there.
    pub async fn push(&mut self, confirmation: &Confirmation) -> Result<(), JobError> {
        self.push_body(envelope::write(confirmation)).await
    }

    /// Sends one body as it is, with others.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn push_body(&mut self, body: String) -> Result<(), JobError> {
        if self.bytes + body.len() > MOST_BYTES {
            self.send_off().await?;
        }
        self.bytes += body.len();
        self.batch.push(body);
        if self.batch.len() == MOST_ENTRIES { self.send_off().await } else { Ok(()) }
    }

    /// Waits until SQS has taken everything that was pushed. Answers how many it took since the beginning.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn flush(&mut self) -> Result<u64, JobError> {
        self.send_off().await?;
        while let Some(landed) = self.flying.join_next().await {
            self.landed(landed)?;
        }
        Ok(self.taken)
    }

    async fn send_off(&mut self) -> Result<(), JobError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.pace.wait(u32::try_from(self.batch.len()).unwrap_or(u32::MAX)).await;
        while self.flying.len() >= AT_ONCE {
            if let Some(landed) = self.flying.join_next().await {
                self.landed(landed)?;
            }
        }
        let (outbox, batch) = (self.outbox.clone(), std::mem::take(&mut self.batch));
        self.bytes = 0;
        self.flying.spawn(async move { until_taken(&outbox, batch).await });
        Ok(())
    }

    fn landed(&mut self, landed: Result<Result<u64, JobError>, JoinError>) -> Result<(), JobError> {
        let unfinished =
            |_| JobError::call(ACTION, CallError::new(ErrorClass::Unavailable, "task_ended_early"));
        self.taken += landed.map_err(unfinished).flatten()?;
        Ok(())
    }
}

/// Sends until each is taken. What has no chance ends it: permission, the queue, the text itself.
async fn until_taken<L: Letterbox>(outbox: &L, mut batch: Vec<String>) -> Result<u64, JobError> {
    let all = u64::try_from(batch.len()).unwrap_or(u64::MAX);
    let mut again = Again::new(ACTION);
    loop {
        let error = match outbox.send(&batch).await {
            Ok(results) => {
                let failed = batch.into_iter().zip(results);
                let failed = failed.filter_map(|(body, result)| Some((body, result.err()?)));
                let (left, errors): (Vec<_>, Vec<_>) = failed.unzip();
                batch = left;
                // The order of the classes is that of hope: one that has none ends it for all.
                match errors.into_iter().max_by_key(|error| error.class) {
                    None => return Ok(all),
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        again.after(error).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::ports::EntryResults;

    /// What a letterbox does with an attempt to send one body, told by the body and how often it came before.
    type Rule = fn(&str, usize) -> Result<(), ErrorClass>;

    /// Takes a second for every batch, and remembers.
    #[derive(Clone)]
    struct Recorder {
        rule: Rule,
        whole: fn(usize) -> Result<(), ErrorClass>,
        seen: Arc<Mutex<Seen>>,
    }

    #[derive(Default)]
    struct Seen {
        batches: Vec<(Instant, usize)>,
        attempts: BTreeMap<String, usize>,
        taken: BTreeMap<String, usize>,
        flying: usize,
        most: usize,
    }

    impl Recorder {
        fn new(rule: Rule) -> Self {
            Self { rule, whole: |_| Ok(()), seen: Arc::default() }
        }

        fn sizes(&self) -> Vec<usize> {
            self.seen.lock().unwrap().batches.iter().map(|(_, size)| *size).collect()
        }

        fn taken(&self) -> Vec<usize> {
            self.seen.lock().unwrap().taken.values().copied().collect()
        }
    }

    impl Letterbox for Recorder {
        async fn send(&self, bodies: &[String]) -> Result<EntryResults, CallError> {
            let nth = {
                let mut seen = self.seen.lock().unwrap();
                seen.batches.push((Instant::now(), bodies.len()));
                seen.flying += 1;
                seen.most = seen.most.max(seen.flying);
                seen.batches.len() - 1
            };
            sleep(Duration::from_secs(1)).await;
            let mut seen = self.seen.lock().unwrap();
            seen.flying -= 1;
            (self.whole)(nth).map_err(|class| CallError::new(class, "Whole"))?;
            let one = |body: &String| {
                let before = seen.attempts.entry(body.clone()).or_default();
                *before += 1;
                (self.rule)(body, *before - 1).map_err(|class| CallError::new(class, "Entry"))?;
                *seen.taken.entry(body.clone()).or_default() += 1;
                Ok(())
            };
            Ok(bodies.iter().map(one).collect())
        }
    }

    async fn push(sender: &mut Sender<Recorder>, count: usize) {
        for n in 0..count {
            sender.push_body(format!("body {n}")).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn batches_are_full_several_fly_at_once_and_a_flush_waits_for_all() {
        let outbox = Recorder::new(|_, _| Ok(()));
        let mut sender = Sender::new(outbox.clone(), None);
        push(&mut sender, 405).await;
        assert_eq!(sender.flush().await.unwrap(), 405);
        let mut sizes = outbox.sizes();
        assert_eq!(sizes.pop(), Some(5));
        assert!(sizes.len() == 40 && sizes.iter().all(|size| *size == MOST_ENTRIES), "{sizes:?}");
        assert_eq!(outbox.taken(), [1; 405]);
        assert_eq!(outbox.seen.lock().unwrap().most, AT_ONCE);
        // Nothing is left to send, and nothing is counted again.
        assert_eq!(sender.flush().await.unwrap(), 405);
        push(&mut sender, 3).await;
        assert_eq!(sender.flush().await.unwrap(), 408);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_taken_is_sent_again_alone() {
        let refuses_odd = |body: &str, before: usize| {
            let odd = body.ends_with(['1', '3', '5', '7', '9']);
            if odd && before < 2 { Err(ErrorClass::Throttled) } else { Ok(()) }
        };
        let outbox = Recorder::new(refuses_odd);
        let mut sender = Sender::new(outbox.clone(), None);
        push(&mut sender, 10).await;
        assert_eq!(sender.flush().await.unwrap(), 10);
        assert_eq!(outbox.sizes(), [10, 5, 5]);
        assert_eq!(outbox.taken(), [1; 10]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_as_a_whole_is_made_again() {
        let mut outbox = Recorder::new(|_, _| Ok(()));
        outbox.whole = |nth| if nth < 3 { Err(ErrorClass::Unavailable) } else { Ok(()) };
        let mut sender = Sender::new(outbox.clone(), None);
        push(&mut sender, 10).await;
        assert_eq!(sender.flush().await.unwrap(), 10);
        assert_eq!(outbox.sizes(), [10; 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_chance_ends_it_whatever_else_failed() {
        for class in [ErrorClass::Denied, ErrorClass::Missing, ErrorClass::Refused] {
            let mut outbox = Recorder::new(|_, _| Ok(()));
            outbox.whole = match class {
                ErrorClass::Denied => |_| Err(ErrorClass::Denied),
                ErrorClass::Missing => |_| Err(ErrorClass::Missing),
                _ => |_| Err(ErrorClass::Refused),
            };
            let mut sender = Sender::new(outbox.clone(), None);
            push(&mut sender, 9).await;
            assert!(sender.flush().await.is_err());
            assert_eq!(outbox.sizes(), [9], "{class:?}");
        }
        // Refused among throttled ones, on either side of them.
        for refused in ["body 0", "body 9"] {
            let rule: Rule = match refused {
                "body 0" => {
                    |body, _| Err(if body == "body 0" { ErrorClass::Refused } else { ErrorClass::Throttled })
                }
                _ => {
                    |body, _| Err(if body == "body 9" { ErrorClass::Refused } else { ErrorClass::Throttled })
                }
            };
            let outbox = Recorder::new(rule);
            let mut sender = Sender::new(outbox.clone(), None);
            push(&mut sender, 10).await;
            assert_eq!(sender.flush().await.unwrap_err().exit_code(), 78);
            assert_eq!(outbox.sizes(), [10]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_in_the_end() {
        let outbox = Recorder::new(|_, _| Err(ErrorClass::Throttled));
        let mut sender = Sender::new(outbox.clone(), None);
        push(&mut sender, 1).await;
        assert_eq!(sender.flush().await.unwrap_err().exit_code(), 69);
        assert_eq!(outbox.sizes().len(), super::super::again::ATTEMPTS as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_has_no_more_bytes_than_fit() {
        let outbox = Recorder::new(|_, _| Ok(()));
        let mut sender = Sender::new(outbox.clone(), None);
        let third = "x".repeat(MOST_BYTES / 3);
        for n in 0..7 {
            sender.push_body(format!("{n}{}", &third[1..])).await.unwrap();
        }
        sender.push_body("y".repeat(MOST_BYTES)).await.unwrap();
        assert_eq!(sender.flush().await.unwrap(), 8);
        assert_eq!(outbox.sizes(), [3, 3, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_go_in_a_second_than_may() {
        let outbox = Recorder::new(|_, _| Ok(()));
        let mut sender = Sender::new(outbox.clone(), Some(50.0));
        push(&mut sender, 200).await;
        sender.flush().await.unwrap();
        let seen = outbox.seen.lock().unwrap();
        let begun = seen.batches[0].0;
        for (nth, (at, _)) in seen.batches.iter().enumerate() {
            assert!((*at - begun).as_millis() >= 200 * nth as u128, "batch {nth} after {:?}", *at - begun);
        }
    }
}
