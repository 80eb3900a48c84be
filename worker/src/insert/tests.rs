//! Inserting against a table that fails in every way a table can, on a paused clock. What the wire
//! cannot be made to do on command is done here: single statements refused or throttled, whole calls
//! refused for one of them, answers lost after the write took effect, answers too short.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Mutex;

use domain::{Profile, ProfileKey, ProfileModel, Timestamp, body};
use proptest::prelude::*;

use super::*;
use crate::pipeline::fixture::{self, NoQueue};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Throttled,
    /// The write took effect, the answer is lost.
    AnswerLost,
    /// Every second statement is throttled, inside a success.
    HalfThrottled,
    /// Every statement is.
    AllThrottled,
    /// The answer ends after the first result.
    TooShort,
}

#[derive(Default)]
struct Table {
    rows: Mutex<HashMap<ProfileKey, String>>,
    /// Items no service takes; one of them fails its whole batch.
    refused: BTreeSet<String>,
    /// Such an item fails its own statement and not the whole batch.
    alone: bool,
    faults: Mutex<VecDeque<Fault>>,
    largest_call: Mutex<usize>,
    puts: Mutex<usize>,
}

const REFUSED: &str = "ValidationException";

impl Table {
    fn fault(&self) -> Fault {
        self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None)
    }

    fn is_refused(&self, profile: &Profile) -> bool {
        profile.key.iter().any(|(_, value)| self.refused.contains(value))
    }

    fn write(&self, profile: &Profile, tells: bool) -> Inserted {
        let mut rows = self.rows.lock().unwrap();
        match rows.get(&profile.key) {
            Some(owner) if tells => Inserted::Exists(StoredOwner::Is(owner.clone())),
            Some(_) => Inserted::Exists(StoredOwner::NotTold),
            None => {
                rows.insert(profile.key.clone(), owner_of(profile));
                Inserted::Created
            }
        }
    }
}

fn throttled() -> CallError {
    CallError::new(ErrorClass::Throttled, "ThrottlingException")
}

fn refused() -> CallError {
    CallError::new(ErrorClass::Refused, REFUSED)
}

impl ProfileTable for Table {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        *self.puts.lock().unwrap() += 1;
        if self.is_refused(profile) {
            return Err(refused());
        }
        match self.fault() {
            Fault::None => Ok(self.write(profile, true)),
            Fault::AnswerLost | Fault::TooShort => {
                self.write(profile, true);
                Err(CallError::new(ErrorClass::Unavailable, "timeout"))
            }
            Fault::Throttled | Fault::HalfThrottled | Fault::AllThrottled => Err(throttled()),
        }
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        let mut largest = self.largest_call.lock().unwrap();
        *largest = profiles.len().max(*largest);
        let keys: BTreeSet<String> = profiles.iter().map(|profile| id_of(profile)).collect();
        assert_eq!(keys.len(), profiles.len(), "a key twice in one batch");
        if !self.alone && profiles.iter().any(|profile| self.is_refused(profile)) {
            return Err(refused());
        }
        let one =
            |profile| if self.is_refused(profile) { Err(refused()) } else { Ok(self.write(profile, false)) };
        let all = || profiles.iter().map(|profile| one(profile));
        match self.fault() {
            Fault::None => Ok(all().collect()),
            Fault::Throttled => Err(throttled()),
            Fault::AnswerLost => {
                all().for_each(drop);
                Err(CallError::new(ErrorClass::Unavailable, "timeout"))
            }
            Fault::HalfThrottled => Ok(profiles
                .iter()
                .enumerate()
                .map(
                    |(place, profile)| {
                        if place % 2 == 0 { Ok(self.write(profile, false)) } else { Err(throttled()) }
                    },
                )
                .collect()),
            Fault::AllThrottled => Ok(profiles.iter().map(|_| Err(throttled())).collect()),
            Fault::TooShort => Ok(all().collect::<Vec<_>>().into_iter().take(1).collect()),
        }
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        let rows = self.rows.lock().unwrap();
        Ok(keys
            .iter()
            .map(|key| rows.get(*key).map_or(StoredOwner::Gone, |owner| StoredOwner::Is(owner.clone())))
            .collect())
    }
}

fn shared(table: Table) -> Shared<NoQueue, Table> {
    fixture::shared(NoQueue, table, fixture::settings())
}

fn profile(user: usize) -> Profile {
    let text = format!(
        r#"{{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
            "sub":"00000000-0000-0000-0000-{user:012x}","username":"u{user}","observedAt":"2026-11-22T20:05:38.123Z"}}"#
    );
    let received = body::read(&text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
    ProfileModel::default().profile(&received.confirmation).unwrap()
}

fn id_of(profile: &Profile) -> String {
    profile.key.iter().map(|(_, value)| value).collect()
}

fn owner_of(profile: &Profile) -> String {
    match profile.item.get("profileOwner") {
        Some(AttributeValue::S(owner)) => owner.clone(),
        other => panic!("{other:?}"),
    }
}

async fn several(
    shared: &Shared<NoQueue, Table>,
    knowledge: &Knowledge,
    profiles: &[Profile],
) -> Vec<Answer> {
    let inserter = Inserter {
        shared,
        knowledge,
        ready: Instant::now(),
        deadline: Instant::now() + shared.settings.write_deadline,
    };
    match profiles {
        [profile] => vec![inserter.one(profile).await],
        _ => inserter.several(&profiles.iter().collect::<Vec<_>>()).await,
    }
}

/// Again with those that failed, until none does.
async fn insistently<'a>(
    shared: &Shared<NoQueue, Table>,
    knowledge: &Knowledge,
    profiles: &'a [Profile],
) -> Vec<(&'a Profile, Answer)> {
    let mut answered = Vec::new();
    let mut left: Vec<&Profile> = profiles.iter().collect();
    while !left.is_empty() {
        let call: Vec<Profile> = left.iter().map(|profile| (*profile).clone()).collect();
        let answers = several(shared, knowledge, &call).await;
        assert_eq!(answers.len(), left.len());
        let (failed, done): (Vec<_>, Vec<_>) = left
            .into_iter()
            .zip(answers)
            .partition(|(_, answer)| matches!(answer, Err(Happened::Failed(error)) if !is_refusal(error)));
        left = failed.into_iter().map(|(profile, _)| profile).collect();
        answered.extend(done);
    }
    answered
}

#[tokio::test(start_paused = true)]
async fn one_statement_that_fails_a_whole_call_is_found_and_the_others_are_written() {
    let profiles: Vec<Profile> = (0..25).map(profile).collect();
    let refused_id = id_of(&profiles[17]);
    let shared = shared(Table { refused: BTreeSet::from([refused_id]), ..Table::default() });
    let answers = several(&shared, &Knowledge::default(), &profiles).await;
    for (place, answer) in answers.iter().enumerate() {
        match (place, answer) {
            (17, Err(Happened::Failed(error))) => assert_eq!(error.code, REFUSED),
            (_, Ok(Inserted::Created)) => assert_ne!(place, 17),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shared.table.rows.lock().unwrap().len(), 24);
    assert_eq!(*shared.table.puts.lock().unwrap(), 1, "only the bad one is put alone");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_refuses_everything_is_blamed_itself() {
    let profiles: Vec<Profile> = (0..25).map(profile).collect();
    let shared = shared(Table { refused: profiles.iter().map(id_of).collect(), ..Table::default() });
    let answers = several(&shared, &Knowledge::default(), &profiles).await;
    let failed = answers.iter().filter(|answer| matches!(answer, Err(Happened::Failed(_)))).count();
    let spared = answers.iter().filter(|answer| matches!(answer, Err(Happened::TurnedAway))).count();
    assert_eq!((failed, spared), (20, 5), "{answers:?}");
    assert!(shared.gate.is_open());
}

#[tokio::test(start_paused = true)]
async fn rows_made_here_are_vouched_for_and_others_are_not() {
    let profiles: Vec<Profile> = (0..25).map(profile).collect();
    let shared = shared(Table::default());
    let knowledge = Knowledge::default();
    several(&shared, &knowledge, &profiles[..20]).await;
    shared.table.rows.lock().unwrap().insert(profiles[24].key.clone(), "somebody else".into());
    let answers = several(&shared, &knowledge, &profiles).await;
    for (place, (answer, profile)) in answers.iter().zip(&profiles).enumerate() {
        let expected = match place {
            0..20 => Inserted::Exists(StoredOwner::Is(owner_of(profile))),
            24 => Inserted::Exists(StoredOwner::NotTold),
            _ => Inserted::Created,
        };
        assert!(matches!(answer, Ok(inserted) if *inserted == expected), "{place}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_answer_is_never_taken_for_success() {
    let profiles: Vec<Profile> = (0..3).map(profile).collect();
    let faults = VecDeque::from(vec![Fault::TooShort; 100]);
    let shared = shared(Table { faults: Mutex::new(faults), ..Table::default() });
    let inserter = Inserter {
        shared: &shared,
        knowledge: &Knowledge::default(),
        ready: Instant::now(),
        deadline: Instant::now(),
    };
    let answers = inserter.several(&profiles.iter().collect::<Vec<_>>()).await;
    assert!(matches!(answers[0], Ok(Inserted::Created)), "{answers:?}");
    assert!(answers[1..].iter().all(Result::is_err), "{answers:?}");
}

fn faulty(faults: &[Fault]) -> Table {
    Table { faults: Mutex::new(faults.to_vec().into()), ..Table::default() }
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_is_refused_inside_a_success_is_put_alone_and_no_other() {
    let profiles: Vec<Profile> = (0..25).map(profile).collect();
    let shared =
        shared(Table { refused: BTreeSet::from([id_of(&profiles[17])]), alone: true, ..Table::default() });
    let begun = Instant::now();
    let answers = several(&shared, &Knowledge::default(), &profiles).await;
    // Whose fault it is takes more than one refusal to find out.
    assert!(matches!(&answers[17], Err(Happened::Failed(error)) if error.code == REFUSED));
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Inserted::Created))).count(), 24);
    assert_eq!((*shared.table.puts.lock().unwrap(), begun.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn statements_that_all_fail_are_failed_calls_and_refusals_are_not() {
    let profiles: Vec<Profile> = (0..3).map(profile).collect();
    let throttled = shared(faulty(&[Fault::AllThrottled; 5]));
    for _ in 0..5 {
        assert!(!throttled.gate.is_open());
        several(&throttled, &Knowledge::default(), &profiles).await;
    }
    assert!(throttled.gate.is_open());
    let refused = profiles.iter().map(id_of).collect();
    let refused = shared(Table { refused, alone: true, ..Table::default() });
    for _ in 0..5 {
        several(&refused, &Knowledge::default(), &profiles).await;
    }
    assert!(!refused.gate.is_open());
}

/// A batch that falls apart into single puts on any error multiplies the load of a table that asks for less.
#[tokio::test(start_paused = true)]
async fn what_is_throttled_or_not_answered_has_failed_and_is_not_put_alone() {
    for fault in [Fault::Throttled, Fault::HalfThrottled, Fault::AllThrottled, Fault::AnswerLost] {
        let profiles: Vec<Profile> = (0..25).map(profile).collect();
        let shared = shared(faulty(&[fault]));
        let answers = several(&shared, &Knowledge::default(), &profiles).await;
        let written = answers.iter().filter(|answer| matches!(answer, Ok(Inserted::Created))).count();
        let failed = answers.iter().filter(|answer| matches!(answer, Err(Happened::Failed(_)))).count();
        assert_eq!(
            (written, failed),
            if fault == Fault::HalfThrottled { (13, 12) } else { (0, 25) },
            "{fault:?}"
        );
        assert_eq!(*shared.table.puts.lock().unwrap(), 0, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_counted_and_throttling_leaves_less_room() {
    for (fault, class, errors, room) in [
        (Fault::Throttled, "write.throttled", 4, 50),
        (Fault::HalfThrottled, "write.throttled", 8, 60),
        (Fault::AnswerLost, "write.unavailable", 4, 100),
    ] {
        let shared = shared(faulty(&[fault; 4]));
        let profiles: Vec<Profile> = (0..5).map(profile).collect();
        for _ in 0..4 {
            several(&shared, &Knowledge::default(), &profiles).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let stats = shared.stats.snapshot(Instant::now());
        assert_eq!((stats.errors[class], stats.effective_permits), (errors, room), "{fault:?}");
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::Throttled),
        1 => Just(Fault::AnswerLost),
        2 => Just(Fault::HalfThrottled),
        1 => Just(Fault::TooShort),
    ]
}

proptest! {
    /// Whatever fails on the way, one by one and in batches the table ends the same, and everyone is
    /// told the truth: whose the row is if it is told at all, or that the item was refused.
    #[test]
    fn both_strategies_end_in_the_same_table_and_tell_the_truth(
        users in 1..60_usize,
        before in prop::collection::btree_map(0..60_usize, any::<bool>(), 0..20),
        bad in prop::collection::btree_set(0..60_usize, 0..4),
        faults in prop::collection::vec(fault(), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let profiles: Vec<Profile> = (0..users).map(profile).collect();
            let mut tables = Vec::new();
            for batched in [false, true] {
                let table = Table {
                    refused: bad.iter().map(|user| id_of(&profile(*user))).collect(),
                    // Breaker and retries are for longer outages; here every call comes through in the end.
                    faults: Mutex::new(faults.iter().copied().flat_map(|fault| [fault, Fault::None]).collect()),
                    ..Table::default()
                };
                for (user, mine) in &before {
                    let profile = profile(*user);
                    let owner = if *mine { owner_of(&profile) } else { "somebody else".to_owned() };
                    table.rows.lock().unwrap().insert(profile.key, owner);
                }
                let shared = shared(table);
                let knowledge = Knowledge::default();
                // The table is known to take others, so that a refusal is the item's own fault.
                for user in &bad {
                    for _ in 0..Rejections::PROOFS {
                        knowledge.rejections.lock().unwrap().on_refusal(&profile(*user).key);
                        knowledge.rejections.lock().unwrap().on_success();
                    }
                }
                for call in profiles.chunks(if batched { 25 } else { 1 }) {
                    for (profile, answer) in insistently(&shared, &knowledge, call).await {
                        let rows = shared.table.rows.lock().unwrap();
                        match answer {
                            Ok(Inserted::Created) => assert_eq!(rows[&profile.key], owner_of(profile)),
                            Ok(Inserted::Exists(StoredOwner::Is(owner))) => assert_eq!(rows[&profile.key], owner),
                            Ok(Inserted::Exists(StoredOwner::NotTold)) => assert!(batched && rows.contains_key(&profile.key)),
                            Err(Happened::Refused(_)) => assert!(shared.table.is_refused(profile)),
                            other => panic!("{other:?}"),
                        }
                    }
                }
                assert!(*shared.table.largest_call.lock().unwrap() <= 25);
                let rows = shared.table.rows.lock().unwrap().clone();
                tables.push(rows);
            }
            assert_eq!(tables[0], tables[1]);
        });
    }
}
