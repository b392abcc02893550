"""Ends that are asked for in odd ways."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from spawn.errors import Cause, NotFound, Rejected, Transient
from tests.services.launcher.model.plane import Plane

A_WHILE = 60.0


@pytest.fixture
def plane() -> Iterator[Plane]:
    plane = Plane()
    try:
        yield plane
    finally:
        plane.close()


def test_a_reason_of_any_length_ends_an_array(plane: Plane) -> None:
    plane.start("a")
    array = plane.launch(count=2)
    plane.run(A_WHILE)
    plane.terminate(array, reason="x" * 500_000)
    plane.run(A_WHILE)
    assert plane.state(array) is ArrayState.TERMINATED


@pytest.mark.parametrize("wanted", ["*", ">", "", "name.train", "x" * 700_000])
def test_what_is_no_array_id_ends_nothing(plane: Plane, wanted: str) -> None:
    plane.start("a")
    array = plane.launch(count=1)
    plane.run(A_WHILE)
    message = plane.terminate(ArrayId(wanted))
    plane.run(A_WHILE)
    assert isinstance(plane.refused[message], Rejected)
    assert plane.state(array) is ArrayState.READY


def test_an_array_that_there_is_not_leaves_nothing_in_memory(plane: Plane) -> None:
    replica = plane.start("a")
    message = plane.terminate(ArrayId("other-aaaaaaaaaaaa"))
    plane.run(A_WHILE)
    assert isinstance(plane.refused[message], NotFound)
    assert not replica.world.memory.locks


def test_what_a_long_throttled_call_has_made_is_found_before_an_array_counts_as_ended(
    plane: Plane,
) -> None:
    plane.start("a")
    throttle = Transient("slow down", cause=Cause.THROTTLED)
    plane.ec2.fail("RunInstances", *[throttle] * 80)
    plane.ec2.lose_replies("RunInstances")
    plane.ec2.weather.hidden = timedelta(seconds=60)
    array = plane.launch(count=1)
    while not plane.ec2.living():
        plane.run(0.1)
    plane.terminate(array)
    while plane.state(array) is not ArrayState.TERMINATED:
        plane.run(0.1)
    assert plane.ec2.living() == []
