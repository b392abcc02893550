"""Simple Queue Service in one region: a queue of ours that EventBridge sends to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spawn.aws.shapes import Queue, QueueMessage
from spawn.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import timedelta

    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sqs.type_defs import ReceiveMessageResultTypeDef

    from spawn.aws.calls import Calls

MOST_MESSAGES = 10
"""Messages that one call receives or deletes
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
"""

_RECEIVED = "ApproximateReceiveCount"
_JSON = frozenset({"Policy"})
"""Attributes that SQS gives back as the same JSON, written in another way."""


class Sqs:
    """Simple Queue Service in one region."""

    def __init__(self, client: Callable[[], Awaitable[SQSClient]], calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def find(self, name: str) -> Queue:
        """Return a queue of this account. Raises `NotFound`."""
        client = await self._client()
        found = await self._calls.repeat(
            "GetQueueUrl", lambda: client.get_queue_url(QueueName=name)
        )
        return Queue(
            url=found["QueueUrl"], arn=(await self._attributes(found["QueueUrl"]))["QueueArn"]
        )

    async def ensure(
        self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> tuple[Queue, bool]:
        """Return the queue with these attributes, and whether it was not as it is now."""
        client = await self._client()
        try:
            queue, is_new = await self.find(name), False
        except NotFound:
            await self._create(name, attributes, tags)
            queue, is_new = await self.find(name), True
        known = await self._attributes(queue.url)
        differing = {
            key: value for key, value in attributes.items() if not _same(key, known, value)
        }
        if differing:
            await self._calls.repeat(
                "SetQueueAttributes",
                lambda: client.set_queue_attributes(QueueUrl=queue.url, Attributes=differing),  # pyright: ignore[reportArgumentType] - its keys are attributes' names
            )
        return queue, is_new or bool(differing)

    async def receive(self, url: str, *, wait: timedelta) -> tuple[QueueMessage, ...]:
        """Return messages, at most ten; waits for the first one, 20 s at most.

        They are hidden from others until the queue's visibility timeout is over. Raises `NotFound`
        when the queue is gone.
        """
        client = await self._client()

        async def call() -> ReceiveMessageResultTypeDef:
            return await client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MOST_MESSAGES,
                WaitTimeSeconds=round(wait.total_seconds()),
                MessageSystemAttributeNames=[_RECEIVED],
            )

        found = await self._calls.repeat("ReceiveMessage", call)
        return tuple(
            QueueMessage(
                id=one.get("MessageId", ""),
                receipt=one.get("ReceiptHandle", ""),
                body=one.get("Body", ""),
                received=int(one.get("Attributes", {}).get(_RECEIVED, "1")),
            )
            for one in found.get("Messages", [])
        )

    async def delete(self, url: str, messages: Iterable[QueueMessage]) -> int:
        """Delete messages, at most ten; return how many SQS has not deleted, and shows again."""
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt}
            for number, message in enumerate(messages)
        ]
        if not entries:
            return 0
        client = await self._client()
        answer = await self._calls.repeat(
            "DeleteMessageBatch",
            lambda: client.delete_message_batch(QueueUrl=url, Entries=entries),  # pyright: ignore[reportArgumentType] - has both keys
        )
        return len(answer.get("Failed", []))

    async def _create(
        self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        client = await self._client()
        try:
            await self._calls.repeat(
                "CreateQueue",
                lambda: client.create_queue(
                    QueueName=name,
                    Attributes=dict(attributes),  # pyright: ignore[reportArgumentType] - its keys are attributes' names
                    tags=dict(tags),
                ),
            )
        except Conflict:
            # Another replica was faster, perhaps one of another version.
            await self.find(name)

    async def _attributes(self, url: str) -> dict[str, str]:
        client = await self._client()
        found = await self._calls.repeat(
            "GetQueueAttributes",
            lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        )
        return {str(name): value for name, value in found["Attributes"].items()}


def _same(key: str, known: Mapping[str, str], wanted: str) -> bool:
    have = known.get(key)
    if key in _JSON and have:
        return json.loads(have) == json.loads(wanted)
    return have == wanted
