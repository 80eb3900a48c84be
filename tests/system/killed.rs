//! Ends that nobody asked for: a worker that is killed again and again, and one that is told to stop by
//! many signals at once. Asleep for longer than its leases it is in `leases`; killed at a chosen moment, in
//! `stopping`.

use std::time::Duration;

use harness::{Ended, Moment, Person, World, world};

/// The visibility timeout of every worker here is over.
const LONG: Duration = Duration::from_secs(3600);

/// A crowd of whom every third is announced twice, as far apart as the queue is long.
async fn announced(world: &World, count: usize) -> Vec<Person> {
    let people = Person::crowd(count);
    let repeats = people.iter().step_by(3);
    world.send_all(people.iter().chain(repeats).map(Person::body)).await;
    people
}

async fn assert_all_is_well(world: &World, people: &[Person], seed: u64) {
    world.assert_items(people.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.queue).await, (0, 0, 0), "seed {seed}");
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0), "seed {seed}");
}

#[tokio::test]
async fn killed_again_and_again_until_the_queue_is_empty_it_leaves_an_exact_table() {
    let world = world!(Interception, ClockControl);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let people = announced(&world, 200).await;
    let mut kills = 0;
    while world.depth(&world.queue).await != (0, 0, 0) {
        // Two at once, each of which gets what the other had in hand; they live longer and longer.
        let moments = [(); 2].map(|()| random.usize(1..=8 + 2 * kills));
        let kill = async |calls: usize| {
            let moment = Moment { seed, round: kills, calls };
            let proxy = world.intercept().await;
            let worker = world.worker_through(&proxy).start();
            // An idle worker calls seldom: with nothing left its moment has come as well.
            tokio::select! {
                () = proxy.called(moment.calls) => {}
                () = world.drained() => {}
            }
            assert_eq!(worker.kill().await.code, None, "it ended by itself");
            // What the dead had in hand comes back when its time is over; so does what the other has.
            world.advance(LONG);
        };
        tokio::join!(kill(moments[0]), kill(moments[1]));
        kills += 2;
    }
    assert!(kills >= 6, "seed {seed}: {kills} kills are no proof");
    assert_all_is_well(&world, &people, seed).await;
}

/// What a worker that was told to stop by a second signal owes to everybody.
fn assert_ended_by_signals(ended: &Ended, seed: u64) {
    // Drained before the second was heard, or given back; before the first can be heard there is nothing
    // to give back, and a signal ends a process.
    match ended.code {
        Some(0) => ended.assert_drained(),
        Some(75) => {
            assert_eq!(ended.result()["drained"], false, "seed {seed}");
            ended.assert_balanced();
        }
        None => assert_eq!(ended.stdout, "", "seed {seed}"),
        code => panic!("seed {seed}: ended with {code:?}: {ended:#?}"),
    }
}

#[tokio::test]
async fn a_storm_of_signals_ends_it_and_loses_nobody() {
    const STORMS: usize = 16;
    let world = world!(Interception, ClockControl);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut people = Vec::new();
    let mut overruns = 0;
    for round in 0..STORMS {
        people.extend(announced(&world, 60).await);
        let moment = Moment { seed, round, calls: random.usize(0..=20) };
        let proxy = world.intercept().await;
        let mut worker = world.worker_through(&proxy).start();
        proxy.called(moment.calls).await;
        while worker.is_running() {
            if random.bool() {
                worker.terminate();
            } else {
                worker.interrupt();
            }
            tokio::task::yield_now().await;
        }
        let ended = worker.ended().await;
        assert_ended_by_signals(&ended, seed);
        overruns += usize::from(ended.code == Some(75));
    }
    assert!(overruns > 0, "seed {seed}: no second signal was heard while there was work");
    world.advance(LONG);
    world.worker().run_until_empty().await.assert_drained();
    assert_all_is_well(&world, &people, seed).await;
}
