"""A small service: hears, counts, answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from spawn.bus.connection import Bus
from spawn.bus.ports import Buried, Command, Fact, Reported, Request
from spawn.contracts.events import ArrayReady
from spawn.contracts.reports import Hello, JobExited, Report
from spawn.errors import NotFound, Rejected, Transient
from spawn.runtime.context import Context
from spawn.runtime.service import Service, background, command, endpoint, every, fact, reported


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    greeter_every: timedelta = timedelta(milliseconds=10)


def interval(settings: Settings) -> timedelta:
    return settings.greeter_every


class Greet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    times: int = 1


class Greeting(msgspec.Struct, frozen=True):
    text: str


@dataclass
class World:
    bus: Bus
    heard: list[Command[Greet]] = field(default_factory=list[Command[Greet]])
    buried: list[Buried] = field(default_factory=list[Buried])
    facts: list[Fact] = field(default_factory=list[Fact])
    said: list[Reported[Report]] = field(default_factory=list[Reported[Report]])
    counts: Counter[str] = field(default_factory=Counter[str])
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, what: str) -> int:
        self.counts[what] += 1
        self.stirred.set()
        return self.counts[what]

    async def until(self, what: str, count: int = 1) -> None:
        while self.counts[what] < count:
            self.stirred.clear()
            await self.stirred.wait()


async def on_greet(message: Command[Greet], world: World) -> None:
    world.heard.append(message)
    world.count("begun")
    if message.body.name == "slow":
        await world.gate.wait()
    if message.body.name == "broken":
        raise RuntimeError("no such thing as a greeting")
    world.count("greet")


async def on_buried(message: Buried, world: World) -> None:
    world.buried.append(message)
    world.count("buried")


async def on_ready(message: Fact, world: World) -> None:
    world.facts.append(message)
    world.count("fact")


async def on_said(message: Reported[Report], world: World) -> None:
    world.said.append(message)
    if message.instance_id == "i-stranger":
        raise NotFound("i-stranger is nobody's")
    if world.count("said") == 1 and message.instance_id == "i-early":
        raise Transient("i-early is not known yet", retry_after=timedelta(milliseconds=10))
    world.count("settled")


async def answer(message: Request[Greet], world: World) -> Greeting:
    if message.body.times < 0:
        raise Rejected("greet at least 0 times", field="times", code="Negative")
    if message.body.name == "broken":
        raise RuntimeError("secret inside")
    return Greeting("hello " * message.body.times + message.body.name)


async def tick(world: World) -> None:
    if world.count("tick") == 2:
        raise RuntimeError("the second tick fails")


async def work(world: World) -> None:
    world.count("background")
    await asyncio.Event().wait()


async def failing(world: World) -> None:
    world.count("failing")
    raise RuntimeError("always")


def service(
    worlds: list[World], *, failing_opens: int = 0, failure: Exception | None = None
) -> Service[Settings, World]:
    """Make the service; `worlds` gets each world that it opens."""
    tries = Counter[str]()

    @asynccontextmanager
    async def open_world(context: Context[Settings]) -> AsyncGenerator[World]:
        tries["open"] += 1
        if tries["open"] <= failing_opens:
            raise failure or RuntimeError("not yet")
        world = World(context.bus)
        worlds.append(world)
        yield world
        world.count("closed")

    return Service(
        name="greeter",
        settings=Settings,
        open=open_world,
        routes=(
            command("greet", Greet, on_greet, on_buried=on_buried),
            fact((ArrayReady,), on_ready, name="ready"),
            reported({"hello": Hello, "job.exited": JobExited}, on_said, name="said"),
        ),
        timers=(every(interval, tick, name="tick"),),
        endpoints=(endpoint("greet", Greet, answer), endpoint("about.*", Greet, answer)),
        background=(background(work, name="work"), background(failing, name="failing")),
    )
