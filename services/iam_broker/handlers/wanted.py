"""From a request to the grant that it needs, checked against IAM and an operator's limits."""

import re

from services.iam_broker.handlers.boundary import boundary_of
from services.iam_broker.handlers.look import find_role
from services.iam_broker.model import Wanted
from services.iam_broker.plan.content import Content, read_content
from services.iam_broker.plan.existing import check_allowed, check_alone, plan_existing
from services.iam_broker.plan.grants import plan_grant
from services.iam_broker.ports import World
from spawn.contracts.grants import Grant, GrantRequest
from spawn.errors import NotFound, Rejected
from spawn.permissions.realm import Realm, partition_of

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}")


async def wanted_of(world: World, asked: GrantRequest) -> Wanted:
    """Return the grant that a request needs; raise `Rejected` for one that can't be."""
    check_alone(asked)
    if asked.role:
        return Wanted(grant=await existing_of(world, asked.role, again=asked.again))
    realm = await realm_of(world, asked.region)
    content = await content_of(world, asked, realm)
    boundary = boundary_of(world, realm)
    return plan_grant(content, boundary=boundary, deployment=world.deployment)


async def realm_of(world: World, region: str) -> Realm:
    """Return what ARNs of this account in a region are completed with."""
    chosen = region or world.region
    if not _REGION.fullmatch(chosen):
        raise Rejected(f"region={chosen[:60]!r}: use one such as us-east-1", field="region")
    return Realm(partition=partition_of(chosen), region=chosen, account=await world.aws.account())


async def content_of(world: World, asked: GrantRequest, realm: Realm) -> Content:
    """Return what is asked for, as far as this deployment allows it and IAM knows it."""
    ceiling = world.settings.iam_ceiling
    content = read_content(asked, realm, ceiling=ceiling, strict=asked.strict)
    for arn in content.managed:
        await _check_managed(world, arn)
    return content


async def existing_of(world: World, name: str, *, again: bool) -> Grant:
    """Return the grant that an existing role is; raise `Rejected` unless an operator allows it."""
    check_allowed(name, world.settings.iam_allowed_roles)
    if again:
        world.memory.distrust(name)
    return await existing_grant(world, name)


async def existing_grant(world: World, name: str) -> Grant:
    """Return the grant that a role of others is; raise `Rejected` when it can't be used."""
    memory, now = world.memory, world.clock.now()
    async with memory.locks[name]:
        if not memory.is_trusted(name, now):
            role = await find_role(world, name)
            if role is None:
                raise Rejected(f"role={name!r}: there is no such role", field="role")
            profiles = await world.aws.iam().profiles_of(name)
            memory.existing[name] = plan_existing(role, profiles, deployment=world.deployment)
            memory.trust(name, now)
    return memory.existing[name]


async def _check_managed(world: World, arn: str) -> None:
    memory, now = world.memory, world.clock.now()
    if memory.is_trusted(arn, now):
        return
    try:
        await world.aws.iam().policy(arn)
    except NotFound as error:
        raise Rejected(
            f"managed={arn!r}: there is no such managed policy", field="managed"
        ) from error
    memory.trust(arn, now)
