"""Two launchers at once, one of which is killed in the middle."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.faults import claims
from tests.faults.plant import Launcher, Plant
from tests.faults.scale import FIGURES

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

ARRAYS = 20
SIZE = 4
QUICK = "RunInstances=100/100"


def made_by(replica: Launcher) -> list[str]:
    return [call for call in replica.calls() if call == "ec2.run_instances"]


def all_of(replicas: list[Launcher], call: str) -> Callable[[], Awaitable[bool]]:
    async def hold() -> bool:
        return all(call in replica.calls() for replica in replicas)

    return hold


@pytest.mark.parametrize("killed", [False, True], ids=["both live", "one is killed"])
async def test_no_effect_is_doubled(plant: Plant, *, killed: bool) -> None:
    replicas = [plant.start(each, chunk_size="2", aws_buckets=QUICK) for each in "ab"]
    await plant.until_true("both open", all_of(replicas, "fences.hold"))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(plant.launch(f"t{n}", SIZE)) for n in range(ARRAYS)]

    async def under_way() -> bool:
        return sum(len(made_by(replica)) for replica in replicas) > ARRAYS / 4

    await plant.until_true("calls", under_way)
    if killed:
        await max(replicas, key=lambda each: len(made_by(each))).kill()
    for array_id in (task.result() for task in tasks):
        await plant.until(array_id, "array.ready", "array.failed")
        await claims.check_ready(plant, array_id, size=SIZE)
        await claims.check_tokens(plant, array_id)
        events = await plant.events(array_id)
        claims.check_ids(events)
        assert claims.told(events) == claims.launched(SIZE)
    shares = [len(made_by(replica)) for replica in replicas]
    FIGURES.append(f"two replicas{', one killed' if killed else ''}: {shares} RunInstances calls")
