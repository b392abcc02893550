"""The zone is as it should be, whatever happens, and everybody is told when it is."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest

from spawn.contracts.arrays import ArrayState
from spawn.contracts.events import HostnameRefused, HostnameRegistered, HostnameRemoved
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import MemberState
from spawn.contracts.zones import Record
from spawn.errors import Cause, Transient
from tests.builders import an_ending, an_instance
from tests.services.dns.lives import Life
from tests.services.dns.worlds import BASE, a_member, named_array

TTL = timedelta(seconds=30)
FOREIGN = Record(f"training-1.{BASE}", "A", ("192.0.2.1",), TTL)


@pytest.fixture
def life() -> Iterator[Life]:
    with alive() as one:
        yield one


@contextmanager
def alive() -> Generator[Life]:
    life = Life()
    life.run(life.records.mark())
    yield life
    life.loop.close()


ARRAY = named_array(size=3)
MEMBERS = [a_member(ARRAY, rank) for rank in range(3)]
WHOLE = {
    "training": ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
    "training-0": ("10.0.0.1",),
    "training-1": ("10.0.0.2",),
    "training-2": ("10.0.0.3",),
}


def launch(life: Life) -> None:
    for each in (ARRAY, *MEMBERS):
        life.run(life.records.put(each))


def test_machines_that_run_have_names_and_everybody_is_told(life: Life) -> None:
    launch(life)
    life.live(life.world())
    assert life.names() == WHOLE
    assert len(life.zone.changes) == 1
    (registered,) = life.said()
    assert registered == HostnameRegistered(
        names=(f"training.{BASE}", *(f"training-{rank}.{BASE}" for rank in range(3)))
    )
    told = life.run(life.records.told(ARRAY))
    assert [each.address for each in told.hosts] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert told.outbox == ()


def test_an_array_that_is_being_ended_loses_its_names_at_once(life: Life) -> None:
    launch(life)
    world = life.world()
    life.live(world)
    ending = msgspec.structs.replace(ARRAY, ending=an_ending(), state=ArrayState.TERMINATING)
    life.run(life.records.put(ending))
    life.live(life.world())
    assert life.zone.held == {}
    assert isinstance(life.said()[-1], HostnameRemoved)
    life.run(life.records.end(ARRAY))
    life.live(life.world())
    assert life.run(life.records.told(ARRAY)) is None
    assert len(life.said()) == 2


def test_a_member_that_is_lost_leaves_the_group_and_its_successor_takes_the_name(
    life: Life,
) -> None:
    launch(life)
    life.live(life.world())
    gone = an_instance(1, state=InstanceState.TERMINATED)
    life.run(
        life.records.put(
            msgspec.structs.replace(MEMBERS[1], state=MemberState.LOST, instance=gone)
        )
    )
    life.live(life.world())
    assert life.names() == {
        "training": ("10.0.0.1", "10.0.0.3"),
        "training-0": ("10.0.0.1",),
        "training-2": ("10.0.0.3",),
    }
    life.run(life.records.put(a_member(ARRAY, 1, number=8, generation=1)))
    life.live(life.world())
    assert life.names()["training-1"] == ("10.0.0.9",)
    assert life.names()["training"] == ("10.0.0.1", "10.0.0.9", "10.0.0.3")


def test_a_foreign_record_is_left_alone_and_reported(life: Life) -> None:
    life.zone.held[FOREIGN.key] = FOREIGN
    launch(life)
    life.live(life.world())
    assert life.names() == WHOLE | {"training-1": ("192.0.2.1",)}
    refused = [each for each in life.said() if isinstance(each, HostnameRefused)]
    assert [each.names for each in refused] == [(f"training-1.{BASE}",)]
    life.run(life.records.end(ARRAY))
    life.live(life.world())
    assert list(life.zone.held.values()) == [FOREIGN]


def test_a_name_that_the_zone_refuses_does_not_hold_back_the_others(life: Life) -> None:
    life.zone.refused.add(f"training-1.{BASE}")
    launch(life)
    life.live(life.world())
    assert life.names() == {name: each for name, each in WHOLE.items() if name != "training-1"}
    assert any(isinstance(each, HostnameRefused) for each in life.said())


def test_an_answer_that_was_lost_is_found_in_the_zone_and_told_once(life: Life) -> None:
    life.zone.lost = 1
    launch(life)
    life.live(life.world())
    assert life.names() == WHOLE
    assert [type(each) for each in life.said()] == [HostnameRegistered]


def test_throttles_and_outages_cost_time_only(life: Life) -> None:
    life.zone.failures = [Transient("slower", cause=Cause.THROTTLED) for _ in range(7)]
    launch(life)
    life.live(life.world(), lasting=timedelta(minutes=1))
    assert life.names() == WHOLE
    assert len(life.said()) == 1


def test_nobody_is_told_before_a_change_is_everywhere(life: Life) -> None:
    life.zone.spread = timedelta(seconds=40)
    launch(life)
    world = life.world()
    life.live(world, lasting=timedelta(seconds=30))
    assert life.names() == WHOLE
    assert life.said() == []
    life.live(life.world(), lasting=timedelta(seconds=90))
    assert len(life.said()) == 1


def test_two_replicas_make_each_change_once(life: Life) -> None:
    launch(life)
    life.live(life.world("a"), life.world("b"))
    assert life.names() == WHOLE
    assert len(life.zone.changes) == 1
    assert len(life.said()) == 1


def test_without_a_mark_nothing_is_stale_for_being_unknown() -> None:
    life = Life()
    launch(life)
    life.live(life.world())
    life.bus.lose()
    life.live(life.world())
    assert life.names() == WHOLE
    life.run(life.records.mark())
    life.live(life.world())
    assert life.zone.held == {}
    life.loop.close()
