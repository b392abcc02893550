"""What launchers make of lost records, and of a replica that leaves something undone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from spawn.contracts import arrays, launches
from spawn.contracts.arrays import ArrayState
from tests.services.launcher.model.plane import Plane

A_WHILE = 60.0
ELSEWHERE = "eu-west-1"


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


def test_an_instance_that_was_taken_for_ended_is_ended_once_it_is_seen_again(plane: Plane) -> None:
    plane.start("a")
    array = plane.launch(count=2)
    plane.run(A_WHILE)
    plane.ec2.weather.hidden = timedelta(hours=1)
    plane.run(10 * A_WHILE)
    assert plane.state(array) is ArrayState.TERMINATED
    assert len(plane.ec2.living()) == 2
    plane.ec2.weather.hidden = timedelta(0)
    plane.run(A_WHILE)
    assert plane.ec2.living() == []


def test_a_crash_before_an_ended_array_is_released_leaves_neither_job_nor_name(
    plane: Plane,
) -> None:
    replica = plane.start("a")
    array = plane.launch(count=1, user_data="#!/bin/sh\n")
    plane.run(A_WHILE)
    plane.terminate(array)
    while plane.state(array) is not ArrayState.TERMINATED:
        plane.run(0.001)
    plane.kill(replica)
    assert plane.bus.buckets[launches.SPECS_BUCKET].records[array].data is not None
    plane.run(timedelta(days=2).total_seconds())
    plane.start("b")
    plane.run(3 * A_WHILE)
    assert plane.array(array) is None
    assert plane.bus.buckets[launches.SPECS_BUCKET].records[array].data is None
    assert plane.bus.buckets[arrays.BUCKET].records["name.train"].data is None


def test_what_an_ended_array_left_in_another_region_is_found_after_a_restart(
    plane: Plane,
) -> None:
    replica = plane.start("a")
    array = plane.launch(count=1, region=ELSEWHERE)
    plane.run(A_WHILE)
    elsewhere = plane.aws.ec2(ELSEWHERE)
    elsewhere.weather.hidden = timedelta(hours=1)
    plane.run(10 * A_WHILE)
    assert plane.state(array) is ArrayState.TERMINATED
    plane.kill(replica)
    elsewhere.weather.hidden = timedelta(0)
    plane.start("b")
    plane.run(A_WHILE)
    assert elsewhere.living() == []
