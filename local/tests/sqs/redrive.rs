//! The way into the dead-letter queue.

use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName as Name, QueueAttributeName};

use crate::{Bench, body, create, finished, handle, redrive_policy, system};

#[tokio::test]
async fn a_message_dies_on_the_receive_beyond_its_limit() {
    let (bench, dead) = Bench::with_dead_letters(2).await;
    let id = bench.send("poison").await;
    let first = bench.receive_one().await;
    bench.server.advance(Duration::from_secs(30));
    bench.receive_one().await;
    bench.server.advance(Duration::from_secs(30));
    assert_eq!(bench.counts(&dead).await, ["0", "0", "0"]);
    assert!(bench.receive().await.is_empty());
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);

    let found = crate::messages_of(bench.receive_from(&dead)).await.remove(0);
    assert_eq!(found.message_id, Some(id));
    assert_eq!(body(&found), "poison");
    assert_eq!(system(&found, Name::SentTimestamp), system(&first, Name::SentTimestamp));
    assert_eq!(system(&found, Name::ApproximateReceiveCount), Some("3"));
    let source = bench.arn(&bench.url).await;
    assert_eq!(system(&found, Name::DeadLetterQueueSourceArn), Some(source.as_str()));
    assert_eq!(system(&first, Name::DeadLetterQueueSourceArn), None);
}

#[tokio::test]
async fn dying_messages_do_not_hide_living_ones() {
    let (bench, dead) = Bench::with_dead_letters(1).await;
    for n in 0..12 {
        bench.send(&format!("poison {n}")).await;
    }
    for _ in 0..2 {
        bench.receive().await;
    }
    bench.server.advance(Duration::from_secs(30));
    bench.send("alive").await;
    assert_eq!(body(&bench.receive_one().await), "alive");
    assert_eq!(bench.counts(&dead).await, ["12", "0", "0"]);
}

#[tokio::test]
async fn an_arrival_wakes_a_poll_of_the_dead_letter_queue() {
    let (bench, dead) = Bench::with_dead_letters(1).await;
    bench.send("poison").await;
    bench.receive_one().await;
    bench.server.advance(Duration::from_secs(30));
    let poll = bench.poll(&dead).await;
    assert!(bench.receive().await.is_empty());
    assert_eq!(finished(poll).await.len(), 1);
}

/// AWS: the expiry of a standard queue's message counts from its first enqueue, also after the move.
#[tokio::test]
async fn dead_messages_keep_their_age() {
    let (bench, dead) = Bench::with_dead_letters(1).await;
    let set = bench.sqs.set_queue_attributes().queue_url(&dead);
    let set = set.attributes(QueueAttributeName::MessageRetentionPeriod, "60");
    set.send().await.unwrap();
    bench.send("old").await;
    bench.receive_one().await;
    bench.server.advance(Duration::from_secs(40));
    assert!(bench.receive().await.is_empty());
    assert_eq!(bench.counts(&dead).await, ["1", "0", "0"]);
    bench.server.advance(Duration::from_secs(20));
    assert_eq!(bench.counts(&dead).await, ["0", "0", "0"]);
}

#[tokio::test]
async fn without_its_dead_letter_queue_a_message_stays() {
    let (bench, dead) = Bench::with_dead_letters(1).await;
    bench.send("poison").await;
    bench.receive_one().await;
    let delete = bench.sqs.delete_queue().queue_url(&dead);
    delete.send().await.unwrap();
    bench.server.advance(Duration::from_secs(30));
    let again = bench.receive_one().await;
    assert_eq!(system(&again, Name::ApproximateReceiveCount), Some("2"));
    bench.delete(handle(&again)).await;
}

#[tokio::test]
async fn the_count_may_be_a_number_or_a_string() {
    let bench = Bench::new().await;
    let dead = create(&bench.sqs, "dead").await;
    let arn = bench.arn(&dead).await;
    for (name, count) in [("number", "3"), ("string", "\"3\"")] {
        let queue = bench.sqs.create_queue().queue_name(name);
        let policy = redrive_policy(&arn, count);
        let queue = queue.attributes(QueueAttributeName::RedrivePolicy, policy);
        let url = queue.send().await.unwrap().queue_url.unwrap();
        let shown = bench.attribute(&url, QueueAttributeName::RedrivePolicy).await;
        assert_eq!(shown, redrive_policy(&arn, "3"));
    }
    let sources = bench.sqs.list_dead_letter_source_queues().queue_url(&dead);
    let sources = sources.send().await.unwrap().queue_urls;
    assert_eq!(sources.len(), 2, "{sources:?}");
}

#[tokio::test]
async fn bad_redrive_policies_are_refused() {
    let bench = Bench::new().await;
    let own = bench.arn(&bench.url).await;
    let policies = [
        "not json".to_owned(),
        r#"{"maxReceiveCount":3}"#.to_owned(),
        format!(r#"{{"deadLetterTargetArn":"{own}"}}"#),
        redrive_policy(&own, "3"),
        redrive_policy(&own.replace("work", "nobody"), "3"),
        redrive_policy("dummy", "42"),
        redrive_policy(&own, "0"),
        redrive_policy(&own, "1001"),
        redrive_policy(&own, "\"many\""),
    ];
    for policy in policies {
        let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
        let set = set.attributes(QueueAttributeName::RedrivePolicy, &policy);
        let refused = set.send().await;
        assert_eq!(crate::code(refused), "InvalidParameterValue", "{policy}");
    }
}
