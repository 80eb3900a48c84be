//! The services behind the functions: `local`'s SQS and DynamoDB, near or at the far end of a line, in the
//! open or behind TLS with a certificate of this run.
//!
//! Must give each life a queue and a table of its own: what is in them afterwards is that life's doing.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use harness::confirmations::Person;
use local::stack::{self, Stack};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::subjects::{Does, Wire};
use super::tls::Identity;
use crate::delay;

/// Where Debian and its kin, and where Fedora's and Amazon's keep the authorities of the world.
const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Everything, running.
pub(crate) struct Services {
    stack: Stack,
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    identity: Identity,
    folder: tempfile::TempDir,
    /// How many authorities a function has to read.
    pub(crate) authorities: usize,
    fronts: BTreeMap<(Wire, Does), String>,
    lives: u32,
}

/// What one life may reach.
pub(crate) struct Place {
    pub(crate) endpoint: String,
    pub(crate) queue: String,
    pub(crate) table: String,
}

impl Services {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stack = Stack::start().await?;
        let access = stack.access();
        let (identity, folder) = (Identity::new(), tempfile::tempdir()?);
        let world =
            BUNDLES.iter().find_map(|bundle| std::fs::read_to_string(bundle).ok()).unwrap_or_default();
        identity.write_authority(&folder.path().join("one.pem"), "");
        identity.write_authority(&folder.path().join("all.pem"), &world);
        Ok(Self {
            sqs: aws_sdk_sqs::Client::from_conf(access.sqs().build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(access.dynamodb().build()),
            stack,
            identity,
            folder,
            authorities: 1 + world.matches("BEGIN CERTIFICATE").count(),
            fronts: BTreeMap::new(),
            lives: 0,
        })
    }

    /// This run's authority, after all others or alone.
    pub(crate) fn authority(&self, alone: bool) -> PathBuf {
        self.folder.path().join(if alone { "one.pem" } else { "all.pem" })
    }

    /// A new queue and a new table, and the way there.
    pub(crate) async fn place(&mut self, wire: Wire, does: Does) -> anyhow::Result<Place> {
        self.lives += 1;
        let queues = stack::create_queues(&self.sqs, &format!("confirmations-{}", self.lives)).await?;
        let table = format!("UserProfile-life{}-NONE", self.lives);
        stack::create_table(&self.dynamodb, &table, &["id"]).await?;
        let endpoint = match self.fronts.get(&(wire, does)) {
            Some(front) => front.clone(),
            None => {
                let front = self.front(wire, does).await?;
                self.fronts.insert((wire, does), front.clone());
                front
            }
        };
        Ok(Place { endpoint, queue: queues.queue, table })
    }

    async fn front(&self, wire: Wire, does: Does) -> anyhow::Result<String> {
        let inside = match does {
            Does::Writes => self.stack.dynamodb_endpoint(),
            Does::Enqueues | Does::Nothing => self.stack.sqs_endpoint(),
        };
        let port = inside.rsplit(':').next().context("an endpoint without a port")?.parse()?;
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if wire.tls {
            address = self.ends_tls(address).await?;
        }
        if wire.delay_ms > 0 {
            address = delay::line(address, Duration::from_millis(wire.delay_ms) / 2)?;
        }
        Ok(format!("{}://{address}", if wire.tls { "https" } else { "http" }))
    }

    async fn ends_tls(&self, inside: SocketAddr) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let acceptor = self.identity.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Ok(mut service) = TcpStream::connect(inside).await else { return };
                    let _ = service.set_nodelay(true);
                    let _ = copy_bidirectional(&mut stream, &mut service).await;
                });
            }
        });
        Ok(address)
    }

    /// Whether everybody in `crowd` is there exactly once, and nobody else.
    pub(crate) async fn audit(&self, place: &Place, does: Does, crowd: &[Person]) -> anyhow::Result<()> {
        let mut expected: Vec<_> =
            crowd.iter().map(|person| format!("{}::{}", person.sub, person.username)).collect();
        let mut found = self.messages(&place.queue).await?;
        let rows = stack::rows(&self.dynamodb, &place.table).await?;
        found.extend(
            rows.values().map(|row| row["profileOwner"]["S"].as_str().unwrap_or_default().to_owned()),
        );
        if does == Does::Nothing {
            expected.clear();
        }
        expected.sort();
        found.sort();
        ensure!(found == expected, "wrong: {} confirmations, {} came", expected.len(), found.len());
        Ok(())
    }

    async fn messages(&self, queue: &str) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
            // Nothing is given back meanwhile, so that a message is seen once.
            let messages = receive.visibility_timeout(3600).send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(found);
            }
            for message in messages {
                let body: Value = serde_json::from_str(message.body().unwrap_or_default())?;
                let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                found.push(format!("{}::{}", field("sub"), field("username")));
            }
        }
    }
}

/// Of a file, in bytes.
pub(crate) fn size(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|about| about.len())
}
