//! Whatever is broken behind the function, a sign-up goes on, and the operator hears of it.

use std::time::Duration;

use producer_lambda::{ATTEMPT_TIMEOUT, ATTEMPTS, CONNECT_TIMEOUT, DEADLINE};
use serde_json::json;

use crate::aws::{Aws, Reply};
use crate::function::{Function, QUEUE_URL, event};
use crate::runtime_api::Answer;

/// Echoed, counted, told by its class, and nobody named.
async fn assert_fails_open(function: Function, class: &str) {
    let event = event("username-pool-admin-confirmed");
    assert_eq!(function.invoke(&event).await, Answer::Response(event.clone()), "{class}");
    let output = function.stop().await;
    assert_eq!(output.metrics(), ["enqueue_failed"], "{}", output.stdout);
    assert_eq!(output.failure_classes(), [class], "{}", output.stdout);
    output.assert_impersonal(&event);
}

#[tokio::test]
async fn every_failure_of_the_queue_lets_the_sign_up_pass() {
    for (status, code, class, attempts) in [
        (500, "InternalFailure", "service", 2),
        (503, "", "service", 2),
        (502, "", "service", 2),
        (400, "RequestThrottled", "throttled", 2),
        (400, "ThrottlingException", "throttled", 2),
        (429, "", "throttled", 2),
        (400, "com.amazonaws.sqs#KmsThrottled", "throttled", 2),
        (400, "KMS.ThrottlingException", "throttled", 2),
        (403, "AccessDeniedException", "access_denied", 1),
        (400, "com.amazonaws.sqs#KmsAccessDenied", "access_denied", 1),
        (400, "com.amazonaws.sqs#KmsDisabled", "access_denied", 1),
        (400, "com.amazonaws.sqs#KmsInvalidKeyUsage", "access_denied", 1),
        (400, "com.amazonaws.sqs#KmsInvalidState", "access_denied", 1),
        (400, "com.amazonaws.sqs#KmsNotFound", "access_denied", 1),
        (400, "com.amazonaws.sqs#KmsOptInRequired", "access_denied", 1),
        (400, "ExpiredToken", "access_denied", 1),
        (403, "ExpiredTokenException", "access_denied", 1),
        (403, "InvalidClientTokenId", "access_denied", 1),
        (403, "", "access_denied", 1),
        (400, "com.amazonaws.sqs#QueueDoesNotExist", "no_such_queue", 1),
        (400, "AWS.SimpleQueueService.NonExistentQueue", "no_such_queue", 1),
        (400, "com.amazonaws.sqs#InvalidMessageContents", "refused", 1),
    ] {
        let aws = Aws::start([Reply::Fail(status, code)]).await;
        assert_fails_open(Function::with_queue(&aws.url, &[]).await, class).await;
        assert_eq!(aws.requests().len(), attempts, "{code}");
    }
}

#[tokio::test]
async fn a_queue_that_never_answers_lets_the_sign_up_pass() {
    let aws = Aws::start([Reply::Never]).await;
    assert_fails_open(Function::with_queue(&aws.url, &[]).await, "timeout").await;
    assert_eq!(aws.requests().len(), 2);
}

#[tokio::test]
async fn a_queue_nobody_listens_at_lets_the_sign_up_pass() {
    let url = Aws::absent().await;
    assert_fails_open(Function::with_queue(&url, &[]).await, "connection").await;
}

#[tokio::test]
async fn absent_credentials_let_the_sign_up_pass() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[("AWS_SECRET_ACCESS_KEY", "")]).await;
    assert_fails_open(function, "credentials").await;
    assert!(aws.requests().is_empty());
}

#[tokio::test]
async fn credentials_that_somebody_else_would_have_to_hand_out_are_not_waited_for() {
    // ECS's and EC2's ways to credentials: an endpoint that hangs must not be asked at all.
    let (aws, hanging) = (Aws::accepting().await, Aws::start([Reply::Never]).await);
    let function = Function::with_queue(
        &aws.url,
        &[
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &hanging.url),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &hanging.url),
        ],
    )
    .await;
    assert_fails_open(function, "credentials").await;
    assert!(aws.requests().is_empty());
    assert!(hanging.requests().is_empty());
}

#[tokio::test]
async fn every_failure_of_the_bus_lets_the_sign_up_pass() {
    for (reply, class) in [
        (Reply::EntryFails("InternalFailure"), "service"),
        (Reply::EntryFails("InternalException"), "service"),
        (Reply::EntryFails("ThrottlingException"), "throttled"),
        (Reply::EntryFails("NotAuthorized"), "access_denied"),
        (Reply::EntryFails("MalformedDetail"), "refused"),
        (Reply::EntryFails(""), "refused"),
        (Reply::CountsAFailure, "service"),
        (Reply::Fail(400, "ResourceNotFoundException"), "no_such_bus"),
        (Reply::Fail(400, "ThrottlingException"), "throttled"),
        (Reply::Fail(400, "AccessDeniedException"), "access_denied"),
        (Reply::Fail(400, "ExpiredTokenException"), "access_denied"),
        (Reply::Fail(500, "InternalException"), "service"),
        (Reply::Fail(503, ""), "service"),
    ] {
        let aws = Aws::start([reply]).await;
        assert_fails_open(Function::with_bus(&aws.url, &[]).await, class).await;
    }
}

#[tokio::test]
async fn a_code_is_never_written_whatever_it_is() {
    const FORGED: &str = "Evil\n{\"_aws\":{},\"enqueued\":1}\r\u{1b}[31m\u{9b}\u{2028}\"}";
    let event = event("self-sign-up");
    for reply in [Reply::Fail(400, FORGED), Reply::Fail(500, FORGED), Reply::EntryFails(FORGED)] {
        let aws = Aws::start([reply]).await;
        let function = match reply {
            Reply::EntryFails(_) => Function::with_bus(&aws.url, &[]).await,
            _ => Function::with_queue(&aws.url, &[]).await,
        };
        assert_eq!(function.invoke(&event).await, Answer::Response(event.clone()));
        let output = function.stop().await;
        assert_eq!(output.lines().len(), 2, "{}", output.stdout);
        assert_eq!(output.metrics(), ["enqueue_failed"]);
        assert!(!output.stdout.contains("Evil") && !output.stdout.contains('\u{1b}'), "{}", output.stdout);
    }
}

/// The tests above prove that there is an end; this says where. That the deadline beats work without
/// an end is tested beside it, on a paused clock.
#[test]
fn the_budget_is_half_of_what_cognito_gives() {
    assert_eq!(DEADLINE, Duration::from_millis(2_500));
    assert_eq!(ATTEMPT_TIMEOUT, Duration::from_secs(1));
    assert_eq!(CONNECT_TIMEOUT, Duration::from_millis(500));
    assert_eq!(ATTEMPTS, 2);
}

#[tokio::test]
async fn who_asked_for_failures_gets_a_generic_one() {
    let aws = Aws::start([Reply::Fail(403, "AccessDeniedException"), Reply::Accept]).await;
    let function = Function::with_queue(&aws.url, &[("ON_ENQUEUE_FAILURE", "fail")]).await;
    let event = event("self-sign-up");
    let generic = json!({
        "errorType": "ConfirmationNotRecorded",
        "errorMessage": "the confirmation could not be recorded; try again later",
    });
    assert_eq!(function.invoke(&event).await, Answer::Error(generic));
    // An event that could never be announced is no failure, and the next one is served.
    assert_eq!(function.invoke("{}").await, Answer::Response("{}".to_owned()));
    assert_eq!(function.invoke(&event).await, Answer::Response(event.clone()));
    let output = function.stop().await;
    assert_eq!(output.metrics(), ["enqueue_failed", "invalid_event", "enqueued"]);
    output.assert_impersonal(&event);
}

#[tokio::test]
async fn a_failure_heals_by_itself() {
    let down = Reply::Fail(503, "ServiceUnavailable");
    let aws = Aws::start([down, down, Reply::Accept]).await;
    let function = Function::with_queue(&aws.url, &[("QUEUE_URL", QUEUE_URL)]).await;
    function.invoke(&event("self-sign-up")).await;
    function.invoke(&event("self-sign-up")).await;
    assert_eq!(function.stop().await.metrics(), ["enqueue_failed", "enqueued"]);
}
