"""A cloud that sees new profiles late: slower, and never more than one set of instances."""

import asyncio
from typing import Any

import pytest

from spawn.contracts.events import ArrayRejected
from spawn.contracts.grants import Permissions
from tests.faults import claims
from tests.faults.plant import Plant
from tests.faults.scale import TORTURE

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

READING = Permissions(policies=("s3:ReadOnly:my-bucket",))
LATE = 30.0 if TORTURE else 5.0
"""Seconds until EC2 knows a profile and its role."""

SIZE = 4


def started(plant: Plant, *, allowed_roles: str = "") -> None:
    plant.start("a", chunk_size="2")
    plant.start("b", service="iam_broker", iam_allowed_roles=allowed_roles)


async def profiles_of(plant: Plant, array_id: str) -> list[str]:
    """Return the profile of each instance of an array, whatever became of it."""

    def look() -> list[str]:
        pages = plant.cloud.client("ec2").describe_instances(
            Filters=[{"Name": "tag:spawn:array-id", "Values": [array_id]}]
        )
        found = [one for each in pages["Reservations"] for one in each["Instances"]]
        return [one["IamInstanceProfile"]["Arn"].rpartition("/")[2] for one in found]

    return await asyncio.to_thread(look)


async def test_a_profile_that_ec2_sees_late_makes_one_set_of_instances(plant: Plant) -> None:
    plant.cloud.admin.post("lifecycle", {"profile_propagation": LATE})
    started(plant)
    array_id = await plant.launch("t", SIZE, permissions=READING)
    ready = await plant.until(array_id, "array.ready", "array.failed", "array.rejected")
    assert ready.name == "array.ready"
    assert LATE <= getattr(ready.data, "seconds", 0.0) < LATE + 30
    await claims.check_ready(plant, array_id, size=SIZE)
    await claims.check_tokens(plant, array_id)
    given = await profiles_of(plant, array_id)
    assert len(given) == SIZE
    assert len(set(given)) == 1
    events = [event.name for event in await plant.events(array_id)]
    assert events.count("grant.ready") == 1
    await plant.terminate(array_id)
    await plant.until(array_id, "array.terminated")


async def test_an_existing_role_is_given_where_an_operator_allows_it(plant: Plant) -> None:
    await asyncio.to_thread(make_role, plant.cloud.client("iam"))
    started(plant, allowed_roles="science")
    array_id = await plant.launch("t", 2, permissions=Permissions(role="science"))
    await plant.until(array_id, "array.ready", "array.failed", "array.rejected")
    assert await profiles_of(plant, array_id) == ["laboratory"] * 2
    await plant.terminate(array_id)
    await plant.until(array_id, "array.terminated")
    refused = await plant.launch("u", 1, permissions=Permissions(role="admin"))
    event = await plant.until(refused, "array.ready", "array.failed", "array.rejected")
    assert isinstance(event.data, ArrayRejected)
    assert event.data.field == "role"
    assert "it lists science" in event.data.message


def make_role(iam: Any) -> None:
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":"ec2.amazonaws.com"}}]}'
    )
    iam.create_role(RoleName="science", AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="laboratory")
    iam.add_role_to_instance_profile(InstanceProfileName="laboratory", RoleName="science")
