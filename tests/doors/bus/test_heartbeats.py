"""What all machines say of their work, on the fake and on a real nats-server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from spawn.bus.connection import Bus
from spawn.bus.ports import HeartbeatsPort, Reported
from spawn.bus.said import Heartbeats
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.reports import Heartbeat
from tests.builders import NOON
from tests.fakes.heartbeats import FakeHeartbeats
from tests.fakes.machine import FakeMachine
from tests.fixtures.nats import connected, nats_server, running_server

__all__ = ["nats_server"]

pytestmark = pytest.mark.door

FIRST, SECOND = ArrayId("one-abcdefghijkl"), ArrayId("two-abcdefghijkl")
MACHINES = {
    FIRST: InstanceId("i-00000000000000001"),
    SECOND: InstanceId("i-00000000000000002"),
}

Say = Callable[[ArrayId, Heartbeat], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Doors:
    heartbeats: HeartbeatsPort
    say: Say


def fake_doors() -> Doors:
    heartbeats = FakeHeartbeats()

    async def say(array_id: ArrayId, beat: Heartbeat) -> None:
        said = Reported(report=beat, array_id=array_id, instance_id=MACHINES[array_id], sequence=1)
        heartbeats.say(said)

    return Doors(heartbeats=heartbeats, say=say)


def real_doors(bus: Bus) -> Doors:
    async def say(array_id: ArrayId, beat: Heartbeat) -> None:
        await machines[array_id].say("heartbeat", beat)

    machines = {each: FakeMachine(bus, each, 0, MACHINES[each]) for each in MACHINES}
    return Doors(heartbeats=Heartbeats(bus), say=say)


@pytest.fixture(params=["fake", "nats-server"])
async def doors(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Doors]:
    if request.param == "fake":
        yield fake_doors()
        return
    async with running_server(tmp_path) as server, connected(server) as bus:
        yield real_doors(bus)


def a_beat(minute: int) -> Heartbeat:
    return Heartbeat(
        generation=0, at=NOON + timedelta(minutes=minute), window_seconds=60, cpu_share=0.5
    )


async def test_machines_of_all_arrays_are_heard_from_their_last_word_on(doors: Doors) -> None:
    await doors.say(SECOND, a_beat(1))
    async with asyncio.timeout(30), aclosing(doors.heartbeats.follow()) as heartbeats:
        first = await anext(heartbeats)
        assert (first.array_id, first.instance_id) == (SECOND, MACHINES[SECOND])
        await doors.say(FIRST, a_beat(2))
        second = await anext(heartbeats)
        assert (second.array_id, second.report) == (FIRST, a_beat(2))
