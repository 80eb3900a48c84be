//! The way back out of the dead-letter queue.

use std::time::Duration;

use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, MessageSystemAttributeName as Name};

use crate::{Bench, code, create, finished, messages_of, system};

/// A bench with `count` messages that died in its queue, and the dead-letter queue's URL and ARN.
async fn with_dead(count: usize) -> (Bench, String, String) {
    let (bench, dead) = Bench::with_dead_letters(1).await;
    for n in 0..count {
        bench.send(&format!("message {n}")).await;
        bench.receive_one().await;
    }
    bench.server.advance(Duration::from_secs(30));
    assert!(bench.receive().await.is_empty());
    let arn = bench.arn(&dead).await;
    (bench, dead, arn)
}

async fn tasks(bench: &Bench, source: &str) -> Vec<ListMessageMoveTasksResultEntry> {
    let list = bench.sqs.list_message_move_tasks().source_arn(source);
    list.max_results(10).send().await.unwrap().results.unwrap()
}

/// The newest task once it has the status (and moved as many) as expected.
async fn reached(bench: &Bench, source: &str, status: &str, moved: i64) -> ListMessageMoveTasksResultEntry {
    let search = async {
        loop {
            let task = tasks(bench, source).await.remove(0);
            if task.status.as_deref() == Some(status) && task.approximate_number_of_messages_moved == moved {
                return task;
            }
        }
    };
    tokio::time::timeout(crate::DEADLINE, search).await.unwrap()
}

#[tokio::test]
async fn messages_go_back_to_where_they_died_as_new_ones() {
    let (bench, dead, arn) = with_dead(3).await;
    let before = messages_of(bench.receive_from(&dead).visibility_timeout(0)).await;
    assert_eq!(before.len(), 3);
    let poll = bench.poll(&bench.url).await;
    let start = bench.sqs.start_message_move_task().source_arn(&arn);
    assert!(start.send().await.unwrap().task_handle.is_some());
    let task = reached(&bench, &arn, "COMPLETED", 3).await;
    assert_eq!(task.approximate_number_of_messages_to_move, Some(3));
    assert_eq!(task.source_arn.as_deref(), Some(arn.as_str()));
    assert_eq!(task.task_handle, None);
    assert!(task.started_timestamp > 0);
    assert_eq!(bench.counts(&dead).await, ["0", "0", "0"]);

    let mut moved = finished(poll).await;
    moved.extend(bench.receive().await);
    assert_eq!(moved.len(), 3);
    for message in &moved {
        assert!(before.iter().all(|old| old.message_id != message.message_id));
        assert!(
            before.iter().all(|old| system(old, Name::SentTimestamp) != system(message, Name::SentTimestamp))
        );
        assert_eq!(system(message, Name::ApproximateReceiveCount), Some("1"));
        assert_eq!(system(message, Name::DeadLetterQueueSourceArn), None);
    }
}

#[tokio::test]
async fn a_destination_takes_all_also_what_was_sent_straight_in() {
    let (bench, dead, arn) = with_dead(1).await;
    let send = bench.sqs.send_message().queue_url(&dead).message_body("straight");
    send.send().await.unwrap();
    let other = create(&bench.sqs, "other").await;
    let other_arn = bench.arn(&other).await;
    let start = bench.sqs.start_message_move_task().source_arn(&arn);
    start.destination_arn(&other_arn).send().await.unwrap();
    let task = reached(&bench, &arn, "COMPLETED", 2).await;
    assert_eq!(task.destination_arn, Some(other_arn));
    assert_eq!(bench.counts(&other).await, ["2", "0", "0"]);
}

#[tokio::test]
async fn without_a_destination_a_message_of_unknown_origin_fails_the_task_and_stays() {
    let (bench, dead, arn) = with_dead(0).await;
    let send = bench.sqs.send_message().queue_url(&dead).message_body("straight");
    send.send().await.unwrap();
    let start = bench.sqs.start_message_move_task().source_arn(&arn);
    start.send().await.unwrap();
    let task = reached(&bench, &arn, "FAILED", 0).await;
    assert_eq!(task.failure_reason.as_deref(), Some("CouldNotDetermineMessageSource"));
    assert_eq!(bench.counts(&dead).await, ["1", "0", "0"]);
}

#[tokio::test]
async fn a_rate_is_kept_by_the_clock_and_a_task_can_be_cancelled() {
    let (bench, dead, arn) = with_dead(30).await;
    let start = bench.sqs.start_message_move_task().source_arn(&arn);
    let start = start.max_number_of_messages_per_second(1).send();
    let handle = start.await.unwrap().task_handle.unwrap();
    let running = tasks(&bench, &arn).await.remove(0);
    assert_eq!(running.status.as_deref(), Some("RUNNING"));
    assert_eq!(running.task_handle.as_ref(), Some(&handle));
    assert_eq!(running.max_number_of_messages_per_second, Some(1));
    assert_eq!(running.approximate_number_of_messages_to_move, Some(30));

    let again = bench.sqs.start_message_move_task().source_arn(&arn);
    assert_eq!(code(again.send().await), "InvalidParameterValue");

    bench.server.advance(Duration::from_secs(2));
    let moved = async { while bench.counts(&bench.url).await[0] == "0" {} };
    tokio::time::timeout(crate::DEADLINE, moved).await.unwrap();
    let cancel = || bench.sqs.cancel_message_move_task().task_handle(&handle);
    let moved = cancel().send().await.unwrap().approximate_number_of_messages_moved;
    assert!((1..30).contains(&moved), "{moved}");
    bench.server.advance(Duration::from_secs(60));
    let ended = tasks(&bench, &arn).await.remove(0);
    assert_eq!(ended.status.as_deref(), Some("CANCELLED"));
    assert_eq!(ended.approximate_number_of_messages_moved, moved);
    assert_eq!(bench.counts(&bench.url).await[0], moved.to_string());
    assert_eq!(bench.counts(&dead).await[0], (30 - moved).to_string());
    let error = cancel().send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_unsupported_operation());
}

#[tokio::test]
async fn a_rate_reaches_the_end() {
    let (bench, _, arn) = with_dead(5).await;
    let start = bench.sqs.start_message_move_task().source_arn(&arn);
    let start = start.max_number_of_messages_per_second(1);
    start.send().await.unwrap();
    bench.server.advance(Duration::from_secs(5));
    reached(&bench, &arn, "COMPLETED", 5).await;
}

#[tokio::test]
async fn deleting_the_destination_fails_the_task_and_keeps_the_rest() {
    let (bench, dead, arn) = with_dead(5).await;
    let other = create(&bench.sqs, "other").await;
    let start = bench.sqs.start_message_move_task().source_arn(&arn);
    let start = start.destination_arn(bench.arn(&other).await);
    let start = start.max_number_of_messages_per_second(1);
    start.send().await.unwrap();
    bench.sqs.delete_queue().queue_url(&other).send().await.unwrap();
    bench.server.advance(Duration::from_secs(10));
    let failed = async {
        loop {
            let task = tasks(&bench, &arn).await.remove(0);
            if task.status.as_deref() == Some("FAILED") {
                return task;
            }
        }
    };
    let task = tokio::time::timeout(crate::DEADLINE, failed).await.unwrap();
    assert_eq!(task.failure_reason.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    let left = 5 - task.approximate_number_of_messages_moved;
    assert_eq!(bench.counts(&dead).await[0], left.to_string());
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused() {
    let (bench, _, arn) = with_dead(0).await;
    let start = || bench.sqs.start_message_move_task();
    let own = bench.arn(&bench.url).await;
    let refused = start().source_arn(&own).send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
    let nobody = arn.replace("dead", "nobody");
    let error = start().source_arn(&nobody).send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_resource_not_found_exception());
    let to_nobody = start().source_arn(&arn).destination_arn(&nobody);
    let error = to_nobody.send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_resource_not_found_exception());
    let to_itself = start().source_arn(&arn).destination_arn(&arn).send().await;
    assert_eq!(code(to_itself), "InvalidParameterValue");
    for rate in [0, 501] {
        let start = start().source_arn(&arn).max_number_of_messages_per_second(rate);
        assert_eq!(code(start.send().await), "InvalidParameterValue");
    }
    let cancel = bench.sqs.cancel_message_move_task().task_handle("junk");
    assert_eq!(code(cancel.send().await), "InvalidParameterValue");
}

#[tokio::test]
async fn the_last_ten_tasks_are_remembered_newest_first() {
    let (bench, dead, arn) = with_dead(0).await;
    for n in 0..12 {
        for _ in 0..n {
            let send = bench.sqs.send_message().queue_url(&dead).message_body("x");
            send.send().await.unwrap();
        }
        let start = bench.sqs.start_message_move_task().source_arn(&arn);
        start.destination_arn(bench.arn(&bench.url).await).send().await.unwrap();
        reached(&bench, &arn, "COMPLETED", n).await;
    }
    let moved: Vec<i64> =
        tasks(&bench, &arn).await.iter().map(|task| task.approximate_number_of_messages_moved).collect();
    assert_eq!(moved, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let default = bench.sqs.list_message_move_tasks().source_arn(&arn);
    assert_eq!(default.send().await.unwrap().results().len(), 1);
}
