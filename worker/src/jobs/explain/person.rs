//! The user as the model sees him: with whatever is known of him, his key, his owner and whether an item can be
//! made. Where Cognito was not asked only his sub is known, and a key that takes more is not guessed.

use domain::{Confirmation, Owner, ProfileKey, Rejection, UserPoolId, UserSub, Username};

use crate::config::JobConfig;
use crate::jobs::candidate::nothing_but;
use crate::ports::User;

/// What the model makes of him.
pub(super) struct Person {
    /// Where his row is; `None` where that takes more than is known.
    pub(super) key: Option<Result<ProfileKey, Rejection>>,
    /// Whose his row is to be; known only of a user whom Cognito knows.
    pub(super) owner: Option<Owner>,
    /// Why the model makes no item of him, if so.
    pub(super) unmakeable: Option<Rejection>,
}

impl Person {
    /// As far as he is known.
    pub(super) fn of(config: &JobConfig, sub: &UserSub, user: Option<&User>) -> Self {
        let keys: Vec<_> = stand_ins(config, sub, user).iter().map(|of| config.model.key(of)).collect();
        let same = keys.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
        let known = user.zip(config.user_pool.as_ref());
        let confirmation = known.and_then(|(user, pool)| confirmation(pool, sub, &user.username, Some(user)));
        Self {
            key: keys.into_iter().next().filter(|_| same),
            owner: confirmation.as_ref().and_then(|of| config.model.owner(of)),
            unmakeable: confirmation.and_then(|of| config.model.profile(&of).err()),
        }
    }
}

/// Whoever he may be: all that is unknown stands for itself in two ways, and what comes out the same does not
/// depend on it.
fn stand_ins(config: &JobConfig, sub: &UserSub, user: Option<&User>) -> Vec<Confirmation> {
    ["1", "2"]
        .into_iter()
        .filter_map(|way| {
            let pool =
                config.user_pool.clone().or_else(|| UserPoolId::parse(&format!("unknown_{way}")).ok())?;
            let username = user.map(|user| user.username.clone()).or_else(|| Username::parse(way).ok())?;
            confirmation(&pool, sub, &username, user)
        })
        .collect()
}

fn confirmation(
    pool: &UserPoolId,
    sub: &UserSub,
    username: &Username,
    user: Option<&User>,
) -> Option<Confirmation> {
    let mut of = nothing_but(pool, sub, username)?;
    if let Some(user) = user {
        of.email = user.attributes.get("email").cloned();
        of.observed_at = user.created_at;
        of.attributes.clone_from(&user.attributes);
    }
    Some(of)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use domain::{ProfileModel, Timestamp};

    use super::*;
    use crate::ports::UserStatus;
    use crate::telemetry::Pseudonyms;

    fn config(model: &str, pool: bool) -> JobConfig {
        JobConfig {
            queue_url: String::new(),
            dead_letter_queue_url: None,
            table_name: String::new(),
            model: ProfileModel::from_toml(model).unwrap(),
            user_pools: BTreeSet::new(),
            user_pool: pool.then(|| UserPoolId::parse("eu_A1").unwrap()),
            fair_groups: true,
            pseudonyms: Pseudonyms::new(None),
            export: crate::telemetry::Export::default(),
        }
    }

    fn sub() -> UserSub {
        UserSub::parse("00000000-0000-0000-0000-000000000007").unwrap()
    }

    fn user() -> User {
        let time = Timestamp::from_epoch_ms(0).unwrap();
        User {
            sub: sub(),
            username: Username::parse("u7").unwrap(),
            status: UserStatus::Confirmed,
            enabled: true,
            created_at: time,
            modified_at: time,
            attributes: BTreeMap::new(),
        }
    }

    fn key_is_known(template: &str, pool: bool, user: Option<&User>) -> bool {
        let model = format!("type = \"P\"\n[key]\npartition = {{ name = \"id\", value = \"{template}\" }}\n");
        Person::of(&config(&model, pool), &sub(), user).key.is_some()
    }

    #[test]
    fn a_key_is_known_as_soon_as_all_it_takes_is() {
        let user = user();
        for (template, pool, known, expected) in [
            ("{sub}", false, false, true),
            ("{sub}", true, true, true),
            ("{sub}#{username}", true, false, false),
            ("{sub}#{username}", true, true, true),
            ("{userPoolId}#{sub}", false, false, false),
            ("{userPoolId}#{sub}", true, false, true),
        ] {
            let seen = key_is_known(template, pool, known.then_some(&user));
            assert_eq!(seen, expected, "{template} {pool} {known}");
        }
    }

    #[test]
    fn an_owner_and_an_item_are_only_of_a_user_who_is_known() {
        let model = "type = \"P\"\nowner = \"o\"\n[key]\npartition = { name = \"id\", value = \"{sub}\" }\n\
                     [fields]\no = \"{sub}::{username}\"\ntenant = { value = \"{custom:tenant}\", required = true }\n";
        let unknown = Person::of(&config(model, true), &sub(), None);
        assert!(unknown.owner.is_none() && unknown.unmakeable.is_none());
        let known = Person::of(&config(model, true), &sub(), Some(&user()));
        assert!(known.owner.is_some_and(|owner| owner.is("u7")));
        assert_eq!(known.unmakeable.map(|rejection| rejection.reason.code()), Some("model_field_missing"));
    }
}
