import asyncio
from contextlib import aclosing

import msgspec
import pytest

from spawn.bus.mirror import mirrored
from spawn.bus.ports import CaughtUp, Deleted, Entry
from spawn.errors import Conflict, NotFound, Rejected
from tests.doors.bus.conftest import Doors
from tests.fixtures.bus_samples import member

pytestmark = pytest.mark.door

KEY = "training-abcdefghijkl.0"
OTHER = "training-abcdefghijkl.1"
STRANGER = "other-abcdefghijkl.0"


async def test_what_is_created_can_be_read(doors: Doors) -> None:
    revision = await doors.members.create(KEY, member(0))
    assert await doors.members.get(KEY) == Entry(KEY, member(0), revision)


async def test_nothing_is_there_before(doors: Doors) -> None:
    with pytest.raises(NotFound):
        await doors.members.get(KEY)


@pytest.mark.parametrize("key", ["*", ">", "training-abcdefghijkl.*", "a b", "", ".a", "a..b"])
async def test_what_names_no_single_record_is_no_key(doors: Doors, key: str) -> None:
    await doors.members.create(KEY, member(0))
    with pytest.raises(Rejected):
        await doors.members.get(key)
    with pytest.raises(Rejected):
        await doors.members.create(key, member(1))
    with pytest.raises(Rejected):
        await doors.members.update(key, member(1), 1)
    with pytest.raises(Rejected):
        await doors.members.delete(key)
    assert list(await doors.members.load()) == [KEY]


async def test_a_second_create_conflicts(doors: Doors) -> None:
    await doors.members.create(KEY, member(0))
    with pytest.raises(Conflict):
        await doors.members.create(KEY, member(0, version=2))
    assert (await doors.members.get(KEY)).value == member(0)


async def test_an_update_needs_the_current_revision(doors: Doors) -> None:
    first = await doors.members.create(KEY, member(0))
    second = await doors.members.update(KEY, member(0, version=2), first)
    assert second > first
    with pytest.raises(Conflict):
        await doors.members.update(KEY, member(0, version=3), first)
    assert (await doors.members.get(KEY)) == Entry(KEY, member(0, version=2), second)


async def test_an_update_of_nothing_conflicts(doors: Doors) -> None:
    with pytest.raises(Conflict):
        await doors.members.update(KEY, member(0), 7)


async def test_of_many_updates_of_one_revision_one_wins(doors: Doors) -> None:
    revision = await doors.members.create(KEY, member(0))

    async def attempt(version: int) -> bool:
        try:
            await doors.members.update(KEY, member(0, version=version), revision)
        except Conflict:
            return False
        return True

    won = await asyncio.gather(*(attempt(version) for version in range(2, 12)))
    assert sum(won) == 1
    assert (await doors.members.get(KEY)).value.version == won.index(True) + 2


async def test_a_deleted_record_is_gone_and_can_be_made_again(doors: Doors) -> None:
    revision = await doors.members.create(KEY, member(0))
    await doors.members.delete(KEY, revision)
    with pytest.raises(NotFound):
        await doors.members.get(KEY)
    assert await doors.members.load() == {}
    again = await doors.members.create(KEY, member(0, version=5))
    assert again > revision
    assert (await doors.members.get(KEY)).value.version == 5


async def test_a_delete_of_another_revision_conflicts(doors: Doors) -> None:
    first = await doors.members.create(KEY, member(0))
    await doors.members.update(KEY, member(0, version=2), first)
    with pytest.raises(Conflict):
        await doors.members.delete(KEY, first)
    await doors.members.delete(KEY)
    with pytest.raises(NotFound):
        await doors.members.get(KEY)


async def test_load_returns_what_matches(doors: Doors) -> None:
    for key in (KEY, OTHER, STRANGER):
        await doors.members.create(key, member(0))
    assert set(await doors.members.load("training-abcdefghijkl.*")) == {KEY, OTHER}
    assert set(await doors.members.load()) == {KEY, OTHER, STRANGER}
    assert await doors.members.load("nobody.*") == {}


async def test_too_large_a_record_is_refused_by_its_key(doors: Doors) -> None:
    huge = msgspec.structs.replace(member(0), reason="x" * 1_000_000)
    with pytest.raises(Rejected) as refused:
        await doors.members.create(KEY, huge)
    assert refused.value.field == KEY


async def test_a_watch_yields_what_is_there_then_says_so_then_changes(doors: Doors) -> None:
    revision = await doors.members.create(KEY, member(0))
    async with aclosing(doors.members.watch("training-abcdefghijkl.*")) as changes:
        assert await anext(changes) == Entry(KEY, member(0), revision)
        assert await anext(changes) == CaughtUp()
        await doors.members.create(STRANGER, member(0))
        second = await doors.members.update(KEY, member(0, version=2), revision)
        assert await anext(changes) == Entry(KEY, member(0, version=2), second)
        await doors.members.delete(KEY, second)
        gone = await anext(changes)
        assert isinstance(gone, Deleted)
        assert gone.key == KEY


async def test_a_watch_of_nothing_is_caught_up_at_once(doors: Doors) -> None:
    async with aclosing(doors.members.watch()) as changes:
        assert await anext(changes) == CaughtUp()


async def test_a_mirror_holds_what_the_bucket_holds(doors: Doors) -> None:
    revision = await doors.members.create(KEY, member(0))
    async with mirrored(doors.members) as mirror:
        await mirror.caught_up.wait()
        assert mirror.get(KEY) == Entry(KEY, member(0), revision)
        await doors.members.create(OTHER, member(1))
        async with aclosing(mirror.changes()) as changes:
            # Asked for before the watch has told it, or after: the copy has it in the end.
            while OTHER not in mirror.items():
                assert await anext(changes) == OTHER
        assert set(mirror.items()) == {KEY, OTHER}
