//! The deployables, built from the sources as they are. `cargo test -p system-tests` alone would run
//! whatever binary an earlier build had left; asking cargo first is what makes these tests mean the
//! present code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Where the executables are.
#[derive(Debug)]
pub struct Executables {
    /// `profile-worker`.
    pub worker: PathBuf,
    /// `producer-lambda`.
    pub trigger: PathBuf,
}

/// Builds them once per process, which costs a moment when nothing has changed.
pub fn executables() -> &'static Executables {
    static BUILT: OnceLock<Executables> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> Executables {
    // target/<profile>/deps/<this test>, or target/<profile>/<this program>
    let this = std::env::current_exe().unwrap();
    let here = this.parent().unwrap();
    let profile = if here.ends_with("deps") { here.parent().unwrap() } else { here };
    let target = profile.parent().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    #[allow(clippy::disallowed_methods, reason = "cargo names itself to the tests it runs in a variable")]
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--bins", "--message-format=json", "--quiet"])
        // This package is built too, so that features resolve as they did for these tests.
        .args(["-p", "system-tests", "-p", "worker", "-p", "producer-lambda", "--target-dir"])
        .arg(target)
        .stderr(Stdio::inherit());
    // What cargo tells a test about its package is not for the cargo inside: build scripts that watch
    // these variables (ring's does) would run again, and half the tree after them.
    #[allow(clippy::disallowed_methods, reason = "these are not settings")]
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name_text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    for name in ["CARGO", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"] {
        command.env_remove(name);
    }
    match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") => {}
        Some("release") => drop(command.arg("--release")),
        name => drop(command.arg("--profile").args(name)),
    }
    let output = command.output().expect("cargo cannot be started");
    assert!(output.status.success(), "the deployables do not build");
    let built = String::from_utf8(output.stdout).unwrap();
    let executable = |name: &str| {
        let artifacts = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut named = artifacts.filter(|artifact| artifact["target"]["name"] == name);
        let path = named.find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
        path.unwrap_or_else(|| panic!("cargo built no {name}"))
    };
    Executables { worker: executable("profile-worker"), trigger: executable("producer-lambda") }
}
