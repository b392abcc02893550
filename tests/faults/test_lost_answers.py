"""Answers of RunInstances lost, instances that EC2 doesn't list yet, the launcher killed: N."""

from typing import Any

import pytest

from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from tests.faults import claims
from tests.faults.plant import Plant
from tests.faults.scale import TORTURE

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600 if TORTURE else 120)]

SIZE = 6
INVISIBLE = 60 if TORTURE else 4
"""Seconds for which EC2 doesn't list what it has made."""

LOST: dict[str, Any] = {"api": "RunInstances", "kind": "lost-reply", "count": 3}


async def kill_in_the_middle(plant: Plant, array_id: ArrayId) -> None:
    """Kill the launcher while a call is open, start it again and repeat the command."""

    async def is_open() -> bool:
        return "ec2.run_instances" in plant.launchers[0].calls()

    await plant.until_true("a call", is_open)
    await plant.launchers[0].kill()
    assert (await plant.array(array_id)).intents
    plant.start("a", chunk_size="2")
    assert await plant.launch("t", SIZE, message_id="again") == array_id


@pytest.mark.parametrize(
    ("lost", "invisible", "killed"),
    [
        pytest.param(True, False, False, id="lost"),
        pytest.param(False, True, False, id="invisible"),
        pytest.param(False, False, True, id="killed"),
        pytest.param(True, True, True, id="all three"),
    ],
)
async def test_exactly_as_many_as_asked_for(
    plant: Plant, *, lost: bool, invisible: bool, killed: bool
) -> None:
    if lost:
        plant.cloud.admin.post("fault", LOST)
    if invisible:
        plant.cloud.admin.post("lifecycle", {"invisible": INVISIBLE})
    if killed:
        # Slow enough for the kill to come while the calls are under way.
        plant.cloud.admin.post("latency", {"api": "RunInstances", "delay": 1})
    plant.start("a", chunk_size="2")
    array_id = await plant.launch("t", SIZE)
    if killed:
        await kill_in_the_middle(plant, array_id)
    await plant.until(array_id, "array.ready", "array.failed")
    await claims.check_ready(plant, array_id, size=SIZE)
    await claims.check_tokens(plant, array_id)
    events = await plant.events(array_id)
    claims.check_ids(events)
    assert claims.told(events) == claims.launched(SIZE)


async def test_what_nobody_sees_yet_is_ended_too(plant: Plant) -> None:
    plant.cloud.admin.post("fault", LOST)
    plant.cloud.admin.post("lifecycle", {"invisible": INVISIBLE})
    plant.start("a", chunk_size="2")
    array_id = await plant.launch("t", SIZE)

    async def made() -> bool:
        return len(claims.reservations(plant, array_id)) == 3

    await plant.until_true("three reservations", made)
    await plant.terminate(array_id)
    await plant.until(array_id, "array.terminated")
    await claims.check_ended(plant, array_id, size=SIZE, state=ArrayState.TERMINATED)
    await claims.check_tokens(plant, array_id)
