//! ministack, an engine of another origin: one Python process per test process, on loopback, ended
//! when the test process ends, however it ends.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};

use tokio::sync::OnceCell;

use crate::engine::say;
use crate::eventually::eventually;
use crate::http;

/// The running process.
pub struct Ministack {
    endpoint: String,
    // Holds the pipe whose end tells the process's keeper that nobody needs it any more.
    _keeper: Child,
}

/// Starts the engine and ends it when this script's standard input closes: a static is never dropped,
/// and a killed test process drops nothing at all, but its pipes close.
const KEEPER: &str = r#""$0" >/dev/null 2>&1 </dev/null & engine=$!
cat >/dev/null
kill "$engine"
wait "$engine""#;

impl Ministack {
    /// The one of this process, started when first asked for; `None` when it is not installed.
    pub(crate) async fn shared(executable: Option<OsString>) -> Option<&'static Self> {
        static SHARED: OnceCell<Option<Ministack>> = OnceCell::const_new();
        SHARED
            .get_or_init(async || Self::start(executable.unwrap_or_else(|| "ministack".into())).await)
            .await
            .as_ref()
    }

    /// The endpoint of every service.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn start(executable: OsString) -> Option<Self> {
        let found = Command::new("sh")
            .args(["-c", "command -v -- \"$0\""])
            .arg(&executable)
            .stdout(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            say("wire: ministack is not installed, skipped");
            return None;
        }
        let port = http::free_port();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(&executable)
            .env("GATEWAY_PORT", port.to_string())
            // Its default is every interface.
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        eventually("ministack answers", async || {
            http::get(&format!("{endpoint}/_ministack/health")).await.ok()
        })
        .await;
        Some(Self { endpoint, _keeper: keeper })
    }
}
