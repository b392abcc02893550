"""Many arrays at once, under EC2's documented throttles."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from spawn.contracts.ids import ArrayId
from tests.faults import claims, fairness
from tests.faults.plant import Plant
from tests.faults.scale import FIGURES

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

ARRAYS = 50
SIZE = 20
LOOK = timedelta(seconds=0.4)
"""The least time between two looks of the observer."""
CALLS_A_LOOK = 2
"""One for what is in transition, one by id for what has left it."""


@pytest.fixture
def throttled(plant: Plant) -> Plant:
    plant.cloud.admin.post("throttle", {"enabled": True})
    return plant


async def launch_all(plant: Plant, count: int, *, prefix: str) -> list[ArrayId]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(plant.launch(f"{prefix}{n}", SIZE)) for n in range(count)]
    ids = [task.result() for task in tasks]
    for array_id in ids:
        await plant.until(array_id, "array.ready", "array.failed", "array.rejected")
    return ids


def looks(plant: Plant) -> int:
    region = plant.cloud.admin.state()["regions"].get(plant.cloud.region, {"calls": {}})
    return region["calls"].get("ec2.DescribeInstances", 0)


async def most_looks(plant: Plant, ids: list[ArrayId]) -> float:
    """Return how often one observer may have asked at most, however many arrays there were."""
    records = [await plant.array(array_id) for array_id in ids]
    begun = min(record.accepted_at for record in records)
    ended = max(record.ready_at or record.accepted_at for record in records)
    return CALLS_A_LOOK * ((ended - begun) / LOOK + 2)


async def test_fifty_arrays_of_twenty(throttled: Plant) -> None:
    plant = throttled
    plant.start("a")
    before = looks(plant)
    one = await launch_all(plant, 1, prefix="one")
    for_one = looks(plant) - before
    assert for_one <= await most_looks(plant, one)
    before = looks(plant)
    many = await launch_all(plant, ARRAYS, prefix="many")
    for_many = looks(plant) - before
    bound = await most_looks(plant, many)
    FIGURES.append(f"DescribeInstances: {for_one} for 1 array, {for_many} for {ARRAYS}")
    assert for_many <= bound
    for array_id in many:
        await claims.check_ready(plant, array_id, size=SIZE)
    told = msgspec.json.encode([event.data for event in await plant.events()]).decode()
    assert "RequestLimitExceeded" not in told
    assert "throttl" not in told.lower()


async def test_a_large_launch_leaves_room_for_a_small_one(throttled: Plant) -> None:
    throttled.start("a")
    measured = await fairness.measure(throttled)
    FIGURES.append(
        f"an array of 1: {measured.alone.total_seconds():.1f} s alone,"
        f" {measured.beside.total_seconds():.1f} s beside a launch of 1000,"
        f" which took {measured.large.total_seconds():.1f} s"
    )
    assert measured.was_first
