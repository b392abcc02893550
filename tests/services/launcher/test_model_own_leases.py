"""Members whose leases end by themselves, over replicas that may die at it."""

from collections.abc import Generator
from datetime import timedelta

import msgspec
import pytest

from services.launcher.model import OVERDUE
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from spawn.contracts.lease_records import LeaseRecord, LeaseState, Over
from spawn.contracts.leases import Lease
from spawn.contracts.members import MemberState
from tests.services.launcher.model.plane import Plane
from tests.services.launcher.model.truths import living_of

ARMED, EXPIRING = LeaseState.ARMED, LeaseState.EXPIRING
A_WHILE = 60.0
HOUR = timedelta(hours=1)


@pytest.fixture
def plane() -> Generator[Plane]:
    plane = Plane()
    plane.start()
    yield plane
    assert plane.failures == []
    plane.close()


def launched(plane: Plane) -> ArrayId:
    """Launch three, the second of which has a lease of its own that ends an hour after theirs."""
    array = plane.launch(count=3)
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.READY
    write(plane, array)
    plane.run(A_WHILE)
    return array


def write(
    plane: Plane, array: ArrayId, *, parent: LeaseState = ARMED, own: LeaseState = ARMED
) -> None:
    """Write both leases as the TTL service has them."""
    record = plane.array(array)
    assert record is not None
    common = LeaseRecord(array_id=array, lease=record.lease, deployment="test")
    longer = Lease(until=record.lease.until + HOUR)
    changed = msgspec.structs.replace
    plane.write_lease(changed(common, own=(1,), state=parent))
    plane.write_lease(changed(common, rank=1, lease=longer, state=own))


def alive(plane: Plane, array: ArrayId) -> list[int]:
    return [each.rank for each in plane.members(array) if not each.is_over]


def until_end(plane: Plane, array: ArrayId) -> float:
    record = plane.array(array)
    assert record is not None
    return (record.lease.until - plane.clock.now()).total_seconds()


def check_end(plane: Plane, array: ArrayId) -> None:
    record = plane.array(array)
    assert record is not None
    assert (record.state, record.reason) == (ArrayState.TERMINATED, "its lease is over")
    assert living_of(plane, array) == []
    reasons = {each.reason for each in plane.members(array)}
    assert reasons == {"its lease is over"}


def test_an_array_ends_but_for_the_member_that_was_given_longer(plane: Plane) -> None:
    array = launched(plane)
    tags = {each.tags["spawn:lease"] for each in living_of(plane, array)}
    assert len(tags) == 2
    plane.run(until_end(plane, array) + 1)
    write(plane, array, parent=EXPIRING)
    plane.expire(Over(array_id=array, version=1))
    plane.run(A_WHILE)
    assert alive(plane, array) == [1]
    assert len(living_of(plane, array)) == 1
    assert plane.state(array) is ArrayState.READY
    write(plane, array, parent=EXPIRING, own=EXPIRING)
    plane.run(HOUR.total_seconds())
    plane.expire(Over(array_id=array, rank=1, version=1))
    plane.run(A_WHILE)
    check_end(plane, array)


def test_a_member_ends_before_its_array_and_the_others_are_left_alone(plane: Plane) -> None:
    array = launched(plane)
    write(plane, array, own=EXPIRING)
    plane.expire(Over(array_id=array, rank=1, version=1))
    plane.run(A_WHILE)
    assert alive(plane, array) == [0, 2]
    ended = plane.members(array)[1]
    assert (ended.state, ended.reason) == (MemberState.EXITED, "its lease is over")
    assert plane.state(array) is ArrayState.READY


def test_killed_once_it_has_taken_the_end_it_ends_the_member_after_all(plane: Plane) -> None:
    array = launched(plane)
    write(plane, array, own=EXPIRING)
    plane.expire(Over(array_id=array, rank=1, version=1))
    while not plane.members(array)[1].ending:
        plane.run(0.001)
    plane.kill(plane.replicas[0])
    assert len(living_of(plane, array)) == 3
    plane.start("b")
    plane.run(A_WHILE)
    assert alive(plane, array) == [0, 2]


def test_with_nobody_to_name_ends_each_goes_a_minute_after_its_own(plane: Plane) -> None:
    array = launched(plane)
    late = OVERDUE.total_seconds()
    plane.run(until_end(plane, array) + late - 1)
    assert alive(plane, array) == [0, 1, 2]
    plane.run(A_WHILE)
    assert alive(plane, array) == [1]
    plane.run(HOUR.total_seconds())
    check_end(plane, array)
