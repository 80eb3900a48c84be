//! Cognito gets its event back, byte for byte, whatever it holds.

use crate::aws::{Aws, Reply};
use crate::function::{Function, event, events};
use crate::runtime_api::Answer;

/// Events that a typed handler, a float or a map with sorted keys would fail on or change.
fn odd_events() -> Vec<String> {
    let sign_up = event("self-sign-up");
    let mut odd: Vec<String> = [
        "{}",
        "[]",
        "null",
        "true",
        "\"PostConfirmation_ConfirmSignUp\"",
        "0",
        "-0.0",
        "18446744073709551615",
        "123456789012345678901234567890.10",
        "1e400",
        "[1,[2,[3]]]",
        r#"{"triggerSource":null}"#,
        r#"{"triggerSource":"PostConfirmation_FromTheFuture","z":1,"a":2}"#,
        r#"{"triggerSource":"PostConfirmation_ConfirmSignUp","request":[]}"#,
        r#"{"triggerSource":"PostConfirmation_ConfirmSignUp","a":1,"a":2}"#,
        r#"{"lone":"\ud800","escaped":"\u0041\/"}"#,
        "{ \"spaced\" :\t[ 1 , 2 ]\n}",
    ]
    .map(str::to_owned)
    .into();
    odd.push(sign_up.replace("PostConfirmation_ConfirmSignUp", "PostConfirmation_FromTheFuture"));
    odd.push(sign_up.replace("\"true\"", "true"));
    odd.push(sign_up.replacen(
        '{',
        r#"{"new":{"number":1234567890123456789012,"float":1.0e2,"list":[null]},"#,
        1,
    ));
    odd.push(format!("{}{}", "[".repeat(2_000), "]".repeat(2_000)));
    odd
}

#[tokio::test]
async fn every_event_comes_back_byte_for_byte() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[]).await;
    for event in events().into_iter().map(|(_, text)| text).chain(odd_events()) {
        let answer = function.invoke(&event).await;
        assert_eq!(answer, Answer::Response(event));
    }
}

#[tokio::test]
async fn and_so_does_every_event_while_the_queue_refuses() {
    let aws = Aws::start([Reply::Fail(403, "AccessDeniedException")]).await;
    let function = Function::with_queue(&aws.url, &[]).await;
    for event in events().into_iter().map(|(_, text)| text).chain(odd_events()) {
        let answer = function.invoke(&event).await;
        assert_eq!(answer, Answer::Response(event));
    }
}

#[tokio::test]
async fn what_is_no_confirmation_is_counted_and_not_sent() {
    let aws = Aws::accepting().await;
    let function = Function::with_queue(&aws.url, &[]).await;
    let console = event("console-test-event");
    for event in [&console, "[]", "7", r#"{"lone":"\ud800"}"#] {
        function.invoke(event).await;
    }
    let output = function.stop().await;
    assert_eq!(output.metrics(), ["invalid_event"; 4]);
    output.assert_impersonal(&console);
    assert!(aws.requests().is_empty());
}

#[tokio::test]
async fn unwanted_trigger_sources_are_counted_and_not_sent() {
    let aws = Aws::accepting().await;
    // With and without the prefix means the same.
    for wanted in ["ConfirmSignUp", " PostConfirmation_ConfirmSignUp ,"] {
        let function = Function::with_queue(&aws.url, &[("TRIGGER_SOURCES", wanted)]).await;
        let reset = event("password-reset");
        function.invoke(&reset).await;
        function.invoke(&event("self-sign-up").replace("ConfirmSignUp", "FromTheFuture")).await;
        let output = function.stop().await;
        assert_eq!(output.metrics(), ["ignored"; 2]);
        output.assert_impersonal(&reset);
    }
    assert!(aws.requests().is_empty());
}
