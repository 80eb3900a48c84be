//! Many receivers, many messages, and groups that must not starve each other.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};

use crate::{Bench, body, finished, handle, messages_of};

async fn fill(bench: &Bench, count: usize, group: Option<&str>) {
    for first in (0..count).step_by(10) {
        let entries = (first..count.min(first + 10)).map(|n| {
            let entry = SendMessageBatchRequestEntry::builder().id(n.to_string());
            let entry = entry.message_body(format!("{} {n}", group.unwrap_or("message")));
            entry.set_message_group_id(group.map(str::to_owned)).build().unwrap()
        });
        let batch = bench.sqs.send_message_batch().queue_url(&bench.url);
        let sent = batch.set_entries(Some(entries.collect())).send().await.unwrap();
        assert!(sent.failed.is_empty(), "{:?}", sent.failed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_receivers_share_five_hundred_messages_without_a_duplicate() {
    let bench = Bench::new().await;
    fill(&bench, 500, None).await;
    let mut receivers = Vec::new();
    for _ in 0..16 {
        let (sqs, url) = (bench.sqs.clone(), bench.url.clone());
        receivers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let receive = sqs.receive_message().queue_url(&url);
                let got = messages_of(receive.max_number_of_messages(10)).await;
                if got.is_empty() {
                    return seen;
                }
                let entries = got.iter().enumerate().map(|(n, message)| {
                    let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
                    entry.receipt_handle(handle(message)).build().unwrap()
                });
                let batch = sqs.delete_message_batch().queue_url(&url);
                let deleted = batch.set_entries(Some(entries.collect())).send().await.unwrap();
                assert!(deleted.failed.is_empty());
                seen.extend(got.iter().map(|message| body(message).to_owned()));
            }
        }));
    }
    let mut all = Vec::new();
    for receiver in receivers {
        all.extend(finished(receiver).await);
    }
    assert_eq!(all.len(), 500);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 500);
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);
}

#[tokio::test]
async fn a_noisy_group_does_not_starve_a_quiet_one() {
    let bench = Bench::new().await;
    fill(&bench, 300, Some("backfill")).await;
    for _ in 0..5 {
        assert_eq!(bench.receive().await.len(), 10);
    }
    fill(&bench, 5, Some("live")).await;
    fill(&bench, 5, None).await;
    let got: Vec<String> = [bench.receive().await, bench.receive().await]
        .into_iter()
        .flatten()
        .filter_map(|message| message.body)
        .collect();
    let mut by_group: BTreeMap<&str, usize> = BTreeMap::new();
    for body in &got {
        *by_group.entry(body.split(' ').next().unwrap()).or_default() += 1;
    }
    assert_eq!(by_group["live"], 5, "{got:?}");
    assert_eq!(by_group["message"], 5, "{got:?}");
    assert_eq!(by_group["backfill"], 10, "{got:?}");
}

#[tokio::test]
async fn the_in_flight_quota_is_an_error_for_short_polls_and_silence_for_long_ones() {
    let bench = Bench::new().await;
    bench.server.set_in_flight_limit(3);
    fill(&bench, 5, None).await;
    let held = bench.receive().await;
    assert_eq!(held.len(), 3);
    let error = bench.receive_from(&bench.url).send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_over_limit());
    let poll = bench.poll(&bench.url).await;
    bench.delete(handle(&held[0])).await;
    assert_eq!(finished(poll).await.len(), 1);
    let poll = bench.poll(&bench.url).await;
    bench.server.advance(std::time::Duration::from_secs(20));
    assert!(finished(poll).await.is_empty());
}
