//! The deployable as it is deployed: `profile-worker` in release, built from the sources as they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Cargo's target directory: this executable is in `<target>/release/deps`.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    Ok(this.ancestors().nth(3).context("not started by cargo bench")?.to_owned())
}

/// Builds it, which costs a moment when nothing has changed.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no root")?;
    #[allow(clippy::disallowed_methods, reason = "cargo names itself to what it runs in a variable")]
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--release", "-p", "worker", "--bin", "profile-worker"])
        .args(["--message-format=json-render-diagnostics", "--target-dir"])
        .arg(target()?)
        .stderr(Stdio::inherit());
    // As in the tests' harness: build scripts that watch these would run again, and half the tree after.
    #[allow(clippy::disallowed_methods, reason = "these are not settings")]
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO") && !KEPT.contains(&name)) {
            command.env_remove(&name);
        }
    }
    let output = command.output().context("cargo cannot be started")?;
    ensure!(output.status.success(), "profile-worker does not build");
    let built = String::from_utf8(output.stdout)?;
    let artifacts = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables = artifacts.filter(|artifact| artifact["target"]["name"] == "profile-worker");
    let path = executables.find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
    path.context("cargo built no profile-worker")
}

/// What a person sets, and what is no fact about this package.
pub(crate) const KEPT: [&str; 5] =
    ["CARGO_HOME", "CARGO_TERM_COLOR", "CARGO_INCREMENTAL", "CARGO_NET_OFFLINE", "CARGO_BUILD_JOBS"];
