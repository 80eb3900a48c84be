"""boto3 in eight threads: receive ten, put one after another, delete them by one call; until a receive is empty."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import work
from botocore.config import Config

CONFIG = Config(max_pool_connections=2 * work.PARALLEL)
sqs = boto3.client("sqs", config=CONFIG)
dynamodb = boto3.client("dynamodb", config=CONFIG)


def consume() -> None:
    while messages := sqs.receive_message(**work.RECEIVE).get("Messages"):
        for message in messages:
            try:
                dynamodb.put_item(**work.put_of(message))
            except dynamodb.exceptions.ConditionalCheckFailedException:
                pass
        work.check(sqs.delete_message_batch(**work.delete(messages)))


with ThreadPoolExecutor(work.PARALLEL) as threads:
    for ended in [threads.submit(consume) for _ in range(work.PARALLEL)]:
        ended.result()
