//! What plays SQS and DynamoDB. The suite is the same for all; an engine that cannot do what a test
//! needs says so by name, in one line, and the test is passed over.
//!
//! | `WIRE_ENGINE` | |
//! |---|---|
//! | unset, `embedded` | the engines of `local`, one pair per test; needs nothing |
//! | `ministack` | an independent engine, started here; the executable `ministack` on the path, or in `MINISTACK` |
//! | `env` | `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL_DYNAMODB`, for user pools also `AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER` and `AWS_ENDPOINT_URL_S3`; credentials and region as the SDK finds them |

#![allow(
    clippy::disallowed_methods,
    reason = "the tests' own settings are variables, read in this file alone"
)]

use std::fmt;
use std::time::Duration;

use local::stack::Stack;
use worker::aws::clients::Access;

use crate::ministack::Ministack;

/// What a test may need of an engine beyond the plain protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Going through hours of back-off at once.
    ClockControl,
    /// A proxy between client and service, which a checked signature does not survive.
    Interception,
    /// A table that can be deleted and made again under its name, within a test's patience.
    QuickTables,
    /// Nothing listens for a signature, so that a wrong address is a dead one.
    OwnAddresses,
    /// User pools, and buckets beside them, that tests may make and delete.
    UserPools,
    /// A user pool that is filled, and troubled, from within the test.
    OwnPools,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockControl => "clock control",
            Self::Interception => "interception",
            Self::QuickTables => "quick tables",
            Self::OwnAddresses => "own addresses",
            Self::UserPools => "user pools",
            Self::OwnPools => "own pools",
        })
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Embedded,
    Ministack,
    Environment,
}

fn kind() -> Kind {
    match std::env::var("WIRE_ENGINE").ok().as_deref() {
        None | Some("" | "embedded") => Kind::Embedded,
        Some("ministack") => Kind::Ministack,
        Some("env") => Kind::Environment,
        Some(other) => panic!("WIRE_ENGINE={other} names no engine; write embedded, ministack or env"),
    }
}

/// The engine that was asked for, as `WIRE_ENGINE` names it.
pub fn chosen() -> &'static str {
    name(kind())
}

/// Whether the engine that was asked for can do what a test needs.
pub fn supports(need: Capability) -> bool {
    can(kind(), need)
}

/// One engine, running, for one test.
pub enum Engine {
    /// The engines of `local`, for this test alone.
    Embedded(Box<Stack>),
    /// One process for all tests of this one.
    Ministack(&'static Ministack),
    /// Whatever the environment names.
    Environment(Box<Access>),
}

impl Engine {
    /// Starts the chosen engine; `None`, with a line that says why, when it is not there or cannot do
    /// what `test` needs.
    pub async fn start(test: &str, needs: &[Capability]) -> Option<Self> {
        let kind = kind();
        if let Some(missing) = needs.iter().find(|need| !can(kind, **need)) {
            say(&format!("unsupported on {}: {test}: {missing}", name(kind)));
            return None;
        }
        Some(match kind {
            Kind::Embedded => Self::Embedded(Box::new(Stack::start().await.unwrap())),
            Kind::Ministack => Self::Ministack(Ministack::shared(std::env::var_os("MINISTACK")).await?),
            Kind::Environment => Self::Environment(Box::new(Access::from_environment().await)),
        })
    }

    /// How the tests' own clients reach it.
    pub fn access(&self) -> Access {
        match self {
            Self::Embedded(stack) => stack.access(),
            Self::Ministack(process) => Access::local(process.endpoint(), process.endpoint())
                .with_cognito(process.endpoint())
                .with_s3(process.endpoint()),
            Self::Environment(access) => Access::clone(access),
        }
    }

    /// The endpoints of SQS and DynamoDB, where they are known.
    pub fn endpoints(&self) -> Option<(String, String)> {
        match self {
            Self::Embedded(stack) => Some((stack.sqs_endpoint(), stack.dynamodb_endpoint())),
            Self::Ministack(process) => Some((process.endpoint().to_owned(), process.endpoint().to_owned())),
            Self::Environment(_) => {
                let named = |name| std::env::var(name).or_else(|_| std::env::var("AWS_ENDPOINT_URL")).ok();
                named("AWS_ENDPOINT_URL_SQS").zip(named("AWS_ENDPOINT_URL_DYNAMODB"))
            }
        }
    }

    /// The embedded engines, where they are those that were asked for.
    pub fn stack(&self) -> Option<&Stack> {
        match self {
            Self::Embedded(stack) => Some(stack),
            _ => None,
        }
    }

    /// The variables a deployable needs to reach it.
    pub fn variables(&self) -> Vec<(String, String)> {
        if let Self::Environment(_) = self {
            let passed_on =
                |name: &str| name.starts_with("AWS_") || name == "HOME" || name == "SSL_CERT_FILE";
            return std::env::vars().filter(|(name, _)| passed_on(name)).collect();
        }
        let (sqs, dynamodb) = self.endpoints().unwrap();
        let (cognito, s3) = match self {
            Self::Embedded(stack) => (stack.cognito_endpoint(), stack.s3_endpoint()),
            _ => (sqs.clone(), sqs.clone()),
        };
        [
            ("AWS_ENDPOINT_URL_SQS", sqs.as_str()),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.as_str()),
            ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", cognito.as_str()),
            ("AWS_ENDPOINT_URL_S3", s3.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Moves the engine's clock where it has one of its own; elsewhere time has to pass, and whoever
    /// waits for a condition waits for it.
    pub fn advance(&self, by: Duration) {
        if let Self::Embedded(stack) = self {
            stack.sqs.advance(by);
        }
    }

    /// Whether what a test makes has to be deleted after it.
    pub fn outlives_the_test(&self) -> bool {
        !matches!(self, Self::Embedded(_))
    }
}

fn can(kind: Kind, need: Capability) -> bool {
    match (kind, need) {
        (Kind::Embedded, _) => true,
        (Kind::Ministack, need) => !matches!(need, Capability::ClockControl | Capability::OwnPools),
        (Kind::Environment, Capability::Interception | Capability::OwnAddresses) => {
            // A service behind TLS checks who was addressed; one on plain HTTP is an emulator.
            let plain = |name| std::env::var(name).is_ok_and(|url| url.starts_with("http://"));
            plain("AWS_ENDPOINT_URL") || (plain("AWS_ENDPOINT_URL_SQS") && plain("AWS_ENDPOINT_URL_DYNAMODB"))
        }
        (Kind::Environment, Capability::UserPools) => {
            std::env::var("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER").is_ok()
                && std::env::var("AWS_ENDPOINT_URL_S3").is_ok()
        }
        (Kind::Environment, _) => false,
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Embedded => "embedded",
        Kind::Ministack => "ministack",
        Kind::Environment => "env",
    }
}

/// One line past libtest, which keeps to itself what a passed test prints.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
