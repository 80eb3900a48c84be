//! The digests against a model that has the texts and looks through all of them, each time.

use domain::{ProfileModel, Timestamp, UserPoolId, UserSub, Username};
use proptest::prelude::*;

use super::super::judge::{Class, judge, too_many};
use super::super::person::{Identity, confirmation};
use super::super::report::Counts;
use super::*;
use crate::jobs::policy::Policy;
use crate::ports::{User, UserStatus};

/// Few names, so that they meet.
const NAMES: usize = 4;

fn sub(n: usize) -> String {
    format!("0000000{n}-0000-4000-8000-000000000000")
}

fn name(n: usize) -> String {
    format!("user{n}")
}

fn user(n: usize, status: UserStatus, enabled: bool, email: Option<&str>) -> User {
    let time = Timestamp::from_epoch_ms(0).unwrap();
    let email = email.map(|email| ("email".to_owned(), email.to_owned()));
    User {
        sub: UserSub::parse(&sub(n)).unwrap(),
        username: Username::parse(&name(n)).unwrap(),
        status,
        enabled,
        created_at: time,
        modified_at: time,
        attributes: email.into_iter().collect(),
    }
}

/// Of a row: its key, then `__typename`, `createdAt`, `updatedAt`, owner, email.
type Written = (String, Vec<Option<String>>);

fn row() -> impl Strategy<Value = Written> {
    let key = prop_oneof![(0..NAMES).prop_map(sub), (0..9usize).prop_map(|n| format!("random{n}"))];
    let owner = prop_oneof![
        4 => (0..NAMES, 0..NAMES).prop_map(|(a, b)| Some(format!("{}::{}", sub(a), name(b)))),
        4 => (0..NAMES).prop_map(|n| Some(format!("{}::{}", sub(n), name(n)))),
        1 => (0..NAMES).prop_map(|n| Some(sub(n))),
        1 => (0..NAMES).prop_map(|n| Some(name(n))),
        1 => Just(None),
    ];
    let present = || prop::bool::weighted(0.9);
    (key, present(), present(), present(), owner, email()).prop_map(
        |(key, kind, created, updated, owner, email)| {
            let text = |there: bool| there.then(|| "text".to_owned());
            let email = email.map(str::to_owned);
            (key, vec![text(kind), text(created), text(updated), owner, email])
        },
    )
}

fn email() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![Just(None), Just(Some("a@example.com")), Just(Some("b@example.com"))]
}

type Listed = (usize, UserStatus, bool, Option<&'static str>);

fn users() -> impl Strategy<Value = Vec<Listed>> {
    let status = prop_oneof![4 => Just(UserStatus::Confirmed), 1 => Just(UserStatus::Unconfirmed)];
    let one = (prop::bool::weighted(0.7), status, prop::bool::weighted(0.8), email());
    prop::collection::vec(one, NAMES).prop_map(|all| {
        let all = all.into_iter().enumerate().filter(|(_, (there, ..))| *there);
        all.map(|(n, (_, status, enabled, email))| (n, status, enabled, email)).collect()
    })
}

/// DynamoDB has one row a key.
fn rows() -> impl Strategy<Value = Vec<Written>> {
    prop::collection::vec(row(), 0..14).prop_map(|mut rows| {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows.dedup_by(|a, b| a.0 == b.0);
        rows
    })
}

fn policy() -> Policy {
    Policy::parse("CONFIRMED").unwrap()
}

/// As the job counts.
fn counted(users: &[User], rows: &[Row]) -> Counts {
    let model = ProfileModel::default();
    let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
    let columns = Columns::of(&model);
    let mut table = Table::new(columns.clone());
    let mut counts = Counts::default();
    for row in rows {
        table.add(row);
        counts.malformed += u64::from(columns.malformed(row));
    }
    table.complete();
    counts.profiles = table.rows();
    for user in users {
        let confirmation = confirmation(user, &pool, &model, user.created_at);
        let identity = Identity::of(&confirmation, &model).unwrap();
        let found = table.find(&identity, confirmation.email.as_deref());
        let class = judge(policy().judge(user), found, false);
        counts.users += 1;
        *counts.of(class) += 1;
        counts.duplicate += too_many(class, found);
        counts.email_drift += u64::from(class == Class::Matched && found.other_email);
    }
    counts.orphan = table.orphans();
    for row in rows {
        assert_eq!(table.is_orphan(row), !users.iter().any(|user| concerns(row, user)), "{:?}", row.key);
    }
    counts
}

fn is_his(row: &Row, user: &User) -> bool {
    let (sub, name) = (user.sub.as_str(), user.username.as_str());
    let both = format!("{sub}::{name}");
    row.texts[3].as_deref().is_some_and(|owner| owner == sub || owner == name || owner == both)
}

fn concerns(row: &Row, user: &User) -> bool {
    row.key[0] == user.sub.as_str() || is_his(row, user)
}

/// As the contract says.
fn naive(users: &[User], rows: &[Row]) -> Counts {
    let mut counts = Counts { users: users.len() as u64, profiles: rows.len() as u64, ..Counts::default() };
    for user in users {
        let right = rows.iter().find(|row| row.key[0] == user.sub.as_str());
        let others = rows.iter().filter(|row| row.key[0] != user.sub.as_str() && is_his(row, user)).count();
        if user.status != UserStatus::Confirmed {
            counts.skipped_status += 1;
        } else if !user.enabled {
            counts.skipped_disabled += 1;
        } else if let Some(row) = right {
            if row.texts[3].is_none() || is_his(row, user) {
                counts.matched += 1;
                counts.duplicate += others as u64;
                let email = user.attributes.get("email");
                counts.email_drift += u64::from(row.texts[4].as_ref() != email);
            } else {
                counts.owner_conflict += 1;
                counts.duplicate += others.saturating_sub(1) as u64;
            }
        } else if others > 0 {
            counts.legacy += 1;
            counts.duplicate += others as u64 - 1;
        } else {
            counts.missing += 1;
        }
    }
    for row in rows {
        counts.malformed += u64::from(row.texts[..4].iter().any(Option::is_none));
        counts.orphan += u64::from(!users.iter().any(|user| concerns(row, user)));
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_numbers_are_those_of_a_naive_look(users in users(), rows in rows()) {
        let users: Vec<User> =
            users.into_iter().map(|(n, status, enabled, email)| user(n, status, enabled, email)).collect();
        let rows: Vec<Row> = rows.into_iter().map(|(key, texts)| Row { key: vec![key], texts }).collect();
        let counts = counted(&users, &rows);
        prop_assert_eq!(counts, naive(&users, &rows));
        let classes = counts.matched + counts.missing + counts.missing_in_grace + counts.legacy
            + counts.owner_conflict + counts.skipped_status + counts.skipped_disabled;
        prop_assert_eq!(classes, counts.users, "every user is in one class");
    }
}

#[test]
fn a_walk_that_begins_again_has_asked_for_nobody() {
    let model = ProfileModel::default();
    let mut table = Table::new(Columns::of(&model));
    table.add(&Row { key: vec![sub(0)], texts: vec![None; 5] });
    table.complete();
    assert_eq!((table.rows(), table.orphans()), (1, 1));
    let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
    let ana = user(0, UserStatus::Confirmed, true, None);
    let identity = Identity::of(&confirmation(&ana, &pool, &model, ana.created_at), &model).unwrap();
    table.find(&identity, None);
    assert_eq!(table.orphans(), 0);
    table.forget_users();
    assert_eq!(table.orphans(), 1);
}

#[test]
fn a_model_without_owner_and_address_is_asked_for_neither() {
    let model = ProfileModel::from_toml(
        "type = \"Profile\"\n[key]\npartition = { name = \"id\", value = \"{sub}\" }\n[fields]\n",
    );
    let model = model.unwrap_or_else(|error| panic!("{:?}", error.faults));
    let columns = Columns::of(&model);
    assert_eq!(columns.names, NEVER_NULL);
    let row = |texts: [Option<&str>; 3]| Row {
        key: vec![sub(0)],
        texts: texts.map(|text| text.map(str::to_owned)).to_vec(),
    };
    assert!(!columns.malformed(&row([Some("Profile"), Some("now"), Some("now")])));
    assert!(columns.malformed(&row([Some("Profile"), None, Some("now")])));
    let mut table = Table::new(columns);
    table.add(&row([Some("Profile"), Some("now"), Some("now")]));
    table.complete();
    let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
    let ana = user(0, UserStatus::Confirmed, true, Some("a@example.com"));
    let identity = Identity::of(&confirmation(&ana, &pool, &model, ana.created_at), &model).unwrap();
    let found = table.find(&identity, Some("a@example.com"));
    assert_eq!(found, Found { at_key: AtKey::His, elsewhere: 0, other_email: false });
}
