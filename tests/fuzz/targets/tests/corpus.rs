//! Every committed input, without a fuzzer: the corpus that fuzzing grew, what it once found, and the
//! fixtures of the domain. A test of its own for each target, so that one can be named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fuzz_targets::TARGETS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The inputs of one target; what was found once is kept apart, so that minimising cannot lose it.
fn inputs(target: &str) -> BTreeSet<PathBuf> {
    let mut inputs = files(&root().join("corpus").join(target));
    assert!(inputs.len() >= 5, "the corpus of {target} is gone");
    inputs.extend(files(&root().join("found").join(target)));
    if ["body", "event", "trigger"].contains(&target) {
        let fixtures = files(&root().join("../../domain/tests/fixtures/events"));
        assert!(fixtures.len() >= 7, "the fixtures are gone");
        inputs.extend(fixtures);
    }
    inputs
}

fn replay(target: &str) {
    let inputs = inputs(target);
    // Stdout is the trigger's, which writes its metrics there.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_fuzz-replay"));
    let output = replay.arg(target).args(&inputs).stdout(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let judged: Vec<&str> = said.lines().filter(|line| line.starts_with(&format!("{target} "))).collect();
    let last = judged.last().copied().unwrap_or("nothing");
    assert!(output.status.success(), "{} at {last}:\n{said}", output.status);
    assert_eq!(judged.len(), inputs.len(), "not every input was judged");
}

#[test]
fn body() {
    replay("body");
}

#[test]
fn event() {
    replay("event");
}

#[test]
fn model() {
    replay("model");
}

#[test]
fn outputs() {
    replay("outputs");
}

#[test]
fn settings() {
    replay("settings");
}

#[test]
fn trace() {
    replay("trace");
}

#[test]
fn trigger() {
    replay("trigger");
}

/// Each name stands in five places; one that is missing somewhere is a target that nobody runs.
#[test]
fn every_target_has_a_fuzzer_a_dictionary_a_corpus_and_a_test() {
    let named = |folder: &str, suffix: &str| -> BTreeSet<String> {
        let names = files(&root().join(folder));
        let names = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
        names.map(|name| name.strip_suffix(suffix).unwrap_or(name).to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(named("fuzz_targets", ".rs"), targets);
    assert_eq!(named("dictionaries", ".dict"), targets);
    assert_eq!(named("corpus", ""), targets);
    for target in &targets {
        assert!(
            include_str!("corpus.rs").contains(&format!("replay({target:?})")),
            "{target} is not replayed"
        );
    }
}

/// Small enough for everybody who clones the repository and for every run of the tests.
#[test]
fn the_corpus_stays_small() {
    let folders =
        TARGETS.iter().flat_map(|target| ["corpus", "found"].map(|top| root().join(top).join(target.name)));
    let sizes: Vec<u64> =
        folders.flat_map(|folder| files(&folder)).map(|file| file.metadata().unwrap().len()).collect();
    assert!(sizes.len() < 300, "{} files; minimise with cargo fuzz cmin", sizes.len());
    assert!(sizes.iter().sum::<u64>() < 1_000_000, "{} bytes", sizes.iter().sum::<u64>());
}
