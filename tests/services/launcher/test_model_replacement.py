"""Members that the cloud takes away, and their successors, over one replica or several."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from spawn.contracts.members import MemberState
from spawn.contracts.pools import Market
from tests.fixtures.fencing import overlaps
from tests.services.launcher.model.machines import Habits, Life, Machines
from tests.services.launcher.model.plane import Plane
from tests.services.launcher.model.truths import living_of

A_WHILE = 60.0
LEAD = timedelta(minutes=2)


@pytest.fixture
def plane() -> Generator[Plane]:
    plane = Plane()
    plane.start()
    yield plane
    assert plane.failures == []
    plane.close()


@pytest.fixture
def machines(plane: Plane) -> Generator[Machines]:
    machines = Machines(plane)
    yield machines
    machines.close()
    assert overlaps(machines.runs()) == []
    assert all(life.saves <= 1 for life in machines.lives.values())


def launched(plane: Plane, count: int = 4, **spec: Any) -> ArrayId:
    wanted: dict[str, Any] = {"spot": True, "checkpoint_script": "save", **spec}
    array = plane.launch(count=count, command="true", **wanted)
    plane.run(A_WHILE)
    return array


def interrupt(plane: Plane, machines: Machines, life: Life, *, heard: bool = True) -> None:
    """Warn of a machine, and take it away two minutes later."""
    machines.notice(life, plane.clock.now() + LEAD, heard=heard)
    plane.loop.call_later(LEAD.total_seconds(), plane.ec2.reclaim, life.machine.id)


def names(plane: Plane, array: ArrayId, prefix: str) -> list[str]:
    return [event.name for event in plane.told(array) if event.name.startswith(prefix)]


def runs_of(machines: Machines, rank: int) -> list[int]:
    return [life.generation for life in machines.of_rank(rank) if life.run is not None]


def test_a_noticed_member_has_a_successor_of_its_rank_that_finishes(
    plane: Plane, machines: Machines
) -> None:
    array = launched(plane)
    (first,) = machines.of_rank(2)
    interrupt(plane, machines, first)
    plane.run(5.0)
    assert [life.generation for life in machines.of_rank(2)] == [0, 1]
    assert plane.members(array)[2].generation == 1
    plane.run(20 * A_WHILE)
    assert runs_of(machines, 2) == [0, 1]
    assert [len(machines.of_rank(rank)) for rank in range(4)] == [1, 1, 2, 1]
    assert plane.state(array) is ArrayState.TERMINATED
    assert names(plane, array, "member.replaced") == ["member.replaced"]
    assert "array.finished" in names(plane, array, "array.")
    assert living_of(plane, array) == []


def test_a_member_that_is_gone_without_notice_has_a_successor(
    plane: Plane, machines: Machines
) -> None:
    array = launched(plane)
    (first,) = machines.of_rank(1)
    plane.ec2.reclaim(first.machine.id)
    plane.run(20 * A_WHILE)
    assert runs_of(machines, 1) == [0, 1]
    assert plane.state(array) is ArrayState.TERMINATED


def test_a_successor_waits_for_a_machine_that_says_nothing_until_it_is_gone(
    plane: Plane, machines: Machines
) -> None:
    machines.habits = Habits(mute=True, save=timedelta(minutes=5))
    array = launched(plane)
    (first,) = machines.of_rank(0)
    machines.notice(first, plane.clock.now() + LEAD)
    plane.run(A_WHILE)
    assert runs_of(machines, 0) == [0]
    assert first.is_up
    plane.run(2 * A_WHILE)
    assert not first.is_up
    assert runs_of(machines, 0) == [0, 1]
    assert plane.state(array) is ArrayState.READY


def test_the_sweep_of_all_instances_leaves_a_machine_that_saves_its_work(
    plane: Plane, machines: Machines
) -> None:
    machines.habits = Habits(save=timedelta(seconds=100))
    launched(plane)
    plane.run(6 * A_WHILE)
    (first,) = machines.of_rank(2)
    interrupt(plane, machines, first)
    plane.run(95.0)
    assert plane.members(first.array_id)[2].state is MemberState.READY
    assert first.is_up
    plane.run(10.0)
    assert runs_of(machines, 2) == [0, 1]


def test_losses_of_a_moment_are_made_good_by_one_call_in_another_pool(
    plane: Plane, machines: Machines
) -> None:
    array = launched(plane, count=4)
    calls = plane.ec2.counted["RunInstances"]
    for rank in (0, 2, 3):
        interrupt(plane, machines, machines.of_rank(rank)[0])
    plane.run(5.0)
    assert plane.ec2.counted["RunInstances"] == calls + 1
    zones = {life.machine.zone for life in machines.lives.values() if life.generation == 1}
    assert zones.isdisjoint({machines.of_rank(0)[0].machine.zone})
    assert [member.generation for member in plane.members(array)] == [1, 0, 1, 1]
    plane.run(20 * A_WHILE)


def test_the_fourth_successor_within_an_hour_is_not_asked_for(
    plane: Plane, machines: Machines
) -> None:
    machines.habits = Habits(work=timedelta(hours=3), save=timedelta(seconds=5))
    array = launched(plane)
    for _ in range(4):
        interrupt(plane, machines, machines.of_rank(1)[-1])
        plane.run(4 * A_WHILE)
    assert len(machines.of_rank(1)) == 4
    assert plane.state(array) is ArrayState.DEGRADED
    degraded = [event for event in plane.told(array) if event.name == "array.degraded"]
    assert "ranks 1 had 3 successors within an hour" in str(degraded[-1].data)
    assert plane.members(array)[1].state is MemberState.LOST


def test_a_job_that_ends_by_itself_is_not_run_again(plane: Plane, machines: Machines) -> None:
    machines.habits = Habits(work=timedelta(seconds=90))
    array = launched(plane)
    (first,) = machines.of_rank(3)
    interrupt(plane, machines, first, heard=False)
    plane.run(20 * A_WHILE)
    assert runs_of(machines, 3) == [0]
    assert plane.state(array) is ArrayState.TERMINATED
    finished = next(event for event in plane.told(array) if event.name == "array.finished")
    assert finished.data.succeeded is True  # type: ignore[union-attr]
    assert living_of(plane, array) == []


def test_without_replacement_an_interrupted_member_is_lost(
    plane: Plane, machines: Machines
) -> None:
    array = launched(plane, replace=False)
    interrupt(plane, machines, machines.of_rank(1)[0])
    plane.run(20 * A_WHILE)
    assert len(machines.of_rank(1)) == 1
    assert plane.state(array) is ArrayState.TERMINATED


def test_with_maintain_a_machine_on_demand_that_is_lost_has_a_successor(
    plane: Plane, machines: Machines
) -> None:
    array = launched(plane, spot=False, checkpoint_script="", maintain=True)
    plane.ec2.reclaim(machines.of_rank(1)[0].machine.id, "Server.InternalError")
    plane.run(20 * A_WHILE)
    assert runs_of(machines, 1) == [0, 1]
    assert plane.state(array) is ArrayState.TERMINATED


@pytest.mark.parametrize("fallback", [True, False], ids=["fallback", "no fallback"])
def test_where_spot_is_gone_everywhere(
    plane: Plane, machines: Machines, *, fallback: bool
) -> None:
    machines.habits = Habits(work=timedelta(minutes=30))
    array = launched(plane, spot_fallback=fallback)
    for zone in ("us-east-1a", "us-east-1b", "us-east-1c"):
        plane.ec2.weather.capacity[Market.SPOT, "m7i.large", zone] = 0
    interrupt(plane, machines, machines.of_rank(1)[0])
    plane.run(4 * A_WHILE)
    markets = [life.machine.request.market for life in machines.of_rank(1)]
    if fallback:
        assert markets == [Market.SPOT, Market.ON_DEMAND]
        assert plane.state(array) is ArrayState.READY
        return
    assert markets == [Market.SPOT]
    assert plane.state(array) is ArrayState.DEGRADED
    degraded = next(event for event in plane.told(array) if event.name == "array.degraded")
    assert "InsufficientInstanceCapacity" in str(degraded.data)
    plane.ec2.weather.capacity.clear()
    plane.run(4 * A_WHILE)
    assert len(machines.of_rank(1)) == 2
    assert plane.state(array) is ArrayState.READY
