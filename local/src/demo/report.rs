//! The demo's result, for a person or a machine.

#![allow(clippy::print_stdout, reason = "the result is for stdout")]

use std::time::Duration;

use comfy_table::{Attribute, Cell, CellAlignment, Table, presets};
use serde_json::json;
use worker::service::Summary;

use super::verify::Verdict;

/// Calls that settle messages; the rest (describing, asking for the depth) is housekeeping.
const PER_MESSAGE: [&str; 7] = [
    "ReceiveMessage",
    "PutItem",
    "BatchExecuteStatement",
    "BatchGetItem",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "SendMessage",
];

fn calls(summary: &Summary) -> Vec<(&'static str, u64)> {
    let count = |name: &str| summary.counts.api_calls.get(name).copied().unwrap_or_default();
    PER_MESSAGE.into_iter().map(|name| (name, count(name))).filter(|(_, count)| *count > 0).collect()
}

fn per_thousand(summary: &Summary) -> u64 {
    let all: u64 = calls(summary).iter().map(|(_, count)| count).sum();
    (all * 1000).checked_div(summary.counts.received).unwrap_or_default()
}

pub(super) fn print_table(summary: &Summary, verdict: &Verdict, took: Duration) {
    let counts = &summary.counts;
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let mut row = |name: &str, value: String| {
        table.add_row([Cell::new(name), Cell::new(value).set_alignment(CellAlignment::Right)]);
    };
    row("received", counts.received.to_string());
    for (outcome, count) in counts.ended() {
        row(outcome.name(), count.to_string());
    }
    for (reason, count) in &counts.quarantined {
        row(&format!("quarantined: {reason}"), count.to_string());
    }
    for (call, count) in calls(summary) {
        row(&format!("calls: {call}"), count.to_string());
    }
    row("calls per 1,000 messages", per_thousand(summary).to_string());
    if let Some(latency) = counts.confirmation_to_profile_ms {
        row("confirmation to item, wait included, p50", format!("{} ms", latency.p50));
        row("confirmation to item, wait included, p99", format!("{} ms", latency.p99));
    }
    row("took", format!("{:.1} s", took.as_secs_f64()));
    row("users who must have an item", verdict.users.to_string());
    row("items in the table", verdict.items.to_string());
    let mark = if verdict.is_exact() { "exact" } else { "WRONG" };
    table.add_row([
        Cell::new("the table is").add_attribute(Attribute::Bold),
        Cell::new(mark).set_alignment(CellAlignment::Right).add_attribute(Attribute::Bold),
    ]);
    println!("{table}");
    for fault in &verdict.faults {
        println!("  {fault}");
    }
}

pub(super) fn print_json(summary: &Summary, verdict: &Verdict, took: Duration) {
    let result = json!({
        "exact": verdict.is_exact(),
        "faults": verdict.faults,
        "users": verdict.users,
        "items": verdict.items,
        "calls_per_1000": per_thousand(summary),
        "seconds": took.as_secs_f64(),
        "worker": summary,
    });
    println!("{result}");
}
