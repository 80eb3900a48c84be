//! docs/lessons.md names scenes that are there and guards that are taken out to see them fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// The scenes, by name.
fn scenes() -> BTreeSet<String> {
    let folder = root().join("tests/simulator/tests/simulator/lessons");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let text: String = files.collect();
    let names = text.lines().filter_map(|line| line.strip_prefix("fn lesson_")?.split_once('('));
    names.map(|(name, _)| format!("lesson_{name}")).collect()
}

#[test]
fn every_lesson_has_a_scene_and_a_guard_that_it_fails_without() {
    let (text, guards, scenes) = (read("docs/lessons.md"), read("tests/guards/scenes.toml"), scenes());
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.get(1).is_some_and(|cell| cell.parse::<u8>().is_ok()))
        .collect();
    assert_eq!(rows.len(), 25);
    let mut told = BTreeSet::new();
    for (number, row) in (1..).zip(&rows) {
        assert_eq!(row[1], number.to_string());
        let named: Vec<_> = row[4].split('`').filter(|part| part.starts_with("lesson_")).collect();
        for name in &named {
            assert!(scenes.contains(*name), "there is no {name}");
            assert!(name.starts_with(&format!("lesson_{number:02}_")), "{name} is in row {number}");
            told.insert((*name).to_owned());
        }
        // The last is about the trigger's message: its tests are over the wire.
        if number < 25 {
            assert_eq!(named.len(), 1, "row {number}");
            let entry = format!("guard = \"{}\"\nlesson = {number}\n", row[5]);
            assert!(guards.contains(&entry), "tests/guards/scenes.toml lacks: {entry}");
            let test = format!("-- lesson_{number:02}_");
            assert!(guards.contains(&test), "tests/guards/scenes.toml runs no {test}");
        }
    }
    assert_eq!(told, scenes, "scenes that docs/lessons.md does not tell of");
}
