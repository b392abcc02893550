"""What every zone does: it compares before it changes, all of a change or nothing."""

from datetime import timedelta

import msgspec
import pytest

from services.dns.ports import ZonePort
from spawn.contracts.zones import Change, Record, by_key
from spawn.errors import Conflict, Rejected
from tests.doors.dns.conftest import everywhere

pytestmark = pytest.mark.door

TTL = timedelta(seconds=30)


def address(base: str, name: str, *values: str, ttl: timedelta = TTL) -> Record:
    return Record(f"{name}.{base}", "A", values, ttl)


async def test_what_is_made_is_listed_as_it_was(zone: ZonePort, base: str) -> None:
    made = [
        address(base, "training-0", "10.0.0.1"),
        address(base, "training", *(f"10.0.0.{number}" for number in range(1, 201))),
        Record(f"training-0.{base}", "AAAA", ("2001:db8::1",), TTL),
        Record(f"_spawn._tcp.training.{base}", "SRV", (f"0 0 29500 training-0.{base}.",), TTL),
        Record(f"_spawn.training.{base}", "TXT", (f'say "a\\b" {"x" * 600}',), TTL),
        Record(base, "TXT", ("of the base itself",), TTL),
    ]
    change_id = await zone.change(tuple(Change(None, each) for each in made))
    await everywhere(zone, change_id)
    found = by_key(await zone.records())
    assert {each.key for each in made} <= found.keys()
    assert all(each.is_as(found[each.key]) for each in made)


async def test_what_is_beside_the_base_is_not_listed(zone: ZonePort, base: str) -> None:
    await zone.change((Change(None, address(base, "training", "10.0.0.1")),))
    names = {each.name for each in await zone.records()}
    assert all(name == base or name.endswith(f".{base}") for name in names)


async def test_what_exists_is_not_made_again(zone: ZonePort, base: str) -> None:
    one, other = address(base, "a", "10.0.0.1"), address(base, "a", "10.0.0.2")
    await zone.change((Change(None, one),))
    with pytest.raises(Conflict):
        await zone.change((Change(None, address(base, "b", "10.0.0.3")), Change(None, other)))
    assert [each.values for each in await zone.records()] == [("10.0.0.1",)]


async def test_a_change_that_expects_something_else_changes_nothing(
    zone: ZonePort, base: str
) -> None:
    one, other = address(base, "a", "10.0.0.1", "10.0.0.2"), address(base, "a", "10.0.0.9")
    await zone.change((Change(None, one),))
    stale = address(base, "a", "10.0.0.1")
    for change in (Change(stale, other), Change(stale, None), Change(other, None)):
        with pytest.raises(Conflict):
            await zone.change((Change(None, address(base, "b", "10.0.0.3")), change))
    with pytest.raises(Conflict):
        await zone.change((Change(address(base, "c", "10.0.0.4"), None),))
    assert [each.key for each in await zone.records()] == [one.key]


async def test_records_are_replaced_and_removed(zone: ZonePort, base: str) -> None:
    one, other = address(base, "a", "10.0.0.1", "10.0.0.2"), address(base, "b", "10.0.0.9")
    await zone.change((Change(None, one), Change(None, other)))
    after = msgspec.structs.replace(one, values=("10.0.0.3",), ttl=timedelta(seconds=60))
    turned = msgspec.structs.replace(one, values=("10.0.0.2", "10.0.0.1"))
    await zone.change((Change(turned, after), Change(other, None)))
    (found,) = await zone.records()
    assert found.is_as(after)


async def test_a_record_can_be_touched(zone: ZonePort, base: str) -> None:
    one = Record(f"_spawn.a.{base}", "TXT", ("spawn a=0-3",), TTL)
    await zone.change((Change(None, one),))
    await everywhere(zone, await zone.change((Change(one, one),)))
    other = msgspec.structs.replace(one, values=("spawn a=0-4",))
    with pytest.raises(Conflict):
        await zone.change((Change(other, other),))
    (found,) = await zone.records()
    assert found.is_as(one)


async def test_an_address_does_not_stand_beside_an_alias(zone: ZonePort, base: str) -> None:
    alias = Record(f"a.{base}", "CNAME", ("www.example.org.",), TTL)
    await zone.change((Change(None, alias),))
    with pytest.raises((Conflict, Rejected)):
        await zone.change((Change(None, address(base, "a", "10.0.0.1")),))
    (found,) = await zone.records()
    assert found.key == alias.key


async def test_a_full_change_is_taken(zone: ZonePort, base: str) -> None:
    many = tuple(
        Change(None, address(base, f"training-{rank}", f"10.0.{rank // 250}.{rank % 250}"))
        for rank in range(zone.limits.values)
    )
    await zone.change(many)
    assert len(await zone.records()) == len(many)
