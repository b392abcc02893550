"""nats-server killed with -9 and started again while everything is in use."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from spawn.bus.connection import Bus
from spawn.bus.fences import Fences
from spawn.bus.follow import follow, from_first, from_now
from spawn.bus.jetstream import API_TIMEOUT
from spawn.bus.mirror import mirrored
from spawn.bus.ports import CaughtUp, Entry, Followed, Restarted
from spawn.bus.publish import Events
from spawn.bus.stores import Store
from spawn.bus.streams import ensure
from spawn.contracts import members
from spawn.contracts.members import Member
from spawn.errors import Transient
from tests.fixtures.bus_samples import member, running
from tests.fixtures.nats import NatsServer, connected
from tests.fixtures.recorder import Recorder, consuming, send
from tests.fixtures.streams import until_settled

pytestmark = [pytest.mark.door, pytest.mark.fault]


async def test_every_event_is_stored_once_and_in_order(bus: Bus, nats_server: NatsServer) -> None:
    events = [running(rank, version) for version in range(4) for rank in range(100)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(Events(bus).publish_many(tuple(events)))
        for part in (100, 200, 300):
            await until_published(bus, part)
            await nats_server.restart()
    read = await published(bus)
    assert len(read) == len(events)
    for rank in range(100):
        mine = [each for each in read if f"/instance/{rank}/" in each]
        assert mine == [running(rank, version).id for version in range(4)]


async def published(bus: Bus) -> list[str]:
    found: list[str] = []
    async with aclosing(follow(bus, from_first())) as items:
        async for item in items:
            match item:
                case Followed():
                    found.append(item.event.id)
                case CaughtUp():
                    break
    return found


async def until_published(bus: Bus, count: int) -> None:
    seen = 0
    async with aclosing(follow(bus, from_first())) as items:
        async for item in items:
            seen += isinstance(item, Followed)
            if seen == count:
                return


async def test_no_command_is_lost(bus: Bus, nats_server: NatsServer) -> None:
    recorder = Recorder()
    async with asyncio.timeout(60), consuming(bus, recorder):
        for number in range(90):
            await send(bus, number)
            if number % 30 == 15:
                await nats_server.restart()
        await until_settled(bus)
    assert len(recorder.sequences) == 90


async def test_every_write_is_done_once(bus: Bus, nats_server: NatsServer) -> None:
    store = Store(bus, members.BUCKET, Member)

    async def count_up(rank: int) -> int:
        revision = await store.create(f"a.{rank}", member(rank))
        for version in range(2, 12):
            revision = await store.update(f"a.{rank}", member(rank, version=version), revision)
        return revision

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        counts = [group.create_task(count_up(rank)) for rank in range(20)]
        for version in (3, 6, 9):
            await until_written(store, version)
            await nats_server.restart()
    found = await store.load()
    assert {entry.value.version for entry in found.values()} == {11}
    assert {entry.revision for entry in found.values()} == {task.result() for task in counts}


async def until_written(store: Store[Member], version: int) -> None:
    async with mirrored(store) as mirror, aclosing(mirror.changes()) as changes:
        async for _key in changes:
            if any(entry.value.version >= version for entry in mirror.items().values()):
                return


async def test_a_mirror_has_what_was_written_meanwhile(bus: Bus, nats_server: NatsServer) -> None:
    store = Store(bus, members.BUCKET, Member)
    revision = await store.create("a.0", member(0))
    async with asyncio.timeout(30), mirrored(store) as mirror:
        await mirror.caught_up.wait()
        nats_server.kill()
        await nats_server.start()
        async with connected(nats_server, name="other") as other:
            written = Store(other, members.BUCKET, Member)
            await written.update("a.0", member(0, version=2), revision)
            await written.create("a.1", member(1))
            async with aclosing(mirror.changes()) as changes:
                while len(mirror.items()) < 2:
                    await anext(changes)
    entry = mirror.get("a.0")
    assert entry is not None
    assert entry.value.version == 2


async def test_a_reader_goes_on_where_it_was(bus: Bus, nats_server: NatsServer) -> None:
    seen: list[str] = []
    events = Events(bus)
    async with asyncio.timeout(30), aclosing(follow(bus, from_now())) as items:
        assert await anext(items) == CaughtUp()
        for version in range(12):
            await events.publish(running(0, version))
            if version % 4 == 1:
                await nats_server.restart()
            item = await anext(items)
            assert isinstance(item, Followed)
            seen.append(item.event.id)
    assert seen == [running(0, version).id for version in range(12)]


async def test_a_watch_says_when_everything_was_lost(bus: Bus, nats_server: NatsServer) -> None:
    store = Store(bus, members.BUCKET, Member)
    for rank in range(5):
        await store.create(f"a.{rank}", member(rank))
    async with asyncio.timeout(30), aclosing(store.watch()) as changes:
        while await anext(changes) != CaughtUp():
            pass
        nats_server.kill()
        nats_server.forget()
        await nats_server.start()
        await bus.until_connected()
        await ensure(bus)
        await store.create("b.0", member(0))
        assert await anext(changes) == Restarted()
        entry = await anext(changes)
        assert isinstance(entry, Entry)
        assert entry.key == "b.0"


async def test_a_fence_survives_a_restart_of_the_server(bus: Bus, nats_server: NatsServer) -> None:
    async with Fences(bus, holder="a", ttl=timedelta(seconds=3)).hold("k") as fence:
        assert fence is not None
        token = fence.token
        await nats_server.restart()
        async with asyncio.timeout(30):
            while fence.token == token:
                assert not fence.is_lost
                await bus.clock.sleep(timedelta(milliseconds=10))


async def test_a_fence_is_lost_to_who_cannot_reach_the_bus(
    bus: Bus, nats_server: NatsServer
) -> None:
    async with Fences(bus, holder="a", ttl=timedelta(seconds=1)).hold("k") as fence:
        assert fence is not None
        nats_server.kill()
        async with asyncio.timeout(10):
            await fence.wait_lost()
        await nats_server.start()


async def test_leaving_a_fence_does_not_wait_for_a_bus_that_is_away(
    bus: Bus, nats_server: NatsServer
) -> None:
    async with asyncio.timeout(API_TIMEOUT.total_seconds()):
        async with Fences(bus, holder="a", ttl=timedelta(hours=1)).hold("k") as fence:
            assert fence is not None
            nats_server.kill()
            while bus.is_connected:
                await bus.clock.sleep(timedelta(milliseconds=5))
    await nats_server.start()


async def test_the_fence_of_who_has_died_is_taken_over(bus: Bus, nats_server: NatsServer) -> None:
    async with connected(nats_server, name="victim") as victim:
        dead = Fences(victim, holder="dead", ttl=timedelta(seconds=1))
        async with dead.hold("k") as fence:
            assert fence is not None
            # The connection is cut for good, and with it every renewal.
            await victim.wire.close()
            async with asyncio.timeout(10):
                while True:
                    async with Fences(bus, holder="b").hold("k") as taken:
                        if taken is not None:
                            break
                    await bus.clock.sleep(timedelta(milliseconds=50))
    assert taken.token > fence.token


async def test_a_closed_connection_says_so(bus: Bus) -> None:
    await bus.wire.close()
    with pytest.raises(Transient):
        await Store(bus, members.BUCKET, Member).get("a.0")
    with pytest.raises(Transient):
        await Events(bus).publish(running(0, 0))
