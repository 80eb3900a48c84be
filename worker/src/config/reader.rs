//! One setting at a time: text in, value out, problems collected on the way. A value that cannot be
//! read is replaced by its default, so that reading goes on and finds the other problems too. A problem
//! never repeats the value: problems end up in logs, and what stands in the wrong variable may be anything.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use domain::{ProfileModel, TriggerSource, UserPoolId};

use super::{ADMIN_ADDR, MOST_RECEIVERS, Problem, SQS_IN_FLIGHT};
use crate::cli::Emf;
use crate::pipeline::WriteStrategy;

/// What was written, unless it is empty: an empty variable is an unset one.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Collects problems while it reads.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn fault(&mut self, variable: &str, fault: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(Problem::new(variable, fault, mend));
    }

    pub(super) fn queue_url(&mut self, variable: &str, text: Option<&str>) -> Option<String> {
        let url = given(text)?;
        let after_scheme = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let Some((host, path)) = after_scheme.and_then(|rest| rest.split_once('/')) else {
            self.fault(
                variable,
                "is not a queue URL",
                "write https://sqs.<region>.amazonaws.com/<account>/<name>",
            );
            return None;
        };
        if host.is_empty() || path.trim_matches('/').is_empty() {
            self.fault(
                variable,
                "names no queue",
                "write https://sqs.<region>.amazonaws.com/<account>/<name>",
            );
        } else if url.ends_with(".fifo") {
            self.fault(
                variable,
                "is a FIFO queue, which costs throughput for an order that profiles do not need",
                "use a standard queue",
            );
        }
        Some(url.to_owned())
    }

    pub(super) fn table_name(&mut self, name: &str) {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if name.is_empty() {
            self.fault("TABLE_NAME", "is not set", "set it to the name of the profiles table");
        } else if !(3..=255).contains(&name.len()) || !name.bytes().all(fits) {
            self.fault(
                "TABLE_NAME",
                "is not a table name",
                "write 3 to 255 letters, digits, _, - or ., and no ARN",
            );
        }
    }

    pub(super) fn model(&mut self, text: Option<&str>) -> ProfileModel {
        let Some(text) = text else { return ProfileModel::default() };
        // A path never holds a line break or a bracket; TOML with a key table always does.
        let toml = if text.contains(['\n', '[']) {
            text.to_owned()
        } else {
            match std::fs::read_to_string(text) {
                Ok(toml) => toml,
                Err(fault) => {
                    self.fault(
                        "PROFILE_MODEL",
                        format!("cannot be read: {fault}"),
                        "give the path of a TOML file, or the TOML itself",
                    );
                    return ProfileModel::default();
                }
            }
        };
        ProfileModel::from_toml(&toml).unwrap_or_else(|error| {
            for fault in error.faults {
                self.fault("PROFILE_MODEL", fault, "see docs/model.md");
            }
            ProfileModel::default()
        })
    }

    pub(super) fn user_pools(&mut self, text: Option<&str>) -> BTreeSet<UserPoolId> {
        let mut pools = BTreeSet::new();
        for (place, id) in list(text) {
            match UserPoolId::parse(id) {
                Ok(pool) => drop(pools.insert(pool)),
                Err(fault) => self.fault(
                    "USER_POOL_IDS",
                    format!("entry {place} {}", fault.fault),
                    "write pool ids such as eu-central-1_A1b2C3d4E, separated by commas",
                ),
            }
        }
        pools
    }

    /// The one pool a job works on: the given one, else the only one that is allowed.
    pub(super) fn user_pool(
        &mut self,
        text: Option<&str>,
        allowed: &BTreeSet<UserPoolId>,
        needed: bool,
    ) -> Option<UserPoolId> {
        const MEND: &str = "write a pool id such as eu-central-1_A1b2C3d4E";
        let Some(text) = text else {
            if needed && allowed.len() != 1 {
                let fault = if allowed.is_empty() {
                    "is not set"
                } else {
                    "is not set, and USER_POOL_IDS names more than one pool"
                };
                self.fault("USER_POOL_ID", fault, MEND);
            }
            return (allowed.len() == 1).then(|| allowed.first().cloned()).flatten();
        };
        match UserPoolId::parse(text) {
            Ok(pool) if allowed.is_empty() || allowed.contains(&pool) => Some(pool),
            Ok(_) => {
                self.fault(
                    "USER_POOL_ID, USER_POOL_IDS",
                    "the pool is not among those whose users get profiles",
                    "add it to USER_POOL_IDS, there and for the worker, or name another pool",
                );
                None
            }
            Err(fault) => {
                self.fault("USER_POOL_ID", fault.fault, MEND);
                None
            }
        }
    }

    pub(super) fn switch(&mut self, variable: &str, text: Option<&str>, default: bool) -> bool {
        match text {
            None => default,
            Some("on") => true,
            Some("off") => false,
            Some(_) => {
                self.fault(variable, "is neither on nor off", "write on or off");
                default
            }
        }
    }

    pub(super) fn metrics_emf(&mut self, written: &Emf) -> bool {
        self.switch("METRICS_EMF", given(written.metrics_emf.as_deref()), false)
    }

    pub(super) fn trigger_sources(&mut self, text: Option<&str>) -> BTreeSet<TriggerSource> {
        let mut sources = BTreeSet::new();
        for (place, name) in list(text.or(Some("ConfirmSignUp,ConfirmForgotPassword"))) {
            match TriggerSource::parse(name) {
                TriggerSource::Other => self.fault(
                    "TRIGGER_SOURCES",
                    format!("entry {place} is no PostConfirmation source"),
                    "write ConfirmSignUp, ConfirmForgotPassword or both, separated by a comma",
                ),
                known => drop(sources.insert(known)),
            }
        }
        sources
    }

    pub(super) fn write_strategy(&mut self, text: Option<&str>) -> WriteStrategy {
        match text {
            None | Some("auto") => WriteStrategy::Auto,
            Some("put") => WriteStrategy::Put,
            Some("batch") => WriteStrategy::Batch,
            Some(_) => {
                self.fault("WRITE_STRATEGY", "is no strategy", "write auto, put or batch");
                WriteStrategy::Auto
            }
        }
    }

    pub(super) fn max_in_flight(&mut self, text: Option<&str>) -> usize {
        self.number("MAX_IN_FLIGHT", text, 1000, SQS_IN_FLIGHT, "SQS's quota for one queue")
    }

    /// Each receiver asks for ten at a time. What was not given fits whatever is in flight.
    pub(super) fn max_receivers(&mut self, text: Option<&str>, max_in_flight: usize) -> usize {
        let fits = (max_in_flight / 10).clamp(1, 16);
        self.number("MAX_RECEIVERS", text, fits, MOST_RECEIVERS, "more than which one process has no use for")
    }

    /// Cognito's quota for reading users starts at 120 a second for the whole account and region (Cognito
    /// developer guide, "Quotas", category UserRead).
    pub(super) fn verify_late_rate(&mut self, text: Option<&str>) -> u32 {
        let rate = self.number("VERIFY_LATE_RATE", text, 20, 1000, "far more than Cognito allows");
        u32::try_from(rate).unwrap_or(20)
    }

    fn number(&mut self, variable: &str, text: Option<&str>, default: usize, most: u64, why: &str) -> usize {
        let Some(text) = text else { return default };
        match text.parse::<u64>() {
            Ok(number) if (1..=most).contains(&number) => usize::try_from(number).unwrap_or(default),
            _ => {
                self.fault(
                    variable,
                    format!("is not a number from 1 to {most}, {why}"),
                    format!("write a number such as {default}"),
                );
                default
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        variable: &str,
        text: Option<&str>,
        default: Duration,
        range: std::ops::RangeInclusive<Duration>,
    ) -> Duration {
        let Some(text) = given(text) else { return default };
        match humantime::parse_duration(text) {
            Ok(duration) if range.contains(&duration) => duration,
            Ok(_) => {
                let (least, most) =
                    (humantime::format_duration(*range.start()), humantime::format_duration(*range.end()));
                self.fault(variable, "is out of range", format!("write a duration from {least} to {most}"));
                default
            }
            Err(_) => {
                self.fault(variable, "is no duration", "write one such as 500ms, 30s or 1m30s");
                default
            }
        }
    }

    pub(super) fn admin_addr(&mut self, text: Option<&str>) -> Option<SocketAddr> {
        let text = text.unwrap_or(ADMIN_ADDR);
        if text == "off" {
            return None;
        }
        match text.parse() {
            Ok(addr) => Some(addr),
            Err(_) => {
                self.fault("ADMIN_ADDR", "is no address", format!("write one such as {ADMIN_ADDR}, or off"));
                None
            }
        }
    }
}

/// The entries that are not empty, with their places as a person counts them.
fn list(text: Option<&str>) -> impl Iterator<Item = (usize, &str)> {
    let entries = text.unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.enumerate().map(|(place, entry)| (place + 1, entry))
}
