//! What DynamoDB bills for a write: one write unit for each kilobyte of the item, or part of one, each item
//! by itself; a write whose condition fails is billed by the larger of the new item and the one that is
//! there (DynamoDB Developer Guide, "DynamoDB read and write operations"). Items here are strings only.

use serde_json::{Map, Value};

const UNIT: usize = 1024;

/// Write units of one insert of this item.
pub(crate) fn units(item: &Map<String, Value>) -> u64 {
    size(item).div_ceil(UNIT).max(1) as u64
}

/// Names and values in UTF-8 ("Item sizes and formats").
fn size(item: &Map<String, Value>) -> usize {
    let value = |value: &Value| value["S"].as_str().expect("an attribute that is no string").len();
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum()
}
