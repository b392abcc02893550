"""Two launchers at once, one of which is killed in the middle."""

import asyncio

import pytest

from tests.faults import claims
from tests.faults.plant import Plant

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

ARRAYS = 20
SIZE = 4


@pytest.mark.parametrize("killed", [False, True], ids=["both live", "one is killed"])
async def test_no_effect_is_doubled(plant: Plant, *, killed: bool) -> None:
    replicas = [plant.start(name, chunk_size="2") for name in "ab"]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(plant.launch(f"t{n}", SIZE)) for n in range(ARRAYS)]

    async def both_launch() -> bool:
        return all("ec2.run_instances" in replica.calls() for replica in replicas)

    await plant.until_true("both launching", both_launch)
    if killed:
        await replicas[0].kill()
    for array_id in (task.result() for task in tasks):
        await plant.until(array_id, "array.ready", "array.failed")
        await claims.check_ready(plant, array_id, size=SIZE)
        await claims.check_tokens(plant, array_id)
        events = await plant.events(array_id)
        claims.check_ids(events)
        assert claims.told(events) == claims.launched(SIZE)
