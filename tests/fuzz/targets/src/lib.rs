//! Every parser that meets the outside, each as a function from bytes to "all is well" or a panic.
//!
//! Two callers share these functions: the fuzzer (`tests/fuzz/fuzz_targets`), which looks for new inputs,
//! and `fuzz-replay`, by which `cargo test` feeds every committed input without any fuzzer. A target asserts
//! what must be true of the answer, never only that there is one. Must never mock what it judges.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic is how a target tells the fuzzer what it found"
)]

pub mod body;
pub mod event;
pub mod model;
#[path = "../../../../domain/tests/oracles/mod.rs"]
mod oracles;
pub mod outputs;
mod people;
pub mod settings;
pub mod trace;
pub mod trigger;

/// A parser and what is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: that of its file, its fuzzer, its corpus and its dictionary.
    pub name: &'static str,
    /// Panics on an answer that must not be.
    pub judge: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "body", judge: body::judge },
    Target { name: "event", judge: event::judge },
    Target { name: "model", judge: model::judge },
    Target { name: "outputs", judge: outputs::judge },
    Target { name: "settings", judge: settings::judge },
    Target { name: "trace", judge: trace::judge },
    Target { name: "trigger", judge: trigger::judge },
];

/// The input as text. What comes from the network or from a file was checked for UTF-8 before these parsers
/// see it.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}
