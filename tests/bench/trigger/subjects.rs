//! Who is measured: the trigger, an earlier build of it, the least a Rust function can be, and handlers in
//! Node; in which surroundings.

use std::path::{Path, PathBuf};

use super::services::{Place, Services};

/// What becomes of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Does {
    Enqueues,
    Writes,
    Nothing,
}

/// The way to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wire {
    pub(crate) tls: bool,
    /// Of every call, and of every round trip of a handshake.
    pub(crate) delay_ms: u64,
}

/// In the open, on this machine.
pub(crate) const NEAR: Wire = Wire { tls: false, delay_ms: 0 };
const TLS: Wire = Wire { tls: true, delay_ms: 0 };
const FAR: Wire = Wire { tls: true, delay_ms: 10 };

/// A function in its surroundings.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) does: Does,
    pub(crate) wire: Wire,
    program: PathBuf,
    arguments: Vec<String>,
    node: bool,
    /// Whether only this run's authority is there to be read.
    one_authority: bool,
}

pub(crate) const TRIGGER: &str = "trigger";
pub(crate) const TRIGGER_TLS: &str = "trigger, TLS";
pub(crate) const TRIGGER_FAR: &str = "trigger, TLS, 10 ms";
pub(crate) const BEFORE: &str = "the earlier build";
pub(crate) const BEFORE_TLS: &str = "the earlier build, TLS";
pub(crate) const BEFORE_FAR: &str = "the earlier build, TLS, 10 ms";
pub(crate) const DOCUMENTED: &str = "documented Node handler";
pub(crate) const DOCUMENTED_BUNDLE: &str = "documented Node handler, bundled";
pub(crate) const DOCUMENTED_TLS: &str = "documented Node handler, TLS";
pub(crate) const DOCUMENTED_FAR: &str = "documented Node handler, TLS, 10 ms";

/// Where the executables are; what is `None` is left out.
pub(crate) struct Programs<'a> {
    pub(crate) trigger: &'a Path,
    pub(crate) before: Option<&'a Path>,
    pub(crate) floor: Option<&'a Path>,
    pub(crate) node: Option<&'a super::peers::Node>,
}

/// Everybody there is, in the order of the first turn.
pub(crate) fn all(programs: &Programs) -> Vec<Subject> {
    let rust = |name, path: &Path, wire| Subject {
        name,
        does: Does::Enqueues,
        wire,
        program: path.to_owned(),
        arguments: Vec::new(),
        node: false,
        one_authority: false,
    };
    let mut subjects = vec![
        rust(TRIGGER, programs.trigger, NEAR),
        Subject { one_authority: true, ..rust("trigger, one authority", programs.trigger, NEAR) },
        rust(TRIGGER_TLS, programs.trigger, TLS),
        rust(TRIGGER_FAR, programs.trigger, FAR),
    ];
    if let Some(before) = programs.before {
        for (name, wire) in [(BEFORE, NEAR), (BEFORE_TLS, TLS), (BEFORE_FAR, FAR)] {
            subjects.push(rust(name, before, wire));
        }
    }
    if let Some(floor) = programs.floor {
        subjects.push(Subject { does: Does::Nothing, ..rust("echo in Rust, no SDK", floor, NEAR) });
    }
    if let Some(node) = programs.node {
        let handler = |name, does, handler: &Path, wire| Subject {
            name,
            does,
            wire,
            program: "node".into(),
            arguments: vec![node.runtime.display().to_string(), handler.display().to_string()],
            node: true,
            one_authority: false,
        };
        subjects.extend([
            handler(DOCUMENTED, Does::Writes, &node.documented, NEAR),
            handler(DOCUMENTED_BUNDLE, Does::Writes, &node.documented_bundle, NEAR),
            handler("Node enqueue", Does::Enqueues, &node.enqueue, NEAR),
            handler("Node enqueue, bundled", Does::Enqueues, &node.enqueue_bundle, NEAR),
            handler(DOCUMENTED_TLS, Does::Writes, &node.documented, TLS),
            handler(DOCUMENTED_FAR, Does::Writes, &node.documented, FAR),
        ]);
    }
    subjects
}

impl Subject {
    /// Its command, without what is this machine's: as Lambda would start it.
    pub(crate) fn command(
        &self,
        place: &Place,
        services: &Services,
        runtime_api: &str,
    ) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        let authority = services.authority(self.one_authority || self.node);
        // Node has the authorities of the world inside, and takes these in addition.
        let authorities = if self.node { "NODE_EXTRA_CA_CERTS" } else { "SSL_CERT_FILE" };
        let endpoint = match self.does {
            Does::Writes => "AWS_ENDPOINT_URL_DYNAMODB",
            Does::Enqueues | Does::Nothing => "AWS_ENDPOINT_URL_SQS",
        };
        if self.node {
            #[allow(clippy::disallowed_methods, reason = "where node is, is no setting")]
            command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        } else {
            command.env_clear();
        }
        command
            .args(&self.arguments)
            .env(authorities, authority)
            .env(endpoint, &place.endpoint)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", "post-confirmation")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("QUEUE_URL", &place.queue)
            .env("TABLE_NAME", &place.table);
        command
    }
}
