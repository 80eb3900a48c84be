//! A queue or a table that is not there, not there yet, or no longer there: waited for. One that is
//! there and does not fit: refused, for a person to mend.

use harness::{Person, World, eventually, http, world};

/// A worker with an admin endpoint, and its address.
fn with_admin(world: &World) -> (harness::Worker, String) {
    let address = format!("127.0.0.1:{}", http::free_port());
    (world.worker().with("ADMIN_ADDR", &address), format!("http://{address}"))
}

async fn status(url: &str) -> u16 {
    eventually("the admin endpoint answers", async || http::get(url).await.ok()).await.0
}

#[tokio::test]
async fn a_table_that_comes_late_is_waited_for() {
    let mut world = world!(bare);
    world.create_queues().await;
    let person = Person::new("ana");
    world.send(&person.body()).await;
    let (worker, admin) = with_admin(&world);
    let mut worker = worker.start();
    let waiting = worker.logged("waiting", |_| true).await;
    assert_eq!((&waiting["what"], &waiting["class"]), (&"table".into(), &"missing".into()));
    // Not ready, and not to be killed for it.
    assert_eq!(status(&format!("{admin}/health/ready")).await, 503);
    assert_eq!(status(&format!("{admin}/health/live")).await, 200);
    assert!(worker.is_running());
    assert_eq!(world.depth(&world.queue).await, (1, 0, 0));

    world.create_table(&["id"]).await;
    worker.ready().await;
    assert_eq!(status(&format!("{admin}/health/ready")).await, 200);
    world.has_items(1).await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1)]);
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn a_queue_that_comes_late_is_waited_for() {
    let mut world = world!(bare);
    world.create_table(&["id"]).await;
    world.queue = world.expected_queue_url().await;
    let worker = world.worker().start();
    let waiting = worker.logged("waiting", |_| true).await;
    assert_eq!((&waiting["what"], &waiting["class"]), (&"queue".into(), &"missing".into()));
    let expected = world.queue.clone();
    world.create_queues().await;
    assert_eq!(world.queue, expected);
    worker.ready().await;
    let person = Person::new("ana");
    world.send(&person.body()).await;
    world.has_items(1).await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1)]);
}

#[tokio::test]
async fn asked_to_stop_while_it_waits_it_stops() {
    let mut world = world!(bare);
    world.create_queues().await;
    world.send("whatever").await;
    let worker = world.worker().start();
    worker.logged("waiting", |_| true).await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[]);
    assert_eq!(world.depth(&world.queue).await, (1, 0, 0));
}

#[tokio::test]
async fn nothing_is_received_before_the_table_is_there() {
    let mut world = world!(bare Interception);
    world.create_queues().await;
    let proxy = world.intercept().await;
    let person = Person::new("ana");
    world.send(&person.body()).await;
    let worker = world.worker_through(&proxy).watched().start();
    // The same state as an outage later on.
    let looks = || proxy.calls("DescribeTable");
    for _ in 0..2 {
        let before = looks();
        eventually("it looks for the table", async || (looks() > before).then_some(())).await;
        worker.logged("waiting", |_| true).await;
        let status = worker.status().await;
        assert_eq!((&status["breaker_open"], &status["ready"]), (&true.into(), &false.into()), "{status}");
        assert_eq!(proxy.calls("ReceiveMessage"), 0);
    }
    world.create_table(&["id"]).await;
    worker.ready().await;
    let status = worker.status().await;
    assert_eq!((&status["breaker_open"], &status["ready"]), (&false.into(), &true.into()), "{status}");
    world.has_items(1).await;
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 1)]);
    assert_eq!(ended.count("receives_without_attempt"), 0);
    world.assert_items([person.item()]).await;
}

#[tokio::test]
async fn a_table_that_is_made_anew_gets_everybody_in_the_end() {
    let world = world!(QuickTables);
    let (early, late) = (Person::crowd(5), Person::crowd(30));
    let worker = world.worker().with("VISIBILITY_TIMEOUT", "120s").start();
    world.send_all(early.iter().map(Person::body)).await;
    world.has_items(5).await;
    world.drained().await;
    world.delete_table().await;
    world.send_all(late.iter().map(Person::body)).await;
    let opened = worker.logged("breaker_opened", |_| true).await;
    assert_eq!(opened["class"], "missing");
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
    world.create_table(&["id"]).await;
    worker.logged("breaker_closed", |_| true).await;
    world.has_items(late.len()).await;
    world.drained().await;
    let ended = worker.stop().await;
    ended.assert_drained();
    // Held until the table was back: nobody was received again, nobody was blamed.
    ended.assert_outcomes(&[("created", 35)]);
    assert_eq!(ended.count("receives_without_attempt"), 0);
    // The old table's people are gone with it: a job brings them back, not the queue.
    world.assert_items(late.iter().map(Person::item)).await;
    assert_eq!(world.depth(&world.dead_letter).await, (0, 0, 0));
}

#[tokio::test]
async fn a_table_with_another_key_is_refused_with_both_keys_named() {
    let mut world = world!(bare);
    world.create_queues().await;
    world.create_table(&["userId", "kind"]).await;
    world.send(&Person::new("ana").body()).await;
    let ended = world.worker().run().await;
    assert_eq!(ended.code, Some(78), "{ended:#?}");
    assert_eq!(ended.stdout, "");
    for named in ["TABLE_NAME", "PROFILE_MODEL", "(userId, kind)", "(id)"] {
        assert!(ended.stderr.contains(named), "{named} is not in {}", ended.stderr);
    }
    assert_eq!(world.depth(&world.queue).await, (1, 0, 0));
}
