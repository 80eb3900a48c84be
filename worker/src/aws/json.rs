//! DynamoDB JSON, such as `{"S": "text"}`: the form in which the AWS CLI takes items back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::base64;
use serde_json::{Map, Value, json};

use super::adoption::WholeRow;

/// An item as DynamoDB JSON.
pub fn item(item: &WholeRow) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    Value::Object(sorted.into_iter().map(|(name, given)| (name.clone(), value(given))).collect::<Map<_, _>>())
}

/// One value as DynamoDB JSON.
pub(super) fn value(given: &AttributeValue) -> Value {
    match given {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::B(bytes) => json!({ "B": base64::encode(bytes) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(all) => json!({ "BS": all.iter().map(base64::encode).collect::<Vec<_>>() }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(value).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": item(map) }),
        // A type that DynamoDB has not yet; the caller must not change an item it cannot write down.
        _ => Value::Null,
    }
}

/// Whether every value of the item has a form here.
pub fn is_complete(item: &WholeRow) -> bool {
    fn known(given: &AttributeValue) -> bool {
        match given {
            AttributeValue::L(list) => list.iter().all(known),
            AttributeValue::M(map) => is_complete(map),
            other => !value(other).is_null(),
        }
    }
    item.values().all(known)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::Blob;

    use super::*;

    #[test]
    fn every_type_has_its_form() {
        use AttributeValue::{B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
        let blob = || Blob::new(*b"\0\xff");
        let values = [
            ("s", S("ä".into()), json!({"S": "ä"})),
            ("n", N("1.5".into()), json!({"N": "1.5"})),
            ("bool", Bool(false), json!({"BOOL": false})),
            ("null", Null(true), json!({"NULL": true})),
            ("b", B(blob()), json!({"B": "AP8="})),
            ("ss", Ss(vec!["a".into()]), json!({"SS": ["a"]})),
            ("ns", Ns(vec!["1".into()]), json!({"NS": ["1"]})),
            ("bs", Bs(vec![blob()]), json!({"BS": ["AP8="]})),
            ("l", L(vec![N("1".into())]), json!({"L": [{"N": "1"}]})),
            ("m", M([("k".into(), L(vec![]))].into()), json!({"M": {"k": {"L": []}}})),
        ];
        let expected: Map<_, _> =
            values.iter().map(|(name, _, json)| ((*name).into(), json.clone())).collect();
        let given: WholeRow = values.into_iter().map(|(name, value, _)| (name.into(), value)).collect();
        assert_eq!(item(&given), Value::Object(expected));
        assert!(is_complete(&given));
    }
}
