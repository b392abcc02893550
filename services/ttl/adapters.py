"""The TTL service's world over the real doors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.ttl.config import Settings
from services.ttl.ports import Stores, World
from spawn.bus.fences import Fences
from spawn.bus.publish import Commands, Events, Tells
from spawn.bus.said import Heartbeats
from spawn.bus.schedules import Schedules
from spawn.bus.stores import Store
from spawn.contracts import arrays, lease_records, members
from spawn.runtime.context import Context


@asynccontextmanager
async def open_world(context: Context[Settings]) -> AsyncGenerator[World]:
    """Name the buckets and the doors of the bus."""
    bus = context.bus
    yield World(
        settings=context.settings,
        deployment=context.deployment,
        clock=context.clock,
        stores=Stores(
            leases=Store(bus, lease_records.BUCKET, lease_records.LeaseRecord),
            arrays=Store(bus, arrays.BUCKET, arrays.Array),
            members=Store(bus, members.BUCKET, members.Member),
        ),
        events=Events(bus),
        commands=Commands(bus),
        schedules=Schedules(bus),
        fences=Fences(bus, holder=context.replica),
        heartbeats=Heartbeats(bus),
        tells=Tells(bus),
    )
