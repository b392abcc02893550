import asyncio

import msgspec
import pytest

from spawn.bus.streams import LARGEST_COMMAND
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import SUBJECT_TERMINATE, Terminate
from spawn.errors import Rejected
from tests.doors.bus.conftest import Doors
from tests.fixtures.bus_samples import event, running

pytestmark = pytest.mark.door


async def test_an_event_is_read_as_it_was_published(doors: Doors) -> None:
    published = running(3, 1)
    receipt = await doors.events.publish(published)
    assert not receipt.duplicate
    assert await doors.published() == [published]


async def test_an_event_published_again_is_stored_once(doors: Doors) -> None:
    first = await doors.events.publish(event("one"))
    again = await doors.events.publish(event("one"))
    assert again.duplicate
    assert again.seq == first.seq
    assert [each.id for each in await doors.published()] == ["one"]


async def test_many_keep_the_order_of_each_member(doors: Doors) -> None:
    events = [running(rank, version) for version in range(4) for rank in range(20)]
    await doors.events.publish_many(tuple(events))
    read = await doors.published()
    assert len(read) == 80
    for rank in range(20):
        mine = [each.id for each in read if getattr(each.data, "rank", None) == rank]
        assert mine == [running(rank, version).id for version in range(4)]


async def test_a_command_sent_twice_is_stored_once(doors: Doors) -> None:
    body = Terminate(array_id=ArrayId("training-abcdefghijkl"))
    first = await doors.commands.send(SUBJECT_TERMINATE, body, message_id="r1")
    again = await doors.commands.send(SUBJECT_TERMINATE, body, message_id="r1")
    other = await doors.commands.send(SUBJECT_TERMINATE, body, message_id="r2")
    assert (first.duplicate, again.duplicate, other.duplicate) == (False, True, False)
    assert again.seq == first.seq < other.seq


async def test_too_large_a_command_is_refused(doors: Doors) -> None:
    body = Terminate(array_id=ArrayId("training-abcdefghijkl"), reason="x" * 800_000)
    with pytest.raises(Rejected) as raised:
        await doors.commands.send(SUBJECT_TERMINATE, body, message_id="r1")
    assert raised.value.code == "TooLarge"


async def test_the_largest_command_is_taken(doors: Doors) -> None:
    empty = Terminate(array_id=ArrayId("training-abcdefghijkl"), reason="x")
    fill = LARGEST_COMMAND - len(msgspec.json.encode(empty)) + 1
    body = msgspec.structs.replace(empty, reason="x" * fill)
    assert not (await doors.commands.send(SUBJECT_TERMINATE, body, message_id="r1")).duplicate


async def test_a_fence_is_held_by_one(doors: Doors) -> None:
    async with doors.fences("a").hold("array.1") as mine:
        assert mine is not None
        assert not mine.is_lost
        async with doors.fences("b").hold("array.1") as theirs:
            assert theirs is None
        async with doors.fences("b").hold("array.2") as other:
            assert other is not None


async def test_a_fence_given_back_can_be_taken_at_once_with_a_higher_token(doors: Doors) -> None:
    async with doors.fences("a").hold("array.1") as first:
        assert first is not None
    async with doors.fences("b").hold("array.1") as second:
        assert second is not None
        assert second.token > first.token


async def test_a_replica_takes_its_own_fence_again_at_once(doors: Doors) -> None:
    held = asyncio.Event()
    end = asyncio.Event()

    async def predecessor() -> bool:
        async with doors.fences("a").hold("array.1") as fence:
            assert fence is not None
            held.set()
            await end.wait()
            return True

    async with asyncio.TaskGroup() as group:
        before = group.create_task(predecessor())
        await held.wait()
        async with doors.fences("a").hold("array.1") as fence:
            assert fence is not None
            end.set()
            await before
            async with doors.fences("b").hold("array.1") as theirs:
                assert theirs is None


async def test_an_error_inside_comes_out_as_it_is_and_gives_the_fence_back(doors: Doors) -> None:
    with pytest.raises(KeyError):
        async with doors.fences("a").hold("array.1"):
            raise KeyError("inside")
    async with doors.fences("b").hold("array.1") as fence:
        assert fence is not None
