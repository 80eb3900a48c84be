//! The comparison over a pool and a table in memory: what comes late, what begins again, what is stopped.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use domain::{Profile, ProfileKey, UserSub, Username};

use super::super::super::policy::Policy;
use super::*;
use crate::ports::{CallError, ErrorClass, Inserted, ProfileRows, RowPage, StoredOwner, User, UserStatus};

const HOUR: i64 = 3_600_000;
const BEGUN: i64 = 1_000 * HOUR;

fn sub(n: usize) -> String {
    format!("{n:08}-0000-4000-8000-000000000000")
}

/// A user who changed so many milliseconds before the job began.
fn user(n: usize, before: i64) -> User {
    User {
        sub: UserSub::parse(&sub(n)).unwrap(),
        username: Username::parse(&format!("user{n}")).unwrap(),
        status: UserStatus::Confirmed,
        enabled: true,
        created_at: Timestamp::from_epoch_ms(0).unwrap(),
        modified_at: Timestamp::from_epoch_ms(BEGUN - before).unwrap(),
        attributes: BTreeMap::from([("email".to_owned(), format!("user{n}@example.com"))]),
    }
}

/// Pages of users; the `refused`th call finds its token no longer known, and the first user has left by then.
struct Pool {
    pages: Vec<Vec<User>>,
    calls: Mutex<usize>,
    refused: Option<usize>,
}

impl UserDirectory for Pool {
    async fn page(&self, token: Option<&str>) -> Result<UserPage, CallError> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        if self.refused == Some(call) {
            return Err(CallError::new(ErrorClass::Refused, "InvalidParameterException"));
        }
        let place: usize = token.map_or(0, |token| token.split_once('/').unwrap().0.parse().unwrap());
        // Another walk has other tokens.
        let next = (place + 1 < self.pages.len()).then(|| format!("{}/{call}", place + 1));
        let left = |user: &User| self.refused.is_some_and(|at| call > at) && user.sub.as_str() == sub(0);
        let users = self.pages[place].iter().filter(|user| !left(user)).cloned().collect();
        Ok(UserPage { users, unreadable: 0, next })
    }

    async fn user(&self, _: &Username) -> Result<Option<User>, CallError> {
        Ok(None)
    }

    async fn estimated_users(&self) -> Result<u64, CallError> {
        Ok(0)
    }
}

/// Who has his row; `late` have it from their second look on; and what the first questions meet with.
#[derive(Default)]
struct Rowed {
    there: HashSet<String>,
    late: Mutex<HashSet<String>>,
    failures: Mutex<Vec<ErrorClass>>,
    most_keys: Mutex<usize>,
}

impl ProfileTable for Rowed {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        panic!("a comparison writes nothing")
    }

    async fn insert_batch(&self, _: &[&Profile]) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        panic!("a comparison writes nothing")
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        if let Some(class) = self.failures.lock().unwrap().pop() {
            return Err(CallError::new(class, "Code"));
        }
        let mut most = self.most_keys.lock().unwrap();
        *most = keys.len().max(*most);
        assert!(keys.iter().collect::<HashSet<_>>().len() == keys.len(), "DynamoDB refuses a key twice");
        let owner = |key: &&ProfileKey| {
            let sub = key.iter().next().unwrap().1.to_owned();
            let late = self.late.lock().unwrap().remove(&sub);
            // The first look takes the mark away; the second finds a row.
            if late {
                return StoredOwner::Gone;
            }
            if self.there.contains(&sub) { StoredOwner::Is(sub) } else { StoredOwner::Gone }
        };
        Ok(keys.iter().map(owner).collect())
    }
}

/// Rows that are all in the first segment, whose owner is their key's text.
struct Scanned(Vec<Row>);

impl ProfileRows for Scanned {
    async fn rows(&self, segment: u32, _: u32, _: Option<&[String]>) -> Result<RowPage, CallError> {
        let rows = if segment == 0 { self.0.clone() } else { Vec::new() };
        Ok(RowPage { rows, last: None })
    }
}

fn settings() -> Settings {
    Settings {
        full: false,
        grace: Duration::from_secs(900),
        fix: false,
        legacy_rows: true,
        rate: 1000.0,
        policy: Policy::parse("CONFIRMED").unwrap(),
        metrics: false,
        list: None,
    }
}

/// When it is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Walk,
    LookingAgain,
}

struct Compared {
    counts: Counts,
    went: Went,
    missing: Vec<Confirmation>,
    most_keys: usize,
}

async fn compare(
    pool: Pool,
    table: Rowed,
    scanned: Option<Vec<Row>>,
    stop: Option<Before>,
) -> Result<Compared, JobError> {
    let (model, settings) = (ProfileModel::default(), settings());
    let id = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
    let table = Arc::new(table);
    let mut comparison = Comparison {
        model: &model,
        pool: &id,
        settings: &settings,
        table: Arc::clone(&table),
        stop: CancellationToken::new(),
        begun: Timestamp::from_epoch_ms(BEGUN).unwrap(),
        counts: Counts::default(),
        findings: Findings::new(false),
        unreadable: 0,
        candidates: Spool::default(),
    };
    let mut progress = Progress::new("test", None);
    let mut known = match scanned {
        None => Known::Legacy(Legacy::none()),
        Some(rows) => {
            let read = comparison.read_table(Rows::of(Scanned(rows)), &mut progress).await?;
            Known::Table(read.unwrap())
        }
    };
    if stop == Some(Before::Walk) {
        comparison.stop.cancel();
    }
    let mut went = comparison.walk(Users::new(pool, None, None), &mut known, &mut progress).await?;
    if let Known::Table(table) = &known {
        comparison.counts.orphan = table.orphans();
    }
    let mut missing = Vec::new();
    if went == Went::Through {
        if stop == Some(Before::LookingAgain) {
            comparison.stop.cancel();
        }
        let (spool, again) = comparison.look_again(&mut progress).await?;
        went = again;
        let mut lines = spool.read()?;
        while let Some(line) = lines.next_line()? {
            missing.push(written(&line, comparison.begun)?);
        }
    }
    let most_keys = *table.most_keys.lock().unwrap();
    Ok(Compared { counts: comparison.counts, went, missing, most_keys })
}

fn pool(pages: Vec<Vec<User>>) -> Pool {
    Pool { pages, calls: Mutex::new(0), refused: None }
}

/// Ten users a page; every third has a row.
fn thirty() -> (Vec<Vec<User>>, HashSet<String>) {
    let users: Vec<User> = (0..30).map(|n| user(n, HOUR)).collect();
    (users.chunks(10).map(<[User]>::to_vec).collect(), (0..30).step_by(3).map(sub).collect())
}

#[tokio::test]
async fn who_has_nothing_twice_is_missing_and_is_known_as_he_will_be_enqueued() {
    let (pages, there) = thirty();
    let compared = compare(pool(pages), Rowed { there, ..Rowed::default() }, None, None).await.unwrap();
    let expected = Counts { users: 30, profiles: 10, matched: 10, missing: 20, ..Counts::default() };
    assert_eq!(compared.counts, expected);
    assert_eq!(compared.missing.len(), 20);
    let one = compared.missing.iter().find(|user| user.sub.as_str() == sub(1)).unwrap();
    assert_eq!(one.email.as_deref(), Some("user1@example.com"));
    assert_eq!((one.username.as_str(), one.source), ("user1", domain::Source::Reconcile));
}

#[tokio::test]
async fn whose_row_came_meanwhile_is_not_missing() {
    let (pages, _) = thirty();
    let table = Rowed {
        there: (0..30).map(sub).collect(),
        late: Mutex::new([sub(4), sub(5)].into()),
        ..Rowed::default()
    };
    let compared = compare(pool(pages), table, None, None).await.unwrap();
    let expected = Counts { users: 30, profiles: 30, matched: 30, ..Counts::default() };
    assert_eq!(compared.counts, expected);
    assert!(compared.missing.is_empty());
}

#[tokio::test]
async fn who_changed_within_the_grace_is_left_out() {
    let grace = 900_000;
    let page = vec![user(0, grace), user(1, grace - 1), user(2, -HOUR), user(3, grace + 1)];
    let compared = compare(pool(vec![page]), Rowed::default(), None, None).await.unwrap();
    let expected = Counts { users: 4, missing: 2, missing_in_grace: 2, ..Counts::default() };
    assert_eq!(compared.counts, expected);
    let mut subs: Vec<_> = compared.missing.iter().map(|user| user.sub.as_str().to_owned()).collect();
    subs.sort();
    assert_eq!(subs, [sub(0), sub(3)]);
}

#[tokio::test]
async fn a_walk_that_begins_again_counts_nobody_twice() {
    for full in [false, true] {
        let (pages, there) = thirty();
        let row = |sub: &String| Row {
            key: vec![sub.clone()],
            texts: vec![None, None, None, Some(sub.clone()), None],
        };
        let scanned = full.then(|| there.iter().map(row).collect::<Vec<_>>());
        let pool = Pool { refused: Some(3), ..pool(pages) };
        let compared = compare(pool, Rowed { there, ..Rowed::default() }, scanned, None).await.unwrap();
        let plain = Counts { users: 29, profiles: 9, matched: 9, missing: 20, ..Counts::default() };
        let expected = if full {
            Counts { profiles: 10, malformed: 10, email_drift: 9, orphan: 1, ..plain }
        } else {
            plain
        };
        assert_eq!(compared.counts, expected, "full: {full}");
        assert_eq!(compared.missing.len(), 20, "full: {full}");
    }
}

#[tokio::test]
async fn more_than_a_hundred_are_asked_for_in_hundreds() {
    let users: Vec<User> = (0..450).map(|n| user(n, HOUR)).collect();
    let pages = users.chunks(60).map(<[User]>::to_vec).collect();
    let compared = compare(pool(pages), Rowed::default(), None, None).await.unwrap();
    assert_eq!((compared.counts.missing, compared.missing.len()), (450, 450));
    assert_eq!(compared.most_keys, 100);
}

#[tokio::test]
async fn a_user_who_is_listed_twice_is_asked_for_once() {
    let page = vec![user(0, HOUR), user(0, HOUR)];
    let compared = compare(pool(vec![page]), Rowed::default(), None, None).await.unwrap();
    assert_eq!(compared.counts.missing, 2);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_question_is_asked_again_and_a_denied_one_is_no_answer() {
    let (pages, there) = thirty();
    let failures = Mutex::new(vec![ErrorClass::Throttled, ErrorClass::Unavailable]);
    let table = Rowed { there: there.clone(), failures, ..Rowed::default() };
    assert_eq!(compare(pool(pages.clone()), table, None, None).await.unwrap().counts.missing, 20);
    let table = Rowed { there, failures: Mutex::new(vec![ErrorClass::Denied]), ..Rowed::default() };
    assert_eq!(compare(pool(pages), table, None, None).await.err().unwrap().exit_code(), 69);
}

#[tokio::test]
async fn whoever_was_not_looked_for_twice_is_not_called_missing_when_it_is_stopped() {
    let looked_at = Counts { users: 30, profiles: 10, matched: 10, ..Counts::default() };
    for (before, counts) in [(Before::Walk, Counts::default()), (Before::LookingAgain, looked_at)] {
        let (pages, there) = thirty();
        let compared =
            compare(pool(pages), Rowed { there, ..Rowed::default() }, None, Some(before)).await.unwrap();
        assert_eq!((compared.went, compared.counts), (Went::Interrupted, counts), "{before:?}");
        assert!(compared.missing.is_empty());
    }
}
