//! `profile-worker` as a real process: started with an environment of its own, told to stop by real
//! signals, judged by its exit code, its summary and its log. Killed when it goes out of scope.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::collector::Collector;
use crate::eventually::{PATIENCE, eventually};
use crate::executables::executables;
use crate::http::get;

/// Every variable of `run` that is not AWS's.
pub const VARIABLES: [&str; 32] = [
    "QUEUE_URL",
    "DEAD_LETTER_QUEUE_URL",
    "TABLE_NAME",
    "PROFILE_MODEL",
    "USER_POOL_IDS",
    "AMPLIFY_OUTPUTS",
    "TRIGGER_SOURCES",
    "WRITE_STRATEGY",
    "MAX_IN_FLIGHT",
    "MAX_RECEIVERS",
    "WAIT_TIME",
    "VISIBILITY_TIMEOUT",
    "LINGER",
    "WRITE_DEADLINE",
    "HOLD_BUDGET",
    "DRAIN_DEADLINE",
    "VERIFY_LATE",
    "VERIFY_LATE_RATE",
    "STOP_TIMEOUT",
    "LOG_HASH_KEY",
    "ADMIN_ADDR",
    "METRICS_EMF",
    "LOG_FORMAT",
    "RUST_LOG",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_SERVICE_NAME",
    "OTEL_SDK_DISABLED",
];

/// A command line and an environment, before the start.
#[derive(Debug, Clone)]
pub struct Worker {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    limits: Option<String>,
    input: Option<PathBuf>,
}

/// A worker that runs.
pub struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<()>,
    lines: Arc<Mutex<Vec<String>>>,
}

/// What a worker left.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
}

impl Worker {
    /// The command `run` with these variables and no others.
    pub fn new(variables: Vec<(String, String)>) -> Self {
        Self { arguments: vec!["run".to_owned()], variables, limits: None, input: None }
    }

    /// Another command line.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self
    }

    /// Sets one variable; a later value takes the place of an earlier one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// With one thread for everything asynchronous, as on a quarter of a CPU.
    #[must_use]
    pub fn on_one_thread(self) -> Self {
        self.with("TOKIO_WORKER_THREADS", "1")
    }

    /// That pushes its telemetry there.
    #[must_use]
    pub fn told_to(self, collector: &Collector) -> Self {
        self.with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
    }

    /// With an admin endpoint on a port of its own choice.
    #[must_use]
    pub fn watched(self) -> Self {
        self.with("ADMIN_ADDR", "127.0.0.1:0")
    }

    /// Within limits, in the words of the shell's `ulimit`, such as `-n 20`.
    #[must_use]
    pub fn limited(mut self, limits: &str) -> Self {
        self.limits = Some(limits.to_owned());
        self
    }

    /// With this file as its stdin.
    #[must_use]
    pub fn input(mut self, path: &Path) -> Self {
        self.input = Some(path.to_owned());
        self
    }

    /// The program, or a shell that becomes the program once it has given itself the limits.
    fn command(&self) -> Command {
        let program = &executables().worker;
        let Some(limits) = &self.limits else { return Command::new(program) };
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("ulimit {limits} && exec \"$0\" \"$@\"")).arg(program);
        shell
    }

    /// Starts the process.
    pub fn start(&self) -> Running {
        self.start_with_stdout(Stdio::piped())
    }

    /// Starts the process with a stdout that nobody reads here.
    pub fn start_with_stdout(&self, stdout: Stdio) -> Running {
        let stdin = match &self.input {
            Some(path) => std::fs::File::open(path).unwrap().into(),
            None => Stdio::null(),
        };
        let mut child = self
            .command()
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let out = child.stdout.take();
        let stdout = tokio::spawn(async move {
            let mut text = String::new();
            if let Some(mut out) = out {
                out.read_to_string(&mut text).await.unwrap();
            }
            text
        });
        let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let stderr = tokio::spawn(async move {
            while let Ok(Some(line)) = err.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        Running { child, stdout, stderr, lines }
    }

    /// Runs the process to its own end.
    pub async fn run(&self) -> Ended {
        self.start().ended().await
    }

    /// Runs until the queue has been empty for a second.
    pub async fn run_until_empty(&self) -> Ended {
        self.clone().arguments(&["run", "--until-empty", "1s"]).run().await
    }
}

impl Running {
    /// The id of the process.
    pub fn process_id(&self) -> u32 {
        self.child.id().expect("the worker has ended by itself")
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// SIGSTOP: not a line runs until [`Self::resume`].
    pub fn suspend(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(self) -> Ended {
        self.signal(Signal::SIGKILL);
        self.ended().await
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(self) -> Ended {
        self.terminate();
        self.ended().await
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.process_id()).unwrap()), signal).unwrap();
    }

    /// Raises the soft limit of open files while it runs.
    pub async fn allow_files(&self, files: u32) {
        let mut command = Command::new("prlimit");
        command.arg("--pid").arg(self.process_id().to_string()).arg(format!("--nofile={files}:"));
        let status = command.status().await.expect("prlimit (of util-linux) cannot be started");
        assert!(status.success(), "prlimit: {status}");
    }

    /// Its address space in KiB, as Linux counts it.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        size.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> Ended {
        let waited = timeout(PATIENCE, self.child.wait()).await;
        let Ok(status) = waited else { panic!("the worker does not end:\n{}", self.log().join("\n")) };
        let stdout = (&mut self.stdout).await.unwrap();
        (&mut self.stderr).await.unwrap();
        Ended { code: status.unwrap().code(), stdout, stderr: self.log().join("\n") }
    }

    /// The log so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The log events of one name so far.
    pub fn events(&self, name: &str) -> Vec<Value> {
        named(self.log().iter().map(String::as_str), name)
    }

    /// Waits until an event of this name, of which `wanted` says yes, has been logged.
    pub async fn logged(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the worker logs {name}"), async || self.events(name).into_iter().find(&wanted))
            .await
    }

    /// Waits until it receives.
    pub async fn ready(&self) {
        self.logged("ready", |_| true).await;
    }

    /// Where `/status.json` is, of a worker that was started with [`Worker::watched`].
    pub async fn status_url(&self) -> String {
        let listening = self.logged("admin_listening", |_| true).await;
        format!("http://{}/status.json", listening["addr"].as_str().unwrap())
    }

    /// What `/status.json` says now.
    pub async fn status(&self) -> Value {
        let url = self.status_url().await;
        let (code, text) = eventually("the worker tells its status", async || get(&url).await.ok()).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Running {
    /// A test that fails shows how far the worker came.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last = log.len().saturating_sub(40);
            #[allow(clippy::print_stderr, reason = "libtest shows it if the test fails")]
            {
                eprintln!("the worker's last lines:\n{}", log[last..].join("\n"));
            }
        }
    }
}

impl Ended {
    /// The last line of stdout as JSON: the summary, or a report.
    pub fn result(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_else(|| panic!("no result: {self:#?}"));
        serde_json::from_str(last).unwrap_or_else(|fault| panic!("{fault}: {last}"))
    }

    /// One number of the summary.
    pub fn count(&self, name: &str) -> u64 {
        self.result()[name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", self.stdout))
    }

    /// Ended well, with everything that was received accounted for.
    #[track_caller]
    pub fn assert_drained(&self) {
        assert_eq!(self.code, Some(0), "{self:#?}");
        assert_eq!(self.result()["drained"], true, "{}", self.stdout);
        self.assert_balanced();
        assert_eq!(self.count("in_flight"), 0, "{}", self.stdout);
    }

    /// Every delivery is in hand or ended in exactly one way.
    #[track_caller]
    pub fn assert_balanced(&self) {
        let outcomes: u64 =
            worker::outcome::Outcome::ALL.iter().map(|outcome| self.count(outcome.name())).sum();
        assert_eq!(self.count("received"), self.count("in_flight") + outcomes, "{}", self.stdout);
    }

    /// Exactly these outcomes, every other one zero.
    #[track_caller]
    pub fn assert_outcomes(&self, expected: &[(&str, u64)]) {
        let named = worker::outcome::Outcome::ALL.iter().map(|outcome| outcome.name());
        let seen: Vec<_> =
            named.map(|name| (name, self.count(name))).filter(|(_, count)| *count > 0).collect();
        let mut expected: Vec<_> = expected.iter().copied().filter(|(_, count)| *count > 0).collect();
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        expected.sort_unstable();
        assert_eq!(sorted, expected, "{}", self.stdout);
    }

    /// The log events of one name.
    pub fn events(&self, name: &str) -> Vec<Value> {
        named(self.stderr.lines(), name)
    }
}

fn named<'a>(lines: impl Iterator<Item = &'a str>, name: &str) -> Vec<Value> {
    let events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["event"] == name).collect()
}
