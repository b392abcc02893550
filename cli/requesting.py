"""Asking a service for a change of an array, and hearing its answer among the array's events."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from spawn.bus.ports import CaughtUp, Followed
from spawn.contracts.events import LeaseRefused, LeaseSet, PowerAsked, PowerRefused
from spawn.errors import Rejected

Granted = TypeVar("Granted", LeaseSet, PowerAsked)


async def until_granted(
    items: AsyncGenerator[CaughtUp | Followed],
    send: Callable[[], Awaitable[object]],
    request_id: str,
    granted: type[Granted],
) -> Granted:
    """Send once the events are followed, so that none is missed; return the one that grants.

    Raises `Rejected` with why it is refused.
    """
    async for item in items:
        if isinstance(item, CaughtUp):
            await send()
            continue
        data = item.event.data
        if isinstance(data, granted) and data.request_id == request_id:
            return data
        if isinstance(data, LeaseRefused | PowerRefused) and data.request_id == request_id:
            raise Rejected(data.message)
    raise AssertionError("events are followed until they are closed")
