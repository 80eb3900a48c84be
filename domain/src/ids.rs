//! Validated identifiers. A value of one of these types has passed the check its name promises, so
//! nothing later needs to look again. Their `Debug` never shows the value: a sub or a user name in a
//! log line is a person in a log line.

use std::fmt;

/// Why a text is not the identifier it should be. Never carries the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} {fault}")]
pub struct InvalidId {
    /// The name of the identifier, as it is called on the wire.
    pub what: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
}

/// A Cognito user pool id such as `eu-central-1_A1b2C3d4E`.
///
/// Pattern `[\w-]+_[0-9a-zA-Z]+`, 1 to 55 characters (Cognito API reference, `UserPoolIdType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserPoolId(String);

impl UserPoolId {
    /// Checks and keeps `text`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fault = |fault| Err(InvalidId { what: "userPoolId", fault });
        if text.len() > 55 {
            return fault("is longer than 55 characters");
        }
        let Some((region, id)) = text.rsplit_once('_') else {
            return fault("is not of the form <region>_<id>");
        };
        let region_ok =
            !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let id_ok = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if region_ok && id_ok { Ok(Self(text.to_owned())) } else { fault("is not of the form <region>_<id>") }
    }

    /// The id as Cognito writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region the id begins with; Cognito forms every id as `<region>_<id>`.
    pub fn region(&self) -> &str {
        self.0.rsplit_once('_').map_or("", |(region, _)| region)
    }
}

impl fmt::Display for UserPoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Cognito `sub`: a lower-case hyphenated UUID, never given to a second user.
///
/// Upper case is refused, not folded: the token's `sub` claim is compared as text, and two spellings
/// of one sub would be two keys for one user.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserSub(String);

impl UserSub {
    /// Checks and keeps `text`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let hyphenated = text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
            });
        if hyphenated {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { what: "sub", fault: "is not a lower-case hyphenated UUID" })
        }
    }

    /// The sub as Cognito writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSub(redacted)")
    }
}

/// A Cognito user name: 1 to 128 characters without control characters (Cognito API reference,
/// `UsernameType`). Immutable, but free for reuse once its user is deleted, so never a key by itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// Checks and keeps `text`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fault = |fault| Err(InvalidId { what: "username", fault });
        if text.is_empty() {
            return fault("is empty");
        }
        if text.chars().count() > 128 {
            return fault("is longer than 128 characters");
        }
        if text.chars().any(char::is_control) {
            return fault("has control characters");
        }
        Ok(Self(text.to_owned()))
    }

    /// The user name as Cognito writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Username(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_ids_of_every_partition_parse_and_name_their_region() {
        for (id, region) in
            [("eu-central-1_A1b2C3d4E", "eu-central-1"), ("us-gov-west-1_Zz9", "us-gov-west-1")]
        {
            assert_eq!(UserPoolId::parse(id).unwrap().region(), region);
        }
        for bad in ["", "_", "eu-central-1", "eu-central-1_", "_A1", "eu central_A1", "eu_a-b", "é_a"] {
            assert!(UserPoolId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(UserPoolId::parse(&format!("eu_{}", "a".repeat(52))).is_ok());
        assert!(UserPoolId::parse(&format!("eu_{}", "a".repeat(53))).is_err());
    }

    #[test]
    fn a_sub_is_exactly_what_cognito_issues() {
        let sub = "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11";
        assert_eq!(UserSub::parse(sub).unwrap().as_str(), sub);
        let upper = sub.to_uppercase();
        let simple = sub.replace('-', "");
        for bad in [
            "",
            "not-a-uuid",
            &upper,
            &simple,
            " 9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a1",
            "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a1\0",
        ] {
            assert!(UserSub::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn user_names_may_hold_quotes_and_colons_but_no_control_characters() {
        for good in ["o'brien.test", "a::b", "google_109876543210987654321", "名前", &"x".repeat(128)] {
            assert!(Username::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["", "a\0b", "a\nb", "\u{85}", &"x".repeat(129)] {
            assert!(Username::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_never_shows_a_person() {
        let shown = format!(
            "{:?} {:?} {:?}",
            UserSub::parse("9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11").unwrap(),
            Username::parse("o'brien.test").unwrap(),
            UserSub::parse("ana@example.com"),
        );
        for person in ["9c1e", "brien", "ana@"] {
            assert!(!shown.contains(person), "{shown}");
        }
    }
}
