"""The spot watcher's world over the real doors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.spot_watcher.config import Settings
from services.spot_watcher.ports import Stores, World
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.bus.connection import Bus
from spawn.bus.dead import Undeliverable, bury
from spawn.bus.fences import Fences
from spawn.bus.message import Message
from spawn.bus.publish import Commands, Events, Tells
from spawn.bus.stores import Store
from spawn.contracts import arrays, members, notices
from spawn.runtime.context import Context
from spawn.runtime.settings import load


@asynccontextmanager
async def open_world(context: Context[Settings]) -> AsyncGenerator[World]:
    """Open AWS and name the buckets."""
    bus = context.bus
    async with open_aws(load(AwsSettings, prefix="SPAWN_AWS_"), context.clock) as aws:
        yield World(
            settings=context.settings,
            deployment=context.deployment,
            region=aws.region,
            clock=context.clock,
            stores=Stores(
                notices=Store(bus, notices.BUCKET, notices.Notice),
                arrays=Store(bus, arrays.BUCKET, arrays.Array),
                members=Store(bus, members.BUCKET, members.Member),
            ),
            events=Events(bus),
            tells=Tells(bus),
            commands=Commands(bus),
            fences=Fences(bus, holder=context.replica),
            dead=DeadLetters(bus),
            aws=aws,
        )


class DeadLetters:
    """Puts messages of queues aside, as the bus does with its own."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def bury(self, queue: str, body: str, *, reason: str, message_id: str) -> None:
        """Keep a message of a queue as a dead letter; the same id is kept once."""
        message = Message(subject=f"sqs.{queue}", data=body.encode(errors="replace"))
        why = Undeliverable(reason, code="schema")
        await bury(self._bus, message, why, message_id=f"sqs:{message_id}")
