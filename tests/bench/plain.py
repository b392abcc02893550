"""nats-py by itself, used as its documentation says, without any door of ours."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import nats

_WINDOW = 1000
_BATCH = 500
_EXPIRES = 30_000_000_000


class Plain:
    """One connection of nats-py's."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._js: Any = client.jetstream(publish_async_max_pending=_WINDOW)

    async def publish(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        """Publish one message and wait until it is stored."""
        await self._js.publish(subject, data, headers=dict(headers))

    async def publish_window(self, messages: Iterable[tuple[str, bytes, dict[str, str]]]) -> None:
        """Publish many, at most 1000 of them unacknowledged."""
        acks = [
            await self._js.publish_async(subject, data, wait_stall=60, headers=dict(headers))
            for subject, data, headers in messages
        ]
        await asyncio.gather(*acks)

    async def update(self, bucket: str, key: str, value: bytes, revision: int) -> int:
        """Write a record in place of that revision."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        ack = await self._js.publish(f"$KV.{bucket}.{key}", value, headers=headers)
        return int(ack.seq)

    async def fetch(self, stream: str, count: int) -> None:
        """Read by `fetch`, and acknowledge each message."""
        durable = f"bench-{self._client.new_inbox().rpartition('.')[2]}"
        subscription = await self._js.pull_subscribe("", durable, stream=stream)
        left = count
        while left > 0:
            for message in await subscription.fetch(_BATCH, timeout=5):
                await message.ack()
                left -= 1

    async def consume(self, stream: str, count: int) -> None:
        """Read by pulls that overlap nothing and await nobody, and acknowledge each message."""
        durable = f"bench-{self._client.new_inbox().rpartition('.')[2]}"
        await self._js.pull_subscribe("", durable, stream=stream)
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        body = json.dumps({"batch": _BATCH, "expires": _EXPIRES}).encode()
        inbox, left, done = self._client.new_inbox(), count, asyncio.Event()

        async def take(message: Any) -> None:
            nonlocal left
            await message.ack()
            left -= 1
            if left == 0:
                done.set()
            elif (count - left) % _BATCH == 0:
                await self._client.publish(subject, body, reply=inbox)

        subscription = await self._client.subscribe(inbox, cb=take)
        await self._client.publish(subject, body, reply=inbox)
        await done.wait()
        await subscription.unsubscribe()


@asynccontextmanager
async def plain(url: str) -> AsyncGenerator[Plain]:
    """Connect for the length of the block."""
    library: Any = nats
    client = await library.connect(url)
    try:
        yield Plain(client)
    finally:
        await client.close()
