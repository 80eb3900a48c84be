//! The handlers in Node: installed by their lock file and bundled when they are wanted.
//!
//! Must never fail the benchmark: what is not there is left out, and said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where they are.
pub(crate) struct Node {
    pub(crate) runtime: PathBuf,
    pub(crate) documented: PathBuf,
    pub(crate) documented_bundle: PathBuf,
    pub(crate) enqueue: PathBuf,
    pub(crate) enqueue_bundle: PathBuf,
}

impl Node {
    /// Installs them; the reason if they cannot be.
    pub(crate) fn install(out: &Path) -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peers/trigger");
        run(&folder, "node", &["--version"])?;
        // npm writes this file at the end of an installation.
        let (lock, installed) =
            (folder.join("package-lock.json"), folder.join("node_modules/.package-lock.json"));
        let changed = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified()).ok();
        if changed(&installed).is_none_or(|installed| Some(installed) < changed(&lock)) {
            run(&folder, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])?;
        }
        let bundle = |name: &str| {
            let to = out.join(format!("{name}.cjs"));
            let entry = format!("{name}.mjs");
            let outfile = format!("--outfile={}", to.display());
            let options = ["--bundle", "--minify", "--platform=node", "--target=node20", "--format=cjs"];
            let arguments = [&[entry.as_str()], &options[..], &["--log-level=error", &outfile]].concat();
            run(&folder, "node_modules/.bin/esbuild", &arguments).map(|()| to)
        };
        Ok(Self {
            documented_bundle: bundle("documented")?,
            enqueue_bundle: bundle("enqueue")?,
            runtime: folder.join("runtime.mjs"),
            documented: folder.join("documented.mjs"),
            enqueue: folder.join("enqueue.mjs"),
        })
    }
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let path = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
    let mut command = Command::new(path);
    let output = command.current_dir(folder).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|fault| format!("{program}: {fault}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{program} {}: {}",
        arguments.first().unwrap_or(&""),
        said.lines().next().unwrap_or_default()
    ))
}
