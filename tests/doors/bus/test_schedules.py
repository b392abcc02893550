"""Durable timers, on the fake and on a real nats-server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from spawn.bus.connection import Bus
from spawn.bus.ordered import Record, Source, read
from spawn.bus.ports import SchedulesPort
from spawn.bus.schedules import Schedules, due_subject, timer_of
from spawn.bus.streams import TIMERS
from spawn.clock import Clock
from spawn.contracts.leases import NO_END
from spawn.errors import Rejected
from tests.fakes.clock import VirtualClock
from tests.fakes.timers import FakeSchedules
from tests.fixtures.nats import connected, nats_server, running_server

__all__ = ["nats_server"]

pytestmark = pytest.mark.door

FIRST, SECOND, THIRD = (f"{name}-abcdefghijkl.lease" for name in ("one", "two", "three"))
SOON, LATER = timedelta(milliseconds=300), timedelta(hours=1)


class Note(msgspec.Struct, frozen=True):
    text: str


@dataclass(frozen=True, kw_only=True)
class Timers:
    clock: Clock
    schedules: SchedulesPort
    next_due: Callable[[int], Awaitable[list[tuple[str, bytes]]]]


def fake_timers() -> Timers:
    clock, schedules = VirtualClock(), FakeSchedules()

    async def next_due(count: int) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        while len(found) < count:
            clock.move(timedelta(milliseconds=10))
            found += schedules.take_due(clock.now())
        return found

    return Timers(clock=clock, schedules=schedules, next_due=next_due)


def real_timers(bus: Bus) -> Timers:
    async def next_due(count: int) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        source = Source(stream=TIMERS, filters=(due_subject(">"),))
        async with aclosing(read(bus, source)) as items:
            async for item in items:
                if isinstance(item, Record):
                    found.append((timer_of(item.message.subject), item.message.data))
                if len(found) == count:
                    break
        return found

    return Timers(clock=bus.clock, schedules=Schedules(bus), next_due=next_due)


@pytest.fixture(params=["fake", "nats-server"])
async def timers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Timers]:
    if request.param == "fake":
        yield fake_timers()
        return
    async with running_server(tmp_path) as server, connected(server) as bus:
        yield real_timers(bus)


async def test_a_timer_is_due_at_its_instant_once_with_its_body(timers: Timers) -> None:
    at = timers.clock.now() + SOON
    await timers.schedules.set(FIRST, at, Note("hello"))
    assert await timers.schedules.names() == {FIRST}
    assert await timers.next_due(1) == [(FIRST, b'{"text":"hello"}')]
    assert timers.clock.now() >= at
    assert await timers.schedules.names() == frozenset()


async def test_a_past_instant_is_due_at_once(timers: Timers) -> None:
    await timers.schedules.set(FIRST, timers.clock.now() - LATER, Note("late"))
    assert [name for name, _ in await timers.next_due(1)] == [FIRST]


async def test_a_timer_that_is_set_again_is_due_at_its_new_instant_alone(timers: Timers) -> None:
    now = timers.clock.now()
    await timers.schedules.set(FIRST, now + SOON, Note("old"))
    await timers.schedules.set(FIRST, now + 2 * SOON, Note("new"))
    assert await timers.next_due(1) == [(FIRST, b'{"text":"new"}')]
    assert timers.clock.now() >= now + 2 * SOON


async def test_a_cancelled_timer_is_never_due(timers: Timers) -> None:
    now = timers.clock.now()
    await timers.schedules.set(FIRST, now + SOON, Note("first"))
    await timers.schedules.set(SECOND, now + 2 * SOON, Note("second"))
    await timers.schedules.set(THIRD, NO_END, Note("never"))
    await timers.schedules.cancel(FIRST)
    assert await timers.schedules.names() == {SECOND, THIRD}
    assert [name for name, _ in await timers.next_due(1)] == [SECOND]


async def test_cancelling_what_is_not_set_is_no_failure(timers: Timers) -> None:
    await timers.schedules.cancel(FIRST)


async def test_all_names_are_listed(timers: Timers) -> None:
    names = {FIRST, SECOND, THIRD}
    at: datetime = timers.clock.now() + LATER
    for name in names:
        await timers.schedules.set(name, at, Note(name))
    assert await timers.schedules.names() == names


@pytest.mark.parametrize("name", ["*", "a.>", "", "a b"])
async def test_what_names_no_single_timer_is_no_name(timers: Timers, name: str) -> None:
    await timers.schedules.set(FIRST, timers.clock.now() + LATER, Note("stays"))
    with pytest.raises(Rejected):
        await timers.schedules.set(name, timers.clock.now() + LATER, Note("no"))
    with pytest.raises(Rejected):
        await timers.schedules.cancel(name)
    assert await timers.schedules.names() == {FIRST}


async def test_timers_outlive_the_server(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server, connected(server) as bus:
        timers = real_timers(bus)
        now = timers.clock.now()
        await timers.schedules.set(FIRST, now + SOON, Note("while it is down"))
        await timers.schedules.set(SECOND, now + 4 * SOON, Note("after"))
        server.kill()
        await bus.clock.sleep(2 * SOON)
        await server.start()
        assert [name for name, _ in await timers.next_due(2)] == [FIRST, SECOND]
        assert timers.clock.now() >= now + 4 * SOON
