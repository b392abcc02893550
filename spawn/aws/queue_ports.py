"""Queues and what sends to them, as services name them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol

from spawn.aws.shapes import EventRule, Queue, QueueMessage


class SqsPort(Protocol):
    """Simple Queue Service in one region. Every method raises an `Outcome`."""

    async def find(self, name: str) -> Queue:
        """Return a queue of this account. Raises `NotFound`."""
        ...

    async def ensure(
        self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> tuple[Queue, bool]:
        """Return the queue with these attributes, and whether it was not as it is now."""
        ...

    async def receive(self, url: str, *, wait: timedelta) -> tuple[QueueMessage, ...]:
        """Return messages, at most ten; waits for the first one. Raises `NotFound`."""
        ...

    async def delete(self, url: str, messages: Iterable[QueueMessage]) -> int:
        """Delete messages, at most ten; return how many are not deleted, and come again."""
        ...


class EventBridgePort(Protocol):
    """EventBridge in one region. Every method raises an `Outcome`."""

    async def ensure(self, rule: EventRule, tags: Mapping[str, str]) -> bool:
        """Have a rule send what it matches to its queue; say whether it did not before."""
        ...
