//! A state is gone on from only when it is whole and of this very run.

use super::*;
use crate::aws::clients::{Access, Clients};
use crate::stats::Stats;

const POOL: &str = "backfill of eu-central-1_A1b2C3d4E";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    token: String,
    sent: u64,
}

fn state() -> State {
    State { token: "page-7".to_owned(), sent: 420 }
}

struct Desk {
    dir: tempfile::TempDir,
    s3: aws_sdk_s3::Client,
}

impl Desk {
    fn new() -> Self {
        let access = Access::local("http://127.0.0.1:9", "http://127.0.0.1:9");
        let clients = Clients::new(&access, &std::sync::Arc::new(Stats::default()));
        Self { dir: tempfile::tempdir().unwrap(), s3: clients.s3 }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("state.json")
    }

    async fn open(&self, of: &str, resume: bool) -> Result<(Checkpoint, Option<State>), JobError> {
        Checkpoint::open(Place::Local(self.path()), of, resume, &self.s3).await
    }

    /// What is told to whoever opens it so.
    async fn refused(&self, of: &str, resume: bool) -> String {
        let Err(error) = self.open(of, resume).await else { panic!("it was opened") };
        assert_eq!(error.exit_code(), 78, "{error}");
        error.to_string()
    }

    /// A run that was killed after it kept this.
    async fn killed(&self, state: &State) {
        let (checkpoint, none) = self.open(POOL, false).await.unwrap();
        assert!(none.is_none());
        checkpoint.keep(state).await.unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

#[tokio::test]
async fn the_last_state_is_gone_on_from_and_gone_when_the_job_is_done() {
    let desk = Desk::new();
    desk.killed(&State { sent: 60, ..state() }).await;
    let (checkpoint, found) = desk.open(POOL, true).await.unwrap();
    assert_eq!(found.unwrap().sent, 60);
    checkpoint.keep(&state()).await.unwrap();
    drop(checkpoint);
    let (checkpoint, found) = desk.open(POOL, true).await.unwrap();
    assert_eq!(found.unwrap(), state());
    checkpoint.done().await.unwrap();
    assert!(desk.names().is_empty(), "{:?}", desk.names());
    let (_, none) = desk.open(POOL, false).await.unwrap();
    assert!(none.is_none());
}

#[tokio::test]
async fn resume_is_said_where_there_is_a_state_and_nowhere_else() {
    let desk = Desk::new();
    let told = desk.refused(POOL, true).await;
    assert!(told.contains("--resume") && told.contains("nothing to go on from"), "{told}");
    desk.killed(&state()).await;
    let before = std::fs::read(desk.path()).unwrap();
    let told = desk.refused(POOL, false).await;
    assert!(told.contains("a run that has not ended") && told.contains("--resume"), "{told}");
    assert_eq!(std::fs::read(desk.path()).unwrap(), before, "it is kept");
}

#[tokio::test]
async fn the_state_of_another_job_pool_or_file_is_not_gone_on_from() {
    let desk = Desk::new();
    desk.killed(&state()).await;
    for other in ["backfill of eu-central-1_Z9y8X7w6V", "adopt of UserProfile-abc-NONE"] {
        let told = desk.refused(other, true).await;
        assert!(told.contains(POOL) && told.contains(other), "{told}");
    }
    // Also when its form is another.
    std::fs::write(desk.path(), r#"{"version":1,"of":"adopt of T","state":{"rows":["a"]}}"#).unwrap();
    let told = desk.refused(POOL, true).await;
    assert!(told.contains("adopt of T"), "{told}");
    std::fs::write(desk.path(), format!(r#"{{"version":1,"of":"{POOL}","state":{{"rows":["a"]}}}}"#))
        .unwrap();
    let told = desk.refused(POOL, true).await;
    assert!(told.contains("is not a checkpoint"), "{told}");
}

#[tokio::test]
async fn a_newer_version_is_named_as_such_whatever_its_form() {
    let desk = Desk::new();
    for newer in [r#"{"version":2,"of":"x","state":1}"#, r#"{"version":2,"runs":[]}"#] {
        std::fs::write(desk.path(), newer).unwrap();
        let told = desk.refused(POOL, true).await;
        assert!(told.contains("another version of this program"), "{told}");
    }
}

#[tokio::test]
async fn cut_short_anywhere_it_is_refused_and_kept() {
    let desk = Desk::new();
    desk.killed(&state()).await;
    let whole = std::fs::read(desk.path()).unwrap();
    for length in 0..whole.len() {
        std::fs::write(desk.path(), whole.get(..length).unwrap()).unwrap();
        let told = desk.refused(POOL, true).await;
        assert!(told.contains("cut short"), "{length}: {told}");
        assert_eq!(std::fs::read(desk.path()).unwrap().len(), length);
    }
    for rest in ["x", "{}", "\0"] {
        std::fs::write(desk.path(), [whole.as_slice(), rest.as_bytes()].concat()).unwrap();
        assert!(desk.refused(POOL, true).await.contains("is not a checkpoint"), "{rest:?}");
    }
}

#[tokio::test]
async fn two_at_once_are_one_too_many() {
    let desk = Desk::new();
    let (first, _) = desk.open(POOL, false).await.unwrap();
    for resume in [false, true] {
        let told = desk.refused(POOL, resume).await;
        assert!(told.contains("another process is at work"), "{told}");
    }
    first.keep(&state()).await.unwrap();
    assert!(desk.refused(POOL, true).await.contains("another process is at work"));
    drop(first);
    let (_, found) = desk.open(POOL, true).await.unwrap();
    assert_eq!(found.unwrap(), state());
}

#[tokio::test]
async fn a_place_that_cannot_keep_it_is_refused_before_anything_is_begun() {
    let desk = Desk::new();
    let open = Checkpoint::open::<State>(Place::Standard, POOL, false, &desk.s3).await;
    assert!(open.is_err_and(|error| error.to_string().contains("--checkpoint: is no file")));
    let nowhere = Place::Local(desk.path().join("no-such-directory"));
    let open = Checkpoint::open::<State>(nowhere, POOL, false, &desk.s3).await;
    assert!(open.is_err_and(|error| error.to_string().contains("--checkpoint")));
}
