//! The stage against a directory in memory: who is written, who is given up, who goes back, and that nobody
//! waits for anybody else.

use std::sync::Mutex;
use std::time::Duration;

use domain::{UserPoolId, UserSub, Username};
use tokio::sync::Semaphore;

use super::*;
use crate::decide::decode::Decoded;
use crate::pipeline::fixture::{self, NoQueue, NoTable};
use crate::ports::{CallError, ErrorClass, User, UserStatus};

const MINUTE: Duration = Duration::from_secs(60);

/// Answers by the user's name: what the test says, once it lets it.
struct Pools {
    answer: fn(&str) -> Result<Option<UserSub>, CallError>,
    asked: Arc<Mutex<Vec<String>>>,
    leave: Arc<Semaphore>,
}

impl UserPools for Pools {
    async fn user(&self, pool: &UserPoolId, username: &Username) -> Result<Option<User>, CallError> {
        self.asked.lock().unwrap().push(format!("{pool} {}", username.as_str()));
        self.leave.acquire().await.unwrap().forget();
        let time = Timestamp::from_epoch_ms(0).unwrap();
        Ok((self.answer)(username.as_str())?.map(|sub| User {
            sub,
            username: username.clone(),
            status: UserStatus::Confirmed,
            enabled: true,
            created_at: time,
            modified_at: time,
            attributes: [].into(),
        }))
    }
}

fn sub(user: usize) -> UserSub {
    UserSub::parse(&format!("00000000-0000-0000-0000-{user:012x}")).unwrap()
}

struct Stage {
    shared: Arc<Shared<NoQueue, NoTable>>,
    late: Option<mpsc::Sender<Job>>,
    arrivals: mpsc::Receiver<Arrivals>,
    fates: mpsc::Receiver<Fate>,
    asked: Arc<Mutex<Vec<String>>>,
    leave: Arc<Semaphore>,
}

fn start(per_second: u32, answer: fn(&str) -> Result<Option<UserSub>, CallError>) -> Stage {
    let shared = Arc::new(fixture::shared(NoQueue, NoTable, fixture::settings()));
    let (late, came_late) = mpsc::channel(100);
    let (arrived, arrivals) = mpsc::channel(100);
    let (told, fates) = mpsc::channel(100);
    let (asked, leave) = (Arc::default(), Arc::new(Semaphore::new(1000)));
    let pools = Pools { answer, asked: Arc::clone(&asked), leave: Arc::clone(&leave) };
    tokio::spawn(run(Arc::clone(&shared), Verifier { pools, per_second }, came_late, arrived, told));
    Stage { shared, late: Some(late), arrivals, fates, asked, leave }
}

impl Stage {
    async fn send(&self, users: impl IntoIterator<Item = usize>) {
        for user in users {
            let delivery = fixture::delivery(&self.shared, &user, MINUTE).await;
            let time = Timestamp::from_epoch_ms(0).unwrap();
            let Decoded::Write(write) = self.shared.rules.decode(&fixture::confirmation(user), time) else {
                panic!("not to be written")
            };
            self.late.as_ref().unwrap().send(Job { delivery, write }).await.ok().unwrap();
        }
    }

    /// What came of everyone, once the stage has ended: who is to be written, and the others' fates.
    async fn end(mut self) -> (Vec<String>, Vec<(String, Happened)>) {
        self.late = None;
        let (mut written, mut others) = (Vec::new(), Vec::new());
        while let Some(arrivals) = self.arrivals.recv().await {
            assert!(arrivals.more, "each would be a batch of its own");
            written.extend(arrivals.jobs.into_iter().map(|job| job.delivery.message.id));
        }
        while let Some(fate) = self.fates.recv().await {
            assert!(fate.profile.is_some(), "the log could not name him");
            assert_eq!(fate.deliveries.len(), 1);
            others.push((fate.deliveries[0].message.id.clone(), fate.happened));
        }
        written.sort();
        others.sort_by(|(one, _), (other, _)| one.cmp(other));
        (written, others)
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_there_is_written_who_has_gone_is_not_and_a_doubt_goes_back() {
    let stage = start(20, |name| match name {
        "u1" => Ok(Some(sub(1))),
        "u2" => Ok(None),
        "u3" => Ok(Some(sub(99))),
        _ => Err(CallError::new(ErrorClass::Missing, "ResourceNotFoundException")),
    });
    stage.send(1..=4).await;
    let (shared, asked) = (Arc::clone(&stage.shared), Arc::clone(&stage.asked));
    let (written, others) = stage.end().await;
    assert_eq!(written, ["1"]);
    let [(_, Happened::Gone), (_, Happened::Gone), (last, Happened::Unverified(error))] = &others[..] else {
        panic!("{others:?}")
    };
    assert_eq!((last.as_str(), error.class), ("4", ErrorClass::Missing), "a missing pool is no missing user");
    assert_eq!(shared.stats.snapshot(Instant::now()).errors["verify.missing"], 1);
    assert_eq!(asked.lock().unwrap()[0], "eu_A1 u1");
}

#[tokio::test(start_paused = true)]
async fn what_is_above_the_rate_goes_back_and_waits_for_nobody() {
    let mut stage = start(20, |name| Ok(Some(sub(name[1..].parse().unwrap()))));
    stage.leave.forget_permits(1000);
    let begun = Instant::now();
    stage.send(1..=50).await;
    for user in 21..=50 {
        let fate = stage.fates.recv().await.unwrap();
        assert_eq!(fate.deliveries[0].message.id, user.to_string());
        assert!(matches!(fate.happened, Happened::AboveRate), "{:?}", fate.happened);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "they were held up by questions in the air");
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.send(51..=61).await;
    assert_eq!(stage.fates.recv().await.unwrap().deliveries[0].message.id, "61");
    assert_eq!(stage.asked.lock().unwrap().len(), 30);
    stage.leave.add_permits(1000);
    let (written, others) = stage.end().await;
    assert_eq!((written.len(), others.len()), (30, 0));
}
