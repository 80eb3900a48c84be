//! Judges files without a fuzzer: `fuzz-replay TARGET FILE…`. So `cargo test` runs every committed input, and
//! so a crash is looked at in a debugger. A process of its own, because an input that exhausts the stack ends
//! the process; the last file named on stderr is the one.

#![allow(clippy::print_stderr, reason = "the file in hand has to be known when the process is gone")]

use std::process::ExitCode;

use fuzz_targets::TARGETS;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!(
            "there is no target {name:?}; write fuzz-replay TARGET FILE…, with one of {}",
            names.join(", ")
        );
        return ExitCode::from(64);
    };
    for file in arguments {
        eprintln!("{name} {file}");
        match std::fs::read(&file) {
            Ok(input) => (target.judge)(&input),
            Err(fault) => {
                eprintln!("{file} cannot be read: {fault}; give the paths of inputs");
                return ExitCode::from(64);
            }
        }
    }
    ExitCode::SUCCESS
}
