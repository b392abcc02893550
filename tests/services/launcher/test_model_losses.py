"""What launchers make of lost records, and of a replica that leaves something undone."""

from collections.abc import Iterator

import pytest

from spawn.contracts.arrays import ArrayState
from tests.services.launcher.model.plane import Plane

A_WHILE = 60.0


@pytest.fixture
def plane() -> Iterator[Plane]:
    plane = Plane()
    try:
        yield plane
    finally:
        plane.close()


def test_the_end_of_an_adopted_array_is_told_by_a_launcher_that_outlived_the_records(
    plane: Plane,
) -> None:
    plane.start("a")
    array = plane.launch(count=2)
    plane.run(A_WHILE)
    plane.bus.lose()
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.RECOVERED
    plane.terminate(array)
    plane.run(A_WHILE)
    told = [event.name for event in plane.told(array)]
    assert told == ["instance.terminated", "instance.terminated", "array.terminated"]


def test_what_another_replica_left_undone_of_an_array_at_rest_is_taken_up(plane: Plane) -> None:
    plane.start("a")
    array = plane.launch(count=2)
    plane.run(5 * A_WHILE)
    plane.bus.fences[f"drive.{array}"] = ("another", 1)
    for instance in plane.ec2.living():
        plane.ec2.reclaim(instance)
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.READY
    plane.bus.expire_fence(f"drive.{array}")
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.TERMINATED
