//! How much memory a comparison of a million users with a million rows takes. By hand, and every night, as it takes
//! a while: `cargo test --release -p worker --test reconcile_memory -- --ignored --nocapture`. Pool and table speak the
//! ports in this process and keep nothing, so what is measured is the job.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and its figures are for stdout"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Profile, ProfileKey, ProfileModel, Timestamp, UserPoolId, UserSub, Username};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use worker::jobs::policy::Policy;
use worker::jobs::progress::Progress;
use worker::jobs::reconcile::compare::{Comparison, Known, Went};
use worker::jobs::reconcile::findings::Findings;
use worker::jobs::reconcile::report::Counts;
use worker::jobs::reconcile::settings::Settings;
use worker::jobs::reconcile::spool::Spool;
use worker::jobs::rows::Rows;
use worker::jobs::users::Users;
use worker::ports::{
    CallError, Inserted, ProfileRows, ProfileTable, Row, RowPage, StoredOwner, User, UserDirectory, UserPage,
    UserStatus,
};

const ALL: usize = 1_000_000;

/// Of a hundred users two are missing, three have a row with a random id, and one has left.
fn is_missing(n: usize) -> bool {
    n % 100 < 2
}

fn is_legacy(n: usize) -> bool {
    (2..5).contains(&(n % 100))
}

fn has_left(n: usize) -> bool {
    n % 100 == 5
}

fn sub(n: usize) -> String {
    // No order that sorting could profit from.
    let mixed = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-{:04x}-4000-8000-{n:012x}", mixed >> 32, mixed & 0xffff)
}

struct Pool;

impl UserDirectory for Pool {
    async fn page(&self, token: Option<&str>) -> Result<UserPage, CallError> {
        let first: usize = token.map_or(0, |token| token.parse().unwrap());
        let last = (first + 60).min(ALL);
        let user = |n: usize| {
            let email = [("email".to_owned(), format!("user{n}@example.com"))];
            let time = Timestamp::from_epoch_ms(0).unwrap();
            User {
                sub: UserSub::parse(&sub(n)).unwrap(),
                username: Username::parse(&sub(n)).unwrap(),
                status: UserStatus::Confirmed,
                enabled: true,
                created_at: time,
                modified_at: time,
                attributes: BTreeMap::from(email),
            }
        };
        let users = (first..last).filter(|n| !has_left(*n)).map(user).collect();
        Ok(UserPage { users, unreadable: 0, next: (last < ALL).then(|| last.to_string()) })
    }

    async fn user(&self, _: &Username) -> Result<Option<User>, CallError> {
        Ok(None)
    }

    async fn estimated_users(&self) -> Result<u64, CallError> {
        Ok(ALL as u64)
    }
}

struct Table;

impl ProfileRows for Table {
    async fn rows(&self, segment: u32, of: u32, after: Option<&[String]>) -> Result<RowPage, CallError> {
        let quarter = ALL / of as usize;
        let first = after.map_or(quarter * segment as usize, |key| key[0].parse().unwrap());
        let end = quarter * (segment as usize + 1);
        let last = (first + 3_000).min(end);
        let text = |text: &str| Some(text.to_owned());
        let row = |n: usize| {
            let key = if is_legacy(n) { format!("random-{n}") } else { sub(n) };
            let owner = format!("{}::{}", sub(n), sub(n));
            let (kind, time) = (text("UserProfile"), text("2026-11-22T20:05:38.123Z"));
            let email = Some(format!("user{n}@example.com"));
            Row { key: vec![key], texts: vec![kind, time.clone(), time, Some(owner), email] }
        };
        let rows = (first..last).filter(|n| !is_missing(*n)).map(row).collect();
        Ok(RowPage { rows, last: (last < end).then(|| vec![last.to_string()]) })
    }
}

impl ProfileTable for Table {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        panic!("a comparison writes nothing")
    }

    async fn insert_batch(&self, _: &[&Profile]) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        panic!("a comparison writes nothing")
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        Ok(vec![StoredOwner::Gone; keys.len()])
    }
}

/// Of this process, at its highest, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a while; its command is at the top of this file"]
async fn a_million_users_and_a_million_rows_fit_into_200_mb() {
    let (before, begun) = (memory(), Instant::now());
    let (model, pool) = (ProfileModel::default(), UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap());
    let settings = Settings {
        full: true,
        grace: Duration::from_secs(900),
        fix: false,
        legacy_rows: true,
        rate: 1000.0,
        policy: Policy::parse("CONFIRMED").unwrap(),
        metrics: false,
        list: None,
    };
    let mut comparison = Comparison {
        model: &model,
        pool: &pool,
        settings: &settings,
        table: Arc::new(Table),
        stop: CancellationToken::new(),
        begun: Timestamp::from_epoch_ms(1_700_000_000_000).unwrap(),
        counts: Counts::default(),
        findings: Findings::new(false),
        unreadable: 0,
        candidates: Spool::default(),
    };
    let mut progress = Progress::new("measuring", None);
    let table = comparison.read_table(Rows::of(Table), &mut progress).await.unwrap().unwrap();
    let after_table = memory();
    let mut known = Known::Table(table);
    let walked = comparison.walk(Users::new(Pool, None, None), &mut known, &mut progress).await.unwrap();
    assert_eq!(walked, Went::Through);
    let Known::Table(table) = &known else { panic!("another table") };
    comparison.counts.orphan = table.orphans();
    let (_, again) = comparison.look_again(&mut progress).await.unwrap();
    assert_eq!(again, Went::Through);
    let hundredth = ALL as u64 / 100;
    let expected = Counts {
        users: 99 * hundredth,
        profiles: 98 * hundredth,
        matched: 94 * hundredth,
        missing: 2 * hundredth,
        legacy: 3 * hundredth,
        orphan: hundredth,
        ..Counts::default()
    };
    assert_eq!(comparison.counts, expected);
    let (most, took) = (memory(), begun.elapsed().as_secs_f64());
    println!("{before} MB before, {after_table} MB with the table, {most} MB at most, {took:.1} s");
    assert!(most <= 200, "{most} MB");
}
