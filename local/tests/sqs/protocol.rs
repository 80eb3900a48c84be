//! The edges of the protocol: typed errors, call counts, and clients of another language.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{Bench, code};

#[tokio::test]
async fn a_missing_queue_is_a_typed_error_everywhere() {
    let bench = Bench::new().await;
    let url = bench.url.replace("work", "nobody");
    let sqs = &bench.sqs;
    macro_rules! missing {
        ($call:expr) => {
            let error = $call.queue_url(&url).send().await.unwrap_err();
            let error = error.into_service_error();
            assert!(error.is_queue_does_not_exist(), "{error:?}");
        };
    }
    missing!(sqs.receive_message());
    missing!(sqs.send_message().message_body("x"));
    missing!(sqs.delete_message().receipt_handle("x"));
    missing!(sqs.change_message_visibility().receipt_handle("x").visibility_timeout(1));
    missing!(sqs.get_queue_attributes());
    missing!(sqs.set_queue_attributes().attributes("DelaySeconds".into(), "1"));
    missing!(sqs.purge_queue());
    missing!(sqs.delete_queue());
    missing!(sqs.list_queue_tags());
    missing!(sqs.list_dead_letter_source_queues());
    let send = sqs.send_message().queue_url("nobody").message_body("x");
    let error = send.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_address(), "{error:?}");
}

#[tokio::test]
async fn numbers_out_of_range_are_refused() {
    let bench = Bench::new().await;
    let receive = || bench.sqs.receive_message().queue_url(&bench.url);
    for refused in [
        receive().max_number_of_messages(0),
        receive().max_number_of_messages(11),
        receive().wait_time_seconds(21),
        receive().wait_time_seconds(-1),
        receive().visibility_timeout(43_201),
    ] {
        assert_eq!(code(refused.send().await), "InvalidParameterValue");
    }
}

#[tokio::test]
async fn calls_are_counted_by_name_refused_ones_too() {
    let bench = Bench::new().await;
    bench.send("a").await;
    bench.send("b").await;
    let delete = bench.sqs.delete_message().queue_url(&bench.url);
    assert!(delete.receipt_handle("junk").send().await.is_err());
    let calls = bench.server.calls();
    let expected = [("CreateQueue", 1), ("DeleteMessage", 1), ("SendMessage", 2)];
    let expected = expected.map(|(name, n)| (name.to_owned(), n));
    assert_eq!(calls, expected.into());
}

/// What a client that is not the Rust SDK would see: one request, the whole answer as text.
async fn raw(bench: &Bench, headers: &str, body: &str) -> String {
    let address = bench.server.endpoint().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn errors_carry_status_header_and_type() {
    let bench = Bench::new().await;
    let target = "x-amz-target: AmazonSQS.GetQueueUrl\r\n";
    let answer = raw(&bench, target, r#"{"QueueName":"nobody"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.contains("x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender"),
        "{answer}"
    );
    assert!(answer.contains("content-type: application/x-amz-json-1.0"), "{answer}");
    assert!(answer.contains(r#""__type":"com.amazonaws.sqs#QueueDoesNotExist""#), "{answer}");

    let answer = raw(&bench, "x-amz-target: AmazonSQS.AddPermission\r\n", "{}").await;
    assert!(answer.contains("x-amzn-query-error: InvalidAction;Sender"), "{answer}");
    assert!(answer.contains("AddPermission"), "{answer}");
    let answer = raw(&bench, target, "{").await;
    assert!(answer.contains("x-amzn-query-error: MalformedInput;Sender"), "{answer}");
    let answer = raw(&bench, target, "").await;
    assert!(answer.contains("x-amzn-query-error: MissingParameter;Sender"), "{answer}");
}

#[tokio::test]
async fn the_old_query_protocol_is_refused_in_its_own_language() {
    let bench = Bench::new().await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let answer = raw(&bench, form, "Action=ListQueues").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("<ErrorResponse"), "{answer}");
    assert!(answer.contains("AWS JSON 1.0 only"), "{answer}");
}
