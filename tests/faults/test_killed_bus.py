"""nats-server killed with -9 and started again in the middle of 20 launches."""

import asyncio

import pytest

from spawn.contracts.ids import ArrayId
from tests.faults import claims
from tests.faults.plant import Plant
from tests.faults.scale import FIGURES

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

ARRAYS = 20
SIZE = 5
KILLED_AT = (2, 8, 14)
"""Numbers of arrays that are being launched when the server is killed."""


async def test_all_finish_and_nothing_acknowledged_is_lost(plant: Plant) -> None:
    plant.start("a")
    acknowledged: list[ArrayId] = []

    async def launch(number: int) -> None:
        acknowledged.append(await plant.launch(f"t{number}", SIZE))

    async def kill() -> None:
        for launched in KILLED_AT:

            async def reached(launched: int = launched) -> bool:
                return sum(e.name == "instance.launched" for e in await plant.events()) >= launched

            await plant.until_true(f"{launched} arrays", reached)
            await plant.server.restart()

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        for number in range(ARRAYS):
            group.create_task(launch(number))
    assert len(acknowledged) == ARRAYS
    for array_id in acknowledged:
        await plant.until(array_id, "array.ready", "array.failed")
        await claims.check_ready(plant, array_id, size=SIZE)
        await claims.check_tokens(plant, array_id)
        events = await plant.events(array_id)
        claims.check_ids(events)
        assert claims.told(events) == claims.launched(SIZE)
    assert plant.launchers[0].is_alive
    FIGURES.append(f"nats-server killed {len(KILLED_AT)} times: {ARRAYS} launches, all ready")
