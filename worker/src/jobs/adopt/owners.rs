//! Whose is a row, by what it says itself? Only what the documented handler writes is believed: the sub, alone or
//! before the user name. Must never guess a user from a name: names are given again.

use domain::{Owner, ProfileKey, ProfileModel, UserPoolId, UserSub, Username};

use crate::jobs::candidate::nothing_but;
use crate::ports::StoredOwner;

/// Whose a row is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OwnedBy {
    /// It stands where its owner's row has to.
    Himself,
    /// It stands elsewhere.
    Stray {
        /// Its owner.
        sub: UserSub,
        /// His name; where the row does not tell it, no key needs it.
        username: Username,
    },
    /// Nobody who can be named.
    Nobody,
}

/// The owner a row is expected to have.
pub(super) struct Expected(Option<Owner>);

impl Expected {
    /// Whether a stored owner is this user.
    pub(super) fn is_of(&self, stored: &StoredOwner) -> bool {
        match (&self.0, stored) {
            (Some(owner), StoredOwner::Is(stored)) => owner.is(stored),
            _ => false,
        }
    }
}

/// Whose the row under `key` is that says `owner`.
pub(super) fn owned_by(
    owner: Option<&str>,
    key: &[String],
    model: &ProfileModel,
    pool: &UserPoolId,
) -> OwnedBy {
    let Some((sub, username)) = owner.and_then(read) else { return OwnedBy::Nobody };
    let place = |username: &Username| place_of(model, pool, &sub, username).map(|(key, _)| key);
    let username = match username {
        Some(username) => username,
        None => {
            // Any two names; a key that tells them apart cannot be made without the real one.
            let (Ok(one), Ok(other)) = (Username::parse(sub.as_str()), Username::parse("other")) else {
                return OwnedBy::Nobody;
            };
            if place(&one) != place(&other) {
                return OwnedBy::Nobody;
            }
            one
        }
    };
    let Some(his) = place(&username) else { return OwnedBy::Nobody };
    if his.iter().map(|(_, value)| value).eq(key.iter().map(String::as_str)) {
        OwnedBy::Himself
    } else {
        OwnedBy::Stray { sub, username }
    }
}

/// `{sub}::{username}` or `{sub}`.
fn read(owner: &str) -> Option<(UserSub, Option<Username>)> {
    match owner.split_once("::") {
        Some((sub, username)) => Some((UserSub::parse(sub).ok()?, Some(Username::parse(username).ok()?))),
        None => Some((UserSub::parse(owner).ok()?, None)),
    }
}

/// Where a user's row stands, and whose it has to be.
pub(super) fn place_of(
    model: &ProfileModel,
    pool: &UserPoolId,
    sub: &UserSub,
    username: &Username,
) -> Option<(ProfileKey, Expected)> {
    let user = nothing_but(pool, sub, username)?;
    Some((model.key(&user).ok()?, Expected(model.owner(&user))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11";

    fn whose(owner: Option<&str>, key: &[&str], model: &ProfileModel) -> OwnedBy {
        let key: Vec<String> = key.iter().map(|&value| value.to_owned()).collect();
        owned_by(owner, &key, model, &UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap())
    }

    #[test]
    fn the_handlers_rows_are_strays_and_the_workers_are_not() {
        let model = ProfileModel::default();
        let both = format!("{ANA}::o'brien::x");
        let OwnedBy::Stray { sub, username } = whose(Some(&both), &["random"], &model) else { panic!() };
        assert_eq!((sub.as_str(), username.as_str()), (ANA, "o'brien::x"));
        assert!(matches!(whose(Some(ANA), &["random"], &model), OwnedBy::Stray { .. }));
        assert_eq!(whose(Some(&both), &[ANA], &model), OwnedBy::Himself);
        assert_eq!(whose(Some(ANA), &[ANA], &model), OwnedBy::Himself);
        for nobody in [None, Some(""), Some("ana"), Some("google_1::ana"), Some(&format!("{ANA}::"))] {
            assert_eq!(whose(nobody, &["random"], &model), OwnedBy::Nobody, "{nobody:?}");
        }
    }

    #[test]
    fn a_key_that_needs_the_name_is_not_made_without_it() {
        let model = ProfileModel::from_toml(
            "type = \"P\"\n[key]\npartition = { name = \"owner\", value = \"{sub}::{username}\" }\n",
        );
        let model = model.unwrap_or_else(|error| panic!("{:?}", error.faults));
        assert_eq!(whose(Some(ANA), &["random"], &model), OwnedBy::Nobody);
        let both = format!("{ANA}::ana");
        assert_eq!(whose(Some(&both), &[&both], &model), OwnedBy::Himself);
    }

    #[test]
    fn the_row_that_stands_there_has_to_be_his() {
        let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
        let (sub, name) = (UserSub::parse(ANA).unwrap(), Username::parse("ana").unwrap());
        let (_, expected) = place_of(&ProfileModel::default(), &pool, &sub, &name).unwrap();
        assert!(expected.is_of(&StoredOwner::Is(format!("{ANA}::ana"))));
        assert!(!expected.is_of(&StoredOwner::Is("eve".into())) && !expected.is_of(&StoredOwner::Missing));
    }
}
