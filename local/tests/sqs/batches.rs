//! Batches: limits refuse the whole call, everything else is the affair of one entry.

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use crate::{Bench, handle};

fn send(id: &str, body: impl Into<String>) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(id);
    entry.message_body(body).build().unwrap()
}

fn delete(id: &str, handle: &str) -> DeleteMessageBatchRequestEntry {
    let entry = DeleteMessageBatchRequestEntry::builder().id(id);
    entry.receipt_handle(handle).build().unwrap()
}

fn ids<T>(entries: &[T], id: impl Fn(&T) -> &str) -> Vec<String> {
    entries.iter().map(|entry| id(entry).to_owned()).collect()
}

#[tokio::test]
async fn one_bad_entry_does_not_fail_its_neighbours_when_sending() {
    let bench = Bench::new().await;
    let batch = bench.sqs.send_message_batch().queue_url(&bench.url);
    let mut late = send("late", "x");
    late.delay_seconds = Some(901);
    let batch = batch.entries(send("a", "1")).entries(send("bad", "\u{1}"));
    let answer = batch.entries(send("b", "2")).entries(late).send().await.unwrap();
    assert_eq!(ids(&answer.successful, |entry| &entry.id), ["a", "b"]);
    assert_eq!(ids(&answer.failed, |entry| &entry.id), ["bad", "late"]);
    assert_eq!(answer.failed[0].code, "InvalidMessageContents");
    assert_eq!(answer.failed[1].code, "InvalidParameterValue");
    assert!(answer.failed[0].sender_fault);
    assert_eq!(bench.counts(&bench.url).await, ["2", "0", "0"]);
}

#[tokio::test]
async fn one_entry_too_long_for_the_queue_fails_alone() {
    let bench = Bench::new().await;
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set.attributes(QueueAttributeName::MaximumMessageSize, "1024");
    set.send().await.unwrap();
    let batch = bench.sqs.send_message_batch().queue_url(&bench.url);
    let batch = batch.entries(send("a", "x".repeat(1025)));
    let answer = batch.entries(send("b", "x".repeat(1024))).send().await.unwrap();
    assert_eq!(ids(&answer.successful, |entry| &entry.id), ["b"]);
    assert_eq!(ids(&answer.failed, |entry| &entry.id), ["a"]);
}

#[tokio::test]
async fn one_bad_handle_does_not_fail_its_neighbours_when_deleting() {
    let bench = Bench::new().await;
    bench.send("1").await;
    bench.send("2").await;
    let got = bench.receive().await;
    let batch = bench.sqs.delete_message_batch().queue_url(&bench.url);
    let batch = batch.entries(delete("a", handle(&got[0]))).entries(delete("bad", "junk"));
    let answer = batch.entries(delete("b", handle(&got[1]))).send().await.unwrap();
    assert_eq!(ids(&answer.successful, |entry| &entry.id), ["a", "b"]);
    assert_eq!(ids(&answer.failed, |entry| &entry.id), ["bad"]);
    assert_eq!(answer.failed[0].code, "ReceiptHandleIsInvalid");
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);
}

#[tokio::test]
async fn each_entry_has_its_own_visibility_result() {
    let bench = Bench::new().await;
    bench.send("1").await;
    bench.send("2").await;
    let got = bench.receive().await;
    bench.delete(handle(&got[1])).await;
    let entry = |id: &str, handle: &str, seconds| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        let entry = entry.receipt_handle(handle).visibility_timeout(seconds);
        entry.build().unwrap()
    };
    let batch = bench.sqs.change_message_visibility_batch().queue_url(&bench.url);
    let answer = batch
        .entries(entry("gone", handle(&got[1]), 60))
        .entries(entry("junk", "junk", 60))
        .entries(entry("ok", handle(&got[0]), 600))
        .entries(entry("range", handle(&got[0]), 43_201))
        .send()
        .await
        .unwrap();
    assert_eq!(ids(&answer.successful, |entry| &entry.id), ["ok"]);
    assert_eq!(ids(&answer.failed, |entry| &entry.id), ["gone", "junk", "range"]);
    bench.server.advance(std::time::Duration::from_secs(599));
    assert!(bench.receive().await.is_empty());
}

#[tokio::test]
async fn limits_refuse_the_whole_batch_by_type() {
    let bench = Bench::new().await;
    let try_sending = async |entries: Vec<SendMessageBatchRequestEntry>| {
        let batch = bench.sqs.send_message_batch().queue_url(&bench.url);
        let refused = batch.set_entries(Some(entries)).send().await.unwrap_err();
        refused.into_service_error()
    };
    let eleven = (0..11).map(|n| send(&n.to_string(), "x")).collect();
    assert!(try_sending(eleven).await.is_too_many_entries_in_batch_request());
    assert!(try_sending(Vec::new()).await.is_empty_batch_request());
    let twice = vec![send("a", "x"), send("a", "y")];
    assert!(try_sending(twice).await.is_batch_entry_ids_not_distinct());
    for bad in ["", "a b", "a.b", "ä", &"a".repeat(81)] {
        assert!(try_sending(vec![send(bad, "x")]).await.is_invalid_batch_entry_id());
    }
    let half = 512 * 1024;
    let long = vec![send("a", "x".repeat(half)), send("b", "x".repeat(half + 1))];
    assert!(try_sending(long).await.is_batch_request_too_long());
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);

    let batch = bench.sqs.send_message_batch().queue_url(&bench.url);
    let batch = batch.entries(send("a", "x".repeat(half)));
    let whole = batch.entries(send(&"b".repeat(80), "x".repeat(half)));
    assert_eq!(whole.send().await.unwrap().successful.len(), 2);
}

#[tokio::test]
async fn delete_batches_have_the_same_limits() {
    let bench = Bench::new().await;
    let try_deleting = async |entries: Vec<DeleteMessageBatchRequestEntry>| {
        let batch = bench.sqs.delete_message_batch().queue_url(&bench.url);
        let refused = batch.set_entries(Some(entries)).send().await.unwrap_err();
        refused.into_service_error()
    };
    let eleven = (0..11).map(|n| delete(&n.to_string(), "x")).collect();
    assert!(try_deleting(eleven).await.is_too_many_entries_in_batch_request());
    assert!(try_deleting(Vec::new()).await.is_empty_batch_request());
    let twice = vec![delete("a", "x"), delete("a", "y")];
    assert!(try_deleting(twice).await.is_batch_entry_ids_not_distinct());
}
