//! Fifty workers, each asked to stop at a moment nobody chose, all on one queue. Whatever a worker was
//! at, it settles or gives back what it had, and the next goes on as if nothing had happened.

use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{Moment, Person, World, world};

const ROUNDS: usize = 50;

/// Takes rounds until none is left; gives who was sent.
async fn rounds(world: &World, seed: u64, next: &AtomicUsize) -> Vec<Person> {
    let mut all = Vec::new();
    loop {
        let round = next.fetch_add(1, Ordering::Relaxed);
        if round >= ROUNDS {
            return all;
        }
        let mut random = fastrand::Rng::with_seed(seed + round as u64);
        let people = Person::crowd(random.usize(1..=60));
        // From the first look for the queue to the long poll after the last delete.
        let calls = random.usize(1..=10 + people.len() / 4);
        let moment = Moment { seed, round, calls };
        world.send_all(people.iter().map(Person::body)).await;
        let proxy = world.intercept().await;
        let worker = world.worker_through(&proxy).start();
        proxy.called(moment.calls).await;
        let ended = worker.stop().await;
        ended.assert_drained();
        assert_eq!(ended.count("failed_deletes") + ended.count("lease_lost"), 0, "{}", ended.stdout);
        all.extend(people);
    }
}

#[tokio::test]
async fn asked_to_stop_at_any_moment_it_loses_nobody_and_leaves_no_one_in_hand() {
    let world = world!(Interception);
    let seed = fastrand::u64(..u64::MAX - ROUNDS as u64);
    let next = AtomicUsize::new(0);
    let lane = || rounds(&world, seed, &next);
    let (a, b, c, d) = tokio::join!(lane(), lane(), lane(), lane());
    let people: Vec<Person> = [a, b, c, d].into_iter().flatten().collect();
    assert_eq!(world.depth(&world.queue).await.1, 0, "seed {seed}: messages are left in flight");
    world.worker().run_until_empty().await.assert_drained();
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0), "seed {seed}");
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0), "seed {seed}");
}
