//! Every problem at once, each with its mend; and none of them stops a sign-up unless asked to.

use producer_lambda::{Config, ConfigError, OnEnqueueFailure, Target};
use serde_json::Value;

use crate::aws::Aws;
use crate::function::{Function, QUEUE_URL, event};
use crate::runtime_api::Answer;

fn parse(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let find = |name: &str| variables.iter().rev().find(|(given, _)| *given == name);
    Config::parse(|name| find(name).map(|(_, value)| (*value).to_owned()))
}

fn faulty(variables: &[(&str, &str)]) -> Vec<&'static str> {
    parse(variables).unwrap_err().problems.iter().map(|problem| problem.variable).collect()
}

const GOOD: [(&str, &str); 2] = [("QUEUE_URL", QUEUE_URL), ("AWS_REGION", "eu-central-1")];

#[test]
fn defaults_are_those_of_the_contract() {
    let config = parse(&GOOD).unwrap();
    assert_eq!(config.target, Target::Queue { url: QUEUE_URL.into() });
    assert_eq!(config.region, "eu-central-1");
    assert_eq!(config.endpoint_url, None);
    assert_eq!(config.on_enqueue_failure, OnEnqueueFailure::Pass);
    assert!(config.forward_attributes.is_empty());
    assert_eq!(config.trigger_sources.len(), 2);
    assert!(config.fair_groups);
    // Templates leave empty what they do not set.
    let empty =
        ["EVENT_BUS_NAME", "ON_ENQUEUE_FAILURE", "TRIGGER_SOURCES", "FORWARD_ATTRIBUTES", "FAIR_GROUPS"]
            .map(|name| (name, ""));
    assert!(parse(&[&GOOD[..], &empty].concat()).is_ok());
}

#[test]
fn the_services_own_endpoint_goes_before_the_general_one() {
    let general = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let queue = ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2");
    let bus = ("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:3");
    let on_queue = [GOOD[0], ("AWS_DEFAULT_REGION", "eu-west-1"), general, queue, bus];
    let config = parse(&on_queue).unwrap();
    assert_eq!(config.endpoint_url.as_deref(), Some(queue.1));
    assert_eq!(config.region, "eu-west-1");
    let on_bus = [("EVENT_BUS_NAME", "b"), GOOD[1], general, queue, bus];
    assert_eq!(parse(&on_bus).unwrap().endpoint_url.as_deref(), Some(bus.1));
    let neither = [GOOD[0], GOOD[1], general];
    assert_eq!(parse(&neither).unwrap().endpoint_url.as_deref(), Some(general.1));
}

#[test]
fn each_problem_names_its_variable() {
    let region = GOOD[1];
    for (variable, value) in [
        ("QUEUE_URL", "arn:aws:sqs:eu-central-1:111122223333:confirmations"),
        ("QUEUE_URL", "confirmations"),
        ("QUEUE_URL", "https://"),
        ("QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations.fifo"),
        ("ON_ENQUEUE_FAILURE", "maybe"),
        ("FAIR_GROUPS", "1"),
        ("TRIGGER_SOURCES", "ConfirmSignup"),
        ("TRIGGER_SOURCES", ","),
        ("FORWARD_ATTRIBUTES", "custom:*"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_ENDPOINT_URL_SQS", "localhost:4566"),
    ] {
        assert_eq!(faulty(&[GOOD[0], region, (variable, value)]), [variable], "{value}");
    }
    assert_eq!(faulty(&[region]), ["QUEUE_URL"]);
    assert_eq!(faulty(&[GOOD[0], region, ("EVENT_BUS_NAME", "b")]), ["QUEUE_URL"]);
}

#[test]
fn all_problems_are_told_at_once_and_each_with_a_mend() {
    let error =
        parse(&[("ON_ENQUEUE_FAILURE", "maybe"), ("TRIGGER_SOURCES", "x"), ("FORWARD_ATTRIBUTES", "*")])
            .unwrap_err();
    let named: Vec<_> = error.problems.iter().map(|problem| problem.variable).collect();
    assert_eq!(
        named,
        ["QUEUE_URL", "AWS_REGION", "ON_ENQUEUE_FAILURE", "TRIGGER_SOURCES", "FORWARD_ATTRIBUTES"]
    );
    let text = error.to_string();
    for problem in &error.problems {
        assert!(!problem.mend.is_empty());
        assert!(text.contains(&problem.to_string()), "{text}");
    }
}

#[tokio::test]
async fn a_misconfigured_function_lets_sign_ups_pass_and_says_so_on_each() {
    let function = Function::start(&[("FAIR_GROUPS", "2"), ("ON_ENQUEUE_FAILURE", "sometimes")]).await;
    let event = event("self-sign-up");
    for _ in 0..2 {
        assert_eq!(function.invoke(&event).await, Answer::Response(event.clone()));
    }
    let output = function.stop().await;
    assert_eq!(output.metrics(), ["enqueue_failed"; 2]);
    assert_eq!(output.failure_classes(), ["configuration"; 2]);
    assert_eq!(start_errors(&output.lines()), ["QUEUE_URL", "ON_ENQUEUE_FAILURE", "FAIR_GROUPS"]);
    output.assert_impersonal(&event);
}

#[tokio::test]
async fn who_asked_for_failures_gets_no_misconfigured_function_at_all() {
    let function = Function::start(&[("ON_ENQUEUE_FAILURE", "fail")]).await;
    let output = function.ended().await;
    assert_eq!(output.status, Some(78));
    assert_eq!(start_errors(&output.lines()), ["QUEUE_URL"]);
}

#[tokio::test]
async fn outside_lambda_it_says_what_it_is() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[("AWS_LAMBDA_FUNCTION_VERSION", "")]).await;
    let output = function.ended().await;
    assert_eq!(output.status, Some(78));
    assert!(output.stdout.contains("AWS_LAMBDA_FUNCTION_VERSION not set"), "{}", output.stdout);
    assert_eq!(output.stderr, "");
}

/// The variables that the ERROR lines of the start begin with.
fn start_errors(lines: &[Value]) -> Vec<String> {
    let first_word = |line: &Value| line["message"].as_str().unwrap().split(' ').next().unwrap().to_owned();
    lines
        .iter()
        .filter(|line| line["level"] == "ERROR" && line.get("class").is_none())
        .map(first_word)
        .collect()
}
