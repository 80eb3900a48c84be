//! How many polls are in the air: one long poll while nothing comes, more while there is more than one
//! can bring, never more than were asked for; and a poll that fails is followed by another.

use harness::{Gate, Intercept, Person, Reaction, World, eventually, world};

const RECEIVE: &str = "ReceiveMessage";

/// So many full hands in a row are a backlog for sure.
const BACKLOG: usize = 8;

/// The first receives pass, so that their full hands call for company; the answers of the others wait.
fn hold_all_but_the_first(proxy: &Intercept) -> Gate {
    let gate = Gate::default();
    let held = gate.clone();
    proxy.on(RECEIVE, move |call| {
        if call.nth < BACKLOG { Reaction::Forward } else { Reaction::HoldAnswer(held.clone()) }
    });
    gate
}

/// A worker does all of them, the polls of `proxy` let go.
async fn assert_done(world: &World, people: &[Person], worker: harness::worker_process::Running) {
    world.has_items(people.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", people.len() as u64)]);
    world.assert_items(people.iter().map(Person::item)).await;
}

#[tokio::test]
async fn a_backlog_has_several_polls_in_the_air_at_once() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let people = Person::crowd(200);
    world.send_all(people.iter().map(Person::body)).await;
    let gate = hold_all_but_the_first(&proxy);
    let worker = world.worker_through(&proxy).start();
    eventually("two polls are in the air", async || (proxy.in_the_air(RECEIVE) >= 2).then_some(())).await;
    gate.open();
    assert_done(&world, &people, worker).await;
    let together = proxy.together(RECEIVE);
    assert!(together.iter().all(|polls| *polls <= 16), "{together:?}");
}

#[tokio::test]
async fn no_more_polls_are_in_the_air_than_were_asked_for() {
    for most in [1, 2] {
        let world = world!(Interception);
        let proxy = world.intercept().await;
        let people = Person::crowd(200);
        world.send_all(people.iter().map(Person::body)).await;
        let worker = world.worker_through(&proxy).with("MAX_RECEIVERS", most.to_string()).start();
        assert_done(&world, &people, worker).await;
        let together = proxy.together(RECEIVE);
        assert_eq!(together.iter().max(), Some(&most), "{together:?}");
    }
}

#[tokio::test]
async fn a_quiet_queue_has_one_poll_in_the_air_before_and_after_a_crowd() {
    let world = world!(Interception);
    let proxy = world.intercept().await;
    let worker = world.worker_through(&proxy).start();
    eventually("it has polled thrice", async || (proxy.calls(RECEIVE) >= 3).then_some(())).await;
    let together = proxy.together(RECEIVE);
    assert!(together.iter().all(|polls| *polls == 1), "{together:?}");

    let people = Person::crowd(300);
    world.send_all(people.iter().map(Person::body)).await;
    world.has_items(people.len()).await;
    world.drained().await;
    // Those that were in the air when the crowd ended come back empty; then one is left.
    let ended_at = proxy.calls(RECEIVE);
    let alone = async || {
        let together = proxy.together(RECEIVE).split_off(ended_at);
        together.iter().position(|polls| *polls == 1).map(|first| together[first..].to_vec())
    };
    let since = eventually("it has polled thrice again, alone", async || {
        alone().await.filter(|since| since.len() >= 3)
    })
    .await;
    assert!(since.iter().all(|polls| *polls == 1), "{since:?}");
    assert_eq!(proxy.in_the_air(RECEIVE), 1);
    assert_done(&world, &people, worker).await;
}

#[tokio::test]
async fn receives_that_fail_are_tried_again() {
    let world = world!(Interception);
    let people = Person::crowd(4);
    let proxy = world.intercept().await;
    proxy.on(RECEIVE, |call| match call.nth {
        0 => Reaction::error(500, "InternalFailure"),
        1 => Reaction::error(403, "AccessDenied"),
        2 => Reaction::error(400, "AWS.SimpleQueueService.NonExistentQueue"),
        _ => Reaction::Forward,
    });
    world.send_all(people.iter().map(Person::body)).await;
    let worker = world.worker_through(&proxy).start();
    world.has_items(4).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    assert_eq!(ended.events("receive_failed").len(), 3);
    world.assert_items(people.iter().map(Person::item)).await;
}
