//! The local S3 server as its clients see it: the real SDK over HTTP, with retries off.
//!
//! Exists to hold the server to the contract of S3. Must never sleep to wait for something.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to stop right there"
)]

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Config, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use local::s3::S3Server;

async fn bench() -> (S3Server, Client) {
    let server = S3Server::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .endpoint_url(server.endpoint())
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    server.create_bucket("b");
    (server, Client::from_conf(config))
}

/// The error code as the service sends it.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> String {
    let error = result.expect_err("the call should be refused");
    error.code().unwrap_or("no code").to_owned()
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let (server, s3) = bench().await;
    let key = "a/b c+d%20é?#&.json";
    let put = s3.put_object().bucket("b").key(key).body(ByteStream::from_static(b"hello"));
    let put = put.send().await.unwrap();
    assert_eq!(put.e_tag.as_deref(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(server.object("b", key).unwrap(), "hello");
    let head = s3.head_object().bucket("b").key(key).send().await.unwrap();
    assert_eq!((head.content_length, head.e_tag), (Some(5), put.e_tag));
    let got = s3.get_object().bucket("b").key(key).send().await.unwrap();
    assert_eq!(got.content_length, Some(5));
    assert!(got.checksum_crc32.is_some(), "what was sent along comes back, and the SDK compares");
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), "hello");
    for _ in 0..2 {
        s3.delete_object().bucket("b").key(key).send().await.unwrap();
    }
    assert!(
        s3.get_object().bucket("b").key(key).send().await.unwrap_err().into_service_error().is_no_such_key()
    );
    assert!(
        s3.head_object().bucket("b").key(key).send().await.unwrap_err().into_service_error().is_not_found()
    );
}

#[tokio::test]
async fn a_stream_is_put_together_from_its_chunks() {
    let (server, s3) = bench().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    let body = ByteStream::read_from().path(file).build().await.unwrap();
    s3.put_object().bucket("b").key("lock").body(body).send().await.unwrap();
    assert!(server.object("b", "lock").unwrap() == std::fs::read(file).unwrap());
}

#[tokio::test]
async fn bytes_that_are_not_those_that_were_meant_are_refused() {
    let (server, s3) = bench().await;
    let put = s3.put_object().bucket("b").key("k").checksum_crc32("AAAAAA==");
    assert_eq!(code(put.body(ByteStream::from_static(b"hello")).send().await), "BadDigest");
    assert!(server.object("b", "k").is_none());
}

#[tokio::test]
async fn a_bucket_is_missing_until_it_is_made_where_the_client_is() {
    let (_server, s3) = bench().await;
    let put = || s3.put_object().bucket("new").key("k").body(ByteStream::from_static(b"x")).send();
    assert_eq!(code(put().await), "NoSuchBucket");
    assert_eq!(code(s3.get_object().bucket("new").key("k").send().await), "NoSuchBucket");
    assert_eq!(code(s3.delete_object().bucket("new").key("k").send().await), "NoSuchBucket");
    let create = |region: Option<&str>| {
        let location = region.map(|region| {
            let region = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        s3.create_bucket().bucket("new").set_create_bucket_configuration(location).send()
    };
    for elsewhere in [None, Some("eu-west-1")] {
        assert_eq!(code(create(elsewhere).await), "IllegalLocationConstraintException");
    }
    create(Some("eu-central-1")).await.unwrap();
    put().await.unwrap();
    assert_eq!(code(create(Some("eu-central-1")).await), "BucketAlreadyOwnedByYou");
    s3.get_object().bucket("new").key("k").send().await.unwrap();
}

#[tokio::test]
async fn what_is_not_offered_is_refused() {
    let (server, s3) = bench().await;
    assert_eq!(code(s3.list_objects_v2().bucket("b").send().await), "NotImplemented");
    assert_eq!(code(s3.create_multipart_upload().bucket("b").key("k").send().await), "NotImplemented");
    assert_eq!(code(s3.get_object().bucket("b").key("k").version_id("1").send().await), "NotImplemented");
    server.deny(true);
    assert_eq!(code(s3.get_object().bucket("b").key("k").send().await), "AccessDenied");
}
