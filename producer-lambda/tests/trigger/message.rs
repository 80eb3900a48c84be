//! What leaves the function is the contract's message and nothing else.

use domain::{Timestamp, body, envelope};
use serde_json::{Value, json};

use crate::aws::{Aws, Reply};
use crate::function::{Function, QUEUE_URL, TRACE, TRACEPARENT, event, events};

/// The envelope as the worker reads it, checked against the published schema.
fn checked(envelope: &str) -> Value {
    let schema: Value = serde_json::from_str(envelope::JSON_SCHEMA).unwrap();
    let value: Value = serde_json::from_str(envelope).unwrap();
    jsonschema::validate(&schema, &value).unwrap();
    let never = Timestamp::from_epoch_ms(0).unwrap();
    let received = body::read(envelope, never, |_| true).unwrap();
    assert!(received.is_live());
    assert_eq!(serde_json::from_str::<Value>(&envelope::write(&received.confirmation)).unwrap(), value);
    value
}

/// `envelope` without its time, which must be that of this test.
fn timeless(envelope: &str, started: Timestamp) -> Value {
    let mut value = checked(envelope);
    let observed = value.as_object_mut().unwrap().remove("observedAt").unwrap();
    let observed = Timestamp::parse(observed.as_str().unwrap()).unwrap();
    assert!(started <= observed && observed <= now(), "{observed} is not now");
    value
}

fn now() -> Timestamp {
    Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond()).unwrap()
}

#[tokio::test]
async fn a_sign_up_becomes_the_contracts_message() {
    let started = now();
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[]).await;
    let event = event("self-sign-up");
    function.invoke(&event).await;

    let request = aws.only_request();
    assert_eq!(request.operation, "AmazonSQS.SendMessage");
    assert!(request.authorization.contains("Credential=AKIDEXAMPLE/"), "{}", request.authorization);
    assert!(request.authorization.contains("/eu-central-1/sqs/"), "{}", request.authorization);
    let text = request.body["MessageBody"].as_str().unwrap();
    let mut rest = request.body.clone();
    rest.as_object_mut().unwrap().remove("MessageBody");
    assert_eq!(
        rest,
        json!({
            "QueueUrl": QUEUE_URL,
            "MessageGroupId": "live",
            "MessageAttributes": { "traceparent": { "DataType": "String", "StringValue": TRACEPARENT } },
            "MessageSystemAttributes": { "AWSTraceHeader": { "DataType": "String", "StringValue": TRACE } },
        })
    );
    assert_eq!(
        timeless(text, started),
        json!({
            "v": 1, "kind": "user.confirmed", "source": "cognito.trigger", "trigger": "ConfirmSignUp",
            "userPoolId": "eu-central-1_A1b2C3d4E", "region": "eu-central-1",
            "sub": "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11", "username": "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11",
            "email": "ana@example.com", "emailVerified": true, "traceparent": TRACEPARENT,
        })
    );
    let output = function.stop().await;
    assert_eq!(output.metrics(), ["enqueued"]);
    assert_eq!(output.lines().len(), 1, "{}", output.stdout);
    output.assert_impersonal(&event);
}

#[tokio::test]
async fn every_confirmation_among_the_fixtures_is_valid_and_holds_no_other_attribute() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[]).await;
    for (_, event) in events() {
        function.invoke(&event).await;
    }
    let envelopes = aws.envelopes();
    assert_eq!(envelopes.len(), 5, "sign-up, reset, phone only, federated, user name pool");
    for envelope in envelopes {
        assert_eq!(checked(&envelope).get("attributes"), None, "{envelope}");
        for private in ["+15555550123", "blue", "identities", "clientMetadata", "script", "clientId"] {
            assert!(!envelope.contains(private), "{envelope}");
        }
    }
}

#[tokio::test]
async fn only_allow_listed_attributes_leave() {
    let aws = Aws::accepting().await;
    let list = "custom:tenant, locale,sub,";
    let function = Function::with_queue(&aws.url, &[("FORWARD_ATTRIBUTES", list)]).await;
    function.invoke(&event("phone-only-custom-attribute")).await;
    let envelopes = aws.envelopes();
    assert_eq!(checked(&envelopes[0])["attributes"], json!({ "custom:tenant": "blue" }));
    assert!(!envelopes[0].contains("+1555"));
}

#[tokio::test]
async fn fair_groups_can_be_left_out() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[("FAIR_GROUPS", "off")]).await;
    function.invoke(&event("self-sign-up")).await;
    assert_eq!(aws.only_request().body.get("MessageGroupId"), None);
}

#[tokio::test]
async fn a_trace_that_is_none_costs_nobody_the_profile() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[]).await;
    for trace in [None, Some("Root=forged;Parent=x"), Some("")] {
        function.api.invoke(&event("self-sign-up"), trace).await;
    }
    let requests = aws.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.body.get("MessageAttributes"), None);
        assert_eq!(request.body.get("MessageSystemAttributes"), None);
        assert_eq!(checked(request.body["MessageBody"].as_str().unwrap()).get("traceparent"), None);
    }
}

#[tokio::test]
async fn a_bus_gets_the_same_message_as_its_detail() {
    let started = now();
    let aws = Aws::accepting().await;
    let function = Function::with_bus(&aws.url, &[]).await;
    let event = event("password-reset");
    function.invoke(&event).await;

    let request = aws.only_request();
    assert_eq!(request.operation, "AWSEvents.PutEvents");
    let mut entries = request.body["Entries"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1);
    let detail = entries[0].as_object_mut().unwrap().remove("Detail").unwrap();
    assert_eq!(
        entries[0],
        json!({
            "EventBusName": "confirmations", "Source": "profile.confirmations",
            "DetailType": "UserConfirmed", "TraceHeader": TRACE,
        })
    );
    let detail = timeless(detail.as_str().unwrap(), started);
    assert_eq!(detail["trigger"], "ConfirmForgotPassword");
    assert_eq!(detail["traceparent"], TRACEPARENT);

    let output = function.stop().await;
    assert_eq!(output.metrics(), ["enqueued"]);
    output.assert_impersonal(&event);
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_once_more() {
    for first in [Reply::Fail(500, "InternalFailure"), Reply::Fail(400, "RequestThrottled"), Reply::Never] {
        let aws = Aws::start([first, Reply::Accept]).await;
        let function = Function::with_queue(&aws.url, &[]).await;
        function.invoke(&event("self-sign-up")).await;
        assert_eq!(function.stop().await.metrics(), ["enqueued"], "{first:?}");
        let envelopes = aws.envelopes();
        assert_eq!(envelopes.len(), 2);
        assert_eq!(envelopes[0], envelopes[1], "the second attempt tells another story");
    }
    let aws = Aws::start([Reply::EntryFails("InternalFailure"), Reply::Accept]).await;
    let function = Function::with_bus(&aws.url, &[]).await;
    function.invoke(&event("self-sign-up")).await;
    assert_eq!(function.stop().await.metrics(), ["enqueued"]);
}
