//! Queues as such: creation, attributes, listing, purge, tags.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;

use crate::{Bench, code, create, handle};

#[tokio::test]
async fn creating_again_is_harmless_unless_an_attribute_differs() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let create = |timeout: &str| {
        let queue = bench.sqs.create_queue().queue_name("work");
        queue.attributes(Name::VisibilityTimeout, timeout).send()
    };
    assert_eq!(create("30").await.unwrap().queue_url.as_ref(), Some(&bench.url));
    let error = create("31").await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_queue_name_exists());
    assert_eq!(bench.attribute(&bench.url, Name::VisibilityTimeout).await, "30");
    bench.receive_one().await;
}

#[tokio::test]
async fn fifo_is_refused_openly() {
    let bench = Bench::new().await;
    let named = bench.sqs.create_queue().queue_name("work.fifo");
    let error = named.send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_unsupported_operation());
    let asked = bench.sqs.create_queue().queue_name("work2");
    let asked = asked.attributes(Name::FifoQueue, "true");
    let error = asked.send().await.unwrap_err().into_service_error();
    assert!(error.is_unsupported_operation());
    assert!(error.to_string().contains("FIFO"), "{error}");
}

#[tokio::test]
async fn names_and_ranges_are_checked() {
    let bench = Bench::new().await;
    for name in ["", "a b", "a.b", &"a".repeat(81)] {
        let queue = bench.sqs.create_queue().queue_name(name);
        assert_eq!(code(queue.send().await), "InvalidParameterValue", "{name}");
    }
    let bad = [
        (Name::VisibilityTimeout, "43201"),
        (Name::VisibilityTimeout, "-1"),
        (Name::VisibilityTimeout, "soon"),
        (Name::DelaySeconds, "901"),
        (Name::ReceiveMessageWaitTimeSeconds, "21"),
        (Name::MessageRetentionPeriod, "59"),
        (Name::MessageRetentionPeriod, "1209601"),
        (Name::MaximumMessageSize, "1023"),
        (Name::MaximumMessageSize, "1048577"),
        (Name::KmsDataKeyReusePeriodSeconds, "59"),
        (Name::SqsManagedSseEnabled, "yes"),
        (Name::Policy, "{"),
    ];
    for (name, value) in bad {
        let queue = bench.sqs.create_queue().queue_name("new");
        let error = queue.attributes(name.clone(), value).send().await.unwrap_err();
        let error = error.into_service_error();
        assert!(error.is_invalid_attribute_value(), "{name} {value}: {error:?}");
        let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
        let set = set.attributes(name.clone(), value);
        let error = set.send().await.unwrap_err().into_service_error();
        assert!(error.is_invalid_attribute_value(), "{name} {value}: {error:?}");
    }
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set.attributes(Name::from("Colour"), "red");
    let error = set.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_attribute_name());
    let get = bench.sqs.get_queue_attributes().queue_url(&bench.url);
    let get = get.attribute_names(Name::from("Colour"));
    let error = get.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_attribute_name());
}

#[tokio::test]
async fn one_bad_attribute_leaves_the_others_unchanged() {
    let bench = Bench::new().await;
    let set = bench.sqs.set_queue_attributes().queue_url(&bench.url);
    let set = set
        .attributes(Name::DelaySeconds, "7")
        .attributes(Name::MaximumMessageSize, "1")
        .attributes(Name::VisibilityTimeout, "7");
    assert_eq!(code(set.send().await), "InvalidAttributeValue");
    assert_eq!(bench.attribute(&bench.url, Name::DelaySeconds).await, "0");
    assert_eq!(bench.attribute(&bench.url, Name::VisibilityTimeout).await, "30");
}

#[tokio::test]
async fn attributes_are_returned_all_or_by_name() {
    let bench = Bench::new().await;
    let queue = bench.sqs.create_queue().queue_name("full");
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let allow = r#"{"redrivePermission":"allowAll"}"#;
    let set = [
        (Name::VisibilityTimeout, "60"),
        (Name::DelaySeconds, "1"),
        (Name::ReceiveMessageWaitTimeSeconds, "20"),
        (Name::MessageRetentionPeriod, "1209600"),
        (Name::MaximumMessageSize, "2048"),
        (Name::Policy, policy),
        (Name::RedriveAllowPolicy, allow),
        (Name::KmsMasterKeyId, "alias/aws/sqs"),
        (Name::KmsDataKeyReusePeriodSeconds, "600"),
    ];
    let set: HashMap<Name, String> = set.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    let queue = queue.set_attributes(Some(set.clone()));
    let url = queue.send().await.unwrap().queue_url.unwrap();
    let get = bench.sqs.get_queue_attributes().queue_url(&url);
    let all = get.attribute_names(Name::All).send().await.unwrap();
    let all = all.attributes.unwrap();
    for (name, value) in &set {
        assert_eq!(all.get(name), Some(value), "{name}");
    }
    assert_eq!(all[&Name::SqsManagedSseEnabled], "false");
    assert_eq!(all[&Name::QueueArn], "arn:aws:sqs:eu-central-1:000000000000:full");
    for name in [Name::CreatedTimestamp, Name::LastModifiedTimestamp] {
        assert!(all[&name].parse::<u64>().unwrap() > 1_700_000_000);
    }
    for name in all.keys() {
        assert_eq!(&bench.attribute(&url, name.clone()).await, &all[name]);
    }
    let get = bench.sqs.get_queue_attributes().queue_url(&url);
    assert_eq!(get.send().await.unwrap().attributes, None);
    let defaults = bench.attribute(&bench.url, Name::MaximumMessageSize).await;
    assert_eq!(defaults, "1048576");
}

#[tokio::test]
async fn counts_follow_a_message_through_its_life() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let send = bench.sqs.send_message().queue_url(&bench.url);
    let send = send.message_body("b").delay_seconds(60);
    send.send().await.unwrap();
    assert_eq!(bench.counts(&bench.url).await, ["1", "0", "1"]);
    let got = bench.receive_one().await;
    assert_eq!(bench.counts(&bench.url).await, ["0", "1", "1"]);
    bench.delete(handle(&got)).await;
    bench.server.advance(std::time::Duration::from_secs(60));
    assert_eq!(bench.counts(&bench.url).await, ["1", "0", "0"]);
    bench.receive_one().await;
    let purge = bench.sqs.purge_queue().queue_url(&bench.url);
    purge.send().await.unwrap();
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);
}

#[tokio::test]
async fn a_queue_is_found_by_name_by_path_and_in_lists() {
    let bench = Bench::new().await;
    for name in ["b-1", "b-2", "b-3"] {
        create(&bench.sqs, name).await;
    }
    let get = bench.sqs.get_queue_url().queue_name("work");
    assert_eq!(get.send().await.unwrap().queue_url.as_ref(), Some(&bench.url));
    assert_eq!(bench.url, format!("{}/000000000000/work", bench.server.endpoint()));
    let rewritten = "http://sqs.internal:9324/000000000000/work";
    let send = bench.sqs.send_message().queue_url(rewritten);
    send.message_body("a").send().await.unwrap();
    bench.receive_one().await;

    let list = bench.sqs.list_queues().queue_name_prefix("b-");
    assert_eq!(list.send().await.unwrap().queue_urls().len(), 3);
    let mut pages = bench.sqs.list_queues().into_paginator().page_size(3).send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().queue_urls().len());
    }
    assert_eq!(sizes, [3, 1]);

    let delete = bench.sqs.delete_queue().queue_url(&bench.url);
    delete.send().await.unwrap();
    let get = bench.sqs.get_queue_url().queue_name("work");
    let error = get.send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist());
}

#[tokio::test]
async fn a_handle_of_a_deleted_queue_is_worth_nothing_in_the_next_one_of_that_name() {
    let bench = Bench::new().await;
    bench.send("a").await;
    let got = bench.receive_one().await;
    let delete = bench.sqs.delete_queue().queue_url(&bench.url);
    delete.send().await.unwrap();
    create(&bench.sqs, "work").await;
    assert_eq!(bench.counts(&bench.url).await, ["0", "0", "0"]);
    let delete = bench.sqs.delete_message().queue_url(&bench.url);
    let delete = delete.receipt_handle(handle(&got));
    let error = delete.send().await.unwrap_err().into_service_error();
    assert!(error.is_receipt_handle_is_invalid());
}

#[tokio::test]
async fn tags_are_kept_and_removed() {
    let bench = Bench::new().await;
    let queue = bench.sqs.create_queue().queue_name("tagged");
    let queue = queue.tags("team", "blue");
    let url = queue.send().await.unwrap().queue_url.unwrap();
    let tag = bench.sqs.tag_queue().queue_url(&url);
    tag.tags("env", "dev").send().await.unwrap();
    let untag = bench.sqs.untag_queue().queue_url(&url);
    untag.tag_keys("team").send().await.unwrap();
    let tags = bench.sqs.list_queue_tags().queue_url(&url);
    let tags = tags.send().await.unwrap().tags.unwrap();
    assert_eq!(tags, HashMap::from([("env".to_owned(), "dev".to_owned())]));
}
