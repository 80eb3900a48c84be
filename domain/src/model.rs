//! From a confirmation to the item it becomes: the schema of one table, as data.
//!
//! Amplify's generated resolvers decide what an item must look like to be read, listed and updated by
//! its owner; a model says it in the same terms. Must stay a pure function of the confirmation: two
//! deliveries of one message have to describe the same item.

use std::collections::BTreeSet;

use crate::model_toml::{self, ModelError};
use crate::template::{Part, Placeholder, Template};
use crate::{AttributeValue, Confirmation, Item, Owner, ProfileKey, Reason, Rejection};

/// DynamoDB's limits for key values in bytes (developer guide, "Quotas").
const MAX_PARTITION_KEY: usize = 2048;
const MAX_SORT_KEY: usize = 1024;

/// How one table's items are made. Read it from TOML with [`ProfileModel::from_toml`]; the default is
/// the model Amplify documents: `UserProfile {email, profileOwner}` under `id = sub`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileModel {
    pub(crate) type_name: String,
    /// The model that the table was made for, where it is another than the type.
    pub(crate) table: Option<String>,
    pub(crate) key: Vec<(String, Template)>,
    pub(crate) owner: Option<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) composites: Vec<String>,
}

/// One attribute besides the key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: FieldValue,
    pub(crate) required: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldValue {
    Constant(AttributeValue),
    Text(Template),
    Number(Template),
    Bool(Template),
}

/// What is to be written for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Where.
    pub key: ProfileKey,
    /// Whose; `None` when the model names no owner attribute.
    pub owner: Option<Owner>,
    /// What.
    pub item: Item,
}

impl Default for ProfileModel {
    /// What [`Self::DEFAULT_TOML`] says; a test holds the two together.
    fn default() -> Self {
        let placeholder = |placeholder| Part::Placeholder(placeholder);
        let owner =
            [placeholder(Placeholder::Sub), Part::Literal("::".into()), placeholder(Placeholder::Username)];
        let field = |name: &str, template, required| Field {
            name: name.into(),
            value: FieldValue::Text(template),
            required,
        };
        Self {
            type_name: "UserProfile".into(),
            table: None,
            key: vec![("id".into(), Template::from_parts([placeholder(Placeholder::Sub)]))],
            owner: Some("profileOwner".into()),
            fields: vec![
                field("email", Template::from_parts([placeholder(Placeholder::Email)]), false),
                field("profileOwner", Template::from_parts(owner), true),
            ],
            composites: Vec::new(),
        }
    }
}

impl ProfileModel {
    /// The built-in model in its own grammar.
    pub const DEFAULT_TOML: &str = include_str!("../models/user-profile.toml");

    /// Reads a model. The grammar is documented in `docs/model.md`.
    ///
    /// # Errors
    /// Every fault at once, each with its place and its mend.
    pub fn from_toml(text: &str) -> Result<Self, ModelError> {
        model_toml::parse(text)
    }

    /// The model's name in the name of its table: the type, unless a renamed model kept its table.
    pub fn table_of(&self) -> &str {
        self.table.as_deref().unwrap_or(&self.type_name)
    }

    /// The GraphQL type, and the value of `__typename`.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The names of the key attributes, the partition key first.
    pub fn key_attributes(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|(name, _)| name.as_str())
    }

    /// The name of the attribute that says whose the row is.
    pub fn owner_attribute(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The Cognito attributes the model refers to beyond sub and e-mail: what the trigger must
    /// forward (`FORWARD_ATTRIBUTES`).
    pub fn referenced_attributes(&self) -> BTreeSet<&str> {
        self.templates()
            .flat_map(Template::placeholders)
            .filter_map(|placeholder| match placeholder {
                Placeholder::Attribute(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let fields = self.fields.iter().filter_map(|field| match &field.value {
            FieldValue::Constant(_) => None,
            FieldValue::Text(template) | FieldValue::Number(template) | FieldValue::Bool(template) => {
                Some(template)
            }
        });
        self.key.iter().map(|(_, template)| template).chain(fields)
    }

    /// The profile of one confirmed user.
    ///
    /// # Errors
    /// `model_field_missing`, `key_invalid` or `item_too_large`.
    pub fn profile(&self, of: &Confirmation) -> Result<Profile, Rejection> {
        let mut item = Item::default();
        item.set("__typename", AttributeValue::S(self.type_name.clone()));
        let time = of.item_time().to_string();
        item.set("createdAt", AttributeValue::S(time.clone()));
        item.set("updatedAt", AttributeValue::S(time));
        for field in &self.fields {
            match field.value.of(of) {
                Some(value) => item.set(&field.name, value),
                None if field.required => {
                    let detail = format!("the model requires {}, which this user cannot fill", field.name);
                    return Err(Rejection::new(Reason::ModelFieldMissing, detail));
                }
                None => {}
            }
        }
        let key = self.key(of)?;
        for (name, value) in key.iter() {
            item.set(name, AttributeValue::S(value.to_owned()));
        }
        for name in &self.composites {
            let parts: Option<Vec<String>> =
                name.split('#').map(|part| item.get(part).map(AttributeValue::text)).collect();
            if let Some(parts) = parts {
                item.set(name, AttributeValue::S(parts.join("#")));
            }
        }
        if item.size() > Item::MAX_BYTES {
            let detail = format!("the item has about {} bytes, more than {}", item.size(), Item::MAX_BYTES);
            return Err(Rejection::new(Reason::ItemTooLarge, detail));
        }
        let owner = self.owner.as_deref().and_then(|name| match item.get(name) {
            Some(AttributeValue::S(written)) => Some(Owner::new(&of.sub, &of.username, written.clone())),
            _ => None,
        });
        Ok(Profile { key, owner, item })
    }

    /// The owner of one user's row, as [`Self::profile`] gives it, without the rest of the item; `None` when the
    /// model names no owner attribute. A user who cannot fill it is still known by the forms that Amplify accepts.
    pub fn owner(&self, of: &Confirmation) -> Option<Owner> {
        let name = self.owner.as_deref()?;
        let field = self.fields.iter().find(|field| field.name == name);
        let key = || self.key.iter().find(|(key, _)| key == name);
        let written = match field.and_then(|field| field.value.of(of)) {
            Some(AttributeValue::S(written)) => Some(written),
            _ => key().and_then(|(_, template)| template.fill(of)),
        };
        let written = written.unwrap_or_else(|| of.sub.as_str().to_owned());
        Some(Owner::new(&of.sub, &of.username, written))
    }

    /// The name of the attribute that holds the e-mail address and nothing else.
    pub fn email_attribute(&self) -> Option<&str> {
        let is_email =
            |template: &Template| *template == Template::from_parts([Part::Placeholder(Placeholder::Email)]);
        let fields = self.fields.iter();
        let mut named =
            fields.filter(|field| matches!(&field.value, FieldValue::Text(text) if is_email(text)));
        named.next().map(|field| field.name.as_str())
    }

    /// The key of one user's row, as [`Self::profile`] gives it: it depends on the pool, the sub and the username
    /// alone.
    ///
    /// # Errors
    /// `key_invalid`.
    pub fn key(&self, of: &Confirmation) -> Result<ProfileKey, Rejection> {
        let mut attributes = Vec::with_capacity(self.key.len());
        for ((name, template), limit) in self.key.iter().zip([MAX_PARTITION_KEY, MAX_SORT_KEY]) {
            let invalid =
                |fault: String| Rejection::new(Reason::KeyInvalid, format!("key attribute {name} {fault}"));
            let value = template
                .fill(of)
                .filter(|text| !text.is_empty())
                .ok_or_else(|| invalid("is empty".into()))?;
            if value.len() > limit {
                return Err(invalid(format!("has {} bytes, more than DynamoDB's {limit}", value.len())));
            }
            attributes.push((name.clone(), value));
        }
        Ok(ProfileKey::new(attributes))
    }
}

impl FieldValue {
    fn of(&self, confirmation: &Confirmation) -> Option<AttributeValue> {
        match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Text(template) => {
                template.fill(confirmation).filter(|text| !text.is_empty()).map(AttributeValue::S)
            }
            Self::Number(template) => {
                template.fill(confirmation).filter(|text| is_number(text)).map(AttributeValue::N)
            }
            Self::Bool(template) => template.fill(confirmation)?.parse().ok().map(AttributeValue::Bool),
        }
    }
}

/// A number DynamoDB takes: up to 38 significant digits (developer guide, "Naming rules and data
/// types"); exponents are left out, no Cognito attribute has one.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && fraction.is_none_or(all_digits) && whole.len() + fraction.map_or(0, str::len) <= 38
}
