//! Gathering on a paused clock: who shares a batch, and for how long he waits for it.

use domain::Timestamp;
use tokio::time::sleep;

use super::*;
use crate::decide::decode::Decoded;
use crate::outcome::Origin;
use crate::pipeline::fixture::{self, NoQueue, NoTable};

const LINGER: Duration = Duration::from_millis(50);

struct Stage {
    shared: crate::pipeline::Shared<NoQueue, NoTable>,
    arrivals: mpsc::Sender<Arrivals>,
    batches: mpsc::Receiver<Vec<Group<Member>>>,
}

fn start() -> Stage {
    let (arrivals, arrived) = mpsc::channel(100);
    let (ready, batches) = mpsc::channel(100);
    tokio::spawn(run(LINGER, arrived, ready));
    Stage { shared: fixture::shared(NoQueue, NoTable, fixture::settings()), arrivals, batches }
}

impl Stage {
    /// Messages of these users that came so often.
    async fn arrive(&self, users: &[usize], receive_count: u32, more: bool) {
        let mut jobs = Vec::new();
        for user in users {
            let mut delivery = fixture::delivery(&self.shared, user, 1000 * LINGER).await;
            delivery.message.receive_count = receive_count;
            let time = Timestamp::from_epoch_ms(0).unwrap();
            let decoded = self.shared.rules.decode(&fixture::confirmation(*user), time);
            let Decoded::Write(write) = decoded else { panic!("{decoded:?}") };
            assert_eq!(write.origin, Origin::Live);
            jobs.push(Job { delivery, write });
        }
        self.arrivals.send(Arrivals { jobs, more }).await.ok().unwrap();
    }

    /// The next batch, by the names of its messages.
    async fn batch(&mut self) -> Option<Vec<Vec<String>>> {
        let ids = |group: &Group<Member>| {
            group.members.iter().map(|member| member.delivery.message.id.clone()).collect()
        };
        Some(self.batches.recv().await?.iter().map(ids).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn duplicates_share_a_write_and_a_batch_waits_for_company_no_longer_than_the_linger() {
    let mut stage = start();
    let begun = Instant::now();
    stage.arrive(&[1, 2], 1, true).await;
    sleep(LINGER / 2).await;
    stage.arrive(&[1], 1, true).await;
    assert_eq!(stage.batch().await.unwrap(), [vec!["1", "1"], vec!["2"]]);
    assert_eq!(begun.elapsed(), LINGER);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_when_nobody_is_to_come() {
    let mut stage = start();
    let begun = Instant::now();
    stage.arrive(&[1, 2], 1, false).await;
    assert_eq!((stage.batch().await.unwrap().len(), begun.elapsed()), (2, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_came_back_too_often_shares_its_write_with_nobody() {
    let mut stage = start();
    for (receive_count, batches) in
        [(5, vec![vec![vec!["1"], vec!["2"]]]), (6, vec![vec![vec!["1"]], vec![vec!["2"]]])]
    {
        stage.arrive(&[1, 2], receive_count, false).await;
        for batch in batches {
            assert_eq!(stage.batch().await.unwrap(), batch, "received {receive_count} times");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_its_input_closes_it_hands_on_what_it_has_and_ends() {
    let mut stage = start();
    stage.arrive(&[1, 2, 3], 1, true).await;
    let (closed, _) = mpsc::channel(1);
    stage.arrivals = closed;
    assert_eq!(stage.batch().await.unwrap().len(), 3);
    assert!(stage.batch().await.is_none());
}
