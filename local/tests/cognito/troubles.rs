//! What a test can let go wrong, and that it ends when it is to end.

use std::time::Duration;

use aws_sdk_cognitoidentityprovider::operation::list_users::ListUsersError;

use crate::{Bench, code};

#[tokio::test]
async fn every_nth_call_is_too_many() {
    let bench = Bench::with_users(1).await;
    bench.server.trouble().throttle_every(3);
    let mut refused = Vec::new();
    for call in 1..=7 {
        if let Err(error) = bench.list().await {
            let error = error.into_service_error();
            assert!(matches!(error, ListUsersError::TooManyRequestsException(_)), "{error:?}");
            refused.push(call);
        }
    }
    assert_eq!(refused, [3, 6]);
    bench.server.trouble().throttle_every(0);
    for _ in 0..4 {
        bench.list().await.unwrap();
    }
    assert_eq!(bench.server.calls()["ListUsers"], 11);
}

#[tokio::test]
async fn from_one_call_on_nothing_is_allowed() {
    let bench = Bench::with_users(1).await;
    bench.server.trouble().deny_after(2);
    for _ in 0..2 {
        bench.list().await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(code(bench.list().await), "AccessDeniedException");
    }
    bench.server.trouble().allow();
    bench.list().await.unwrap();
}

#[tokio::test]
async fn what_is_above_the_rate_is_too_many() {
    let bench = Bench::with_users(1).await;
    // So slow that none comes in while this test runs.
    bench.server.trouble().limit_rate(Some(0.001));
    bench.list().await.unwrap();
    assert_eq!(code(bench.list().await), "TooManyRequestsException");
    bench.server.trouble().limit_rate(Some(100_000.0));
    for _ in 0..50 {
        bench.list().await.unwrap();
    }
    bench.server.trouble().limit_rate(None);
    bench.list().await.unwrap();
}

#[tokio::test]
async fn an_answer_may_be_made_to_take_its_time() {
    let bench = Bench::with_users(1).await;
    bench.server.trouble().delay(Duration::from_secs(3600));
    let slow = tokio::spawn(bench.client.list_users().user_pool_id(bench.pool.id()).send());
    while bench.server.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    bench.server.trouble().delay(Duration::ZERO);
    bench.list().await.unwrap();
    assert!(!slow.is_finished(), "the one that came before still waits");
    slow.abort();
}
