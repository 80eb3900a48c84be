//! Field templates such as `{sub}::{username}`: literal text and placeholders in braces, `{{` and `}}`
//! for the braces themselves. Parsed once; must never fail while a message is being read.

use std::borrow::Cow;

use crate::Confirmation;

/// Cognito's standard attributes (developer guide, "Working with user attributes"), without those that
/// have a placeholder of their own.
const STANDARD_ATTRIBUTES: [&str; 18] = [
    "address",
    "birthdate",
    "family_name",
    "gender",
    "given_name",
    "identities",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];

/// What a placeholder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Placeholder {
    Sub,
    Username,
    UserPoolId,
    Email,
    EmailVerified,
    CreatedAt,
    CreatedAtMs,
    /// Any other name is that of an allow-listed Cognito attribute.
    Attribute(String),
}

impl Placeholder {
    fn parse(name: &str) -> Self {
        match name {
            "sub" => Self::Sub,
            "username" => Self::Username,
            "userPoolId" => Self::UserPoolId,
            "email" => Self::Email,
            "email_verified" => Self::EmailVerified,
            "createdAt" => Self::CreatedAt,
            "createdAtMs" => Self::CreatedAtMs,
            attribute => Self::Attribute(attribute.to_owned()),
        }
    }

    /// The name between the braces.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Sub => "sub",
            Self::Username => "username",
            Self::UserPoolId => "userPoolId",
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::CreatedAt => "createdAt",
            Self::CreatedAtMs => "createdAtMs",
            Self::Attribute(name) => name,
        }
    }

    /// Whether there is such a thing. A misspelt name would be a field that nobody ever has.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Attribute(name) => {
                let prefixed = ["custom:", "dev:custom:", "cognito:"]
                    .iter()
                    .any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
                prefixed || STANDARD_ATTRIBUTES.contains(&name.as_str())
            }
            _ => true,
        }
    }

    /// Whether the value can never change for a user. Only such a value may be part of a key: a key
    /// that follows an e-mail address makes a second row when the address changes.
    pub(crate) fn is_immutable(&self) -> bool {
        matches!(self, Self::Sub | Self::Username | Self::UserPoolId)
    }

    fn value<'a>(&self, of: &'a Confirmation) -> Option<Cow<'a, str>> {
        match self {
            Self::Sub => Some(of.sub.as_str().into()),
            Self::Username => Some(of.username.as_str().into()),
            Self::UserPoolId => Some(of.user_pool_id.as_str().into()),
            Self::Email => of.email.as_deref().map(Cow::from),
            Self::EmailVerified => of.email_verified.map(|flag| flag.to_string().into()),
            Self::CreatedAt => Some(of.item_time().to_string().into()),
            Self::CreatedAtMs => Some(of.item_time().epoch_ms().to_string().into()),
            Self::Attribute(name) => of.attributes.get(name).map(|text| text.as_str().into()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Placeholder(Placeholder),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// A template from its parts; at least one.
    pub(crate) fn from_parts(parts: impl Into<Vec<Part>>) -> Self {
        Self { parts: parts.into() }
    }

    /// # Errors
    /// A sentence about the first brace that has no partner or no name between.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' | '}' if rest.peek() == Some(&c) => {
                    rest.next();
                    literal.push(c);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some('{') | None => {
                                return Err("has a { without its }; write {{ for the brace itself");
                            }
                            Some(c) => name.push(c),
                        }
                    }
                    if name.trim().is_empty() || name.trim() != name {
                        return Err("has a placeholder without a name, or with spaces around it");
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Placeholder(Placeholder::parse(&name)));
                }
                '}' => return Err("has a } without its {; write }} for the brace itself"),
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        if parts.is_empty() {
            Err("is empty; DynamoDB profiles hold no empty strings")
        } else {
            Ok(Self { parts })
        }
    }

    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(placeholder),
            Part::Literal(_) => None,
        })
    }

    /// The text for one user, or `None` when the user has no value for one of the placeholders.
    pub(crate) fn fill(&self, of: &Confirmation) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Placeholder(placeholder) => text.push_str(&placeholder.value(of)?),
            }
        }
        Some(text)
    }
}
