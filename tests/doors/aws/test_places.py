import asyncio
from uuid import uuid4

import pytest

from spawn.errors import NotFound
from tests.doors.aws.conftest import PARAMETER, REGION, Door

pytestmark = pytest.mark.door


async def test_the_parameter_names_an_image_that_exists(door: Door) -> None:
    image = await door.ec2.find_image(await door.aws.ssm(REGION).parameter(PARAMETER))
    assert (image.architecture, image.state) == ("x86_64", "available")
    assert image.root_device


@pytest.mark.parametrize("image_id", ["ami-0123456789abcdef0", "ami-00000000"])
async def test_an_image_that_does_not_exist(door: Door, image_id: str) -> None:
    with pytest.raises(NotFound):
        await door.ec2.find_image(image_id)


async def test_a_parameter_that_does_not_exist(door: Door) -> None:
    with pytest.raises(NotFound):
        await door.aws.ssm(REGION).parameter("/aws/service/none")


async def test_types_that_exist_are_described(door: Door) -> None:
    types = await door.ec2.instance_types(["t3.micro", "m7i.large", "t3.gigantic", "t*"])
    assert set(types) == {"t3.micro", "m7i.large"}
    assert types["t3.micro"].architectures == ("x86_64",)
    assert types["t3.micro"].vcpus == 2


async def test_offerings_are_zones_of_the_region(door: Door) -> None:
    zones = await door.ec2.available_zones()
    assert zones == tuple(sorted(zones))
    offered = await door.ec2.offerings(["t3.micro", "t3.gigantic"])
    assert set(offered) == {"t3.micro", "t3.gigantic"}
    assert offered["t3.gigantic"] == ()
    assert offered["t3.micro"]
    assert set(offered["t3.micro"]) <= set(zones)


async def test_a_key_pair_that_does_not_exist(door: Door) -> None:
    assert not await door.ec2.key_pair_exists("nobody")


async def test_default_subnets_are_one_for_each_zone(door: Door) -> None:
    subnets = await door.ec2.default_subnets()
    zones = [subnet.zone for subnet in subnets]
    assert zones == sorted(set(zones))
    assert all(subnet.free_addresses > 0 for subnet in subnets)
    assert len({subnet.vpc_id for subnet in subnets}) == 1
    assert await door.ec2.subnets([subnet.id for subnet in subnets]) == subnets


async def test_a_subnet_that_does_not_exist(door: Door) -> None:
    with pytest.raises(NotFound):
        await door.ec2.subnets(["subnet-0123456789abcdef0"])


async def test_a_group_is_made_once_however_many_want_it(door: Door) -> None:
    name = f"spawn-{uuid4().hex[:8]}"
    made = await asyncio.gather(
        *(door.ec2.ensure_security_group(name, door.vpc_id, {"a": "b"}) for _ in range(4))
    )
    assert len(set(made)) == 1
    again = await door.ec2.ensure_security_group(name, door.vpc_id, {"a": "b"}, "10.0.0.0/8")
    assert again == made[0]
    (group,) = await door.ec2.security_groups([again])
    assert (group.name, group.vpc_id) == (name, door.vpc_id)


async def test_a_group_that_does_not_exist(door: Door) -> None:
    with pytest.raises(NotFound):
        await door.ec2.security_groups(["sg-0123456789abcdef0"])


async def test_who_calls(door: Door) -> None:
    caller = await door.aws.sts().caller()
    assert caller.account == await door.aws.account()
    assert caller.arn.startswith("arn:aws:")
    assert door.aws.is_local
