"""The boundary of every role: it is there, and says what it must, before a role is made."""

from services.iam_broker.plan.boundary import NAME, boundary_arn, boundary_policy, check_boundary
from services.iam_broker.plan.grants import DEPLOYMENT_TAG, PATH
from services.iam_broker.ports import World
from spawn.errors import Conflict, NotFound, Rejected
from spawn.permissions.realm import Realm


def boundary_of(world: World, realm: Realm) -> str:
    """Return the ARN of the boundary: an operator's, or ours."""
    return world.settings.iam_boundary or boundary_arn(realm.partition, realm.account)


async def ensure_boundary(world: World, realm: Realm) -> None:
    """Look at the boundary now and then, and make ours if need be.

    Raises `Rejected` when an operator's does not exist, `Conflict` when ours was changed.
    """
    memory, arn = world.memory, boundary_of(world, realm)
    async with memory.locks[arn]:
        if not memory.is_trusted(arn, world.clock.now()):
            await (_check(world, arn) if world.settings.iam_boundary else _make(world, arn, realm))
            memory.trust(arn, world.clock.now())


async def _check(world: World, arn: str) -> None:
    try:
        await world.aws.iam().policy(arn)
    except NotFound as error:
        raise Rejected(
            f"SPAWN_IAM_BOUNDARY={arn!r}: there is no such managed policy",
            field="SPAWN_IAM_BOUNDARY",
        ) from error


async def _make(world: World, arn: str, realm: Realm) -> None:
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
