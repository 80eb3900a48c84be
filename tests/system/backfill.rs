//! `backfill`, the real binary, from a user pool and from files, through the queue and the worker to the table.
//! However it is interrupted: when it was gone on with to its end, nobody is missing, and nobody is there twice.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use harness::{Ended, Intercept, Worker, World};
use local::cognito::{Pool, User};
use serde_json::{Value, json};
use worker::ports::UserStatus;

mod discreet;
mod from_file;
mod from_pool;
mod interrupted;
mod refused;
mod speed;

/// A world with a pool, and a folder for files.
struct Scene {
    world: World,
    pool: Arc<Pool>,
    folder: tempfile::TempDir,
}

/// The scene of the test it stands in; returns from it where the engine cannot do what is needed.
macro_rules! scene {
    () => {
        $crate::backfill::Scene::of(harness::world!(OwnPools, Interception))
    };
}
use scene;

impl Scene {
    fn of(world: World) -> Self {
        let pool = world.stack().cognito.create_pool("users");
        Self { world, pool, folder: tempfile::tempdir().unwrap() }
    }

    /// Adds so many confirmed users.
    fn crowd(&self, count: usize) -> Vec<User> {
        (0..count).map(|n| self.add(User::named(format!("person-{n}")), n)).collect()
    }

    fn add(&self, user: User, n: usize) -> User {
        let user = user.with("email", format!("person-{n}@example.com")).with("email_verified", "true");
        // Long ago, and of each at another time, so that nobody's item can be taken for another's.
        let user = User { created_at: 1_600_000_000_123 + n as u64 * 1000, ..user };
        assert!(self.pool.add(user.clone()));
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn checkpoint(&self) -> PathBuf {
        self.path("state.json")
    }

    /// `backfill` with these arguments, state and rejects in the folder; users' own dates, so that items are known.
    fn job(&self, from: &str, more: &[&str]) -> Worker {
        let (state, rejects) = (self.checkpoint(), self.path("rejects.jsonl"));
        let mut arguments = [&["backfill", "--from", from], more].concat();
        for (flag, value) in [
            ("--created-at", "user-create-date"),
            ("--rate", "1000"),
            ("--checkpoint", state.to_str().unwrap()),
            ("--rejects", rejects.to_str().unwrap()),
        ] {
            if !more.contains(&flag) {
                arguments.extend([flag, value]);
            }
        }
        self.world.worker().with("USER_POOL_ID", self.pool.id()).arguments(&arguments)
    }

    /// From the pool, into a table that holds no rows of the documented handler.
    fn pool_job(&self, more: &[&str]) -> Worker {
        self.job("cognito", &[&["--no-legacy-rows"], more].concat())
    }

    /// From a file of this text.
    fn file_job(&self, text: impl AsRef<[u8]>, more: &[&str]) -> Worker {
        let path = self.path("input");
        std::fs::write(&path, text).unwrap();
        self.job(path.to_str().unwrap(), &[&["--no-legacy-rows"], more].concat())
    }

    /// What the reject file holds.
    fn rejects(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("rejects.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many messages wait.
    async fn waiting(&self) -> u64 {
        let (visible, in_flight, delayed) = self.world.depth(&self.world.queue).await;
        assert_eq!((in_flight, delayed), (0, 0));
        visible
    }

    /// The worker makes the items of what waits; then exactly these users have one.
    async fn assert_items_of(&self, users: &[User]) {
        let ended = self.world.worker().run_until_empty().await;
        ended.assert_drained();
        assert_eq!(ended.count("rejected") + ended.count("owner_conflict"), 0, "{}", ended.stdout);
        self.world.assert_items(users.iter().map(item)).await;
    }
}

/// The item of a user.
fn item(user: &User) -> Value {
    let created = domain::Timestamp::from_epoch_ms(i64::try_from(user.created_at).unwrap()).unwrap();
    json!({
        "id": {"S": user.sub}, "__typename": {"S": "UserProfile"}, "email": {"S": user.attributes["email"]},
        "profileOwner": {"S": format!("{}::{}", user.sub, user.username)},
        "createdAt": {"S": created.to_string()}, "updatedAt": {"S": created.to_string()},
    })
}

/// A user as the AWS CLI prints him.
fn record(user: &User) -> Value {
    let attributes: Vec<Value> = user
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([("sub", user.sub.as_str())])
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    let seconds: f64 = format!("{}.{:03}", user.created_at / 1000, user.created_at % 1000).parse().unwrap();
    json!({
        "Username": user.username, "Attributes": attributes, "Enabled": user.enabled,
        "UserCreateDate": seconds, "UserStatus": user.status.name(),
    })
}

/// Users a line each.
fn lines_of(users: &[User]) -> String {
    let mut text = String::new();
    for user in users {
        text.push_str(&record(user).to_string());
        text.push('\n');
    }
    text
}

/// Everybody who was read is counted as exactly one thing.
#[track_caller]
fn assert_balanced(ended: &Ended) {
    let parts = ["chosen", "skipped_status", "skipped_disabled", "legacy", "rejected", "unreadable"];
    let sum: u64 = parts.iter().map(|part| ended.count(part)).sum();
    assert_eq!(ended.count("read"), sum, "{}", ended.stdout);
}

/// Done, with everybody sent who was chosen, and nothing left to go on from.
#[track_caller]
fn assert_done(ended: &Ended, scene: &Scene, chosen: usize) {
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_balanced(ended);
    assert_eq!(ended.count("chosen"), chosen as u64, "{}", ended.stdout);
    assert_eq!(ended.count("sent"), chosen as u64, "{}", ended.stdout);
    assert_eq!(ended.result()["interrupted"], false);
    assert_eq!(ended.result()["checkpoint"], Value::Null);
    assert!(!scene.checkpoint().exists());
}

/// The command that the job says goes on.
fn command_in(ended: &Ended) -> Vec<String> {
    let line = ended.stderr.lines().find(|line| line.starts_with("  ") && line.contains("--resume"));
    let line = line.unwrap_or_else(|| panic!("no command in {}", ended.stderr));
    line.split_whitespace().map(str::to_owned).collect()
}

/// A queue of which calls to send are held back from number `nth` on.
async fn held_from(scene: &Scene, nth: usize) -> (Intercept, harness::Gate) {
    let proxy = scene.world.intercept().await;
    let gate = harness::Gate::default();
    let held = gate.clone();
    proxy.on("SendMessageBatch", move |call| {
        if call.nth < nth { harness::Reaction::Forward } else { harness::Reaction::HoldRequest(held.clone()) }
    });
    (proxy, gate)
}

/// Through a proxy.
fn through(job: Worker, proxy: &Intercept) -> Worker {
    job.with("AWS_ENDPOINT_URL_SQS", proxy.endpoint()).with("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint())
}

/// Waits until so many calls to send have come.
async fn sends(proxy: &Intercept, count: usize) {
    harness::eventually(&format!("{count} batches are sent"), async || {
        (proxy.calls("SendMessageBatch") >= count).then_some(())
    })
    .await;
}

/// As text.
fn now() -> String {
    let ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    domain::Timestamp::from_epoch_ms(i64::try_from(ms).unwrap()).unwrap().to_string()
}

/// In a status.
fn being(status: UserStatus, name: &str) -> User {
    User::named(name).being(status)
}

/// Readable and writable by its owner alone.
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600
}
