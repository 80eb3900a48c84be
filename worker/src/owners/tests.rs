//! Owners read for many who ask at once, on a paused clock.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::{Profile, ProfileModel, Timestamp, body};

use super::*;
use crate::pipeline::fixture::{self, NoQueue};
use crate::ports::Inserted;

const SECOND: Duration = Duration::from_secs(1);

/// A table that is only read.
#[derive(Default)]
struct Table {
    owners: BTreeMap<String, StoredOwner>,
    reads: Mutex<Vec<usize>>,
    error: Option<ErrorClass>,
    /// Answers one result too few.
    short: bool,
}

impl ProfileTable for Table {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        unreachable!()
    }
    async fn insert_batch(&self, _: &[&Profile]) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        unreachable!()
    }
    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        assert!(keys.len() <= MOST_KEYS);
        let mut distinct: Vec<_> = keys.iter().map(|key| id(key)).collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len(), "a key twice in one read");
        self.reads.lock().unwrap().push(keys.len());
        tokio::time::sleep(SECOND / 100).await;
        if let Some(class) = self.error {
            return Err(CallError::new(class, "scripted"));
        }
        let owner = |key: &&ProfileKey| self.owners.get(&id(key)).cloned().unwrap_or(StoredOwner::Gone);
        Ok(keys.iter().skip(usize::from(self.short)).map(owner).collect())
    }
}

fn id(key: &ProfileKey) -> String {
    key.iter().map(|(_, value)| value).collect()
}

fn key(user: usize) -> ProfileKey {
    let text = format!(
        r#"{{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
            "sub":"00000000-0000-0000-0000-{user:012x}","username":"u{user}","observedAt":"2026-11-22T20:05:38.123Z"}}"#
    );
    let received = body::read(&text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
    ProfileModel::default().profile(&received.confirmation).unwrap().key
}

fn start(table: Table) -> (Arc<Shared<NoQueue, Table>>, Owners) {
    let shared = Arc::new(fixture::shared(NoQueue, table, fixture::settings()));
    let (owners, asked) = pool();
    tokio::spawn(run(Arc::clone(&shared), asked));
    (shared, owners)
}

/// Everybody asks at once, while a write is on its way.
async fn ask_all(
    shared: &Arc<Shared<NoQueue, Table>>,
    owners: Owners,
    asks: Vec<Vec<usize>>,
) -> Vec<Result<Vec<StoredOwner>, Happened>> {
    let _writing = shared.permits.slot().await;
    let (deadline, owners) = (Instant::now() + 10 * SECOND, Arc::new(owners));
    let ask = |users: Vec<usize>| {
        let (shared, owners) = (Arc::clone(shared), Arc::clone(&owners));
        tokio::spawn(async move { owners.of(&shared, users.into_iter().map(key).collect(), deadline).await })
    };
    let asks: Vec<_> = asks.into_iter().map(ask).collect();
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn who_asks_within_the_linger_shares_a_read_and_nobody_is_named_twice() {
    let mine = StoredOwner::Is("me".into());
    let table = Table {
        owners: BTreeMap::from([(id(&key(1)), mine.clone()), (id(&key(3)), StoredOwner::Missing)]),
        ..Table::default()
    };
    let (shared, owners) = start(table);
    let answers = ask_all(&shared, owners, vec![vec![1, 2], vec![3, 1], vec![4]]).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0], [mine.clone(), StoredOwner::Gone]);
    assert_eq!(answers[1], [StoredOwner::Missing, mine]);
    assert_eq!(answers[2], [StoredOwner::Gone]);
    assert_eq!(*shared.table.reads.lock().unwrap(), [4]);
}

#[tokio::test(start_paused = true)]
async fn a_read_names_a_hundred_at_most() {
    let (shared, owners) = start(Table::default());
    let asks = (0..12).map(|ask| (25 * ask..25 * ask + 25).collect()).collect();
    let answers = ask_all(&shared, owners, asks).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().len() == 25));
    assert_eq!(*shared.table.reads.lock().unwrap(), [100, 100, 100]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_who_cannot_come() {
    let (shared, owners) = start(Table::default());
    let begun = Instant::now();
    owners.of(&shared, vec![key(1)], begun + SECOND).await.unwrap();
    assert_eq!(begun.elapsed(), SECOND / 100, "waited for company with no write on its way");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_fails_all_who_asked_and_counts_once() {
    let (shared, owners) = start(Table { error: Some(ErrorClass::Unavailable), ..Table::default() });
    let answers = ask_all(&shared, owners, (0..8).map(|user| vec![user]).collect()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(Happened::Failed(_)))));
    assert_eq!(shared.stats.snapshot(Instant::now()).errors["owners.unavailable"], 1);
    assert!(!shared.gate.is_open(), "one failed read is no outage");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_too_little_is_no_answer() {
    let (shared, owners) = start(Table { short: true, ..Table::default() });
    let answers = ask_all(&shared, owners, vec![vec![1, 2, 3]]).await;
    assert!(matches!(answers[0], Err(Happened::Failed(_))), "{:?}", answers[0]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_and_the_deadline_end_the_waiting() {
    let (shared, owners) = start(Table::default());
    let late = owners.of(&shared, vec![key(1)], Instant::now()).await;
    assert!(matches!(late, Err(Happened::Failed(_))));
    shared.give_up.cancel();
    let stopped = owners.of(&shared, vec![key(1)], Instant::now() + SECOND).await;
    assert!(matches!(stopped, Err(Happened::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn who_asks_a_little_later_shares_the_read_as_well() {
    let (shared, owners) = start(Table::default());
    let _writing = shared.permits.slot().await;
    let deadline = Instant::now() + 10 * SECOND;
    let later = async {
        tokio::time::sleep(shared.settings.linger / 2).await;
        owners.of(&shared, vec![key(2)], deadline).await
    };
    let (first, second) = tokio::join!(owners.of(&shared, vec![key(1)], deadline), later);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(*shared.table.reads.lock().unwrap(), [2]);
}

#[tokio::test(start_paused = true)]
async fn reads_that_fail_in_a_row_are_an_outage_unless_they_are_refused_and_throttling_leaves_less_room() {
    for (class, open, room) in [
        (ErrorClass::Unavailable, true, 100),
        (ErrorClass::Throttled, true, 50),
        (ErrorClass::Refused, false, 100),
    ] {
        let (shared, owners) = start(Table { error: Some(class), ..Table::default() });
        for _ in 0..5 {
            let _ = owners.of(&shared, vec![key(1)], Instant::now() + SECOND).await;
            tokio::time::sleep(shared.settings.linger / 2).await;
        }
        let permits = shared.stats.snapshot(Instant::now()).effective_permits;
        assert_eq!((shared.gate.is_open(), permits), (open, room), "{class:?}");
    }
}
