//! What the documents say by name is what the code knows by name: settings, outcomes, quarantine
//! reasons, log events, metrics, and the envelope that an operator is told to send.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is to stop loudly, at the line where it stopped"
)]

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};
use domain::{Reason, Timestamp, body};
use tokio::time::Instant;
use worker::cli::Cli;
use worker::outcome::Outcome;
use worker::stats::Stats;
use worker::telemetry::names::Metric;

const CONFIGURATION_MD: &str = include_str!("../../docs/configuration.md");
const RUNBOOK_MD: &str = include_str!("../../docs/runbook.md");
const TELEMETRY_MD: &str = include_str!("../../docs/telemetry.md");
const EVENTS_RS: &str = include_str!("../src/telemetry/events.rs");

/// Every environment variable that clap reads for `command` and the commands below it.
fn variables_of(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env());
    let own = own.map(|name| name.to_str().unwrap().to_owned());
    own.chain(command.get_subcommands().flat_map(variables_of)).collect()
}

/// The first column of the tables of one `##` section, where it holds one name in backticks.
fn first_column(document: &str, heading: &str) -> BTreeSet<String> {
    let section = document.split("\n## ").find(|section| section.lines().next() == Some(heading));
    let section = section.unwrap_or_else(|| panic!("there is no section {heading:?}"));
    let names = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_workers_variables_are_documented_and_no_others() {
    let known = variables_of(&Cli::command());
    assert!(known.len() > 10, "clap knows only {known:?}");
    assert_eq!(first_column(CONFIGURATION_MD, "Worker"), known);
}

#[test]
fn every_flag_is_its_variable_in_lower_case_or_named() {
    fn check(command: &Command) {
        for argument in command.get_arguments() {
            let (Some(name), Some(flag)) = (argument.get_env(), argument.get_long()) else { continue };
            let name = name.to_str().unwrap();
            let by_rule = name.to_lowercase().replace('_', "-") == flag;
            assert!(by_rule || CONFIGURATION_MD.contains(&format!("`--{flag}`")), "{name} is --{flag}");
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}

#[test]
fn every_outcome_and_every_reason_has_its_row_in_the_runbook() {
    let outcomes: BTreeSet<_> = Outcome::ALL.iter().map(|outcome| outcome.name().to_owned()).collect();
    assert_eq!(first_column(RUNBOOK_MD, "Outcomes"), outcomes);
    let reasons: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect();
    assert_eq!(first_column(RUNBOOK_MD, "Quarantine reasons"), reasons);
}

#[test]
fn every_log_event_has_its_row_in_the_runbook() {
    let after = EVENTS_RS.split("event = \"").skip(1);
    let mut events: BTreeSet<_> =
        after.filter_map(|text| text.split_once('"')).map(|(name, _)| name.to_owned()).collect();
    assert!(events.len() > 10, "only {events:?} in events.rs");
    // Of the panic hook, in telemetry/init.rs.
    events.insert("panic".to_owned());
    assert_eq!(first_column(RUNBOOK_MD, "Log events"), events);
}

#[test]
fn every_metric_has_its_row_and_every_field_of_the_status_is_explained() {
    let metrics: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.prometheus_name()).collect();
    assert_eq!(first_column(TELEMETRY_MD, "Metrics"), metrics);
    let status = serde_json::to_value(Stats::default().snapshot(Instant::now())).unwrap();
    for field in status.as_object().unwrap().keys() {
        assert!(RUNBOOK_MD.contains(&format!("`{field}`")), "the runbook does not explain {field}");
    }
}

#[test]
fn the_envelopes_an_operator_is_told_to_send_are_envelopes() {
    let now = Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap();
    let blocks = RUNBOOK_MD.split("```json\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    let envelopes: Vec<&str> =
        blocks.map(|(block, _)| block).filter(|block| block.contains("\"kind\"")).collect();
    assert!(!envelopes.is_empty(), "the runbook shows no envelope");
    for envelope in envelopes {
        let read = body::read(envelope, now, |_| true);
        assert!(read.is_ok(), "{}: {envelope}", read.unwrap_err());
    }
}
