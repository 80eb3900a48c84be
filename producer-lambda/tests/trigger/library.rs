//! The library inside a handler that somebody has already.

use aws_credential_types::provider::{ProvideCredentials, future};
use domain::Reason;
use producer_lambda::{Announcement, Config, Credentials, FailureClass, Producer, SharedCredentialsProvider};
use serde_json::Value;
use tokio::time::timeout;

use crate::aws::{Aws, Reply};
use crate::function::{PATIENCE, QUEUE_URL, TRACE, TRACEPARENT, event};

fn producer(aws: &Aws) -> Producer {
    let mut config = Config::queue(QUEUE_URL, "eu-central-1");
    config.endpoint_url = Some(aws.url.clone());
    let credentials = Credentials::new("AKIDLIBRARY", "secret", None, None, "test");
    config.credentials = SharedCredentialsProvider::new(credentials);
    Producer::new(config)
}

fn parsed(name: &str) -> Value {
    serde_json::from_str(&event(name)).unwrap()
}

#[tokio::test]
async fn a_configuration_made_in_code_announces() {
    let aws = Aws::accepting().await;
    let announced = producer(&aws).announce(&parsed("self-sign-up"), Some(TRACE)).await;
    assert_eq!(announced, Announcement::Enqueued);
    let request = aws.only_request();
    assert!(request.authorization.contains("AKIDLIBRARY"));
    assert!(request.body["MessageBody"].as_str().unwrap().contains(TRACEPARENT));
}

#[tokio::test]
async fn every_other_end_is_a_value_not_an_error() {
    let aws = Aws::start([Reply::Fail(403, "AccessDeniedException")]).await;
    let producer = producer(&aws);
    let failed = producer.announce(&parsed("self-sign-up"), None).await;
    assert_eq!(failed, Announcement::Failed(FailureClass::AccessDenied));
    match producer.announce(&parsed("console-test-event"), None).await {
        Announcement::Invalid(rejection) => assert_eq!(rejection.reason, Reason::MissingField),
        other => panic!("{other:?}"),
    }
    let mut unknown = parsed("self-sign-up");
    unknown["triggerSource"] = "PostConfirmation_FromTheFuture".into();
    assert_eq!(producer.announce(&unknown, None).await, Announcement::Ignored);
}

/// Credentials from somewhere that never answers.
#[derive(Debug)]
struct Hanging;

impl ProvideCredentials for Hanging {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test]
async fn credentials_that_never_come_are_waited_for_no_longer_than_anything_else() {
    let aws = Aws::accepting().await;
    let mut config = Config::queue(QUEUE_URL, "eu-central-1");
    config.endpoint_url = Some(aws.url.clone());
    config.credentials = SharedCredentialsProvider::new(Hanging);
    let producer = Producer::new(config);
    let event = parsed("self-sign-up");
    let announced = timeout(PATIENCE, producer.announce(&event, None)).await.expect("it waits for ever");
    assert_eq!(announced, Announcement::Failed(FailureClass::Timeout));
    assert!(aws.requests().is_empty());
}

#[test]
fn nothing_secret_is_shown_by_debug() {
    let mut config = Config::queue(QUEUE_URL, "eu-central-1");
    config.credentials = SharedCredentialsProvider::new(Credentials::new("AKID", "hush", None, None, "test"));
    let shown = format!("{config:?} {:?}", Producer::new(config.clone()));
    assert!(!shown.contains("hush"), "{shown}");
}
