//! Long polls: what wakes them, what ends them, and that none of them loses a message.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

use crate::{Bench, body, create, eventually, finished, handle, messages_of};

#[tokio::test]
async fn a_send_wakes_a_poll() {
    let bench = Bench::new().await;
    let poll = bench.poll(&bench.url).await;
    bench.send("a").await;
    assert_eq!(body(&finished(poll).await[0]), "a");
}

#[tokio::test]
async fn each_of_several_messages_wakes_a_poll_of_its_own() {
    let bench = Bench::new().await;
    let mut polls = Vec::new();
    for _ in 0..4 {
        let receive = bench.receive_from(&bench.url).wait_time_seconds(20);
        polls.push(tokio::spawn(messages_of(receive.max_number_of_messages(1))));
    }
    eventually(|| bench.server.open_polls() == 4).await;
    let mut batch = bench.sqs.send_message_batch().queue_url(&bench.url);
    for n in 0..4 {
        let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder();
        let entry = entry.id(n.to_string()).message_body("x").build().unwrap();
        batch = batch.entries(entry);
    }
    batch.send().await.unwrap();
    for poll in polls {
        assert_eq!(finished(poll).await.len(), 1);
    }
}

#[tokio::test]
async fn a_released_message_wakes_a_poll() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    let poll = bench.poll(&bench.url).await;
    bench.hold(handle(&got), 0).await;
    assert_eq!(finished(poll).await.len(), 1);
}

/// The real clock: a deadline that comes up while polls wait has to wake one by itself.
#[tokio::test]
async fn a_visibility_timeout_set_while_polls_wait_wakes_a_poll() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    let poll = bench.poll(&bench.url).await;
    bench.hold(handle(&got), 1).await;
    assert_eq!(finished(poll).await.len(), 1);
}

#[tokio::test]
async fn the_end_of_a_delay_wakes_a_poll() {
    let bench = Bench::new().await;
    let poll = bench.poll(&bench.url).await;
    let send = bench.sqs.send_message().queue_url(&bench.url);
    let send = send.message_body("a").delay_seconds(1);
    send.send().await.unwrap();
    assert_eq!(finished(poll).await.len(), 1);
}

#[tokio::test]
async fn advance_wakes_polls_for_what_expired() {
    let bench = Bench::new().await;
    bench.send("a").await;
    bench.receive_one().await;
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set.attributes(QueueAttributeName::DelaySeconds, "900");
    set.send().await.unwrap();
    bench.send("b").await;
    let poll = bench.poll(&bench.url).await;
    bench.server.advance(Duration::from_secs(900));
    assert_eq!(finished(poll).await.len(), 2);
}

#[tokio::test]
async fn advance_beyond_its_wait_ends_a_poll_empty() {
    let bench = Bench::new().await;
    let poll = bench.poll(&bench.url).await;
    bench.server.advance(Duration::from_secs(20));
    assert!(finished(poll).await.is_empty());
}

#[tokio::test]
async fn the_wait_time_of_the_queue_is_the_default() {
    let bench = Bench::new().await;
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set.attributes(QueueAttributeName::ReceiveMessageWaitTimeSeconds, "20");
    set.send().await.unwrap();
    let receive = bench.sqs.receive_message().queue_url(&bench.url);
    let poll = tokio::spawn(messages_of(receive));
    eventually(|| bench.server.open_polls() == 1).await;
    // An explicit zero beats the default.
    assert!(bench.receive().await.is_empty());
    bench.send("a").await;
    assert_eq!(finished(poll).await.len(), 1);
}

#[tokio::test]
async fn a_waiting_poll_blocks_nobody() {
    let bench = Bench::new().await;
    let other = create(&bench.sqs, "other").await;
    let poll = bench.poll(&other).await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    bench.delete(handle(&got)).await;
    assert_eq!(bench.server.open_polls(), 1);
    poll.abort();
}

#[tokio::test]
async fn a_client_that_hangs_up_loses_no_message() {
    let bench = Bench::new().await;
    for round in 0..20 {
        let poll = bench.poll(&bench.url).await;
        poll.abort();
        eventually(|| bench.server.open_polls() == 0).await;
        bench.send("a").await;
        let got = bench.receive_one().await;
        bench.delete(handle(&got)).await;
        assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"], "{round}");
    }
}

/// Whoever is woken for a message and then hangs up must pass the call on.
#[tokio::test]
async fn the_next_poll_is_woken_when_the_first_has_hung_up() {
    let bench = Bench::new().await;
    let first = bench.poll(&bench.url).await;
    let second = bench.poll(&bench.url).await;
    first.abort();
    eventually(|| bench.server.open_polls() == 1).await;
    bench.send("a").await;
    assert_eq!(finished(second).await.len(), 1);
}

#[tokio::test]
async fn deleting_the_queue_ends_its_polls() {
    let bench = Bench::new().await;
    let receive = bench.receive_from(&bench.url).wait_time_seconds(20);
    let poll = tokio::spawn(receive.send());
    eventually(|| bench.server.open_polls() == 1).await;
    let delete = bench.sqs.delete_queue().queue_url(&bench.url);
    delete.send().await.unwrap();
    let error = finished(poll).await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_queue_does_not_exist());
}

#[tokio::test]
async fn shutdown_ends_polls_and_stops_listening() {
    let bench = Bench::new().await;
    let poll = bench.poll(&bench.url).await;
    let address = bench.server.endpoint().replace("http://", "");
    bench.server.shutdown().await;
    assert!(finished(poll).await.is_empty());
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn dropping_the_server_ends_polls_and_stops_listening() {
    let bench = Bench::new().await;
    let poll = bench.poll(&bench.url).await;
    let address = bench.server.endpoint().replace("http://", "");
    drop(bench.server);
    assert!(finished(poll).await.is_empty());
    // The port is free as soon as the task that owned it has seen the drop.
    let free = async { while tokio::net::TcpListener::bind(&address).await.is_err() {} };
    tokio::time::timeout(crate::DEADLINE, free).await.unwrap();
}
