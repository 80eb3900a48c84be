//! The settings of both deployables: durations, numbers, addresses, lists and URLs, as an operator writes
//! them. An input is lines of `NAME=value`; `\n` in a value is a line break. Must never read a file: a fuzzer
//! would find /dev/stdin and wait there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use humantime::format_duration;
use worker::cli::{Emf, JobWritten, Logs, Otel, Places, Written};
use worker::config::{self, Config, JobConfig, Needs, Problem};

/// What a run may be made of is told at once with every problem, each with its variable and its mend, and
/// without the one secret among the settings; what is taken keeps the relations that a worker relies on, and
/// means the same when it is written again.
pub fn judge(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let given: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace("\\n", "\n")))
        .collect();
    let written = worker_settings(&given);
    match config::parse(&written) {
        Ok(config) => assert_can_work(&config, &written),
        Err(problems) => assert_helpful(&problems, &written),
    }
    if let Err(problems) = config::logging(&written.logs) {
        assert_helpful(&problems, &written);
    }
    let job = JobWritten {
        places: written.places.clone(),
        user_pool_id: given.get("USER_POOL_ID").cloned(),
        fair_groups: given.get("FAIR_GROUPS").cloned(),
        logs: written.logs.clone(),
        otel: written.otel.clone(),
    };
    match config::job(&job, &Needs { queue: true, table: true, pool: true }) {
        Ok(config) => assert_job_can_work(&config),
        Err(problems) => assert_helpful(&problems, &written),
    }
    match config::admin_addr(&written) {
        Ok(addr) => assert_ne!(addr.to_string(), ""),
        Err(problems) => assert_helpful(&problems, &written),
    }
    if let Some(text) = given.get("--until-empty") {
        match config::until_empty(text) {
            Ok(duration) => assert!(duration <= Duration::from_secs(3600)),
            Err(problems) => assert_helpful(&problems, &Written::default()),
        }
    }
    judge_trigger(&given);
}

/// What a job asked for is there, and its pool is one of those that get profiles.
fn assert_job_can_work(config: &JobConfig) {
    assert!(config.queue_url.starts_with("http") && !config.queue_url.ends_with(".fifo"));
    assert!((3..=255).contains(&config.table_name.len()));
    let pool = config.user_pool.as_ref().expect("accepted without the pool it needs");
    assert!(config.user_pools.is_empty() || config.user_pools.contains(pool));
}

fn worker_settings(given: &BTreeMap<String, String>) -> Written {
    let value = |name: &str| given.get(name).cloned();
    Written {
        places: Places {
            queue_url: value("QUEUE_URL"),
            dead_letter_queue_url: value("DEAD_LETTER_QUEUE_URL"),
            table_name: value("TABLE_NAME"),
            // Anything else is taken for a path.
            profile_model: value("PROFILE_MODEL").filter(|text| text.trim().contains(['\n', '['])),
            user_pool_ids: value("USER_POOL_IDS"),
            amplify_outputs: None,
        },
        trigger_sources: value("TRIGGER_SOURCES"),
        write_strategy: value("WRITE_STRATEGY"),
        max_in_flight: value("MAX_IN_FLIGHT"),
        max_receivers: value("MAX_RECEIVERS"),
        wait_time: value("WAIT_TIME"),
        visibility_timeout: value("VISIBILITY_TIMEOUT"),
        linger: value("LINGER"),
        write_deadline: value("WRITE_DEADLINE"),
        hold_budget: value("HOLD_BUDGET"),
        drain_deadline: value("DRAIN_DEADLINE"),
        verify_late: value("VERIFY_LATE"),
        verify_late_rate: value("VERIFY_LATE_RATE"),
        stop_timeout: value("STOP_TIMEOUT"),
        admin_addr: value("ADMIN_ADDR"),
        emf: Emf { metrics_emf: value("METRICS_EMF") },
        logs: Logs {
            log_hash_key: value("LOG_HASH_KEY"),
            log_format: value("LOG_FORMAT"),
            log_filter: value("RUST_LOG"),
        },
        otel: Otel {
            otel_exporter_otlp_endpoint: value("OTEL_EXPORTER_OTLP_ENDPOINT"),
            otel_exporter_otlp_traces_endpoint: value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
            otel_exporter_otlp_metrics_endpoint: value("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
            otel_exporter_otlp_protocol: value("OTEL_EXPORTER_OTLP_PROTOCOL"),
            otel_traces_exporter: value("OTEL_TRACES_EXPORTER"),
            otel_metrics_exporter: value("OTEL_METRICS_EXPORTER"),
            otel_service_name: value("OTEL_SERVICE_NAME"),
            otel_sdk_disabled: value("OTEL_SDK_DISABLED"),
        },
    }
}

pub(crate) fn assert_helpful(problems: &[Problem], written: &Written) {
    assert!(!problems.is_empty(), "refused without a reason");
    for problem in problems {
        for variable in problem.variable.split(", ") {
            let named = variable.chars().all(|c| c.is_ascii_uppercase() || c == '_') && variable.len() > 3;
            assert!(named || variable == "--until-empty", "{problem} names no variable");
        }
        assert!(!problem.fault.is_empty() && !problem.mend.is_empty(), "{problem}");
    }
    // A key that another setting repeats, or that is a word of the language, is no secret.
    let mut without = written.clone();
    without.logs.log_hash_key = None;
    if let Some(key) = written.logs.log_hash_key.as_deref().map(str::trim).filter(|key| key.len() >= 8) {
        let texts = |problems: &[Problem]| problems.iter().map(Problem::to_string).collect::<String>();
        let told = texts(problems);
        let anyway = config::parse(&without).err().unwrap_or_default();
        let anyway = texts(&anyway) + &texts(&config::logging(&without.logs).err().unwrap_or_default());
        assert!(!told.contains(key) || anyway.contains(key), "the key of the pseudonyms is shown: {told}");
    }
}

/// What the worker and AWS rely on, in their own numbers.
fn assert_can_work(config: &Config, written: &Written) {
    let settings = &config.settings;
    let seconds = Duration::from_secs;
    assert!(config.queue_url.starts_with("http") && !config.queue_url.ends_with(".fifo"));
    assert!((3..=255).contains(&config.table_name.len()));
    assert!((1..=120_000).contains(&settings.max_in_flight), "SQS lends no more");
    assert!((1..=256).contains(&settings.max_receivers));
    assert!(settings.max_receivers == 1 || 10 * settings.max_receivers <= settings.max_in_flight);
    assert!(settings.wait_time <= seconds(20), "SQS waits no longer");
    assert!(settings.visibility_timeout <= seconds(43_200), "SQS lends for no longer");
    assert!(settings.visibility_timeout > settings.wait_time + 2 * settings.write_deadline);
    let holds = !settings.hold_budget.is_zero();
    assert!(!holds || settings.hold_budget + 2 * settings.visibility_timeout <= seconds(43_200));
    assert!(settings.drain_deadline > settings.wait_time.max(settings.write_deadline));
    assert!(config.stop_timeout > settings.drain_deadline);
    assert!(!config.rules.trigger_sources.is_empty(), "every message would be ignored");
    assert!(config.verify_late.is_none_or(|rate| (1..=1000).contains(&rate)));

    let duration = |duration| Some(format_duration(duration).to_string());
    let again = Written {
        max_in_flight: Some(settings.max_in_flight.to_string()),
        max_receivers: Some(settings.max_receivers.to_string()),
        wait_time: duration(settings.wait_time),
        visibility_timeout: duration(settings.visibility_timeout),
        linger: duration(settings.linger),
        write_deadline: duration(settings.write_deadline),
        hold_budget: duration(settings.hold_budget),
        drain_deadline: duration(settings.drain_deadline),
        stop_timeout: duration(config.stop_timeout),
        admin_addr: Some(config.admin_addr.map_or("off".into(), |addr| addr.to_string())),
        ..written.clone()
    };
    let again = config::parse(&again).expect("what was taken is refused when it is written again");
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
}

/// The trigger's settings come from the same place under names of its own.
fn judge_trigger(given: &BTreeMap<String, String>) {
    match producer_lambda::Config::parse(|name| given.get(name).cloned()) {
        Ok(config) => {
            assert!(!config.region.is_empty());
            assert!(!config.trigger_sources.is_empty(), "no confirmation would be announced");
            assert!(!config.trigger_sources.contains(&domain::TriggerSource::Other));
            let forwarded = &config.forward_attributes;
            assert!(!forwarded.iter().any(|name| name.is_empty() || name.contains('*')), "{forwarded:?}");
        }
        Err(error) => {
            assert!(!error.problems.is_empty(), "refused without a reason");
            let mut told = String::new();
            for problem in &error.problems {
                assert!(!problem.fault.is_empty() && !problem.mend.is_empty(), "{problem}");
                write!(told, "{problem}").unwrap();
            }
            assert!(!told.is_empty());
        }
    }
}
