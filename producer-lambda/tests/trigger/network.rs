//! Whatever the network does, the event comes back in time, each loss is counted once, and the same
//! warm function works again when the fault has gone.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::function::{Function, Output, event};
use crate::line::{Line, Manner};
use crate::runtime_api::Answer;

/// So long Cognito waits for a trigger (developer guide, "Customizing user pool workflows with Lambda
/// triggers"). The function's own budget is half of it and is tested on a paused clock; the other half
/// is what a loaded machine may take.
const COGNITO_WAITS: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum Target {
    Queue,
    Bus,
}

impl Target {
    async fn function(self, url: &str, variables: &[(&str, &str)]) -> Function {
        let function = match self {
            Self::Queue => Function::with_queue(url, variables).await,
            Self::Bus => Function::with_bus(url, variables).await,
        };
        // The start of the process is not part of what Cognito waits for here.
        assert_eq!(function.invoke("{}").await, Answer::Response("{}".to_owned()));
        function
    }
}

async fn in_time(function: &Function, event: &str) -> Answer {
    timeout(COGNITO_WAITS, function.invoke(event)).await.expect("Cognito has given up")
}

#[track_caller]
fn assert_told(output: &Output, metrics: &[&str], class: &[&str], context: &str) {
    assert_eq!(output.metrics(), [&["invalid_event"], metrics].concat(), "{context}");
    for seen in output.failure_classes() {
        assert!(class.contains(&seen.as_str()), "{context}: {seen}, not one of {class:?}");
    }
    output.assert_impersonal(&event("username-pool-admin-confirmed"));
}

/// Two events meet the fault, the third comes when it has gone.
async fn assert_lost_in_time_and_healed(line: Line, target: Target, class: &[&str], context: &str) {
    let event = event("username-pool-admin-confirmed");
    let function = target.function(&line.url, &[]).await;
    for _ in 0..2 {
        assert_eq!(in_time(&function, &event).await, Answer::Response(event.clone()), "{context}");
    }
    assert_eq!(line.acknowledged().len(), 0, "{context}");
    line.behave(Manner::Accepts);
    line.open();
    assert_eq!(in_time(&function, &event).await, Answer::Response(event.clone()), "{context}");
    assert_told(&function.stop().await, &["enqueue_failed", "enqueue_failed", "enqueued"], class, context);
    assert_eq!(line.acknowledged().len(), 1, "{context}");
}

#[tokio::test]
async fn every_fault_of_the_line_loses_the_message_in_time_and_heals() {
    let mut faults = JoinSet::new();
    for target in [Target::Queue, Target::Bus] {
        for (manner, class) in [
            (Manner::AnswersLate, &["timeout"][..]),
            (Manner::Silent, &["timeout"]),
            (Manner::DripsHead, &["timeout"]),
            (Manner::DripsBody, &["timeout"]),
            (Manner::Resets, &["connection"]),
            (Manner::ResetsMidway, &["connection", "service"]),
            (Manner::Closes, &["connection"]),
            (Manner::Truncates, &["connection", "service"]),
            (Manner::Garbles, &["connection", "service"]),
            (Manner::AnswersAPage, &["service"]),
            (Manner::AnswersNothing, &["service"]),
            (Manner::BadGateway, &["service"]),
        ] {
            let line = Line::with(manner);
            faults.spawn(async move {
                let context = format!("{manner:?} of the {target:?}");
                assert_lost_in_time_and_healed(line, target, class, &context).await;
            });
        }
    }
    faults.join_all().await;
}

#[tokio::test]
async fn an_end_that_refuses_or_swallows_connections_loses_the_message_in_time_and_heals() {
    for target in [Target::Queue, Target::Bus] {
        let line = Line::refusing();
        assert_lost_in_time_and_healed(line, target, &["connection"], "refusing").await;
        let line = Line::swallowing().await;
        assert_lost_in_time_and_healed(line, target, &["timeout"], "swallowing").await;
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_loses_the_message_in_time() {
    // RFC 6761, section 6.4: `invalid` never resolves. Whether the resolver says so at once or keeps
    // silent is the machine's affair.
    for target in [Target::Queue, Target::Bus] {
        let event = event("username-pool-admin-confirmed");
        let function = target.function("http://service.invalid", &[]).await;
        for _ in 0..2 {
            assert_eq!(in_time(&function, &event).await, Answer::Response(event.clone()));
        }
        let output = function.stop().await;
        assert_told(&output, &["enqueue_failed"; 2], &["connection", "timeout"], "unknown name");
    }
}

#[tokio::test]
async fn one_bad_attempt_loses_nothing() {
    // A connection that was good before Lambda froze the process is gone after it: closed by the
    // service, or forgotten by a gateway that then answers nothing at all.
    for manner in [Manner::SilentOnOldConnections, Manner::Accepts] {
        let line = Line::with(Manner::Accepts);
        let function = Target::Queue.function(&line.url, &[]).await;
        let event = event("username-pool-admin-confirmed");
        assert_eq!(in_time(&function, &event).await, Answer::Response(event.clone()));
        function.freeze();
        line.behave(manner);
        if manner == Manner::Accepts {
            line.drop_connections().await;
        }
        function.thaw();
        assert_eq!(in_time(&function, &event).await, Answer::Response(event.clone()));
        assert_told(&function.stop().await, &["enqueued"; 2], &[], &format!("{manner:?}"));
        assert_eq!(line.acknowledged().len(), 2);
    }
}

#[tokio::test]
async fn who_asked_for_failures_gets_them_in_time() {
    let line = Line::with(Manner::Silent);
    let function = Target::Queue.function(&line.url, &[("ON_ENQUEUE_FAILURE", "fail")]).await;
    let event = event("self-sign-up");
    let generic = json!({
        "errorType": "ConfirmationNotRecorded",
        "errorMessage": "the confirmation could not be recorded; try again later",
    });
    assert_eq!(in_time(&function, &event).await, Answer::Error(generic));
    assert_eq!(line.requests(), 2);
    assert_eq!(function.stop().await.metrics(), ["invalid_event", "enqueue_failed"]);
}
