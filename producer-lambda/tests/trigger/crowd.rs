//! Many sign-ups at the same time. Lambda gives each its own instance, so that a hundred at once are a
//! hundred processes; the library inside another handler may be called a hundred times at once.

use std::collections::BTreeSet;

use producer_lambda::{Announcement, Config, Credentials, FailureClass, Producer, SharedCredentialsProvider};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::aws::{Aws, Reply};
use crate::function::{Function, QUEUE_URL, event};
use crate::runtime_api::Answer;

const CROWD: usize = 100;

/// What happens to each, in turn. `Never` answers nobody.
const REPLIES: [(Reply, &str); 4] = [
    (Reply::Accept, ""),
    (Reply::Fail(400, "RequestThrottled"), "throttled"),
    (Reply::Fail(403, "AccessDeniedException"), "access_denied"),
    (Reply::Never, "timeout"),
];

fn reply(number: usize) -> (Reply, &'static str) {
    REPLIES[number % REPLIES.len()]
}

fn sub(number: usize) -> String {
    format!("9c1e6c2a-30f1-70b5-9d0c-{number:012}")
}

/// Somebody's own event, told from every other by its `sub` and by a part that nobody reads.
fn own(number: usize) -> String {
    let mut event: Value = serde_json::from_str(&event("self-sign-up")).unwrap();
    event["request"]["userAttributes"]["sub"] = json!(sub(number));
    event["request"]["clientMetadata"] = json!({ "place": format!("number-{number}-of-the-crowd") });
    event.to_string()
}

/// A service that does to each what is its lot.
async fn service() -> Aws {
    Aws::choosing(|body| {
        let sent: Value = serde_json::from_str(body["MessageBody"].as_str().unwrap()).unwrap();
        let number = sent["sub"].as_str().unwrap().rsplit('-').next().unwrap().parse::<usize>().unwrap();
        reply(number).0
    })
    .await
}

/// The subs in the messages that the service took.
fn taken(aws: &Aws) -> BTreeSet<String> {
    let subs = aws.envelopes().into_iter().map(|body| {
        let sent: Value = serde_json::from_str(&body).unwrap();
        sent["sub"].as_str().unwrap().to_owned()
    });
    subs.collect()
}

#[tokio::test]
async fn a_hundred_instances_each_echo_their_own_event_and_count_it_once() {
    let aws = service().await;
    let mut functions = Vec::new();
    for _ in 0..CROWD {
        let function = Function::with_queue(&aws.url, &[]).await;
        functions.push(function);
    }
    // All are up before the first of them has anything to do.
    for function in &functions {
        assert_eq!(function.invoke("{}").await, Answer::Response("{}".to_owned()));
    }
    let mut crowd = JoinSet::new();
    for (number, function) in functions.into_iter().enumerate() {
        crowd.spawn(async move {
            let event = own(number);
            assert_eq!(function.invoke(&event).await, Answer::Response(event.clone()), "{number}");
            (number, function.stop().await)
        });
    }
    let outputs = crowd.join_all().await;
    assert_eq!(outputs.len(), CROWD);
    let taken = taken(&aws);
    let mut enqueued = 0;
    for (number, output) in outputs {
        output.assert_impersonal(&own(number));
        let (metrics, classes) = (output.metrics(), output.failure_classes());
        let class = reply(number).1;
        if metrics == ["invalid_event", "enqueued"] {
            enqueued += 1;
            assert_eq!((class, classes.len()), ("", 0), "{number}");
            assert!(taken.contains(&sub(number)), "{number}");
        } else {
            assert_eq!(metrics, ["invalid_event", "enqueue_failed"], "{number}");
            // A loaded machine may let any attempt time out; it must not make one's end another's.
            assert!(classes == [class] || classes == ["timeout"], "{number}: {classes:?}, not {class}");
        }
    }
    assert!(enqueued > 0, "nobody got through");
}

#[tokio::test]
async fn a_hundred_calls_of_one_producer_each_end_as_their_own_event_does() {
    let aws = service().await;
    let mut config = Config::queue(QUEUE_URL, "eu-central-1");
    config.endpoint_url = Some(aws.url.clone());
    config.credentials =
        SharedCredentialsProvider::new(Credentials::new("AKIDLIBRARY", "secret", None, None, "test"));
    let producer = Producer::new(config);
    let mut crowd = JoinSet::new();
    for number in 0..CROWD {
        let producer = producer.clone();
        crowd.spawn(async move {
            let event: Value = serde_json::from_str(&own(number)).unwrap();
            (number, producer.announce(&event, None).await)
        });
    }
    let announcements = crowd.join_all().await;
    let taken = taken(&aws);
    let mut enqueued = 0;
    for (number, announced) in announcements {
        let expected = match reply(number).1 {
            "" => Announcement::Enqueued,
            "throttled" => Announcement::Failed(FailureClass::Throttled),
            "access_denied" => Announcement::Failed(FailureClass::AccessDenied),
            _ => Announcement::Failed(FailureClass::Timeout),
        };
        if announced == Announcement::Enqueued {
            enqueued += 1;
            assert!(taken.contains(&sub(number)), "{number} was told that somebody else's message was taken");
        }
        let timed_out = announced == Announcement::Failed(FailureClass::Timeout);
        assert!(announced == expected || timed_out, "{number}: {announced:?}, not {expected:?}");
    }
    assert!(enqueued > 0, "nobody got through");
}
