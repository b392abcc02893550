"""Roles and instance profiles: what every IAM does alike."""

import json
from contextlib import suppress
from uuid import uuid4

import msgspec
import pytest

from spawn.aws.iam_ports import IamPort
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


DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}],
}
TAGS = {"spawn:managed": "true"}


def a_role(**changes: object) -> Role:
    name = f"spawn-{uuid4().hex[:16]}"
    role = Role(name=name, path="/spawn/doors/", trust=json.dumps(TRUST), tags=TAGS)
    return msgspec.structs.replace(role, **changes)


async def a_policy(iam: IamPort, account: str) -> str:
    name = f"spawn-{uuid4().hex[:16]}"
    await iam.create_policy(name, path="/spawn/", document=json.dumps(DOCUMENT), tags=TAGS)
    return f"arn:aws:iam::{account}:policy/spawn/{name}"


async def test_a_role_comes_back_as_it_was_made(door: Door) -> None:
    iam = door.aws.iam()
    role = a_role(boundary=await a_policy(iam, await door.aws.account()))
    with pytest.raises(NotFound):
        await iam.role(role.name)
    await iam.create_role(role)
    found = await iam.role(role.name)
    assert (found.name, found.path, found.tags) == (role.name, role.path, role.tags)
    assert json.loads(found.trust) == TRUST
    assert (found.inline, found.attached, found.boundary) == ({}, (), role.boundary)
    assert found.created_at is not None


async def test_a_name_is_taken_once(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    await iam.create_role(role)
    with pytest.raises(Conflict):
        await iam.create_role(role)
    await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)
    with pytest.raises(Conflict):
        await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)


async def test_what_a_role_is_can_be_replaced(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    await iam.create_role(role)
    other = json.dumps(TRUST).replace("ec2", "lambda")
    boundary = await a_policy(iam, await door.aws.account())
    await iam.set_trust(role.name, other)
    await iam.set_boundary(role.name, boundary)
    await iam.tag_role(role.name, {"spawn:managed": "yes", "spawn:new": "1"})
    found = await iam.role(role.name)
    assert json.loads(found.trust) == json.loads(other)
    assert found.boundary == boundary
    assert found.tags == {"spawn:managed": "yes", "spawn:new": "1"}


async def test_a_role_is_given_policies_and_loses_them(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    managed = await a_policy(iam, await door.aws.account())
    await iam.create_role(role)
    await iam.put_policy(role.name, "spawn", json.dumps(DOCUMENT))
    await iam.attach(role.name, managed)
    found = await iam.role(role.name)
    assert {name: json.loads(text) for name, text in found.inline.items()} == {"spawn": DOCUMENT}
    assert found.attached == (managed,)
    for _ in range(2):
        with suppress(NotFound):
            await iam.delete_policy(role.name, "spawn")
        with suppress(NotFound):
            await iam.detach(role.name, managed)
    found = await iam.role(role.name)
    assert (found.inline, found.attached) == ({}, ())


async def test_a_profile_holds_one_role(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    with pytest.raises(NotFound):
        await iam.instance_profile(role.name)
    await iam.create_role(role)
    assert await iam.profiles_of(role.name) == ()
    await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)
    assert (await iam.instance_profile(role.name)).roles == ()
    await iam.add_role(role.name, role.name)
    found = await iam.instance_profile(role.name)
    assert (found.name, found.path, found.roles) == (role.name, role.path, (role.name,))
    assert await iam.profiles_of(role.name) == (role.name,)
    with pytest.raises(Conflict):
        await iam.add_role(role.name, role.name)


async def test_a_role_is_deleted_from_the_outside_in(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    name = role.name
    await iam.create_role(role)
    await iam.put_policy(name, "spawn", json.dumps(DOCUMENT))
    await iam.create_instance_profile(name, path=role.path, tags=role.tags)
    await iam.add_role(name, name)
    for refused in (iam.delete_role(name), iam.delete_instance_profile(name)):
        with pytest.raises(Conflict):
            await refused
    await iam.remove_role(name, name)
    await iam.delete_instance_profile(name)
    await iam.delete_policy(name, "spawn")
    assert name in await iam.roles(role.path)
    await iam.delete_role(name)
    assert name not in await iam.roles(role.path)
    for gone in (iam.delete_role(name), iam.delete_instance_profile(name)):
        with pytest.raises(NotFound):
            await gone


async def test_a_managed_policy_is_made_once_and_read(door: Door) -> None:
    iam = door.aws.iam()
    arn = await a_policy(iam, await door.aws.account())
    assert json.loads(await iam.policy(arn)) == DOCUMENT
    with pytest.raises(Conflict):
        await iam.create_policy(
            arn.rpartition("/")[2], path="/spawn/", document=json.dumps(DOCUMENT), tags=TAGS
        )
    with pytest.raises(NotFound):
        await iam.policy(f"{arn}x")
    role = a_role()
    await iam.create_role(role)
    with pytest.raises(NotFound):
        await iam.attach(role.name, f"{arn}x")


async def test_an_instance_tells_which_profile_it_was_launched_with(door: Door) -> None:
    role, iam = a_role(), door.aws.iam()
    await iam.create_role(role)
    await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)
    await iam.add_role(role.name, role.name)
    for name in (role.name, ""):
        (made,) = await door.ec2.run_instances(door.request(instance_profile=name))
        (found,) = await door.ec2.describe_instances(ids=[made.instance.id])
        assert found.profile == name
        await door.ec2.terminate_instances([made.instance.id])
