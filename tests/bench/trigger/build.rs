//! The trigger as its zip has it: the profile `lambda`, but for the C library of this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::production;

/// What was built.
pub(crate) struct Built {
    pub(crate) trigger: PathBuf,
    /// The least a function in Rust can be.
    pub(crate) floor: Option<PathBuf>,
}

/// Builds both, which takes minutes once.
pub(crate) fn build() -> anyhow::Result<Built> {
    let target = production::target()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no root")?;
    #[allow(clippy::disallowed_methods, reason = "cargo names itself to what it runs in a variable")]
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--profile", "lambda", "-p", "producer-lambda", "-p", "bench-echo", "--bins"])
        .arg("--target-dir")
        .arg(&target)
        .stdout(Stdio::null());
    // As for the worker; and what is said of the release profile is not said of this one.
    #[allow(clippy::disallowed_methods, reason = "these are not settings")]
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO") && !production::KEPT.contains(&name)) {
            command.env_remove(&name);
        }
    }
    ensure!(command.status().context("cargo cannot be started")?.success(), "producer-lambda does not build");
    let built = target.join("lambda");
    Ok(Built { trigger: built.join("producer-lambda"), floor: Some(built.join("bench-echo")) })
}

/// The zip that `npm run assets` makes for this machine's processor.
pub(crate) fn zip() -> Option<PathBuf> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    Some(root.join(format!("infra/assets/trigger-{architecture}.zip")))
}
