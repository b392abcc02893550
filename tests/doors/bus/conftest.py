"""The same doors on the fake bus and on a real nats-server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from spawn.bus.connection import Bus
from spawn.bus.fences import Fences
from spawn.bus.follow import follow, from_first
from spawn.bus.ports import CaughtUp, CommandsPort, EventsPort, FencesPort, Followed, StorePort
from spawn.bus.publish import Commands, Events
from spawn.bus.stores import Store
from spawn.contracts import members
from spawn.contracts.events import Event
from spawn.contracts.members import Member
from tests.fakes.bus import FakeBus, FakeCommands, FakeEvents, FakeFences, FakeStore
from tests.fixtures.nats import bus, connected, nats_server, running_server

__all__ = ["bus", "nats_server"]


@dataclass(frozen=True, kw_only=True)
class Doors:
    members: StorePort[Member]
    events: EventsPort
    commands: CommandsPort
    fences: Callable[[str], FencesPort]
    published: Callable[[], Awaitable[list[Event]]]


def fake_doors() -> Doors:
    server = FakeBus()

    async def published() -> list[Event]:
        return server.events

    return Doors(
        members=FakeStore(server, members.BUCKET, Member),
        events=FakeEvents(server),
        commands=FakeCommands(server),
        fences=lambda holder: FakeFences(server, holder=holder),
        published=published,
    )


def real_doors(bus: Bus) -> Doors:
    async def published() -> list[Event]:
        found: list[Event] = []
        async with aclosing(follow(bus, from_first())) as items:
            async for item in items:
                match item:
                    case Followed():
                        found.append(item.event)
                    case CaughtUp():
                        break
        return found

    return Doors(
        members=Store(bus, members.BUCKET, Member),
        events=Events(bus),
        commands=Commands(bus),
        fences=lambda holder: Fences(bus, holder=holder),
        published=published,
    )


@pytest.fixture(params=["fake", "nats-server"])
async def doors(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Doors]:
    if request.param == "fake":
        yield fake_doors()
        return
    async with running_server(tmp_path) as server, connected(server) as bus:
        yield real_doors(bus)
