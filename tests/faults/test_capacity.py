"""Capacity, quota and permission: slower or refused, never wrong, and the user is told why."""

import re
from typing import Any

import pytest

from spawn.contracts.arrays import ArrayState
from spawn.contracts.events import ArrayFailed, ArrayLaunching, ArrayReady, Event
from tests.faults import claims
from tests.faults.commands import spawn
from tests.faults.plant import Plant

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

GONE = "InsufficientInstanceCapacity"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1f")


def capacity(plant: Plant, zone: str, free: int) -> None:
    plant.cloud.admin.post("capacity", {"zone": zone, "free": free})


async def test_the_rest_comes_from_the_next_pools(plant: Plant) -> None:
    capacity(plant, "us-east-1a", 37)
    capacity(plant, "us-east-1b", 20)
    plant.start("a")
    array_id = await plant.launch("t", 100)
    ready = await plant.until(array_id, "array.ready", "array.failed")
    assert isinstance(ready.data, ArrayReady)
    await claims.check_ready(plant, array_id, size=100)
    await claims.check_tokens(plant, array_id)
    members = await plant.members_of(array_id)
    zones = [member.instance.zone for member in members]
    assert [zones.count(zone) for zone in ZONES[:3]] == [37, 20, 43]
    reasons = [
        each.data.reason
        for each in await plant.events(array_id)
        if isinstance(each.data, ArrayLaunching)
    ]
    assert re.search("on-demand t3.micro us-east-1a: .*37 of 100.*next pool", reasons[1])
    assert re.search("on-demand t3.micro us-east-1b: .*20 of 63.*next pool", reasons[2])


async def test_fewer_are_enough_with_a_minimum(plant: Plant) -> None:
    capacity(plant, "*", 0)
    capacity(plant, "us-east-1a", 37)
    plant.start("a")
    array_id = await plant.launch("t", 100, min_count=30)
    ready = await plant.until(array_id, "array.ready", "array.failed")
    assert isinstance(ready.data, ArrayReady)
    assert (ready.data.size, ready.data.ready) == (100, 37)
    assert len(await claims.instances(plant, array=array_id)) == 37


async def test_too_few_are_ended_and_each_pool_is_named(plant: Plant) -> None:
    capacity(plant, "*", 0)
    capacity(plant, "us-east-1a", 37)
    plant.start("a")
    done = await spawn(plant, "launch", "--count", "100", "--name", "t", "--request-id", "r")
    assert done.code == 1, done.errors
    for zone in ZONES:
        assert re.search(rf"t3.micro {zone}: {GONE}", done.errors), done.errors
    assert "37 of 100" in done.errors
    assert "--min-count" in done.errors
    array_id = plant.id_of("t", "r")
    (failed,) = [e for e in await plant.events(array_id) if isinstance(e.data, ArrayFailed)]
    await claims.check_ended(plant, array_id, size=37, state=ArrayState.FAILED)
    await check_confirmed(plant, failed)


async def check_confirmed(plant: Plant, failed: Event) -> None:
    """The failure is told after EC2 has confirmed the end of each instance."""
    names = [event.name for event in await plant.events(failed.array_id)]
    assert names.count("instance.terminated") == 37
    assert names[-1] == "array.failed"


@pytest.mark.parametrize(
    ("section", "behaviour", "told"),
    [
        pytest.param(
            "quota",
            {"vcpus": 3},
            "VcpuLimitExceeded.*Running On-Demand instances",
            id="quota",
        ),
        pytest.param(
            "fault",
            {
                "api": "RunInstances",
                "code": "UnauthorizedOperation",
                "message": "You are not authorized to perform this operation.",
                "status": 403,
            },
            "UnauthorizedOperation.*allow the action .*RunInstances",
            id="permission",
        ),
    ],
)
async def test_what_no_pool_can_help_fails_at_once(
    plant: Plant, section: str, behaviour: dict[str, Any], told: str
) -> None:
    plant.cloud.admin.post(section, behaviour)
    launcher = plant.start("a")
    done = await spawn(plant, "launch", "--count", "4", "--name", "t", "--request-id", "r")
    assert done.code == 1, done.errors
    assert re.search(told, done.errors, re.DOTALL), done.errors
    assert launcher.calls().count("ec2.run_instances") == 1
    array_id = plant.id_of("t", "r")
    await claims.check_ended(plant, array_id, size=0, state=ArrayState.FAILED)
