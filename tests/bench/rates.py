"""What the bus can do: nats-py by itself beside our own door, on a server of their own.

Both move the same events through the same streams, so the ratio says what the door costs: an
envelope that is encoded, a publish that survives a lost connection, an event that is decoded.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from spawn.bus import codec, follow
from spawn.bus.cloudevents import event_headers
from spawn.bus.connection import Bus
from spawn.bus.consume import Consumer, Delivery, consume
from spawn.bus.ports import Followed
from spawn.bus.publish import Events
from spawn.bus.stores import Store
from spawn.bus.streams import EVENTS
from spawn.contracts import members
from spawn.contracts.events import SUBJECTS, Event, InstanceRunning, event_id
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import Member, member_key
from tests.bench.plain import Plain, plain
from tests.bench.results import Rate
from tests.builders import NOON, a_member, an_instance
from tests.fixtures.nats import connected, running_server

_SIDE_BY_SIDE = 64
_FOR_EVENTS = 128

V = TypeVar("V")
Work = Callable[[], Coroutine[Any, Any, None]]
Written = tuple[str, bytes, dict[str, str]]
Write = Callable[[str, V], Coroutine[Any, Any, None]]


async def rates(folder: Path, *, count: int, rounds: int) -> list[Rate]:
    """Move `count` messages each way, in several rounds of which the best counts."""
    found: dict[tuple[str, bool], list[Rate]] = {}
    async with (
        running_server(folder) as server,
        connected(server) as bus,
        plain(server.url) as client,
    ):
        for number in range(rounds):
            contest = _Contest(bus, client, count=count, name=f"round{number}")
            for each in await contest.run():
                found.setdefault((each.what, each.ours), []).append(each)
    return [_best(each) for each in found.values()]


def _best(some: list[Rate]) -> Rate:
    return msgspec.structs.replace(
        some[0],
        per_second=max(each.per_second for each in some),
        cpu_microseconds=min(each.cpu_microseconds for each in some),
    )


class _Contest:
    def __init__(self, bus: Bus, client: Plain, *, count: int, name: str) -> None:
        self._bus = bus
        self._client = client
        self._count = count
        self._name = name

    async def run(self) -> list[Rate]:
        return [*await self._publish(), *await self._read(), *await self._update()]

    async def _publish(self) -> list[Rate]:
        window, side = self._written("window"), self._written("side")
        ours, client = self._events("ours"), self._client
        what = f"publish, {_FOR_EVENTS} side by side"

        async def singly() -> None:
            await side_by_side((partial(client.publish, *each) for each in side), _FOR_EVENTS)

        return [
            await self._rate("publish, a window of 1000", lambda: client.publish_window(window)),
            await self._rate(what, singly),
            await self._rate(what, lambda: Events(self._bus).publish_many(ours), ours=True),
        ]

    async def _read(self) -> list[Rate]:
        client, what = self._client, "consume and acknowledge"
        return [
            await self._rate("fetch 500, acknowledge", lambda: client.fetch(EVENTS, self._count)),
            await self._rate(what, lambda: client.consume(EVENTS, self._count)),
            await self._rate(what, self._consume, ours=True),
            await self._rate("follow events, decoded", self._follow, ours=True),
        ]

    async def _update(self) -> list[Rate]:
        store, client = Store(self._bus, members.BUCKET, Member), self._client
        array = ArrayId(f"{self._name}-aaaaaaaaaaaa")
        some = [a_member(rank, array_id=array) for rank in range(self._count)]
        raw = [msgspec.json.encode(each) for each in some]
        keys = [member_key(array, each.rank) for each in some]
        made = dict.fromkeys(keys, 0)

        async def plainly(key: str, value: bytes) -> None:
            made[key] = await client.update(members.BUCKET, key, value, made[key])

        async def by_store(key: str, value: Member) -> None:
            made[key] = await store.update(key, value, made[key])

        async def all_of(
            write: Callable[[str, V], Coroutine[Any, Any, None]], values: list[V]
        ) -> None:
            work = (partial(write, *each) for each in zip(keys, values, strict=True))
            await side_by_side(work, _SIDE_BY_SIDE)

        await all_of(plainly, raw)
        what = f"update a record, {_SIDE_BY_SIDE} side by side"
        return [
            await self._rate(what, lambda: all_of(plainly, raw)),
            await self._rate(what, lambda: all_of(by_store, some), ours=True),
        ]

    async def _consume(self) -> None:
        stop, left = asyncio.Event(), self._count

        async def handle(_delivery: Delivery) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                stop.set()

        consumer = Consumer(stream=EVENTS, durable=f"bench-{self._name}", filters=(SUBJECTS,))
        await consume(self._bus, consumer, handle, stop=stop)

    async def _follow(self) -> None:
        left = self._count
        async with aclosing(follow.follow(self._bus, follow.from_first())) as items:
            async for item in items:
                left -= isinstance(item, Followed)
                if left == 0:
                    return

    def _events(self, kind: str) -> tuple[Event, ...]:
        array = ArrayId(f"{self._name}-{kind}-aaaaaaaaaaaa")
        return tuple(_event(array, rank) for rank in range(self._count))

    def _written(self, kind: str) -> list[Written]:
        return [
            (each.subject, codec.encode(each.data), event_headers(each))
            for each in self._events(kind)
        ]

    async def _rate(self, what: str, work: Work, *, ours: bool = False) -> Rate:
        begun, used = time.perf_counter(), time.process_time()
        await work()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        return Rate(
            what=what,
            ours=ours,
            per_second=self._count / seconds,
            cpu_microseconds=1e6 * cpu / self._count,
        )


async def side_by_side(work: Iterable[Work], width: int) -> None:
    """Do all of it, `width` at once."""
    turns = asyncio.Semaphore(width)

    async def one(each: Work) -> None:
        async with turns:
            await each()

    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(one(each))


def _event(array: ArrayId, rank: int) -> Event:
    data = InstanceRunning(rank=rank, generation=0, instance=an_instance(rank))
    return Event(
        id=event_id(array, data, 2),
        array_id=array,
        source="/spawn/bench/launcher",
        time=NOON,
        data=data,
    )
