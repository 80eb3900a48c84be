//! The settings' rules, each with the words a person gets to read.

use domain::{ProfileModel, UserPoolId};

use super::*;
use crate::cli::Places;

fn written() -> Written {
    let places = Places {
        queue_url: Some("https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations".into()),
        table_name: Some("UserProfile-abc-NONE".into()),
        ..Places::default()
    };
    Written { places, ..Written::default() }
}

fn problems(change: impl FnOnce(&mut Written)) -> Vec<String> {
    let mut written = written();
    change(&mut written);
    parse(&written).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_are_the_contracts_and_fit_together() {
    let config = parse(&written()).unwrap();
    let settings = config.settings;
    assert_eq!((settings.max_in_flight, settings.max_receivers), (1000, 16));
    assert_eq!(settings.hold_budget, Duration::from_secs(3600));
    assert_eq!(settings.wait_time, Duration::from_secs(20));
    assert_eq!(settings.visibility_timeout, Duration::from_secs(60));
    assert_eq!(settings.linger, Duration::from_millis(50));
    assert_eq!(settings.write_deadline, Duration::from_secs(10));
    assert_eq!(settings.drain_deadline, Duration::from_secs(90));
    assert_eq!(config.stop_timeout, Duration::from_secs(120));
    assert_eq!(config.admin_addr.unwrap().to_string(), "127.0.0.1:9464");
    assert_eq!(config.rules.model, ProfileModel::default());
    assert_eq!(config.rules.trigger_sources.len(), 2);
    assert!(!config.metrics_emf);
}

#[test]
fn metrics_are_printed_if_asked_for_and_for_no_other_word() {
    let emf = |text: &str| Emf { metrics_emf: Some(text.into()) };
    for (text, on) in [("on", true), (" on ", true), ("off", false), ("", false)] {
        assert_eq!(parse(&Written { emf: emf(text), ..written() }).unwrap().metrics_emf, on, "{text:?}");
        assert_eq!(metrics_emf(&emf(text)), Ok(on), "{text:?}");
    }
    let told = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let wrong = ["METRICS_EMF: is neither on nor off; write on or off"];
    assert_eq!(problems(|written| written.emf = emf("true")), wrong);
    assert_eq!(told(metrics_emf(&emf("true")).unwrap_err()), wrong);
}

#[test]
fn every_problem_is_reported_at_once_and_names_variable_fault_and_mend() {
    let problems = parse(&Written {
        places: Places {
            queue_url: Some("https://sqs.eu-central-1.amazonaws.com/111122223333/x.fifo".into()),
            dead_letter_queue_url: Some("not a url".into()),
            profile_model: Some(
                "type = \"P\"\n[key]\npartition = { name = \"id\", value = \"{email}\" }".into(),
            ),
            user_pool_ids: Some("eu-central-1_A1, nowhere".into()),
            ..Places::default()
        },
        trigger_sources: Some("PreSignUp".into()),
        write_strategy: Some("transact".into()),
        max_in_flight: Some("0".into()),
        wait_time: Some("25s".into()),
        linger: Some("soon".into()),
        admin_addr: Some("everywhere".into()),
        ..Written::default()
    })
    .unwrap_err();
    for variable in [
        "QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "TABLE_NAME",
        "PROFILE_MODEL",
        "USER_POOL_IDS",
        "TRIGGER_SOURCES",
        "WRITE_STRATEGY",
        "MAX_IN_FLIGHT",
        "WAIT_TIME",
        "LINGER",
        "ADMIN_ADDR",
    ] {
        let problem = problems.iter().find(|problem| problem.variable == variable);
        let problem = problem.unwrap_or_else(|| panic!("{variable} is not among {problems:#?}"));
        assert!(!problem.fault.is_empty() && !problem.mend.is_empty());
    }
}

#[test]
fn relations_name_both_sides_and_a_value_that_works() {
    let short_visibility = problems(|w| w.visibility_timeout = Some("30s".into()));
    assert_eq!(short_visibility.len(), 1, "{short_visibility:?}");
    for word in ["VISIBILITY_TIMEOUT", "WAIT_TIME", "WRITE_DEADLINE", "at least 45s"] {
        assert!(short_visibility[0].contains(word), "{short_visibility:?}");
    }
    assert!(problems(|w| w.visibility_timeout = Some("45s".into())).is_empty());
    let short_stop = problems(|w| w.stop_timeout = Some("30s".into()));
    assert!(
        short_stop[0].contains("DRAIN_DEADLINE") && short_stop[0].contains("at least 1m 36s"),
        "{short_stop:?}"
    );
    let short_drain = problems(|w| w.drain_deadline = Some("29s".into()));
    assert!(short_drain[0].contains("at least 30s"), "{short_drain:?}");
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    assert!(
        problems(|w| {
            w.places.dead_letter_queue_url = Some(String::new());
            w.places.user_pool_ids = Some(" ".into());
            w.wait_time = Some(String::new());
        })
        .is_empty()
    );
}

#[test]
fn amplify_outputs_fill_what_is_not_given() {
    let path = std::env::temp_dir().join(format!("amplify_outputs-{}.json", std::process::id()));
    let outputs = r#"{"auth":{"user_pool_id":"eu-central-1_File"},"custom":{"profileWorker":{
        "queueUrl":"https://sqs.eu-central-1.amazonaws.com/1/file","tableName":"FromFile"}}}"#;
    std::fs::write(&path, outputs).unwrap();
    let places = Places {
        amplify_outputs: Some(path.to_str().unwrap().into()),
        table_name: Some("Given".into()),
        ..Places::default()
    };
    let written = Written { places, ..Written::default() };
    let config = parse(&written).unwrap();
    assert_eq!(config.queue_url, "https://sqs.eu-central-1.amazonaws.com/1/file");
    assert_eq!(config.table_name, "Given");
    assert!(config.rules.user_pools.contains(&UserPoolId::parse("eu-central-1_File").unwrap()));

    std::fs::write(&path, "{").unwrap();
    assert!(parse(&written).unwrap_err().iter().any(|problem| problem.variable == "AMPLIFY_OUTPUTS"));
    std::fs::remove_file(&path).unwrap();
    assert!(parse(&written).unwrap_err().iter().any(|problem| problem.variable == "AMPLIFY_OUTPUTS"));
}

#[test]
fn the_model_may_be_a_path_or_the_toml_itself() {
    let inline = ProfileModel::DEFAULT_TOML.to_owned();
    assert!(problems(|w| w.places.profile_model = Some(inline)).is_empty());
    assert!(
        problems(|w| w.places.profile_model = Some("/nowhere/model.toml".into()))[0]
            .contains("cannot be read")
    );
}

#[test]
fn health_needs_an_address_and_logging_a_known_format() {
    assert!(admin_addr(&Written { admin_addr: Some("off".into()), ..Written::default() }).is_err());
    assert!(admin_addr(&Written::default()).is_ok());
    let bad = Logs { log_format: Some("xml".into()), log_filter: Some("=,=".into()), ..Logs::default() };
    assert_eq!(logging(&bad).unwrap_err().len(), 2);
    assert!(until_empty("3s").is_ok());
    assert!(until_empty("never").is_err());
}

#[test]
fn receivers_must_have_room_and_fit_by_themselves() {
    let few = problems(|written| {
        written.max_in_flight = Some("50".into());
        written.max_receivers = Some("16".into());
    });
    assert_eq!(few.len(), 1, "{few:?}");
    for named in ["MAX_IN_FLIGHT, MAX_RECEIVERS", "50", "at least 160", "at most 5"] {
        assert!(few[0].contains(named), "{named} is not in {few:?}");
    }
    for (in_flight, receivers) in [("1", 1), ("50", 5), ("160", 16), ("5000", 16)] {
        let config = parse(&Written { max_in_flight: Some(in_flight.into()), ..written() }).unwrap();
        assert_eq!(config.settings.max_receivers, receivers, "for {in_flight} in flight");
    }
    assert!(problems(|written| written.max_receivers = Some("257".into()))[0].contains("MAX_RECEIVERS"));
    let one = Written { max_in_flight: Some("3".into()), max_receivers: Some("1".into()), ..written() };
    assert!(parse(&one).is_ok());
}

#[test]
fn nothing_is_held_for_longer_than_sqs_lends_it() {
    let long = problems(|written| {
        written.hold_budget = Some("11h".into());
        written.visibility_timeout = Some("1h".into());
    });
    assert_eq!(long.len(), 1, "{long:?}");
    for named in ["HOLD_BUDGET, VISIBILITY_TIMEOUT", "at most 10h"] {
        assert!(long[0].contains(named), "{named} is not in {long:?}");
    }
    assert_eq!(problems(|written| written.hold_budget = Some("0s".into())), Vec::<String>::new());
    assert_eq!(problems(|written| written.hold_budget = Some("12h".into())).len(), 1);
}
