"""A mirror's copy, whatever the order in which the watch and the writer tell it of changes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.bus.mirror import Mirror
from spawn.bus.ports import CaughtUp, Deleted, Entry, Restarted


def entry(revision: int, key: str = "a") -> Entry[int]:
    return Entry(key, revision, revision)


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ([entry(1), entry(2)], 2),
        ([entry(2), entry(1)], 2),
        ([entry(1), Deleted("a", 2)], None),
        ([Deleted("a", 2), entry(1)], None),
        ([Deleted("a", 2), entry(3)], 3),
        ([entry(3), Deleted("a", 2)], 3),
        ([entry(9), Restarted(), entry(1)], 1),
        ([entry(9), Restarted()], None),
    ],
    ids=[
        "newer after older",
        "older after newer",
        "deleted",
        "deleted, then an older state",
        "made again",
        "made again, then the older deletion",
        "the stream is new, and so are its revisions",
        "the stream is new and empty",
    ],
)
def test_the_newest_state_stays(
    told: list[Entry[int] | Deleted | Restarted], known: int | None
) -> None:
    mirror = Mirror[int]()
    for change in told:
        mirror.take(change)
    found = mirror.get("a")
    assert (found.value if found else None) == known


CHANGES = st.integers(1, 8).flatmap(
    lambda revision: st.sampled_from([entry(revision), Deleted("a", revision)])
)


@given(st.lists(CHANGES, unique_by=lambda change: change.revision), st.randoms())
def test_the_order_of_telling_does_not_matter(
    changes: list[Entry[int] | Deleted], random: object
) -> None:
    newest = max(changes, key=lambda change: change.revision, default=None)
    shuffled = list(changes)
    getattr(random, "shuffle")(shuffled)  # noqa: B009 - hypothesis' type is its own
    mirror = Mirror[int]()
    for change in shuffled:
        mirror.take(change)
    assert mirror.get("a") == (newest if isinstance(newest, Entry) else None)


def test_it_is_whole_only_between_catching_up_and_a_restart() -> None:
    mirror = Mirror[int]()
    assert not mirror.caught_up.is_set()
    mirror.take(CaughtUp())
    assert mirror.caught_up.is_set()
    mirror.take(Restarted())
    assert not mirror.caught_up.is_set()


async def test_listeners_hear_of_each_key_once_until_they_look() -> None:
    mirror = Mirror[int]()
    changes = mirror.changes()
    mirror.note(entry(1, "before"))
    first = anext(changes)
    mirror_told = [entry(2, "x"), entry(3, "x"), entry(4, "y")]

    async def tell() -> None:
        for change in mirror_told:
            mirror.note(change)

    heard, _ = await asyncio.gather(first, tell())
    assert heard == "x"
    assert await anext(changes) == "y"
    await changes.aclose()


def test_a_deletion_of_our_own_is_noted_without_its_revision() -> None:
    mirror = Mirror[int]()
    mirror.note(entry(5))
    mirror.note_deleted("a")
    assert mirror.get("a") is None
    mirror.take(entry(5))
    assert mirror.get("a") is None
    mirror.take(entry(7))
    assert mirror.get("a") == entry(7)
