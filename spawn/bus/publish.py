"""Publishing events as CloudEvents, and sending commands."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from spawn.bus import codec
from spawn.bus.cloudevents import event_headers
from spawn.bus.connection import Bus
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.ports import Receipt
from spawn.bus.streams import LARGEST_COMMAND
from spawn.contracts.assignments import Tell
from spawn.contracts.events import Event
from spawn.telemetry import tracing

_SIDE_BY_SIDE = 128
_COMMAND_PATIENCE = timedelta(seconds=10)


class Events:
    """Publishes to `SPAWN_EVENTS`, again with the same id until the bus has stored it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def publish(self, event: Event) -> Receipt:
        """Publish one event; returns once it is stored, now or before (`duplicate`).

        Waits for the bus for as long as it is not cancelled. Raises `Rejected` when the event is
        too large, `Transient` when the connection is closed for good.
        """
        headers = tracing.inject(event_headers(event))
        async with self._turns:
            return await self._bus.js.publish(
                event.subject, codec.encode(event.data), headers=headers, patience=None
            )

    async def publish_many(self, events: tuple[Event, ...]) -> None:
        """Publish many: in order for each member, members side by side."""
        try:
            async with asyncio.TaskGroup() as group:
                for chain in chains(events):
                    group.create_task(self._in_order(chain))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _in_order(self, chain: tuple[Event, ...]) -> None:
        for event in chain:
            await self.publish(event)


class Commands:
    """Sends to `SPAWN_COMMANDS`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def send(self, subject: str, body: msgspec.Struct, *, message_id: str) -> Receipt:
        """Store a command; the same `message_id` within 30 minutes is stored once.

        Raises `Rejected` when it is too large, `Transient` when the bus does not answer in 10 s.
        """
        data = codec.encode(body, largest=LARGEST_COMMAND)
        headers = tracing.inject({MESSAGE_ID: message_id, "content-type": "application/json"})
        return await self._bus.js.publish(
            subject, data, headers=headers, patience=_COMMAND_PATIENCE
        )


class Tells:
    """Nudges machines, over core NATS."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def tell(self, subject: str, tell: Tell) -> None:
        """Publish a nudge; nobody says whether it was heard."""
        await self._bus.wire.publish(subject, codec.encode(tell))


def chains(events: Iterable[Event]) -> list[tuple[Event, ...]]:
    """Group events by array and rank, each group in the order given."""
    grouped: dict[tuple[str, int | None], list[Event]] = {}
    for event in events:
        rank = getattr(event.data, "rank", None)
        grouped.setdefault((event.array_id, rank), []).append(event)
    return [tuple(chain) for chain in grouped.values()]
