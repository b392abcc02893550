"""Following events: from where, which, and on when the consumer is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from spawn.bus.connection import Bus
from spawn.bus.follow import follow, from_first, from_now, of_array
from spawn.bus.ordered import Source
from spawn.bus.ports import CaughtUp, Followed
from spawn.bus.publish import Events
from spawn.contracts.ids import ArrayId
from tests.fixtures.bus_samples import ARRAY, event

pytestmark = pytest.mark.door

OTHER = ArrayId("other-abcdefghijkl")


class Names(msgspec.Struct):
    consumers: list[str] | None = None


async def existing(bus: Bus, source: Source) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(30), aclosing(follow(bus, source)) as items:
        async for item in items:
            if isinstance(item, CaughtUp):
                break
            found.append(item.event.id)
    return found


async def publish(bus: Bus, *names: str) -> None:
    for name in names:
        await Events(bus).publish(event(name))


async def test_from_the_first(bus: Bus) -> None:
    await publish(bus, "a", "b")
    assert await existing(bus, from_first()) == ["a", "b"]


async def test_only_one_array(bus: Bus) -> None:
    await publish(bus, "a")
    await Events(bus).publish(msgspec.structs.replace(event("b"), array_id=OTHER))
    assert await existing(bus, from_first(of_array(ARRAY))) == ["a"]
    assert await existing(bus, from_first(of_array(OTHER))) == ["b"]


async def test_from_now(bus: Bus) -> None:
    await publish(bus, "before")
    async with asyncio.timeout(30), aclosing(follow(bus, from_now())) as items:
        assert await anext(items) == CaughtUp()
        await publish(bus, "after")
        item = await anext(items)
    assert isinstance(item, Followed)
    assert item.event.id == "after"
    assert item.headers["ce-id"] == "after"


async def test_nothing_there_is_known_at_once(bus: Bus) -> None:
    assert await existing(bus, from_first()) == []


async def test_a_reader_whose_consumer_is_deleted_goes_on(bus: Bus) -> None:
    seen: list[str] = []
    async with asyncio.timeout(30), aclosing(follow(bus, from_first())) as items:
        assert await anext(items) == CaughtUp()
        for name in ("a", "b", "c"):
            await delete_consumers(bus)
            await publish(bus, name)
            seen.append(await following(items))
    assert seen == ["a", "b", "c"]


async def following(items: AsyncIterator[Followed | CaughtUp]) -> str:
    item = await anext(items)
    assert isinstance(item, Followed)
    return item.event.id


async def delete_consumers(bus: Bus) -> None:
    names = await bus.js.call("CONSUMER.NAMES.SPAWN_EVENTS", answer=Names)
    for name in names.consumers or []:
        await bus.js.call(f"CONSUMER.DELETE.SPAWN_EVENTS.{name}", answer=dict[str, object])


async def test_a_reader_may_leave_in_the_middle(bus: Bus) -> None:
    await publish(bus, *(f"e{number}" for number in range(20)))
    async with aclosing(follow(bus, from_first())) as items:
        first = await anext(items)
        second = await anext(items)
    assert isinstance(first, Followed)
    assert isinstance(second, Followed)
    assert (first.event.id, second.event.id) == ("e0", "e1")
    assert second.sequence == first.sequence + 1
