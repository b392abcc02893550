"""The TTL service's world on fakes, without anything that runs by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from services.ttl.apply import name_ends
from services.ttl.config import Settings
from services.ttl.handlers.course import on_due
from services.ttl.ports import Stores, World
from spawn.bus import codec
from spawn.bus.beside import beside
from spawn.bus.ports import Command, Due, Fact
from spawn.contracts import arrays, lease_records, members
from spawn.contracts.arrays import Array
from spawn.contracts.events import ArrayAccepted, Event
from spawn.contracts.lease_records import (
    SUBJECT_EXTEND,
    Expire,
    Extend,
    LeaseRecord,
    LeaseState,
    Occasion,
    Over,
)
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member
from tests.builders import ARRAY_ID, an_array
from tests.fakes.bus import (
    FakeBus,
    FakeCommands,
    FakeEvents,
    FakeFences,
    FakeStore,
    FakeTells,
)
from tests.fakes.clock import NOON, VirtualClock
from tests.fakes.heartbeats import FakeHeartbeats
from tests.fakes.timers import FakeSchedules

DEPLOYMENT = "test"
LEASE = Lease(until=NOON + timedelta(hours=1))

Door = Callable[[Any], Any]


def _bare(door: Any) -> Any:
    return door


@dataclass
class Fakes:
    """What a world stands on, for tests to look at; `world` makes one more replica."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    bus: FakeBus = field(default_factory=FakeBus)
    schedules: FakeSchedules = field(default_factory=FakeSchedules)
    heartbeats: FakeHeartbeats = field(default_factory=FakeHeartbeats)

    def world(self, name: str = "a", *, door: Door = _bare) -> World:
        """Make the world of a replica, each of whose doors is passed through `door`."""
        return World(
            settings=Settings(),
            deployment=DEPLOYMENT,
            clock=self.clock,
            stores=Stores(
                leases=door(FakeStore(self.bus, lease_records.BUCKET, LeaseRecord)),
                arrays=door(FakeStore(self.bus, arrays.BUCKET, Array)),
                members=door(FakeStore(self.bus, members.BUCKET, Member)),
            ),
            events=door(FakeEvents(self.bus)),
            commands=door(FakeCommands(self.bus)),
            schedules=door(self.schedules),
            fences=FakeFences(self.bus, holder=name),
            heartbeats=self.heartbeats,
            tells=FakeTells(self.bus),
        )

    async def write_array(self, array: Array) -> None:
        """Write an array as the launcher has it."""
        store = FakeStore(self.bus, arrays.BUCKET, Array)
        known = self.bus.buckets[arrays.BUCKET].records.get(array.id)
        if known is None:
            await store.create(array.id, array)
        else:
            await store.update(array.id, array, known.revision)

    async def lease(self) -> LeaseRecord:
        """Return the lease of the one array that there is."""
        store = FakeStore(self.bus, lease_records.BUCKET, LeaseRecord)
        return (await store.get(ARRAY_ID)).value

    def overs(self) -> list[Over]:
        """Return the ends that the launcher was asked for, in order."""
        return [
            over for sent in self.bus.commands for over in codec.decode(sent.data, Expire).leases
        ]

    def told(self) -> list[str]:
        """Return the names of all events."""
        return [event.name for event in self.bus.events]


async def pass_time(fakes: Fakes, world: World, duration: timedelta) -> None:
    """Let time pass, and have what is due handled when it is."""
    end = fakes.clock.now() + duration
    async with beside(name_ends(world)):
        while fakes.clock.now() < end:
            instants = [at for at, _ in fakes.schedules.timers.values()]
            at = min([end, *(each for each in instants if each > fakes.clock.now())])
            fakes.clock.move(at - fakes.clock.now())
            for timer, data in fakes.schedules.take_due(fakes.clock.now()):
                await on_due(Due(timer=timer, body=codec.decode(data, Occasion)), world)


def living(lease: Lease = LEASE, **changes: Any) -> Array:
    """Return an array that runs."""
    return an_array(state=arrays.ArrayState.READY, chunks=(), lease=lease, **changes)


def accepted(lease: Lease = LEASE) -> Fact:
    """Return what tells of the array."""
    array = living(lease)
    data = ArrayAccepted(
        name=array.name,
        owner=array.owner,
        request_id=array.request_id,
        region=array.region,
        size=array.size,
        min_count=array.min_count,
        lease=lease,
    )
    event = Event(id="e", array_id=array.id, source="/spawn/test/launcher", time=NOON, data=data)
    return Fact(event=event, sequence=1, delivered=1)


def extension(request_id: str = "r2", **wanted: Any) -> Command[Extend]:
    """Return the command to extend the array's lease."""
    body = msgspec.structs.replace(Extend(request_id=request_id, array_id=ARRAY_ID), **wanted)
    return Command(
        body=body,
        subject=SUBJECT_EXTEND,
        owner="cli",
        message_id=f"extend:{request_id}",
        delivered=1,
        sent_at=NOON,
    )


class Overtaken:
    """A store before whose first end of a lease somebody else extends it."""

    def __init__(self, store: Any, extend: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._extend: Callable[[], Awaitable[None]] | None = extend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def update(self, key: str, value: Any, revision: int) -> int:
        is_end = isinstance(value, LeaseRecord) and value.state is LeaseState.EXPIRING
        if is_end and self._extend is not None:
            extend, self._extend = self._extend, None
            await extend()
        revised: int = await self._store.update(key, value, revision)
        return revised
