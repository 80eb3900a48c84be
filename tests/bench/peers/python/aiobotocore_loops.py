"""aiobotocore, eight loops on one event loop: receive ten, ten puts at once, delete them by one call; until a receive
is empty."""

import asyncio

import work
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

# Ten puts at once in each loop.
CONFIG = AioConfig(max_pool_connections=10 * work.PARALLEL)


async def put(dynamodb, message: dict) -> None:
    try:
        await dynamodb.put_item(**work.put_of(message))
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass


async def consume(sqs, dynamodb) -> None:
    while messages := (await sqs.receive_message(**work.RECEIVE)).get("Messages"):
        await asyncio.gather(*(put(dynamodb, message) for message in messages))
        work.check(await sqs.delete_message_batch(**work.delete(messages)))


async def main() -> None:
    session = get_session()
    async with (
        session.create_client("sqs", config=CONFIG) as sqs,
        session.create_client("dynamodb", config=CONFIG) as dynamodb,
    ):
        await asyncio.gather(*(consume(sqs, dynamodb) for _ in range(work.PARALLEL)))


asyncio.run(main())
