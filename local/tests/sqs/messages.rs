//! What is sent is what is received: bodies, attributes, digests, sizes, characters.

use std::collections::BTreeSet;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue,
};

use crate::{Bench, code, messages_of, system};

fn text(data_type: &str, value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type(data_type);
    attribute.string_value(value).build().unwrap()
}

fn binary(data_type: &str, value: &[u8]) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type(data_type);
    attribute.binary_value(Blob::new(value)).build().unwrap()
}

/// The expected digests were computed by an independent program and, for `attr1`, recorded from AWS.
#[tokio::test]
async fn digests_cover_body_attributes_and_system_attributes() {
    let bench = Bench::new().await;
    let traceparent = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01";
    let trace = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value("Root=1-5759e988-bd862e3fe1be46a994272793")
        .build()
        .unwrap();
    let sent = bench
        .sqs
        .send_message()
        .queue_url(&bench.url)
        .message_body("test")
        .message_attributes("attr1", binary("Binary", traceparent))
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.md5_of_message_body.as_deref(), Some("098f6bcd4621d373cade4e832627b4f6"));
    assert_eq!(sent.md5_of_message_attributes.as_deref(), Some("8cbe4db156db8a94db8b801b7addb984"));
    assert_eq!(sent.md5_of_message_system_attributes.as_deref(), Some("62a56dd927315f2b2e12832b84617ea5"));
    let got = bench.receive_one().await;
    assert_eq!(got.md5_of_body, sent.md5_of_message_body);
    assert_eq!(got.md5_of_message_attributes, sent.md5_of_message_attributes);
    assert_eq!(got.message_id, sent.message_id);
    let value = got.message_attributes.as_ref().unwrap()["attr1"].clone();
    assert_eq!(value.binary_value.unwrap().as_ref(), traceparent);
    assert_eq!(
        system(&got, MessageSystemAttributeName::AwsTraceHeader),
        Some("Root=1-5759e988-bd862e3fe1be46a994272793")
    );
}

#[tokio::test]
async fn custom_types_and_odd_characters_survive() {
    let bench = Bench::new().await;
    let body = "grüße \"x\" \\ \t\n\r \u{1F600} \u{E000} \u{FFFD}";
    let sent = bench
        .sqs
        .send_message()
        .queue_url(&bench.url)
        .message_body(body)
        .message_attributes("a.b-c_1", text("String.uuid", "ü"))
        .message_attributes("n", text("Number.float", "-1.5e3"))
        .message_attributes("png", binary("Binary.png", &[0, 255, 7]))
        .send()
        .await
        .unwrap();
    let got = bench.receive_one().await;
    assert_eq!(got.body.as_deref(), Some(body));
    assert_eq!(got.md5_of_message_attributes, sent.md5_of_message_attributes);
    let attributes = got.message_attributes.unwrap();
    assert_eq!(attributes["a.b-c_1"], text("String.uuid", "ü"));
    assert_eq!(attributes["n"], text("Number.float", "-1.5e3"));
    assert_eq!(attributes["png"], binary("Binary.png", &[0, 255, 7]));
}

fn names(message: &Message) -> BTreeSet<&str> {
    let attributes = message.message_attributes.iter().flatten();
    attributes.map(|(name, _)| name.as_str()).collect()
}

/// Filters and digests as recorded from AWS: the digest covers what is returned.
#[tokio::test]
async fn attribute_filters_choose_what_is_returned_and_digested() {
    let bench = Bench::new().await;
    let send = bench.sqs.send_message().queue_url(&bench.url);
    send.message_body("msg")
        .message_attributes("Hello", text("String", "There"))
        .message_attributes("General", text("String", "Kenobi"))
        .message_attributes("Help.Me", text("String", "Me"))
        .send()
        .await
        .unwrap();
    let all = ["General", "Hello", "Help.Me"];
    let whole = Some("4c360f3fdafd970e05fae2f149d997f5");
    let cases: [(&[&str], &[&str], Option<&str>); 7] = [
        (&[], &[], None),
        (&["All"], &all, whole),
        (&[".*"], &all, whole),
        (&["Nope"], &[], None),
        (&["Hello", "General"], &["General", "Hello"], Some("fca026605781cb4126a1e9044df24232")),
        (&["Hello", "Nope"], &["Hello"], Some("a311262e065454b75da111d535b8dacd")),
        (&["Hel.*"], &["Hello", "Help.Me"], Some("83fee93c1bcd8b9a5a923ffacdc636c7")),
    ];
    for (filter, expected, digest) in cases {
        let receive = bench.sqs.receive_message().queue_url(&bench.url);
        let filter = filter.iter().map(|&name| name.to_owned()).collect();
        let receive = receive.visibility_timeout(0).set_message_attribute_names(Some(filter));
        let got = messages_of(receive).await.remove(0);
        assert_eq!(names(&got), expected.iter().copied().collect());
        assert_eq!(got.md5_of_message_attributes.as_deref(), digest);
        assert_eq!(got.attributes, None, "no system attribute was asked for");
    }
}

#[tokio::test]
#[expect(deprecated, reason = "clients still send the old parameter")]
async fn system_attributes_answer_to_both_parameter_names() {
    use MessageSystemAttributeName as Name;
    let bench = Bench::new().await;
    let send = bench.sqs.send_message().queue_url(&bench.url);
    let send = send.message_body("x").message_group_id("group-1");
    send.send().await.unwrap();

    let receive = bench.sqs.receive_message().queue_url(&bench.url);
    let receive = receive.visibility_timeout(0).attribute_names(aws_sdk_sqs::types::QueueAttributeName::All);
    let got = messages_of(receive).await.remove(0);
    let millis = |name| system(&got, name).unwrap().parse::<i64>().unwrap();
    assert!(millis(Name::ApproximateFirstReceiveTimestamp) >= millis(Name::SentTimestamp));
    assert!(system(&got, Name::SenderId).is_some());
    assert_eq!(system(&got, Name::ApproximateReceiveCount), Some("1"));
    assert_eq!(system(&got, Name::MessageGroupId), Some("group-1"));
    assert_eq!(system(&got, Name::AwsTraceHeader), None);

    let receive = bench.sqs.receive_message().queue_url(&bench.url);
    let receive = receive.visibility_timeout(0).message_system_attribute_names(Name::ApproximateReceiveCount);
    let got = messages_of(receive).await.remove(0);
    assert_eq!(got.attributes.as_ref().unwrap().len(), 1);
    assert_eq!(system(&got, Name::ApproximateReceiveCount), Some("2"));
}

#[tokio::test]
async fn a_message_may_have_one_mebibyte_with_its_attributes() {
    let bench = Bench::new().await;
    let send = |size: usize| {
        let send = bench.sqs.send_message().queue_url(&bench.url);
        send.message_body("x".repeat(size))
    };
    let mebibyte = 1024 * 1024;
    send(300 * 1024).send().await.unwrap();
    send(mebibyte).send().await.unwrap();
    assert_eq!(code(send(mebibyte + 1).send().await), "InvalidParameterValue");
    // Name, type and value count: 1 + 6 + 3 bytes.
    let attribute = text("String", "abc");
    send(mebibyte - 10).message_attributes("a", attribute.clone()).send().await.unwrap();
    let beyond = send(mebibyte - 9).message_attributes("a", attribute);
    assert_eq!(code(beyond.send().await), "InvalidParameterValue");
    let bodies: Vec<usize> =
        bench.receive().await.iter().map(|message| message.body.as_ref().unwrap().len()).collect();
    assert_eq!(bodies, [300 * 1024, mebibyte, mebibyte - 10]);
}

#[tokio::test]
async fn forbidden_characters_are_refused_by_type() {
    let bench = Bench::new().await;
    for forbidden in ["\u{0}", "a\u{1F}b", "\u{FFFE}", "\u{FFFF}"] {
        let send = bench.sqs.send_message().queue_url(&bench.url);
        let error = send.message_body(forbidden).send().await.unwrap_err();
        assert!(error.as_service_error().unwrap().is_invalid_message_contents());
    }
    let send = bench.sqs.send_message().queue_url(&bench.url);
    assert_eq!(code(send.message_body("").send().await), "MissingParameter");
    assert!(bench.receive().await.is_empty());
}

#[tokio::test]
async fn bad_attributes_are_refused() {
    let bench = Bench::new().await;
    let bad = [
        ("AWS.x", text("String", "v")),
        ("amazon.x", text("String", "v")),
        (".x", text("String", "v")),
        ("x.", text("String", "v")),
        ("x..y", text("String", "v")),
        ("x y", text("String", "v")),
        ("x", text("Text", "v")),
        ("x", text("", "v")),
        ("x", text("String", "")),
        ("x", text("Number", "twelve")),
        ("x", text("Number", "nan")),
        ("x", text("Binary", "v")),
        ("x", binary("String", b"v")),
    ];
    for (name, attribute) in bad {
        let send = bench.sqs.send_message().queue_url(&bench.url);
        let send = send.message_body("b").message_attributes(name, attribute);
        assert_eq!(code(send.send().await), "InvalidParameterValue", "{name}");
    }
    let mut eleven = bench.sqs.send_message().queue_url(&bench.url).message_body("b");
    for n in 0..11 {
        eleven = eleven.message_attributes(format!("a{n}"), text("String", "v"));
    }
    assert_eq!(code(eleven.send().await), "InvalidParameterValue");
    let send = bench.sqs.send_message().queue_url(&bench.url).message_body("b");
    let long_group = send.message_group_id("g".repeat(129));
    assert_eq!(code(long_group.send().await), "InvalidParameterValue");
    assert!(bench.receive().await.is_empty());
}
