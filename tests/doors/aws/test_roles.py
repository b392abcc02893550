"""Roles and instance profiles: what every IAM does alike."""

import json
from uuid import uuid4

import pytest

from spawn.contracts.grants import Role
from spawn.errors import Conflict, NotFound
from tests.doors.aws.conftest import Door

pytestmark = pytest.mark.door

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def a_role() -> Role:
    name = f"spawn-{uuid4().hex[:16]}"
    return Role(name=name, path="/spawn/", trust=json.dumps(TRUST), tags={"spawn:managed": "true"})


async def test_a_role_comes_back_as_it_was_made(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    with pytest.raises(NotFound):
        await iam.role(role.name)
    await iam.create_role(role)
    found = await iam.role(role.name)
    assert (found.name, found.path, found.tags) == (role.name, role.path, role.tags)
    assert json.loads(found.trust) == TRUST
    assert found.policies == ()


async def test_a_name_is_taken_once(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    await iam.create_role(role)
    with pytest.raises(Conflict):
        await iam.create_role(role)
    await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)
    with pytest.raises(Conflict):
        await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)


async def test_a_trust_can_be_replaced(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    await iam.create_role(role)
    other = json.dumps(TRUST).replace("ec2", "lambda")
    await iam.set_trust(role.name, other)
    assert json.loads((await iam.role(role.name)).trust) == json.loads(other)


async def test_a_profile_holds_one_role(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    with pytest.raises(NotFound):
        await iam.instance_profile(role.name)
    await iam.create_role(role)
    await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)
    assert (await iam.instance_profile(role.name)).roles == ()
    await iam.add_role(role.name, role.name)
    found = await iam.instance_profile(role.name)
    assert (found.name, found.path, found.roles) == (role.name, "/spawn/", (role.name,))
    with pytest.raises(Conflict):
        await iam.add_role(role.name, role.name)
