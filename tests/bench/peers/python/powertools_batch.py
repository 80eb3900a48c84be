"""Powertools for AWS Lambda: batch processor and idempotency with its records in DynamoDB, by the user's id. Eight
threads play eight functions with what AWS's poller does around them: receive ten, call the function, delete what it
did not report as failed.

A confirmation whose twin is in progress in another thread fails, as documented, and comes back when its visibility
timeout is over; that is waited for without calls of its own but GetQueueAttributes.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import work
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.config import Config

CONFIG = Config(max_pool_connections=4 * work.PARALLEL)
sqs = boto3.client("sqs", config=CONFIG)
dynamodb = boto3.client("dynamodb", config=CONFIG)


class Context:
    """What the idempotency asks of Lambda: when the function would be stopped."""

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def function():
    """One function with a processor and a persistence layer of its own, as each Lambda environment has them."""
    config = IdempotencyConfig(event_key_jmespath="sub")
    config.register_lambda_context(Context())
    records = DynamoDBPersistenceLayer(table_name=work.RECORDS, boto3_client=dynamodb)
    # An answer whose messages all failed is an answer here, not an exception.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    @idempotent_function(data_keyword_argument="confirmation", config=config, persistence_store=records)
    def write(confirmation: dict) -> dict:
        try:
            dynamodb.put_item(**work.put(confirmation))
        except dynamodb.exceptions.ConditionalCheckFailedException:
            pass
        return {"id": confirmation["sub"]}

    def handle(record) -> dict:
        return write(confirmation=record.json_body)

    return lambda event: process_partial_response(
        event=event, record_handler=handle, processor=processor, context=Context()
    )


def event(messages: list[dict]) -> dict:
    """These messages as Lambda hands them over."""
    records = [
        {
            "messageId": one["MessageId"],
            "receiptHandle": one["ReceiptHandle"],
            "body": one["Body"],
            "attributes": {},
            "messageAttributes": {},
            "md5OfBody": one["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:profile-confirmations",
            "awsRegion": "eu-central-1",
        }
        for one in messages
    ]
    return {"Records": records}


def consume() -> None:
    call = function()
    while messages := sqs.receive_message(**work.RECEIVE).get("Messages"):
        failed = {one["itemIdentifier"] for one in call(event(messages))["batchItemFailures"]}
        if done := [one for one in messages if one["MessageId"] not in failed]:
            work.check(sqs.delete_message_batch(**work.delete(done)))


def left() -> tuple[int, int]:
    """How many messages can be received, and how many are hidden."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=work.QUEUE, AttributeNames=names)["Attributes"]
    return int(attributes[names[0]]), int(attributes[names[1]])


with ThreadPoolExecutor(work.PARALLEL) as threads:
    while any(depth := left()):
        if depth[0] == 0:
            time.sleep(1)
            continue
        for ended in [threads.submit(consume) for _ in range(work.PARALLEL)]:
            ended.result()
