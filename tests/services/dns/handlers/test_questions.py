"""What people are told of the zone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
import pytest

from services.dns.handlers.following import mirror_arrays, mirror_hostnames, mirror_members
from services.dns.handlers.questions import on_check, on_collect, on_list
from services.dns.ports import World
from spawn.bus.ports import Request
from spawn.contracts.arrays import ArrayState
from spawn.contracts.hostnames import CheckRecords, CollectRecords, Difference, ListRecords
from spawn.contracts.zones import Change, Record
from spawn.errors import Rejected
from tests.services.dns.lives import Life
from tests.services.dns.worlds import BASE, a_member, make_world, named_array

T = TypeVar("T")
ARRAY, OTHER = named_array(size=2), named_array("dev", 1)
SETTLED = 2 + 2 + 1 + 2
"""Records of both: ranks, a group with its SRV, a machine of its own, owners' texts."""


@pytest.fixture
def life() -> Iterator[Life]:
    life = Life()
    life.run(life.records.mark())
    for record in (ARRAY, OTHER, a_member(OTHER, 0, number=9)):
        life.run(life.records.put(record))
    for rank in range(2):
        life.run(life.records.put(a_member(ARRAY, rank)))
    life.live(life.world())
    yield life
    life.loop.close()


def asking(body: T) -> Request[T]:
    return Request(body=body, subject="")


def ask(life: Life, handler: Any, body: Any) -> Any:
    """Ask a replica that keeps copies, and does not keep the zone."""
    world = life.world("b")

    async def run() -> Any:
        mirrors = (mirror_arrays, mirror_members, mirror_hostnames)
        tasks.extend(life.loop.create_task(each(world)) for each in mirrors)
        return await handler(asking(body), world)

    tasks: list[Any] = []
    try:
        return life.run(run())
    finally:
        for task in tasks:
            task.cancel()
        life.loop.run_for(timedelta(0))


def check(life: Life, array_id: str = "") -> tuple[int, list[Difference]]:
    found = ask(life, on_check, CheckRecords(array_id=array_id))
    return found.agreeing, list(found.differences)


def test_our_records_are_listed_with_whose_they_are(life: Life) -> None:
    strange = Record(f"www.{BASE}", "A", ("192.0.2.1",), timedelta(0))
    life.zone.held[strange.key] = strange
    listed = ask(life, on_list, ListRecords()).records
    assert len(listed) == SETTLED
    assert {each.array_id for each in listed} == {ARRAY.id, OTHER.id}
    (dev, _) = ask(life, on_list, ListRecords(array_id=OTHER.id)).records[::-1]
    assert (dev.name, dev.type, dev.values) == (f"dev.{BASE}", "A", ("10.0.0.10",))


def test_a_list_goes_on_after_what_was_last(life: Life) -> None:
    first = ask(life, on_list, ListRecords()).records
    after = f"{first[2].name} {first[2].type}"
    assert ask(life, on_list, ListRecords(after=after)).records == first[3:]


def test_what_is_right_is_counted(life: Life) -> None:
    assert check(life) == (SETTLED, [])
    assert check(life, OTHER.id) == (2, [])


def test_what_somebody_changed_is_explained(life: Life) -> None:
    key = (f"training-1.{BASE}", "A")
    life.zone.held[key] = msgspec.structs.replace(life.zone.held[key], values=("192.0.2.7",))
    agreeing, (found,) = check(life)
    assert agreeing == SETTLED - 1
    assert (found.name, found.array_id) == (key[0], ARRAY.id)
    assert (found.wanted, found.found, found.recorded) == (
        ("10.0.0.2",),
        ("192.0.2.7",),
        ("10.0.0.2",),
    )
    assert "another machine" in found.why


def test_a_stranger_in_the_way_is_named(life: Life) -> None:
    late = a_member(named_array("late", 1), 0, number=20)
    life.run(life.records.put(named_array("late", 1)))
    life.run(life.records.put(late))
    stranger = Record(f"late.{BASE}", "CNAME", ("www.example.org.",), timedelta(0))
    life.zone.held[stranger.key] = stranger
    _, (found,) = check(life)
    assert "another's CNAME" in found.why


def test_what_has_not_arrived_everywhere_is_said(life: Life) -> None:
    told = life.run(life.records.told(OTHER))
    life.bus.buckets["spawn-hostnames"].write(
        OTHER.id, msgspec.json.encode(msgspec.structs.replace(told, hosts=())), expected=None
    )
    _, (found,) = check(life, OTHER.id)
    assert (found.found, found.recorded) == (("10.0.0.10",), ())
    assert "every name server" in found.why


def test_stale_records_are_named_and_removed_when_asked(life: Life) -> None:
    over = msgspec.structs.replace(ARRAY, state=ArrayState.TERMINATED)
    life.run(life.records.put(over))
    dry = ask(life, on_collect, CollectRecords())
    assert not dry.acted
    assert {each.name.removesuffix(f".{BASE}") for each in dry.stale} == {
        "training",
        "training-0",
        "training-1",
        "_spawn._tcp.training",
    }
    assert len(life.zone.held) == SETTLED
    assert ask(life, on_collect, CollectRecords(dry_run=False)).acted
    assert set(life.names()) == {"dev"}


def test_where_nothing_is_named_the_question_is_refused(life: Life) -> None:
    world: World = make_world(life.bus, life.clock, None)
    for asked in (
        on_list(asking(ListRecords()), world),
        on_check(asking(CheckRecords()), world),
        on_collect(asking(CollectRecords()), world),
    ):
        with pytest.raises(Rejected, match="SPAWN_DNS_BACKEND"):
            life.run(asked)


def test_a_change_names_the_record_that_it_is_about() -> None:
    record = Record("a", "A", (), timedelta(0))
    assert Change(record, None).key == Change(None, record).key == ("a", "A")
    with pytest.raises(ValueError, match="before it, or after it"):
        _ = Change(None, None).key
