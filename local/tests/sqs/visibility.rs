//! Visibility, delays, retention and receipt handles, with the clock in our hands.

use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

use crate::{Bench, code, handle, messages_of, system};

fn receives(message: &aws_sdk_sqs::types::Message) -> &str {
    system(message, MessageSystemAttributeName::ApproximateReceiveCount).unwrap()
}

#[tokio::test]
async fn a_message_returns_with_a_new_handle_and_a_higher_count() {
    let bench = Bench::new().await;
    let id = bench.send("a").await;
    let first = bench.receive_one().await;
    assert_eq!(receives(&first), "1");
    assert!(bench.receive().await.is_empty());
    bench.server.advance(Duration::from_secs(30));
    let second = bench.receive_one().await;
    assert_eq!(second.message_id.as_ref(), Some(&id));
    assert_eq!(receives(&second), "2");
    assert_ne!(handle(&first), handle(&second));
}

#[tokio::test]
async fn a_receive_may_choose_its_own_visibility() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let receive = bench.receive_from(&bench.url).visibility_timeout(100);
    assert_eq!(messages_of(receive).await.len(), 1);
    bench.server.advance(Duration::from_secs(90));
    assert!(bench.receive().await.is_empty());
    bench.server.advance(Duration::from_secs(10));
    let receive = bench.receive_from(&bench.url).visibility_timeout(0);
    assert_eq!(messages_of(receive).await.len(), 1);
    assert_eq!(receives(&bench.receive_one().await), "3");
}

#[tokio::test]
async fn visibility_can_be_extended_and_ended() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    bench.hold(handle(&got), 120).await;
    bench.server.advance(Duration::from_secs(110));
    assert!(bench.receive().await.is_empty());
    bench.hold(handle(&got), 0).await;
    let again = bench.receive_one().await;
    // A changed timeout is not remembered: the next receive has the queue's again.
    bench.server.advance(Duration::from_secs(30));
    assert_ne!(handle(&bench.receive_one().await), handle(&again));
}

#[tokio::test]
async fn a_stale_handle_deletes_nothing_and_is_no_error() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let first = bench.receive_one().await;
    bench.server.advance(Duration::from_secs(30));
    let second = bench.receive_one().await;
    bench.delete(handle(&first)).await;
    assert_eq!(bench.counts(&bench.url).await, ["0", "1", "0"]);
    bench.delete(handle(&second)).await;
    bench.delete(handle(&second)).await;
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);
}

#[tokio::test]
async fn an_expired_handle_deletes_while_nobody_else_has_received() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    bench.server.advance(Duration::from_secs(31));
    bench.delete(handle(&got)).await;
    assert!(bench.receive().await.is_empty());
}

#[tokio::test]
async fn handles_that_are_none_are_refused_by_type() {
    let bench = Bench::new().await;
    let other = crate::create(&bench.sqs, "other").await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    for (url, bad) in [(&bench.url, "junk"), (&bench.url, ""), (&other, handle(&got))] {
        let delete = bench.sqs.delete_message().queue_url(url);
        let error = delete.receipt_handle(bad).send().await.unwrap_err();
        assert!(error.as_service_error().unwrap().is_receipt_handle_is_invalid());
        let change = bench.sqs.change_message_visibility().queue_url(url);
        let change = change.receipt_handle(bad).visibility_timeout(1);
        let error = change.send().await.unwrap_err();
        assert!(error.as_service_error().unwrap().is_receipt_handle_is_invalid());
    }
}

#[tokio::test]
async fn changing_what_is_not_in_flight_is_refused() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let first = bench.receive_one().await;
    let change = |handle: String| {
        let change = bench.sqs.change_message_visibility().queue_url(&bench.url);
        change.receipt_handle(handle).visibility_timeout(60).send()
    };
    bench.server.advance(Duration::from_secs(30));
    let error = change(handle(&first).to_owned()).await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_message_not_inflight());
    // Someone else has it now: the old handle must not extend the other's lease.
    let second = bench.receive_one().await;
    let stale = change(handle(&first).to_owned()).await;
    assert_eq!(code(stale), "InvalidParameterValue");
    bench.delete(handle(&second)).await;
    let gone = change(handle(&second).to_owned()).await;
    assert_eq!(code(gone), "InvalidParameterValue");
}

#[tokio::test]
async fn nobody_holds_a_message_longer_than_twelve_hours() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    let change = |seconds| {
        let change = bench.sqs.change_message_visibility().queue_url(&bench.url);
        change.receipt_handle(handle(&got)).visibility_timeout(seconds).send()
    };
    for _ in 0..2 {
        change(6 * 3600 - 10).await.unwrap();
        bench.server.advance(Duration::from_secs(6 * 3600 - 20));
    }
    // 40 s are left of the twelve hours; too much is an error and changes nothing.
    assert_eq!(code(change(41).await), "InvalidParameterValue");
    assert_eq!(code(change(43_201).await), "InvalidParameterValue");
    change(20).await.unwrap();
    assert!(bench.receive().await.is_empty());
}

#[tokio::test]
async fn delays_of_queue_and_message_hold_back() {
    let bench = Bench::new().await;
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set.attributes(QueueAttributeName::DelaySeconds, "60");
    set.send().await.unwrap();
    bench.send("by queue").await;
    for (body, delay) in [("at once", 0), ("later", 900)] {
        let send = bench.sqs.send_message().queue_url(&bench.url);
        let send = send.message_body(body).delay_seconds(delay);
        send.send().await.unwrap();
    }
    let send = bench.sqs.send_message().queue_url(&bench.url).message_body("x");
    assert_eq!(code(send.delay_seconds(901).send().await), "InvalidParameterValue");
    assert_eq!(bench.counts(&bench.url).await, ["1", "0", "2"]);
    assert_eq!(crate::body(&bench.receive_one().await), "at once");
    bench.server.advance(Duration::from_secs(60));
    bench.server.advance(Duration::from_secs(840));
    let mut bodies: Vec<String> = bench.receive().await.into_iter().filter_map(|m| m.body).collect();
    bodies.sort();
    assert_eq!(bodies, ["at once", "by queue", "later"]);
}

#[tokio::test]
async fn retention_ends_messages() {
    let bench = Bench::new().await;
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set.attributes(QueueAttributeName::MessageRetentionPeriod, "60");
    set.send().await.unwrap();
    bench.send("held").await;
    let held = bench.receive_one().await;
    bench.send("waiting").await;
    bench.server.advance(Duration::from_secs(60));
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);
    bench.delete(handle(&held)).await;
}

#[tokio::test]
async fn timestamps_follow_the_clock() {
    let bench = Bench::new().await;
    bench.send("before").await;
    bench.server.advance(Duration::from_secs(3600));
    bench.send("after").await;
    let sent: Vec<i64> = bench
        .receive()
        .await
        .iter()
        .map(|m| system(m, MessageSystemAttributeName::SentTimestamp).unwrap().parse().unwrap())
        .collect();
    assert!(sent[1] - sent[0] >= 3_600_000);
}
