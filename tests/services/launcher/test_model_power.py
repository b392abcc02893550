"""Stops and starts, with a crash before and after every call of theirs."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from services.launcher.model import OVERDUE
from spawn.contracts.arrays import ArrayState
from spawn.contracts.events import PowerRefused, PowerSettled
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import InstanceState
from spawn.contracts.lease_records import LeaseRecord, LeaseState, Over
from spawn.contracts.leases import LeaseAction
from spawn.contracts.power import PowerTo
from tests.services.launcher.model.plane import DEPLOYMENT, TTL, Plane
from tests.services.launcher.model.truths import check_all, living_of

A_WHILE = 60.0
ALL_OFF = {InstanceState.STOPPED}
ALL_ON = {InstanceState.RUNNING}


@contextmanager
def planes() -> Generator[Plane]:
    plane = Plane()
    plane.ec2.weather.boot = plane.ec2.weather.halt = timedelta(seconds=3)
    try:
        yield plane
    finally:
        plane.close()


@pytest.fixture(
    params=[pytest.param(4, id="some"), pytest.param(1, id="every", marks=pytest.mark.fault)]
)
def stride(request: pytest.FixtureRequest) -> int:
    """At every how many calls a crash is tried."""
    return request.param


def launched(plane: Plane, **spec: Any) -> ArrayId:
    plane.start("a")
    array = plane.launch(count=3, **spec)
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.READY
    return array


def states(plane: Plane, array: ArrayId) -> set[InstanceState]:
    return {each.instance.state for each in plane.members(array)}


def settled(plane: Plane, array: ArrayId) -> list[PowerSettled]:
    told = (each.data for each in plane.told(array))
    return [data for data in told if isinstance(data, PowerSettled)]


def test_machines_are_stopped_and_started_and_their_array_is_what_it_was() -> None:
    with planes() as plane:
        array = launched(plane)
        before = living_of(plane, array)
        stop = plane.power(array, PowerTo.STOPPED)
        plane.run(A_WHILE)
        assert states(plane, array) == ALL_OFF
        start = plane.power(array, PowerTo.RUNNING)
        plane.run(A_WHILE)
        assert states(plane, array) == ALL_ON
        assert [each.starts for each in plane.members(array)] == [1, 1, 1]
        assert [each.request_id for each in settled(plane, array)] == [stop, start]
        assert living_of(plane, array) == before
        check_all(plane)


def test_one_member_is_stopped_and_the_others_go_on() -> None:
    with planes() as plane:
        array = launched(plane)
        plane.power(array, PowerTo.STOPPED, ranks="1")
        plane.run(A_WHILE)
        off = [each.rank for each in plane.members(array) if each.is_stopped]
        assert off == [1]
        assert [each.ranks for each in settled(plane, array)] == ["1"]
        check_all(plane)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after it"])
def test_a_launcher_killed_at_any_call_leaves_nothing_undone(stride: int, *, after: bool) -> None:
    calls = _calls_of_a_stop_and_a_start()
    for cut in range(1, calls + 1, stride):
        with planes() as plane:
            array = launched(plane)
            (replica,) = plane.living()
            replica.power.cut(calls=cut, after=after)
            plane.power(array, PowerTo.STOPPED)
            plane.run(20.0)
            plane.start("b")
            plane.run(A_WHILE)
            plane.power(array, PowerTo.RUNNING)
            plane.run(A_WHILE)
            plane.start("c")
            plane.run(A_WHILE)
            assert states(plane, array) == ALL_ON, f"cut at call {cut}"
            assert [each.powering for each in plane.all_arrays()] == [()]
            check_all(plane)


def _calls_of_a_stop_and_a_start() -> int:
    with planes() as plane:
        array = launched(plane)
        (replica,) = plane.living()
        before = replica.power.calls
        plane.power(array, PowerTo.STOPPED)
        plane.run(15.0)
        plane.power(array, PowerTo.RUNNING)
        plane.run(15.0)
        return replica.power.calls - before


def test_a_start_that_comes_while_machines_are_being_stopped_is_what_counts() -> None:
    with planes() as plane:
        array = launched(plane)
        plane.power(array, PowerTo.STOPPED)
        plane.run(1.0)
        plane.power(array, PowerTo.RUNNING)
        plane.run(A_WHILE)
        assert states(plane, array) == ALL_ON
        check_all(plane)


def test_an_array_that_is_stopped_is_ended_at_its_lease() -> None:
    with planes() as plane:
        array = launched(plane)
        plane.power(array, PowerTo.STOPPED)
        plane.run(TTL.total_seconds() + OVERDUE.total_seconds() + A_WHILE)
        assert plane.state(array) is ArrayState.TERMINATED
        assert living_of(plane, array) == []


@pytest.mark.parametrize("named", [True, False], ids=["by the TTL service", "by the last net"])
def test_a_lease_that_ends_with_a_stop_leaves_disks_and_machines_off(*, named: bool) -> None:
    with planes() as plane:
        array = launched(plane, on_expire=LeaseAction.STOP)
        record = plane.array(array)
        assert record is not None
        plane.run((record.lease.until - plane.clock.now()).total_seconds() + 1)
        if named:
            plane.write_lease(
                LeaseRecord(
                    array_id=array,
                    lease=record.lease,
                    deployment=DEPLOYMENT,
                    state=LeaseState.EXPIRING,
                    version=2,
                )
            )
            plane.expire(Over(array_id=array, version=2))
        plane.run(OVERDUE.total_seconds() + A_WHILE)
        assert states(plane, array) == ALL_OFF
        assert len(living_of(plane, array)) == 3
        refused = plane.power(array, PowerTo.RUNNING)
        plane.run(3600.0)
        assert states(plane, array) == ALL_OFF
        last = [each.data for each in plane.told(array) if isinstance(each.data, PowerRefused)]
        assert [(each.request_id, each.code) for each in last] == [(refused, "lease-over")]
        assert plane.ec2.counted["StopInstances"] == 1
        check_all(plane)


def test_what_was_not_hibernated_is_told() -> None:
    with planes() as plane:
        array = launched(plane, hibernate=True)
        plane.ec2.stuck = frozenset({plane.members(array)[2].instance.id})
        plane.power(array, PowerTo.HIBERNATED)
        plane.run(A_WHILE)
        (said,) = settled(plane, array)
        assert (said.ranks, said.fell_back) == ("0-2", "2")


def test_what_ec2_has_no_room_for_is_given_up_and_told() -> None:
    with planes() as plane:
        array = launched(plane)
        plane.power(array, PowerTo.STOPPED)
        plane.run(A_WHILE)
        plane.ec2.roomless = frozenset({plane.members(array)[0].instance.id})
        plane.power(array, PowerTo.RUNNING)
        plane.run(A_WHILE)
        said = settled(plane, array)[-1]
        assert (said.ranks, said.left) == ("1-2", "0")
        assert "no room" in said.reason
        plane.ec2.roomless = frozenset()
        plane.power(array, PowerTo.RUNNING)
        plane.run(A_WHILE)
        assert states(plane, array) == ALL_ON
        check_all(plane)
