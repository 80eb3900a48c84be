//! The `Filter` of ListUsers: one attribute, `=` or `^=`, one value in quotes. Must refuse what Cognito cannot
//! search for, such as dates and custom attributes.

use super::protocol::{ApiError, Fault};
use super::user::User;

/// "A filter string … max 256" (Cognito API reference, `UserFilterType`).
const LONGEST: usize = 256;

/// Attributes that can be searched for, beside those that are none: `status` and `cognito:user_status`.
const SEARCHABLE: [&str; 8] =
    ["username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username", "sub"];

/// What is searched for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    attribute: String,
    prefix: bool,
    value: String,
}

impl Filter {
    /// Reads it; `None` for an empty one, which finds everybody.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        let text = text.trim();
        let refused =
            |why: &str| Fault::InvalidParameter.because(format!("Error while parsing filter: {why}."));
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > LONGEST {
            return Err(refused("it is longer than 256 characters"));
        }
        let (left, value) = text.split_once('=').ok_or_else(|| refused("it has neither = nor ^="))?;
        let (attribute, prefix) = left.strip_suffix('^').map_or((left, false), |name| (name, true));
        let attribute = attribute.trim().trim_matches('"').to_owned();
        if !SEARCHABLE.contains(&attribute.as_str())
            && !matches!(attribute.as_str(), "status" | "cognito:user_status")
        {
            return Err(refused("the attribute cannot be searched for"));
        }
        let quoted = value.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = quoted.ok_or_else(|| refused("the value is not in quotes"))?.replace("\\\"", "\"");
        Ok(Some(Self { attribute, prefix, value }))
    }

    /// Whether this user is wanted.
    pub(crate) fn finds(&self, user: &User) -> bool {
        match self.attribute.as_str() {
            "cognito:user_status" => {
                self.fits(&user.status.name().to_ascii_lowercase(), &self.value.to_ascii_lowercase())
            }
            "status" => self.fits(if user.enabled { "Enabled" } else { "Disabled" }, &self.value),
            "sub" => self.fits(&user.sub, &self.value),
            "username" => self.fits(&user.username, &self.value),
            other => user.attributes.get(other).is_some_and(|value| self.fits(value, &self.value)),
        }
    }

    fn fits(&self, actual: &str, wanted: &str) -> bool {
        if self.prefix { actual.starts_with(wanted) } else { actual == wanted }
    }
}

#[cfg(test)]
mod tests {
    use worker::ports::UserStatus;

    use super::*;

    fn finds(filter: &str, user: &User) -> bool {
        Filter::parse(filter).unwrap().unwrap().finds(user)
    }

    #[test]
    fn equal_and_beginning_with() {
        let user = User::named("ana").with("email", "ana@example.com").being(UserStatus::ResetRequired);
        for filter in [
            "username = \"ana\"",
            "username ^= \"an\"",
            "email=\"ana@example.com\"",
            "\"email\" ^= \"ana@\"",
            "status = \"Enabled\"",
            "cognito:user_status = \"reset_required\"",
            "cognito:user_status ^= \"RESET\"",
        ] {
            assert!(finds(filter, &user), "{filter}");
        }
        for filter in ["username = \"an\"", "status = \"enabled\"", "phone_number ^= \"\"", "email ^= \"@\""]
        {
            assert!(!finds(filter, &user), "{filter}");
        }
        assert!(finds(&format!("sub = \"{}\"", user.sub), &user));
        assert!(Filter::parse("  ").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        for filter in [
            "custom:tenant = \"blue\"",
            "UserCreateDate = \"2026\"",
            "email",
            "email = ana@example.com",
            "email = \"a\" and status = \"Enabled",
            &format!("email = \"{}\"", "a".repeat(256)),
        ] {
            let refused = Filter::parse(filter).unwrap_err();
            assert_eq!(refused.fault, Fault::InvalidParameter, "{filter}");
        }
    }
}
