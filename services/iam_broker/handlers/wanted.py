"""From a request to the grant that it needs, checked against IAM and an operator's limits."""

from services.iam_broker.handlers.look import find_role
from services.iam_broker.model import Wanted
from services.iam_broker.plan.boundary import NAME, boundary_arn, boundary_policy, check_boundary
from services.iam_broker.plan.content import Content, read_content
from services.iam_broker.plan.existing import check_allowed, check_alone, plan_existing
from services.iam_broker.plan.grants import DEPLOYMENT_TAG, PATH, plan_grant
from services.iam_broker.ports import World
from spawn.contracts.grants import Grant, GrantRequest, Permissions
from spawn.errors import Conflict, NotFound, Rejected
from spawn.permissions.realm import Realm, partition_of


async def wanted_of(world: World, asked: GrantRequest) -> Wanted:
    """Return the grant that a request needs; raise `Rejected` for one that can't be."""
    check_alone(asked)
    if asked.role:
        return await _existing(world, asked.role, again=asked.again)
    realm = await realm_of(world, asked.region)
    content = await content_of(world, asked, realm)
    boundary = await _boundary(world, realm)
    return plan_grant(content, boundary=boundary, deployment=world.deployment)


async def realm_of(world: World, region: str) -> Realm:
    """Return what ARNs of this account in a region are completed with."""
    chosen = region or world.region
    return Realm(partition=partition_of(chosen), region=chosen, account=await world.aws.account())


async def content_of(world: World, asked: Permissions, realm: Realm) -> Content:
    """Return what permissions allow; raise `Rejected` when IAM has no such managed policy."""
    content = read_content(asked, realm)
    for arn in content.managed:
        await _check_managed(world, arn)
    return content


async def _existing(world: World, name: str, *, again: bool) -> Wanted:
    check_allowed(name, world.settings.iam_allowed_roles)
    if again:
        world.memory.distrust(name)
    return Wanted(grant=await existing_grant(world, name))


async def existing_grant(world: World, name: str) -> Grant:
    """Return the grant that a role of others is; raise `Rejected` when it can't be used."""
    memory, now = world.memory, world.clock.now()
    async with memory.locks[name]:
        if not memory.is_trusted(name, now):
            role = await find_role(world, name)
            if role is None:
                raise Rejected(f"role={name!r}: there is no such role", field="permissions.role")
            profiles = await world.aws.iam().profiles_of(name)
            memory.existing[name] = plan_existing(role, profiles, deployment=world.deployment)
            memory.trust(name, now)
    return memory.existing[name]


async def _check_managed(world: World, arn: str) -> None:
    memory, now = world.memory, world.clock.now()
    if memory.is_trusted(arn, now):
        return
    try:
        memory.managed[arn] = await world.aws.iam().policy(arn)
    except NotFound as error:
        raise Rejected(
            f"managed={arn!r}: there is no such managed policy", field="permissions.managed"
        ) from error
    memory.trust(arn, now)


async def _boundary(world: World, realm: Realm) -> str:
    """Return the ARN of the boundary; ours is made if need be."""
    memory, now = world.memory, world.clock.now()
    chosen = world.settings.iam_boundary
    arn = chosen or boundary_arn(realm.partition, realm.account)
    async with memory.locks[arn]:
        if not memory.is_trusted(arn, now):
            await (_check_chosen(world, arn) if chosen else _ensure_ours(world, arn, realm))
            memory.trust(arn, now)
    return arn


async def _check_chosen(world: World, arn: str) -> None:
    try:
        await world.aws.iam().policy(arn)
    except NotFound as error:
        raise Rejected(
            f"SPAWN_IAM_BOUNDARY={arn!r}: there is no such managed policy",
            field="SPAWN_IAM_BOUNDARY",
        ) from error


async def _ensure_ours(world: World, arn: str, realm: Realm) -> None:
    iam, document = world.aws.iam(), boundary_policy(realm.partition, realm.account)
    try:
        found = await iam.policy(arn)
    except NotFound:
        tags = {"spawn:managed": "true", DEPLOYMENT_TAG: world.deployment}
        try:
            await iam.create_policy(NAME, path=PATH, document=document, tags=tags)
        except Conflict:
            found = await iam.policy(arn)
        else:
            return
    check_boundary(arn, found, document)
