"""A DNS service's world on fakes, and the launcher's records that it reads."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from services.dns.config import Settings
from services.dns.handlers.following import mirror_arrays, mirror_hostnames, mirror_members
from services.dns.handlers.registrar import keep_zone
from services.dns.model import Naming
from services.dns.ports import Stores, World, ZonePort
from spawn.clock import Clock
from spawn.contracts import arrays, hostnames, members
from spawn.contracts.arrays import MARK_KEY, Array, ArrayState, DeploymentMark
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import AddressKind, LaunchSpec
from spawn.contracts.members import Member, MemberState, member_key
from spawn.errors import NotFound
from tests.builders import an_array, an_instance
from tests.fakes.bus import FakeBus, FakeEvents, FakeFences, FakeStore

BASE = "team.example.org"
DEPLOYMENT = "test"
NAMING = Naming(
    deployment=DEPLOYMENT,
    base=BASE,
    ttl=timedelta(seconds=30),
    address=AddressKind.PRIVATE,
)


def named_array(name: str = "training", size: int = 4, **changes: Any) -> Array:
    """Return an array that launches, of this name."""
    spec = LaunchSpec(name=name, count=size, region="us-east-1")
    array = an_array(size, id=ArrayId(f"{name}-abcdefghijkl"), name=name, spec=spec)
    return msgspec.structs.replace(array, **changes)


def a_member(
    array: Array, rank: int, *, number: int | None = None, generation: int = 0, **changes: Any
) -> Member:
    """Return a member that runs; the number makes its instance's id and its address."""
    number = rank if number is None else number
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    instance = an_instance(number, state=InstanceState.RUNNING, private_ip=address)
    member = Member(
        array_id=array.id,
        rank=rank,
        state=MemberState.RUNNING,
        instance=instance,
        changed_at=array.accepted_at,
        generation=generation,
    )
    return msgspec.structs.replace(member, **changes)


def make_world(bus: FakeBus, clock: Clock, zone: ZonePort | None, *, holder: str = "a") -> World:
    """Make the world of a replica that has read nothing yet."""
    return World(
        settings=Settings(dns_base=BASE),
        deployment=DEPLOYMENT,
        clock=clock,
        stores=Stores(
            hostnames=FakeStore(bus, hostnames.BUCKET, Hostnames),
            arrays=FakeStore(bus, arrays.BUCKET, Array),
            members=FakeStore(bus, members.BUCKET, Member),
            marks=FakeStore(bus, arrays.BUCKET, DeploymentMark),
        ),
        events=FakeEvents(bus),
        fences=FakeFences(bus, holder=holder),
        zone=zone,
        naming=NAMING,
    )


@asynccontextmanager
async def serving(world: World) -> AsyncGenerator[None]:
    """Run what the service keeps doing, for the length of the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(each(world))
            for each in (mirror_arrays, mirror_members, mirror_hostnames, keep_zone)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


class Records:
    """The launcher's hand: writes arrays and members as it would."""

    def __init__(self, bus: FakeBus) -> None:
        self.bus = bus
        self._arrays = FakeStore(bus, arrays.BUCKET, Array)
        self._marks = FakeStore(bus, arrays.BUCKET, DeploymentMark)
        self._members = FakeStore(bus, members.BUCKET, Member)
        self._hostnames = FakeStore(bus, hostnames.BUCKET, Hostnames)

    async def mark(self) -> None:
        """Say that the records are whole."""
        await self._marks.create(MARK_KEY, DeploymentMark(DEPLOYMENT))

    async def put(self, record: Array | Member) -> None:
        """Write a record, new or in place of an older one."""
        if isinstance(record, Array):
            await _put(self._arrays, record.id, record)
        else:
            await _put(self._members, member_key(record.array_id, record.rank), record)

    async def end(self, array: Array) -> None:
        """Say that the array and its instances are gone."""
        for entry in (await self._members.load(f"{array.id}.*")).values():
            gone = msgspec.structs.replace(entry.value.instance, state=InstanceState.TERMINATED)
            await self.put(
                msgspec.structs.replace(entry.value, state=MemberState.LOST, instance=gone)
            )
        await self.put(msgspec.structs.replace(array, state=ArrayState.TERMINATED))

    async def told(self, array: Array) -> Hostnames | None:
        """Return what is told of an array's names."""
        try:
            return (await self._hostnames.get(array.id)).value
        except NotFound:
            return None


async def _put(store: FakeStore[Any], key: str, record: Any) -> None:
    try:
        found = await store.get(key)
    except NotFound:
        await store.create(key, record)
    else:
        await store.update(key, record, found.revision)


async def until(condition: Callable[[], bool], clock: Clock) -> None:
    """Wait for a condition, in the loop's time."""
    async with asyncio.timeout(600):
        while not condition():
            await clock.sleep(timedelta(milliseconds=50))
