"""A burst of warnings is written down by few writes, and none of it is left out."""

import asyncio
from dataclasses import replace

from services.dns.handlers.following import on_notice
from services.dns.ports import World
from spawn.bus.ports import Fact
from spawn.contracts import hostnames
from spawn.contracts.events import Event, NoticeInterruption, event_id
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.members import Member
from spawn.errors import Transient
from tests.builders import NOON
from tests.fakes.bus import FakeBus, FakeStore
from tests.services.dns.lives import Life
from tests.services.dns.worlds import a_member, named_array, serving

ARRAY = named_array(size=50)
MEMBERS = [a_member(ARRAY, rank) for rank in range(50)]


class BusyStore(FakeStore[Hostnames]):
    """A bucket whose first write takes until it is let go, and may fail then."""

    def __init__(self, bus: FakeBus, *, fails: bool) -> None:
        super().__init__(bus, hostnames.BUCKET, Hostnames)
        self.fails = fails
        self.begun, self.done = asyncio.Event(), asyncio.Event()
        self.writes = 0

    async def create(self, key: str, value: Hostnames) -> int:
        await self._wait()
        return await super().create(key, value)

    async def update(self, key: str, value: Hostnames, revision: int) -> int:
        await self._wait()
        return await super().update(key, value, revision)

    async def _wait(self) -> None:
        self.writes += 1
        self.begun.set()
        await self.done.wait()
        if self.fails and self.writes == 1:
            raise Transient("the bus is away")


def notice_of(member: Member) -> Fact:
    data = NoticeInterruption(
        rank=member.rank,
        generation=0,
        instance_id=member.instance.id,
        action="terminate",
        until=NOON,
    )
    id_ = event_id(ARRAY.id, data, 1)
    event = Event(id=id_, array_id=ARRAY.id, source="/test", time=NOON, data=data)
    return Fact(event=event, sequence=1, delivered=1)


async def take(member: Member, world: World) -> str:
    """Take the notice of a member; return why that failed, or nothing."""
    try:
        await on_notice(notice_of(member), world)
    except Transient as outcome:
        return outcome.message
    return ""


def burst(*, fails: bool) -> tuple[int, list[str], set[str]]:
    """Have 50 notices come together; return writes, why some failed, and who leaves."""
    life = Life()

    async def run() -> tuple[int, list[str], set[str]]:
        store, world = BusyStore(life.bus, fails=fails), life.world()
        world = replace(world, stores=replace(world.stores, hostnames=store))
        await life.records.put(ARRAY)
        async with serving(world), asyncio.TaskGroup() as group:
            tasks = [group.create_task(take(each, world)) for each in MEMBERS]
            await store.begun.wait()
            store.done.set()
        told = await life.records.told(ARRAY)
        failures = [why for task in tasks if (why := task.result())]
        return store.writes, failures, {str(each) for each in told.leaving} if told else set()

    try:
        return life.run(run())
    finally:
        life.loop.close()


def test_one_write_has_room_for_all_notices_that_wait() -> None:
    writes, failures, leaving = burst(fails=False)
    assert not failures
    assert leaving == {str(each.instance.id) for each in MEMBERS}
    assert writes <= 4


def test_a_notice_whose_write_failed_is_the_only_one_that_comes_again() -> None:
    writes, failures, leaving = burst(fails=True)
    assert len(failures) == 1
    assert leaving >= {str(each.instance.id) for each in MEMBERS[1:]}
    assert writes <= 5
