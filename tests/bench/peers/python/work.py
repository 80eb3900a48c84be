"""What the peers in Python share: where the queue and the table are, the item of a message, and how a call is made."""

import json
import os

QUEUE = os.environ["QUEUE_URL"]
TABLE = os.environ["TABLE_NAME"]
RECORDS = os.environ["RECORDS_TABLE_NAME"]
PARALLEL = 8

RECEIVE = {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": 60}


def put(confirmation: dict) -> dict:
    """The arguments of the PutItem that writes the item of a confirmation unless there is one."""
    sub, at = confirmation["sub"], confirmation["observedAt"]
    attributes = {
        "id": sub,
        "__typename": "UserProfile",
        "email": confirmation["email"],
        "profileOwner": f"{sub}::{confirmation['username']}",
        "createdAt": at,
        "updatedAt": at,
    }
    return {
        "TableName": TABLE,
        "ConditionExpression": "attribute_not_exists(id)",
        "Item": {name: {"S": value} for name, value in attributes.items()},
    }


def put_of(message: dict) -> dict:
    """The same from a received message."""
    return put(json.loads(message["Body"]))


def delete(messages: list[dict]) -> dict:
    """The arguments of the DeleteMessageBatch of these."""
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    return {"QueueUrl": QUEUE, "Entries": entries}


def check(answer: dict) -> None:
    """Stops at a delete that failed."""
    if answer.get("Failed"):
        raise RuntimeError(answer["Failed"])
