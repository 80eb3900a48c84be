//! The models of `docs/model.md` are models: every TOML block of it is read by the real reader, and
//! every block it shows as a mistake is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is to stop loudly, at the line where it stopped"
)]

use domain::ProfileModel;

const MODEL_MD: &str = include_str!("../../docs/model.md");

/// One fenced block: the line of its fence, what stands after the backticks, and its text.
struct Block {
    line: usize,
    info: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in MODEL_MD.lines().enumerate().map(|(at, text)| (at + 1, text)) {
        match (open.take(), text.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { line, info: info.trim().to_owned(), text: String::new() });
            }
            (None, None) => {}
            (Some(block), Some(_)) => blocks.push(block),
            (Some(mut block), None) => {
                block.text.push_str(text);
                block.text.push('\n');
                open = Some(block);
            }
        }
    }
    assert!(open.is_none(), "docs/model.md ends inside a block");
    blocks
}

fn marked(info: &str) -> Vec<Block> {
    let found: Vec<Block> = blocks().into_iter().filter(|block| block.info == info).collect();
    assert!(found.len() >= 6, "docs/model.md has only {} blocks marked {info}", found.len());
    found
}

#[test]
fn every_model_it_shows_is_accepted() {
    for Block { line, text, .. } in marked("toml") {
        let read = ProfileModel::from_toml(&text);
        assert!(read.is_ok(), "docs/model.md line {line}: {}", read.unwrap_err());
    }
}

#[test]
fn every_mistake_it_shows_is_refused() {
    for Block { line, text, .. } in marked("toml,fails") {
        assert!(ProfileModel::from_toml(&text).is_err(), "docs/model.md line {line} is accepted");
    }
}

/// A mark nobody looks for would be a block nobody checks.
#[test]
fn no_toml_block_is_left_unchecked() {
    for Block { line, info, .. } in blocks() {
        let known = !info.contains("toml") || matches!(info.as_str(), "toml" | "toml,fails");
        assert!(known, "docs/model.md line {line}: {info}");
    }
}

#[test]
fn the_built_in_model_stands_in_it() {
    let built_in = ProfileModel::default();
    let shown = marked("toml")
        .into_iter()
        .any(|block| ProfileModel::from_toml(&block.text).is_ok_and(|model| model == built_in));
    assert!(shown, "docs/model.md does not show the built-in model");
}
