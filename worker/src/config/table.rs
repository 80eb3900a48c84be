//! Whose table is it? All tables of an Amplify backend have the key `id` and end alike, so neither the key nor
//! the environment tells a profiles table from another model's; the first part of the name does. Filling
//! another model's table would make every list query of it fail. Must not refuse a name that is not Amplify's.

use domain::ProfileModel;

use super::Problem;

/// The length of an AppSync API id, in lower-case letters and digits.
const API_ID: usize = 26;

/// The model in the name Amplify gives a table: `<model>-<API id>-<environment>`, the last `NONE` in Gen 2.
fn model_in(table: &str) -> Option<&str> {
    let mut parts = table.split('-');
    let (model, api, environment) = (parts.next()?, parts.next()?, parts.next()?);
    let id = api.len() == API_ID && api.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (id && parts.next().is_none() && !model.is_empty() && !environment.is_empty()).then_some(model)
}

/// The problem with a table that by its name belongs to another model.
pub(super) fn of_another_model(table: &str, profiles: &ProfileModel) -> Option<Problem> {
    let expected = profiles.table_of();
    let other = model_in(table).filter(|model| *model != expected)?;
    Some(Problem::new(
        "TABLE_NAME, PROFILE_MODEL",
        format!("by its name the table is that of the model {other}, and the profiles are {expected} items"),
        format!(
            "point TABLE_NAME at the table of {expected}; if a renamed model kept its table, write table = \"{other}\" in PROFILE_MODEL"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "abcdefghijklmnopqrstuv0123";

    fn refused(table: &str, model: &str) -> bool {
        let text = format!("{model}\n[key]\npartition = {{ name = \"id\", value = \"{{sub}}\" }}");
        of_another_model(table, &ProfileModel::from_toml(&text).unwrap()).is_some()
    }

    #[test]
    fn another_models_table_is_known_by_its_name() {
        let profiles = "type = \"UserProfile\"";
        for environment in ["NONE", "dev"] {
            assert!(refused(&format!("Todo-{API}-{environment}"), profiles));
            assert!(refused(&format!("UserProfile2-{API}-{environment}"), profiles));
            assert!(!refused(&format!("UserProfile-{API}-{environment}"), profiles));
        }
    }

    #[test]
    fn a_name_that_is_not_amplifys_is_nobodys() {
        let profiles = "type = \"UserProfile\"";
        for table in [
            "profiles",
            "Todo",
            "Todo-NONE",
            "Todo-local-NONE",
            "team-todo-prod",
            &format!("-{API}-NONE"),
            &format!("Todo-{API}"),
            &format!("Todo-{API}-NONE-copy"),
            &format!("Todo-{}-NONE", API.to_uppercase()),
        ] {
            assert!(!refused(table, profiles), "{table}");
        }
    }

    #[test]
    fn a_model_may_say_that_it_kept_an_older_models_table() {
        let renamed = "type = \"UserProfile\"\ntable = \"Member\"";
        assert!(!refused(&format!("Member-{API}-NONE"), renamed));
        assert!(refused(&format!("UserProfile-{API}-NONE"), renamed));
    }
}
