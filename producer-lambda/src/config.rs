//! The configuration: read from the environment once, related, then passed on.
//!
//! Whoever deploys this learns every problem at once, each with its mend. Must never show the value of
//! a credential, nor read the environment anywhere but here.

use std::collections::BTreeSet;
use std::fmt;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use domain::TriggerSource;

/// The function name in metrics where there is no Lambda around.
const DEFAULT_FUNCTION_NAME: &str = "producer-lambda";

/// Where confirmations are announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An SQS standard queue.
    Queue {
        /// Its URL, as `GetQueueUrl` gives it.
        url: String,
    },
    /// An EventBridge bus whose rule leads to the queue.
    EventBus {
        /// Its name or ARN.
        name: String,
    },
}

/// What Cognito is told when a confirmation could not be announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnEnqueueFailure {
    /// The event, as if nothing had happened; the reconcile job finds the user.
    #[default]
    Pass,
    /// A generic error. The user sees it although he is confirmed, and the trigger never fires again.
    Fail,
}

/// All there is to decide about a [`Producer`](crate::Producer).
///
/// Begin with [`Config::queue`], [`Config::event_bus`] or [`Config::from_env`] and set the fields that
/// differ.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where confirmations are announced.
    pub target: Target,
    /// The AWS region of the target.
    pub region: String,
    /// Another endpoint than the region's: a VPC endpoint, or an emulator on loopback.
    pub endpoint_url: Option<String>,
    /// Asked before every request. Default: the three variables Lambda sets.
    pub credentials: SharedCredentialsProvider,
    /// What Cognito is told after a failure. Default: nothing.
    pub on_enqueue_failure: OnEnqueueFailure,
    /// Names of user attributes that leave the function beside those of the contract. Default: none.
    pub forward_attributes: BTreeSet<String>,
    /// The trigger sources that are announced. Default: both.
    pub trigger_sources: BTreeSet<TriggerSource>,
    /// Whether messages carry a `MessageGroupId` (SQS fair queues). Default: yes.
    pub fair_groups: bool,
    /// The dimension of the metrics.
    pub function_name: String,
}

impl Config {
    /// Announces to an SQS queue, with every default.
    pub fn queue(url: impl Into<String>, region: impl Into<String>) -> Self {
        Self::with_target(Target::Queue { url: url.into() }, region.into())
    }

    /// Announces to an EventBridge bus, with every default.
    pub fn event_bus(name: impl Into<String>, region: impl Into<String>) -> Self {
        Self::with_target(Target::EventBus { name: name.into() }, region.into())
    }

    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse(variable)
    }

    /// Reads variables through `lookup`; an empty one counts as absent.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let mut problems = Vec::new();

        let target = match target(&lookup) {
            Ok(target) => Some(target),
            Err(found) => {
                problems.extend(found);
                None
            }
        };
        let region = lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION"));
        if region.is_none() {
            problems.push(Problem::new(
                "AWS_REGION",
                "is not set",
                "Lambda sets it; elsewhere name the target's region",
            ));
        }
        let on_enqueue_failure = choice(
            &lookup,
            "ON_ENQUEUE_FAILURE",
            &[("pass", OnEnqueueFailure::Pass), ("fail", OnEnqueueFailure::Fail)],
            &mut problems,
        );
        let fair_groups = choice(&lookup, "FAIR_GROUPS", &[("on", true), ("off", false)], &mut problems);
        let trigger_sources = trigger_sources(lookup("TRIGGER_SOURCES").as_deref(), &mut problems);
        let forward_attributes = forward_attributes(lookup("FORWARD_ATTRIBUTES").as_deref(), &mut problems);
        let service_endpoint = match target {
            Some(Target::EventBus { .. }) => "AWS_ENDPOINT_URL_EVENTBRIDGE",
            _ => "AWS_ENDPOINT_URL_SQS",
        };
        let mut endpoint_url = None;
        for name in [service_endpoint, "AWS_ENDPOINT_URL"] {
            let Some(url) = lookup(name) else { continue };
            if is_http(&url) {
                endpoint_url = endpoint_url.or(Some(url));
            } else {
                problems.push(Problem::new(name, "is no URL", "begin it with https:// or http://"));
            }
        }

        let function_name =
            lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| DEFAULT_FUNCTION_NAME.to_owned());
        match (target, region) {
            (Some(target), Some(region)) if problems.is_empty() => Ok(Self {
                endpoint_url,
                on_enqueue_failure,
                forward_attributes,
                trigger_sources,
                fair_groups,
                function_name,
                ..Self::with_target(target, region)
            }),
            _ => Err(ConfigError { problems, on_enqueue_failure, function_name }),
        }
    }

    fn with_target(target: Target, region: String) -> Self {
        Self {
            target,
            region,
            endpoint_url: None,
            credentials: SharedCredentialsProvider::new(EnvironmentCredentials),
            on_enqueue_failure: OnEnqueueFailure::default(),
            forward_attributes: BTreeSet::new(),
            trigger_sources: default_trigger_sources(),
            fair_groups: true,
            function_name: DEFAULT_FUNCTION_NAME.to_owned(),
        }
    }
}

/// One thing wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with its value.
    pub fault: String,
    /// What to do about it.
    pub mend: &'static str,
}

impl Problem {
    fn new(variable: &'static str, fault: impl Into<String>, mend: &'static str) -> Self {
        Self { variable, fault: fault.into(), mend }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.variable, self.fault, self.mend)
    }
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))]
#[non_exhaustive]
pub struct ConfigError {
    /// Each problem; never empty.
    pub problems: Vec<Problem>,
    /// `ON_ENQUEUE_FAILURE` as far as it can be read: whether running misconfigured is wanted.
    pub on_enqueue_failure: OnEnqueueFailure,
    pub(crate) function_name: String,
}

/// The variables Lambda's runtime cannot start without that are absent.
pub fn missing_lambda_variables() -> Vec<&'static str> {
    let needed = [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
    ];
    needed.into_iter().filter(|name| variable(name).is_none()).collect()
}

fn target(lookup: &impl Fn(&str) -> Option<String>) -> Result<Target, Vec<Problem>> {
    let one = |variable, fault: &str, mend| Err(vec![Problem::new(variable, fault, mend)]);
    match (lookup("QUEUE_URL"), lookup("EVENT_BUS_NAME")) {
        (None, None) => one("QUEUE_URL", "and EVENT_BUS_NAME are both absent", "set one of them"),
        (Some(_), Some(_)) => one(
            "QUEUE_URL",
            "and EVENT_BUS_NAME are both set",
            "remove one: a confirmation is announced once",
        ),
        (None, Some(name)) => Ok(Target::EventBus { name }),
        (Some(url), None) if !is_http(&url) => one(
            "QUEUE_URL",
            "is no URL",
            "give the URL, not the name or the ARN (aws sqs get-queue-url --queue-name …)",
        ),
        (Some(url), None) if url.trim_end_matches('/').strip_suffix(".fifo").is_some() => one(
            "QUEUE_URL",
            "is a FIFO queue",
            "use a standard queue: profiles need no order, and a FIFO group would queue them one behind another",
        ),
        (Some(url), None) => Ok(Target::Queue { url }),
    }
}

/// The first of `allowed` is the default.
fn choice<T: Copy>(
    lookup: &impl Fn(&str) -> Option<String>,
    variable: &'static str,
    allowed: &'static [(&'static str, T); 2],
    problems: &mut Vec<Problem>,
) -> T {
    let [(first, default), (second, other)] = *allowed;
    match lookup(variable) {
        None => default,
        Some(value) if value.eq_ignore_ascii_case(first) => default,
        Some(value) if value.eq_ignore_ascii_case(second) => other,
        // The value is not repeated: what stands in the wrong variable may be anything, and this is logged.
        Some(_) => {
            let fault = format!("is neither {first} nor {second}");
            problems.push(Problem::new(variable, fault, "choose one, or remove the variable for the first"));
            default
        }
    }
}

fn trigger_sources(given: Option<&str>, problems: &mut Vec<Problem>) -> BTreeSet<TriggerSource> {
    let Some(given) = given else { return default_trigger_sources() };
    let parsed: BTreeSet<_> = names(given).map(TriggerSource::parse).collect();
    if parsed.is_empty() || parsed.contains(&TriggerSource::Other) {
        problems.push(Problem::new(
            "TRIGGER_SOURCES",
            "names something that is no PostConfirmation source, or nothing",
            "name ConfirmSignUp, ConfirmForgotPassword or both, with a comma between",
        ));
    }
    parsed
}

fn forward_attributes(given: Option<&str>, problems: &mut Vec<Problem>) -> BTreeSet<String> {
    let parsed: BTreeSet<_> = names(given.unwrap_or_default()).map(str::to_owned).collect();
    if parsed.iter().any(|name| name.contains('*')) {
        problems.push(Problem::new(
            "FORWARD_ATTRIBUTES",
            "has a wildcard",
            "name each attribute, such as custom:tenant: what is not named stays in the user pool",
        ));
    }
    parsed
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn default_trigger_sources() -> BTreeSet<TriggerSource> {
    BTreeSet::from([TriggerSource::ConfirmSignUp, TriggerSource::ConfirmForgotPassword])
}

fn is_http(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The credentials of the function's role, where Lambda puts them. The SDK's whole chain would bring
/// three more services into the build and look for files that no Lambda has.
#[derive(Debug)]
struct EnvironmentCredentials;

impl ProvideCredentials for EnvironmentCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let found = match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => {
                Ok(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
            }
            _ => Err(CredentialsError::not_loaded_no_source()),
        };
        future::ProvideCredentials::ready(found)
    }
}
