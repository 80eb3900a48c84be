//! Everything a wire can do, during every operation the worker uses. One worker per fault lives through all
//! of it; afterwards the table is exact, the queue is empty, and nobody is in the dead-letter queue for a
//! wire's sake.
//!
//! `WIRE_FAULTS=all` strikes each operation more often in a row than the SDK asks again, which takes minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::{Call, Ended, Fault, Person, Strike, TcpProxy, World, eventually, world};
use serde_json::{Value, json};

/// Every operation of the worker's, under the name it is counted by. One call has two uses.
const OPERATIONS: [&str; 10] = [
    "GetQueueAttributes",
    "DescribeTable",
    "ReceiveMessage",
    "BatchExecuteStatement",
    "BatchGetItem",
    "PutItem",
    "SendMessage",
    "DeleteMessageBatch",
    DELAY,
    EXTEND,
];
const DELAY: &str = "ChangeMessageVisibilityBatch: delay";
const EXTEND: &str = "ChangeMessageVisibilityBatch: extend";
const WRITES: [&str; 2] = ["BatchExecuteStatement", "PutItem"];

/// A little more than a poll of a second, its margin and two write deadlines demand, in seconds. No message
/// is delayed for so long that came less than five times.
const VISIBILITY: u64 = 9;

/// Short enough that four attempts end it: a single message whose writes fail is delayed, not held.
const WRITE_DEADLINE: &str = "200ms";

/// Which operation a call is.
fn operation(call: &Call) -> &'static str {
    let name = match call.operation.as_str() {
        "ChangeMessageVisibilityBatch" if call.request["Entries"][0]["VisibilityTimeout"] == VISIBILITY => {
            EXTEND
        }
        "ChangeMessageVisibilityBatch" => DELAY,
        other => other,
    };
    let known = OPERATIONS.into_iter().find(|known| *known == name);
    known.unwrap_or_else(|| panic!("{name} is none of the operations that are struck"))
}

#[allow(clippy::disallowed_methods, reason = "the tests' own settings are variables")]
fn all() -> bool {
    std::env::var("WIRE_FAULTS").is_ok_and(|asked| asked == "all")
}

/// How often each operation is struck before it passes. Who gets an answer in the end does not ask again, nor
/// does the SDK after nonsense; each failed quarantine has its message wait for longer.
fn times(fault: Fault) -> usize {
    let nonsense = matches!(fault, Fault::NotHttp | Fault::NotJson | Fault::Empty);
    match (fault.is_silent() || nonsense, all()) {
        _ if fault.is_passable() => 1,
        (true, false) => 1,
        (false, false) => 2,
        (_, true) => 4,
    }
}

/// Strikes each operation `times`; while the outage lasts, every write and every extension.
fn rule(fault: Fault, outage: Arc<AtomicBool>) -> impl FnMut(&Call) -> Option<Strike> + Send + 'static {
    let mut struck: BTreeMap<&str, usize> = BTreeMap::new();
    move |call| {
        let on = operation(call);
        let count = struck.entry(on).or_default();
        let lasts = outage.load(Ordering::Acquire) && (WRITES.contains(&on) || on == EXTEND);
        // The last look for the queue before the table is found is struck as well.
        let times = times(fault) + usize::from(on == "GetQueueAttributes" && !fault.is_silent());
        (lasts || *count < times).then(|| {
            *count += 1;
            Strike { fault, on }
        })
    }
}

/// Who is in the queue, and what the table and the dead-letter queue are to hold in the end.
struct Scene {
    items: Vec<Value>,
    dead: BTreeMap<&'static str, String>,
    known: Vec<Person>,
    users: u64,
}

impl Scene {
    /// Twelve new people, three who have edited their items, and one item that takes somebody's id.
    async fn set(world: &World) -> Self {
        let (new, known, squatted) = (Person::crowd(12), Person::crowd(3), Person::new("ana"));
        let mut items = Vec::new();
        for person in &known {
            let mut edited = person.item();
            edited["email"] = json!({"S": "another@example.org"});
            edited["nickname"] = json!({"S": "Añá 🦀"});
            items.push(edited);
        }
        let mut theirs = squatted.item();
        theirs["profileOwner"] = json!({"S": "11111111-1111-4111-8111-111111111111::eve"});
        items.push(theirs);
        for item in &items {
            world.put(item).await;
        }
        world.send_all(new.iter().chain(&known).map(Person::body)).await;
        items.extend(new.iter().map(Person::item));
        let dead = BTreeMap::from([("owner_conflict", squatted.body()), ("not_json", "no json".to_owned())]);
        Self { items, dead, known, users: 12 }
    }

    async fn joined_by(&mut self, world: &World, people: &[Person]) {
        self.items.extend(people.iter().map(Person::item));
        self.users += people.len() as u64;
        world.send_all(people.iter().map(Person::body)).await;
    }

    /// Whose id was taken, and a text that is none.
    async fn joined_by_the_hopeless(&self, world: &World) {
        world.send_all(self.dead.values().cloned()).await;
    }

    /// The table is exact, and the dead-letter queue holds what belongs there for these reasons. One may be
    /// there twice, if its delete failed or the answer of the dead-letter queue was lost.
    async fn assert_exact(&self, world: &World, fault: Fault, ended: &Ended) {
        world.assert_items(self.items.clone()).await;
        assert_eq!(world.depth(&world.queue).await, (0, 0, 0));
        let count = usize::try_from(world.depth(&world.dead_letter).await.0).unwrap();
        let letters = world.dead_letters(count).await;
        let messages: BTreeSet<_> =
            letters.iter().map(|letter| letter.note["messageId"].to_string()).collect();
        assert_eq!(messages.len(), self.dead.len(), "{letters:?}");
        for letter in &letters {
            assert_eq!(self.dead.get(letter.reason()), Some(&letter.body), "{letter:?}");
        }
        if !fault.may_take_effect() {
            let result = ended.result();
            let said =
                result["quarantined"].as_object().unwrap().values().map(|count| count.as_u64().unwrap());
            assert_eq!(count as u64, said.sum::<u64>(), "{letters:?}");
        }
    }
}

/// Waits until each of these has been struck so often.
async fn struck(proxy: &TcpProxy, operations: &[&str], times: usize) {
    for operation in operations {
        let what = format!("{operation} is struck {times} times");
        eventually(&what, async || (proxy.struck(operation) >= times).then_some(())).await;
    }
}

fn assert_said(ended: &Ended, scene: &Scene, fault: Fault) {
    ended.assert_drained();
    let count = |name| ended.count(name);
    let present = count("created") + count("already_present");
    assert!(count("created") <= scene.users && present >= scene.users + 3, "{}", ended.stdout);
    assert!(count("owner_conflict") >= 1 && count("rejected") >= 1, "{}", ended.stdout);
    assert_eq!(count("receives_without_attempt"), 0, "{}", ended.stdout);
    // The calls that were struck did fail: the fault was one to the SDK too.
    if !fault.is_passable() {
        for operation in ["receive", "write", "delete", "make_visible"] {
            // A receive that says nothing is what an empty queue says.
            if (fault, operation) == (Fault::Empty, "receive") {
                continue;
            }
            let failures = &ended.result()["errors"][format!("{operation}.unavailable")];
            assert!(failures.as_u64().is_some_and(|failures| failures > 0), "{operation}: {}", ended.stdout);
        }
    }
}

/// One worker behind a wire with this fault.
async fn assert_survives(world: World, fault: Fault) {
    let named = Named(fault);
    let times = times(fault);
    let outage = Arc::new(AtomicBool::new(false));
    let proxy = world.wire(rule(fault, Arc::clone(&outage)));
    let mut scene = Scene::set(&world).await;
    let mut worker = world
        .worker_at(proxy.endpoint())
        .with("WRITE_DEADLINE", WRITE_DEADLINE)
        .with("VISIBILITY_TIMEOUT", format!("{VISIBILITY}s"))
        .watched()
        .start();
    struck(&proxy, &OPERATIONS[..4], times).await;
    struck(&proxy, &["DeleteMessageBatch"], times).await;
    world.has_items(scene.items.len()).await;
    // Only several at once have their owners read; after a write that failed they may come one by one.
    eventually("owners are read", async || {
        if world.depth(&world.queue).await == (0, 0, 0) && proxy.struck("BatchGetItem") < times {
            world.send_all(scene.known.iter().map(Person::body)).await;
        }
        (proxy.struck("BatchGetItem") >= times).then_some(())
    })
    .await;

    // Alone a message is delayed; with company it is held, and its time extended.
    outage.store(true, Ordering::Release);
    scene.joined_by(&world, &Person::crowd(1)).await;
    struck(&proxy, &["PutItem", DELAY], times).await;
    scene.joined_by(&world, &Person::crowd(10)).await;
    struck(&proxy, &[EXTEND], times).await;
    // A call that was to delay may look like one that was to extend. Every one was struck: if the worker
    // knows of an extension, it was struck. (Of one that is not answered it knows nothing yet, and the
    // outage ends before leases are lost, in whose place few messages would be received.)
    if fault.is_passable() {
        eventually("time is extended", async || {
            (worker.status().await["leases_extended"].as_u64()? > 0).then_some(())
        })
        .await;
    } else if !fault.is_silent() {
        worker.logged("extend_failed", |_| true).await;
    }
    outage.store(false, Ordering::Release);

    world.has_items(scene.items.len()).await;
    // A message whose quarantine failed waits for long, and the longer the more often it came. So they come
    // last, and not every engine's clock can be told; with nothing in hand nobody misses the time.
    scene.joined_by_the_hopeless(&world).await;
    struck(&proxy, &["SendMessage"], times).await;
    eventually("the queue is empty", async || {
        if worker.status().await["in_flight"] == 0 {
            world.hurry();
        }
        (world.depth(&world.queue).await == (0, 0, 0)).then_some(())
    })
    .await;
    assert!(worker.is_running(), "it ended by itself");
    let ended = worker.stop().await;
    assert_said(&ended, &scene, fault);
    scene.assert_exact(&world, fault, &ended).await;
    let strikes = proxy.strikes();
    for operation in OPERATIONS {
        assert!(strikes.get(&(fault, operation)).is_some_and(|count| *count >= times), "{strikes:?}");
    }
    assert_eq!(proxy.refusals() > 0, fault == Fault::Refuse);
    drop(named);
}

/// Told when a worker fails, of the several that a test runs at once.
struct Named(Fault);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "libtest shows it if the test fails")]
            {
                eprintln!("the fault was {:?}", self.0);
            }
        }
    }
}

/// Each fault has a world of its own; they only wait at the same time.
macro_rules! survives {
    ($($test:ident: $($fault:ident)*;)*) => {$(
        #[tokio::test]
        async fn $test() {
            tokio::join!($(async { assert_survives(world!(Interception), Fault::$fault).await }),*);
        }
    )*};
}

survives! {
    requests_that_nobody_answers: HalfOpen Blackhole Late;
    connections_that_break: ResetRequest ResetAnswer Truncate Refuse;
    answers_that_are_none_or_late: NotHttp NotJson Empty LoadBalancerPage Delay SlowDrip;
}
