//! The grammar of a model: what it refuses, and in whose words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use domain::ProfileModel;

#[test]
fn the_built_in_model_is_the_published_text() {
    assert_eq!(ProfileModel::from_toml(ProfileModel::DEFAULT_TOML).unwrap(), ProfileModel::default());
}

fn faults(toml: &str) -> Vec<String> {
    ProfileModel::from_toml(toml).unwrap_err().faults
}

fn with_fields(fields: &str) -> String {
    format!("type = \"P\"\n[key]\npartition = {{ name = \"id\", value = \"{{sub}}\" }}\n[fields]\n{fields}")
}

#[test]
fn a_key_that_does_not_follow_the_user_is_refused() {
    for (value, word) in [
        ("{email}", "can change"),
        ("{sub}{custom:tenant}", "can change"),
        ("{sub}{createdAt}", "can change"),
        ("{username}", "must contain {sub}"),
        ("constant", "must contain {sub}"),
        ("{sub", "without its }"),
        ("{sub}}", "without its {"),
        ("{}", "without a name"),
        ("", "is empty"),
    ] {
        let toml = format!("type = \"P\"\n[key]\npartition = {{ name = \"id\", value = {value:?} }}");
        let faults = faults(&toml).join("; ");
        assert!(faults.contains(word), "{value}: {faults}");
    }
}

#[test]
fn the_table_of_a_model_is_its_own_unless_it_kept_anothers() {
    let model = |line: &str| {
        format!("type = \"P\"\n{line}\n[key]\npartition = {{ name = \"id\", value = \"{{sub}}\" }}")
    };
    assert_eq!(ProfileModel::from_toml(&model("")).unwrap().table_of(), "P");
    assert_eq!(ProfileModel::from_toml(&model("table = \"Old\"")).unwrap().table_of(), "Old");
    for not_a_model in ["", "Old-abc-NONE", "a b"] {
        let faults = faults(&model(&format!("table = {not_a_model:?}")));
        assert!(faults.join("; ").contains("first hyphen"), "{faults:?}");
    }
}

#[test]
fn every_fault_is_reported_at_once() {
    let toml = r#"
        type = "not a name"
        owner = "nobody"
        composites = ["single", "x#y"]
        [key]
        partition = { name = "createdAt", value = "{email}" }
        [fields]
        updatedAt = "{sub}"
        broken = "{"
        number = { value = "abc", type = "N" }
        flag = { value = 1, type = "BOOL" }
        list = []
        misspelt = { value = "x", requird = true }
    "#;
    let faults = faults(toml);
    for word in [
        "type = \"not a name\"",
        "owner = \"nobody\"",
        "\"single\" joins nothing",
        "refers to \"x\"",
        "refers to \"y\"",
        "key.partition.name",
        "{email}",
        "must contain {sub}",
        "fields.updatedAt",
        "fields.broken",
        "fields.number",
        "fields.flag",
        "fields.list",
        "fields.misspelt",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(word)), "{word} is not among {faults:#?}");
    }
}

#[test]
fn what_would_be_nobodys_or_everybodys_is_refused() {
    for (fields, word) in [
        ("tenant = \"{custm:tenant}\"", "{custm:tenant}, which is no Cognito attribute"),
        ("tenant = \"{custom:}\"", "which is no Cognito attribute"),
        ("\"\" = \"x\"", "empty name"),
    ] {
        let faults = faults(&with_fields(fields)).join("; ");
        assert!(faults.contains(word), "{fields}: {faults}");
    }
    for owner in ["everybody", "{email}", "{custom:tenant}"] {
        let toml = format!("owner = \"owner\"\n{}", with_fields(&format!("owner = {owner:?}")));
        assert!(faults(&toml).join("; ").contains("all users would own all rows"), "{owner}");
    }
    assert!(
        ProfileModel::from_toml(&with_fields("a = \"{locale}{dev:custom:x}{cognito:user_status}\"")).is_ok()
    );
}

#[test]
fn grammar_faults_name_the_line() {
    let fault = faults("type = \"P\"\nkey = 5").join("");
    assert!(fault.contains("line 2"), "{fault}");
    assert!(faults("typ = \"P\"").join("").contains("typ"), "an unknown name is not named");
}

#[test]
fn a_model_that_nests_without_end_is_refused_in_words() {
    for deep in [
        format!("fields.{} = 1", "a.".repeat(5_000) + "a"),
        "[a]\n".replace('a', &"a.".repeat(5_000)[..9_999]),
    ] {
        let faults = faults(&format!("type = \"P\"\n{deep}"));
        assert!(faults[0].contains("as a whole") && faults[0].contains("nests deeper"), "{faults:?}");
    }
}

#[test]
fn an_optional_field_that_does_not_fit_its_type_is_left_out_and_a_required_one_rejects() {
    let body = r#"{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1","sub":"9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11","username":"u","observedAt":"2026-11-22T20:05:38.123Z","attributes":{"custom:age":"forty"}}"#;
    let confirmation = domain::body::read(body, domain::Timestamp::from_epoch_ms(0).unwrap(), |_| true)
        .unwrap()
        .confirmation;
    let optional =
        ProfileModel::from_toml(&with_fields("age = { value = \"{custom:age}\", type = \"N\" }")).unwrap();
    assert_eq!(optional.profile(&confirmation).unwrap().item.get("age"), None);
    let required = ProfileModel::from_toml(&with_fields(
        "age = { value = \"{custom:age}\", type = \"N\", required = true }",
    ))
    .unwrap();
    assert_eq!(required.profile(&confirmation).unwrap_err().reason.code(), "model_field_missing");
}

#[test]
fn a_model_names_the_attributes_the_trigger_must_forward() {
    let model =
        ProfileModel::from_toml(&with_fields("a = \"{custom:tenant}-{locale}\"\nb = \"{email}\"")).unwrap();
    assert_eq!(model.referenced_attributes().into_iter().collect::<Vec<_>>(), ["custom:tenant", "locale"]);
}
