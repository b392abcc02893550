"""A crash before and after every call of a launch, and what must be true when it is over."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from services.launcher.model import OVERDUE
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from spawn.errors import NotFound
from tests.services.launcher.model.plane import TTL, Plane
from tests.services.launcher.model.truths import check_all, living_of

SIZE = 5
"""Three chunks of two, two and one."""

A_WHILE = 100.0
"""Seconds after which a launch is done and every sweep has run."""

BACK_TO_REST = 500.0
"""Seconds after which an instance that EC2 may hide counts as never made."""

Story = Callable[[Plane, ArrayId], None]


@pytest.fixture(
    params=[pytest.param(5, id="some"), pytest.param(1, id="every", marks=pytest.mark.fault)]
)
def stride(request: pytest.FixtureRequest) -> int:
    """At every how many calls a crash is tried."""
    return request.param


@contextmanager
def planes() -> Generator[Plane]:
    plane = Plane()
    try:
        yield plane
    finally:
        plane.close()


def launched(plane: Plane, *, cut: int, after: bool) -> ArrayId:
    """Launch with a replica that dies at its `cut`-th call."""
    replica = plane.start("a")
    replica.power.cut(calls=cut, after=after)
    return plane.launch(count=SIZE, user_data="#!/bin/sh\n")


def undisturbed(plane: Plane, array: ArrayId) -> None:
    assert plane.state(array) is ArrayState.READY
    assert len(living_of(plane, array)) == SIZE


def terminated(plane: Plane, array: ArrayId) -> None:
    assert plane.state(array) is ArrayState.TERMINATED
    assert living_of(plane, array) == []


def ended_unless_refused(plane: Plane, array: ArrayId, message: str) -> None:
    """A terminate that came before its launch named nothing, and its sender was told."""
    if message in plane.refused:
        assert isinstance(plane.refused[message], NotFound)
        undisturbed(plane, array)
    else:
        terminated(plane, array)


def count_calls(story: Callable[[Plane], None]) -> int:
    """Return how many calls a replica makes when nothing goes wrong."""
    with planes() as plane:
        replica = plane.start("a")
        story(plane)
        return replica.power.calls


def launch_alone(plane: Plane) -> None:
    plane.launch(count=SIZE, user_data="#!/bin/sh\n")
    plane.run(10)


def launch_and_end(plane: Plane) -> None:
    plane.terminate(plane.launch(count=SIZE, user_data="#!/bin/sh\n"))
    plane.run(30)


@pytest.mark.parametrize("successor", ["a", "b"], ids=["restarted", "taken over by another"])
@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_launch_survives_a_crash_at_every_call(successor: str, after: bool, stride: int) -> None:
    first = 1 + 2 * after if successor == "a" else 2 + 2 * after
    for cut in range(min(first, stride), count_calls(launch_alone) + 1, stride):
        with planes() as plane:
            array = launched(plane, cut=cut, after=after)
            plane.run(10)
            plane.start(successor)
            plane.run(A_WHILE)
            undisturbed(plane, array)
            check_all(plane)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_an_end_survives_a_crash_at_every_call_of_launch_and_end(after: bool, stride: int) -> None:
    for cut in range(1, count_calls(launch_and_end) + 1, stride):
        with planes() as plane:
            array = launched(plane, cut=cut, after=after)
            message = plane.terminate(array)
            plane.run(10)
            plane.start("a")
            plane.run(BACK_TO_REST)
            ended_unless_refused(plane, array, message)
            check_all(plane)


@pytest.mark.parametrize("delay", [0.1, 0.5, 1.0, 2.5])
def test_terminate_takes_effect_at_every_step_of_a_launch_with_a_crash(
    delay: float, stride: int
) -> None:
    for cut in range(1, count_calls(launch_alone) + 1, stride):
        with planes() as plane:
            array = launched(plane, cut=cut, after=True)
            plane.run(delay)
            message = plane.terminate(array)
            plane.start("b")
            plane.run(BACK_TO_REST)
            ended_unless_refused(plane, array, message)
            check_all(plane)


def test_a_lease_that_ends_while_nobody_runs_is_acted_on(stride: int) -> None:
    for cut in range(1, count_calls(launch_alone) + 1, stride):
        with planes() as plane:
            array = launched(plane, cut=cut, after=True)
            plane.run((TTL + OVERDUE).total_seconds() + 5)
            plane.start("a")
            plane.run(BACK_TO_REST)
            if plane.state(array) is not None:
                terminated(plane, array)
            check_all(plane)


@pytest.mark.parametrize("successor", ["a", "b"], ids=["restarted", "taken over by another"])
def test_nothing_is_told_again_after_a_restart_hours_later(successor: str) -> None:
    with planes() as plane:
        replica = plane.start("a")
        array = plane.launch(count=SIZE)
        plane.run(3600)
        plane.kill(replica)
        plane.run(60)
        plane.start(successor)
        plane.terminate(array)
        plane.run(60)
        terminated(plane, array)
        assert plane.events.stored_again == []
        check_all(plane)
