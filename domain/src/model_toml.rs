//! The TOML grammar of a model, and its rules. Two steps: what was written, then what it means, with
//! every fault collected, so that a person mends a model in one go. The grammar is documented in
//! `docs/model.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::model::{Field, FieldValue, is_number};
use crate::template::{Placeholder, Template};
use crate::{AttributeValue, ProfileModel};

/// The attributes every item has; a model cannot give them another value.
const WRITTEN_ALWAYS: [&str; 3] = ["__typename", "createdAt", "updatedAt"];

/// Every fault of a model, each a sentence that names the place and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// At least one.
    pub faults: Vec<String>,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("; "))
    }
}

impl std::error::Error for ModelError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    r#type: String,
    table: Option<String>,
    owner: Option<String>,
    key: WrittenKey,
    #[serde(default)]
    fields: BTreeMap<String, toml::Value>,
    #[serde(default)]
    composites: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    partition: WrittenKeyAttribute,
    sort: Option<WrittenKeyAttribute>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKeyAttribute {
    name: String,
    value: String,
}

/// The long form of a field. `value` stays untyped until its `type` is known, so that a fault can be
/// named in the model's words and not in the parser's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongField {
    value: toml::Value,
    r#type: Option<FieldType>,
    #[serde(default)]
    required: bool,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
enum FieldType {
    S,
    N,
    #[serde(rename = "BOOL")]
    Bool,
}

pub(crate) fn parse(text: &str) -> Result<ProfileModel, ModelError> {
    let written: Written =
        toml::from_str(text).map_err(|fault| ModelError { faults: vec![in_words(&fault)] })?;
    let mut faults = Vec::new();
    if !is_type_name(&written.r#type) {
        faults.push(format!(
            "type = {:?} is not a GraphQL type name; write the model's name, such as \"UserProfile\"",
            written.r#type
        ));
    }
    if written.table.as_deref().is_some_and(|name| !is_type_name(name)) {
        faults.push(
            "table is not a model's name; write what stands before the first hyphen of the table's name"
                .to_owned(),
        );
    }
    let key = read_key(written.key, &mut faults);
    let fields = read_fields(written.fields, &key, &mut faults);
    let present: BTreeSet<&str> = key
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(fields.iter().map(|field| field.name.as_str()))
        .chain(WRITTEN_ALWAYS)
        .collect();
    for name in &written.composites {
        check_composite(name, &present, &mut faults);
    }
    let mut fields = fields;
    if let Some(owner) = &written.owner {
        check_owner(owner, &key, &mut fields, &mut faults);
    }
    if !faults.is_empty() {
        return Err(ModelError { faults });
    }
    Ok(ProfileModel {
        type_name: written.r#type,
        table: written.table,
        key,
        owner: written.owner,
        fields,
        composites: written.composites,
    })
}

/// The parser shows the line, except where it gave up before it knew one.
fn in_words(fault: &toml::de::Error) -> String {
    match fault.span() {
        Some(_) => fault.to_string().trim_end().to_owned(),
        None => format!(
            "the model as a whole cannot be read: {}; nothing in a model nests deeper than fields.<name>.value",
            fault.message()
        ),
    }
}

fn read_key(written: WrittenKey, faults: &mut Vec<String>) -> Vec<(String, Template)> {
    let mut key = Vec::new();
    for (place, attribute) in [("key.partition", Some(written.partition)), ("key.sort", written.sort)] {
        let Some(WrittenKeyAttribute { name, value }) = attribute else { continue };
        if name.is_empty()
            || WRITTEN_ALWAYS.contains(&name.as_str())
            || key.iter().any(|(other, _)| *other == name)
        {
            faults.push(format!(
                "{place}.name = {name:?} cannot be a key attribute; use the table's key attribute"
            ));
        }
        match read_template(&value) {
            Ok(template) => {
                if let Some(mutable) = template.placeholders().find(|placeholder| !placeholder.is_immutable())
                {
                    faults.push(format!(
                        "{place}.value uses {{{}}}, which can change: a user would get a second row; use only {{sub}}, {{username}} and {{userPoolId}}",
                        mutable.name()
                    ));
                }
                key.push((name, template));
            }
            Err(fault) => faults.push(format!("{place}.value {fault}")),
        }
    }
    if !key
        .iter()
        .any(|(_, template)| template.placeholders().any(|placeholder| *placeholder == Placeholder::Sub))
    {
        faults.push("key must contain {sub}, the only id that is never given to a second user; write partition = { name = \"id\", value = \"{sub}\" }".into());
    }
    key
}

fn read_fields(
    written: BTreeMap<String, toml::Value>,
    key: &[(String, Template)],
    faults: &mut Vec<String>,
) -> Vec<Field> {
    let mut fields = Vec::new();
    for (name, value) in written {
        if name.is_empty() {
            faults.push("fields: a field has an empty name; name it as the table does".into());
        }
        if WRITTEN_ALWAYS.contains(&name.as_str()) {
            faults.push(format!("fields.{name} is written for every item; leave it out"));
        }
        if key.iter().any(|(other, _)| *other == name) {
            faults.push(format!("fields.{name} is a key attribute already; leave it out"));
        }
        match read_field(value) {
            Ok((value, required)) => fields.push(Field { name, value, required }),
            Err(fault) => faults.push(format!("fields.{name} {fault}")),
        }
    }
    fields
}

fn read_field(written: toml::Value) -> Result<(FieldValue, bool), String> {
    let long = match written {
        toml::Value::Table(table) => LongField::deserialize(table)
            .map_err(|fault| format!("is not a field: {}", fault.to_string().trim_end()))?,
        value => LongField { value, r#type: None, required: false },
    };
    Ok((read_value(long.value, long.r#type)?, long.required))
}

/// A template of placeholders that exist.
fn read_template(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    if let Some(unknown) = template.placeholders().find(|placeholder| !placeholder.is_known()) {
        let name = unknown.name();
        return Err(format!(
            "uses {{{name}}}, which is no Cognito attribute; custom ones are written {{custom:{name}}}"
        ));
    }
    Ok(template)
}

fn read_value(value: toml::Value, kind: Option<FieldType>) -> Result<FieldValue, String> {
    use FieldType::{Bool, N, S};
    match (value, kind) {
        (toml::Value::Boolean(flag), None | Some(Bool)) => {
            Ok(FieldValue::Constant(AttributeValue::Bool(flag)))
        }
        (toml::Value::Integer(number), None | Some(N)) => {
            Ok(FieldValue::Constant(AttributeValue::N(number.to_string())))
        }
        (toml::Value::Float(number), None | Some(N)) if is_number(&number.to_string()) => {
            Ok(FieldValue::Constant(AttributeValue::N(number.to_string())))
        }
        (toml::Value::String(text), kind) => {
            let template = read_template(&text)?;
            let constant = template.placeholders().next().is_none();
            match kind.unwrap_or(S) {
                S => Ok(FieldValue::Text(template)),
                N if constant && !is_number(&text) => Err("has type N but its value is not a number".into()),
                N => Ok(FieldValue::Number(template)),
                Bool if constant && text.parse::<bool>().is_err() => {
                    Err("has type BOOL but its value is neither true nor false".into())
                }
                Bool => Ok(FieldValue::Bool(template)),
            }
        }
        _ => Err("has a value that is no string, number or boolean of the type it names; write a template such as \"{email}\"".into()),
    }
}

fn check_composite(name: &str, present: &BTreeSet<&str>, faults: &mut Vec<String>) {
    if name.split('#').count() < 2 {
        faults.push(format!(
            "composites: {name:?} joins nothing; name it as the index does, such as \"tenant#createdAt\""
        ));
    }
    if present.contains(name) {
        faults.push(format!("composites: {name:?} is an attribute already"));
    }
    for part in name.split('#').filter(|part| !present.contains(part)) {
        faults.push(format!(
            "composites: {name:?} refers to {part:?}, which is neither a field nor a key attribute"
        ));
    }
}

/// The owner attribute decides who may read the row, so a row without one is of no use to anybody: it
/// is required whatever the model says, and it must tell users apart.
fn check_owner(owner: &str, key: &[(String, Template)], fields: &mut [Field], faults: &mut Vec<String>) {
    let in_key = key.iter().find(|(name, _)| name == owner).map(|(_, template)| template.clone());
    let template = match (in_key, fields.iter_mut().find(|field| field.name == owner)) {
        (Some(template), _) => template,
        (None, Some(field)) => match &field.value {
            FieldValue::Text(template) => {
                let template = template.clone();
                field.required = true;
                template
            }
            _ => {
                faults.push(format!(
                    "owner = {owner:?}: the field must be a string template, such as \"{{sub}}::{{username}}\""
                ));
                return;
            }
        },
        (None, None) => {
            faults.push(format!(
                "owner = {owner:?} is neither a field nor a key attribute; add fields.{owner} = \"{{sub}}::{{username}}\""
            ));
            return;
        }
    };
    let tells_apart =
        |placeholder: &Placeholder| matches!(placeholder, Placeholder::Sub | Placeholder::Username);
    if !template.placeholders().any(tells_apart) {
        faults.push(format!(
            "owner = {owner:?}: its template names neither {{sub}} nor {{username}}, so all users would own all rows"
        ));
    }
}

/// GraphQL names (GraphQL specification, section 2.1.9).
fn is_type_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
