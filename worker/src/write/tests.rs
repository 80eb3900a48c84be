//! The write stage against a table in memory, on a paused clock: who is written, who is held through an outage
//! and for how long, and that everyone who waited is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use domain::{ProfileKey, ProfileModel};
use tokio::time::sleep;

use super::*;
use crate::outcome::Origin;
use crate::pipeline::fixture::{self, NoQueue};
use crate::ports::{CallError, ErrorClass};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Takes everything at once, unless told otherwise.
#[derive(Default)]
struct Table {
    /// Until when it fails.
    down_until: Option<Instant>,
    /// It never answers.
    hangs: bool,
    /// Every row is there already, and a batch is not told whose it is.
    full: bool,
    /// Reads of owners take a second and fail until then.
    unread_until: Option<Instant>,
    /// Of each call, those users are throttled whose numbers are multiples of this; then nobody.
    throttled: Mutex<VecDeque<usize>>,
    /// The items of each call, by user.
    calls: Mutex<Vec<Vec<String>>>,
    reads: Mutex<usize>,
}

impl Table {
    async fn call(&self, profiles: &[&Profile]) -> Result<(), CallError> {
        self.calls.lock().unwrap().push(profiles.iter().map(|profile| user(&profile.key)).collect());
        if self.hangs {
            std::future::pending::<()>().await;
        }
        match self.down_until {
            Some(until) if Instant::now() < until => Err(CallError::new(ErrorClass::Unavailable, "timeout")),
            _ => Ok(()),
        }
    }

    fn throttles(&self, profiles: &[&Profile]) -> Vec<bool> {
        let every = self.throttled.lock().unwrap().pop_front();
        let number = |profile: &&Profile| user(&profile.key).parse::<usize>().unwrap();
        profiles
            .iter()
            .map(|profile| every.is_some_and(|every| number(profile).is_multiple_of(every)))
            .collect()
    }
}

fn throttled() -> CallError {
    CallError::new(ErrorClass::Throttled, "ThrottlingException")
}

impl ProfileTable for Table {
    async fn insert(&self, profile: &Profile) -> Result<Inserted, CallError> {
        self.call(&[profile]).await?;
        if self.throttles(&[profile])[0] {
            return Err(throttled());
        }
        Ok(if self.full { Inserted::Exists(StoredOwner::Missing) } else { Inserted::Created })
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        self.call(profiles).await?;
        let answer = if self.full { Inserted::Exists(StoredOwner::NotTold) } else { Inserted::Created };
        let answers = self.throttles(profiles).into_iter();
        Ok(answers.map(|throttles| if throttles { Err(throttled()) } else { Ok(answer.clone()) }).collect())
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        *self.reads.lock().unwrap() += 1;
        if let Some(until) = self.unread_until {
            sleep(SECOND).await;
            if Instant::now() < until {
                return Err(CallError::new(ErrorClass::Unavailable, "timeout"));
            }
        }
        Ok(keys.iter().map(|key| StoredOwner::Is(user(key))).collect())
    }
}

/// The number a test gave the user.
fn user(key: &ProfileKey) -> String {
    let sub: String = key.iter().map(|(_, value)| value).collect();
    u64::from_str_radix(sub.rsplit('-').next().unwrap(), 16).unwrap().to_string()
}

struct Stage {
    shared: Arc<Shared<NoQueue, Table>>,
    batches: mpsc::Sender<Vec<Group<Member>>>,
    fates: mpsc::Receiver<Fate>,
}

/// The stage, running.
fn start(table: Table, change: impl FnOnce(&mut crate::pipeline::Settings)) -> Stage {
    start_with(table, ProfileModel::default(), change)
}

fn start_with(
    table: Table,
    model: ProfileModel,
    change: impl FnOnce(&mut crate::pipeline::Settings),
) -> Stage {
    let mut settings = fixture::settings();
    change(&mut settings);
    let mut shared = fixture::shared(NoQueue, table, settings);
    shared.rules.model = model;
    let shared = Arc::new(shared);
    let (batches, batched) = mpsc::channel(100);
    let (told, fates) = mpsc::channel(100);
    tokio::spawn(run(Arc::clone(&shared), batched, told));
    Stage { shared, batches, fates }
}

impl Stage {
    /// One item, for messages that are ours for so long.
    async fn group(&self, nth: usize, visibilities: &[Duration]) -> Group<Member> {
        let mut members = Vec::new();
        for visibility in visibilities {
            let mut delivery = fixture::delivery(&self.shared, &nth, *visibility).await;
            delivery.origin = Origin::Live;
            let observed_at = Timestamp::from_epoch_ms(0).unwrap();
            members.push(Member { delivery, observed_at, tries: Tries::default() });
        }
        Group { profile: fixture::profile(nth), members }
    }

    /// A batch of users with these numbers.
    async fn batch(&self, users: impl Iterator<Item = usize>) -> Vec<Group<Member>> {
        let mut groups = Vec::new();
        for nth in users {
            groups.push(self.group(nth, &[HOUR]).await);
        }
        groups
    }

    async fn write(&self, groups: Vec<Group<Member>>) {
        self.batches.send(groups).await.unwrap();
    }

    /// What the next write came to, for how many messages.
    async fn told(&mut self) -> (Happened, usize) {
        let fate = self.fates.recv().await.unwrap();
        (fate.happened, fate.deliveries.len())
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.shared.table.calls.lock().unwrap().clone()
    }

    /// The table has failed for long enough.
    fn open_the_breaker(&self) {
        self.shared.gate.trip(&CallError::new(ErrorClass::Unavailable, "timeout"));
    }
}

#[tokio::test(start_paused = true)]
async fn everyone_who_waited_for_one_item_is_told() {
    let mut stage = start(Table::default(), |_| {});
    stage.write(vec![stage.group(1, &[HOUR, HOUR, HOUR]).await]).await;
    assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 3)));
    assert_eq!(stage.calls(), [["1"]]);
}

/// The table throttles so and so, call by call.
fn throttling(calls: &[usize]) -> Table {
    Table { throttled: Mutex::new(calls.to_vec().into()), ..Table::default() }
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_goes_again_with_what_was_throttled_elsewhere_and_nobody_waits_for_it() {
    let mut stage = start(throttling(&[10, 10, 10]), |settings| settings.max_in_flight = 100);
    let begun = Instant::now();
    for first in [1, 26, 51] {
        stage.write(stage.batch(first..first + 25).await).await;
    }
    for nth in 1..=75 {
        assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
        assert_eq!(begun.elapsed() == Duration::ZERO, nth <= 68, "{nth}: {:?}", begun.elapsed());
    }
    assert!(begun.elapsed() <= RETRY.initial_interval, "{:?}", begun.elapsed());
    let calls = stage.calls();
    assert_eq!(calls.len(), 4, "{:?}", &calls[3..]);
    let mut again: Vec<usize> = calls[3].iter().map(|user| user.parse().unwrap()).collect();
    again.sort_unstable();
    assert_eq!(again, [10, 20, 30, 40, 50, 60, 70]);
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_again_ever_more_slowly() {
    for strategy in [WriteStrategy::Auto, WriteStrategy::Put, WriteStrategy::Batch] {
        let mut stage = start(throttling(&[1; 4]), |settings| settings.write_strategy = strategy);
        let begun = Instant::now();
        stage.write(vec![stage.group(1, &[HOUR]).await]).await;
        assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
        let least = 15 * RETRY.initial_interval / 2;
        assert!((least..=2 * least).contains(&begun.elapsed()), "{strategy:?}: {:?}", begun.elapsed());
        assert_eq!(stage.calls(), vec![["1"]; 5]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_fail_the_calls_it_shares_is_tried_again_alone_and_so_is_everything_where_puts_are_wanted() {
    let mut stage = start(throttling(&[1, 1]), |_| {});
    let mut suspect = stage.group(1, &[HOUR]).await;
    suspect.members[0].delivery.message.receive_count = 6;
    stage.write(vec![suspect]).await;
    stage.write(stage.batch(2..4).await).await;
    for _ in 0..3 {
        stage.told().await;
    }
    let calls = stage.calls();
    assert!(
        calls.contains(&vec!["2".into(), "3".into()]) && calls.iter().all(|call| call.len() < 3),
        "{calls:?}"
    );
    let mut stage = start(throttling(&[1; 3]), |settings| settings.write_strategy = WriteStrategy::Put);
    stage.write(stage.batch(1..4).await).await;
    for _ in 0..3 {
        stage.told().await;
    }
    assert!(
        stage.calls().iter().all(|call| call.len() == 1) && stage.calls().len() == 6,
        "{:?}",
        stage.calls()
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_for_as_long_as_a_write_may_take_and_has_failed_then() {
    let least = 2 * RETRY.initial_interval;
    // The third wait, of four intervals at most, is the first that may be too long.
    let deadline = least + 4 * RETRY.initial_interval;
    let mut stage = start(throttling(&[1; 1000]), |settings| settings.write_deadline = deadline);
    let begun = Instant::now();
    stage.write(vec![stage.group(1, &[HOUR]).await]).await;
    assert!(
        matches!(stage.told().await, (Happened::Failed(error), 1) if error.class == ErrorClass::Throttled)
    );
    assert!((least..=deadline).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert!(!stage.shared.gate.is_open());
}

#[tokio::test(start_paused = true)]
async fn given_up_between_two_attempts_it_was_stopped_and_not_failed() {
    let mut stage = start(throttling(&[1; 10]), |_| {});
    let begun = Instant::now();
    stage.write(stage.batch(1..4).await).await;
    sleep(RETRY.initial_interval / 5).await;
    stage.shared.give_up.cancel();
    for _ in 0..3 {
        assert!(matches!(stage.told().await, (Happened::Stopped, 1)));
    }
    assert_eq!(begun.elapsed(), RETRY.initial_interval / 5);
}

#[tokio::test(start_paused = true)]
async fn when_nothing_more_comes_what_waits_for_another_attempt_is_not_forgotten() {
    let mut stage = start(throttling(&[1; 3]), |_| {});
    stage.write(stage.batch(1..4).await).await;
    stage.batches = mpsc::channel(1).0;
    for _ in 0..3 {
        assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
    }
    assert!(stage.fates.recv().await.is_none(), "the stage goes on");
}

#[tokio::test(start_paused = true)]
async fn being_held_is_no_attempt_and_takes_nothing_from_the_time_for_one() {
    // Well again it takes the probe, and throttles what comes next once.
    let table = Table { down_until: Some(Instant::now() + HOUR / 2), ..throttling(&[1000, 1]) };
    let mut stage = start(table, |_| {});
    stage.write(vec![stage.group(1, &[2 * HOUR]).await, stage.group(2, &[2 * HOUR]).await]).await;
    sleep(RETRY.initial_interval / 4).await;
    stage.open_the_breaker();
    let begun = Instant::now();
    for _ in 0..2 {
        assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
    }
    assert!(begun.elapsed() > stage.shared.settings.write_deadline, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_slot_counts_for_what_has_just_come() {
    let stage = start(Table::default(), |_| {});
    let mut groups = stage.batch(1..3).await;
    let (ready, now) = (Instant::now(), Instant::now() + SECOND);
    assert_eq!(counts_from(&groups, ready, now), ready);
    groups[1].members[0].tries.failures = 1;
    assert_eq!(counts_from(&groups, ready, now), now);
}

#[tokio::test(start_paused = true)]
async fn what_lost_its_lease_while_it_waited_for_a_slot_is_not_written() {
    let mut stage = start(Table::default(), |settings| settings.max_in_flight = 3);
    let slot = stage.shared.permits.slot().await;
    let groups = vec![stage.group(1, &[30 * SECOND]).await, stage.group(2, &[30 * SECOND, HOUR]).await];
    stage.write(groups).await;
    sleep(30 * SECOND).await;
    assert_eq!(stage.calls().len(), 0);
    drop(slot);
    for _ in 0..2 {
        assert!(matches!(stage.told().await, (Happened::Expired, 1)));
    }
    assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
    assert_eq!(stage.calls(), [["2"]]);
}

#[tokio::test(start_paused = true)]
async fn a_write_ends_inside_the_lease_however_long_it_may_take() {
    for (visibility, ends) in [(60 * SECOND, 60 * SECOND), (HOUR, 600 * SECOND)] {
        let mut stage = start(Table { hangs: true, ..Table::default() }, |_| {});
        let begun = Instant::now();
        stage.write(vec![stage.group(1, &[visibility]).await]).await;
        assert!(matches!(stage.told().await.0, Happened::Failed(_)));
        assert_eq!(begun.elapsed(), ends);
    }
}

#[tokio::test(start_paused = true)]
async fn through_an_outage_it_is_held_as_long_as_was_allowed_and_probes_with_another_item_each_time() {
    let begun = Instant::now();
    let mut stage = start(Table { down_until: Some(begun + 10 * HOUR), ..Table::default() }, |_| {});
    stage.open_the_breaker();
    let mut groups = Vec::new();
    for nth in 1..=3 {
        groups.push(stage.group(nth, &[2 * HOUR]).await);
    }
    stage.write(groups).await;
    for _ in 1..=3 {
        assert!(matches!(stage.told().await, (Happened::HeldTooLong, 1)));
    }
    assert_eq!(begun.elapsed(), HOUR);
    let probes = stage.calls();
    assert!(probes.len() > 50, "{} probes in an hour", probes.len());
    for (nth, probe) in probes.iter().enumerate() {
        assert_eq!(*probe, [(nth % 3 + 1).to_string()], "probe {nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_table_is_well_again_what_was_held_is_written() {
    let begun = Instant::now();
    let mut stage = start(Table { down_until: Some(begun + 10 * 60 * SECOND), ..Table::default() }, |_| {});
    stage.open_the_breaker();
    let groups = vec![stage.group(1, &[2 * HOUR]).await, stage.group(2, &[2 * HOUR]).await];
    stage.write(groups).await;
    for _ in 0..2 {
        assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
    }
    assert!(begun.elapsed() < 11 * 60 * SECOND, "{:?}", begun.elapsed());
    assert!(!stage.shared.gate.is_open());
}

#[tokio::test(start_paused = true)]
async fn what_is_held_loses_its_lease_and_is_not_told_that_it_was_held_too_long() {
    let mut stage = start(Table { down_until: Some(Instant::now() + HOUR), ..Table::default() }, |_| {});
    stage.open_the_breaker();
    let begun = Instant::now();
    stage.write(vec![stage.group(1, &[90 * SECOND]).await, stage.group(2, &[HOUR / 2]).await]).await;
    assert!(matches!(stage.told().await, (Happened::Expired, 1)));
    assert_eq!(begun.elapsed(), 90 * SECOND);
    assert!(matches!(stage.told().await, (Happened::Expired, 1)));
    assert_eq!(begun.elapsed(), HOUR / 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_hold_budget_it_is_a_probe_once_and_then_given_back() {
    let table = Table { down_until: Some(Instant::now() + HOUR), ..Table::default() };
    let mut stage = start(table, |settings| settings.hold_budget = Duration::ZERO);
    stage.open_the_breaker();
    sleep(60 * SECOND).await;
    stage.write(vec![stage.group(1, &[HOUR]).await]).await;
    assert!(matches!(stage.told().await, (Happened::HeldTooLong, 1)));
    assert_eq!(stage.calls(), [["1"]]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_holding() {
    let mut stage = start(Table { down_until: Some(Instant::now() + HOUR), ..Table::default() }, |_| {});
    stage.open_the_breaker();
    stage.write(vec![stage.group(1, &[HOUR]).await, stage.group(2, &[HOUR]).await]).await;
    sleep(SECOND / 10).await;
    stage.shared.gate.stop_holding();
    for _ in 0..2 {
        assert!(matches!(stage.told().await, (Happened::Stopped, 1)));
    }
    assert_eq!(stage.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_call_or_several_as_the_strategy_says() {
    for (strategy, calls) in [(WriteStrategy::Put, 2), (WriteStrategy::Auto, 1), (WriteStrategy::Batch, 1)] {
        let mut stage = start(Table::default(), |settings| settings.write_strategy = strategy);
        stage.write(vec![stage.group(1, &[HOUR]).await, stage.group(2, &[HOUR]).await]).await;
        for _ in 0..2 {
            assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
        }
        assert_eq!(stage.calls().len(), calls, "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_a_batch_was_not_told_about_have_their_owners_read() {
    let mut stage = start(Table { full: true, ..Table::default() }, |_| {});
    stage.write(vec![stage.group(1, &[HOUR]).await, stage.group(2, &[HOUR]).await]).await;
    for owner in ["1", "2"] {
        let (Happened::Inserted(Inserted::Exists(stored)), 1) = stage.told().await else { panic!() };
        assert_eq!(stored, StoredOwner::Is(owner.into()));
    }
    assert_eq!(*stage.shared.table.reads.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_owners_that_nobody_needs() {
    let ownerless = "type = \"P\"\n[key]\npartition = { name = \"id\", value = \"{sub}\" }\n";
    for (full, model) in
        [(false, ProfileModel::default()), (true, ProfileModel::from_toml(ownerless).unwrap())]
    {
        let mut stage = start_with(Table { full, ..Table::default() }, model, |_| {});
        stage.write(vec![stage.group(1, &[HOUR]).await, stage.group(2, &[HOUR]).await]).await;
        for _ in 0..2 {
            assert!(matches!(stage.told().await.0, Happened::Inserted(_)));
        }
        sleep(SECOND).await;
        assert_eq!(*stage.shared.table.reads.lock().unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn when_owners_cannot_be_read_it_has_failed_and_in_an_outage_it_is_held() {
    for outage in [false, true] {
        let unread_until = Some(Instant::now() + 5 * SECOND);
        let mut stage = start(Table { full: true, unread_until, ..Table::default() }, |_| {});
        stage.write(vec![stage.group(1, &[HOUR]).await, stage.group(2, &[HOUR]).await]).await;
        sleep(SECOND / 2).await;
        if outage {
            stage.open_the_breaker();
        }
        for _ in 0..2 {
            let (happened, _) = stage.told().await;
            assert_eq!(matches!(happened, Happened::Inserted(_)), outage, "{happened:?}");
            assert_eq!(matches!(happened, Happened::Failed(_)), !outage, "{happened:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_its_turn_as_the_breaker_opens_is_held_and_not_given_back() {
    let mut stage = start(Table::default(), |settings| settings.max_in_flight = 3);
    let slot = stage.shared.permits.slot().await;
    stage.write(vec![stage.group(1, &[HOUR]).await]).await;
    sleep(SECOND).await;
    stage.open_the_breaker();
    drop(slot);
    assert!(matches!(stage.told().await, (Happened::Inserted(Inserted::Created), 1)));
}

#[tokio::test(start_paused = true)]
async fn only_an_item_that_was_made_tells_how_long_its_user_waited() {
    for (full, live, counted) in [(false, true, 1), (false, false, 0), (true, true, 0)] {
        let mut stage = start(Table { full, ..Table::default() }, |_| {});
        let mut group = stage.group(1, &[HOUR]).await;
        group.members[0].delivery.origin = if live { Origin::Live } else { Origin::Backfill };
        let hour_ago = jiff::Timestamp::now().as_millisecond() - 3_600_000;
        group.members[0].observed_at = Timestamp::from_epoch_ms(hour_ago).unwrap();
        stage.write(vec![group]).await;
        stage.told().await;
        let told = stage.shared.stats.snapshot(Instant::now()).confirmation_to_profile_ms;
        assert_eq!(told.as_ref().map_or(0, |latency| latency.count), counted, "full {full}, live {live}");
        // Two significant digits, and the moment between.
        assert!(told.is_none_or(|latency| (3_500_000..3_800_000).contains(&latency.max)));
    }
}
