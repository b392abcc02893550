"""Looking at IAM: what is there, and None for what is not."""

from services.iam_broker.ports import World
from spawn.contracts.grants import InstanceProfile, Role
from spawn.errors import NotFound


async def find_role(world: World, name: str) -> Role | None:
    """Return a role, None when there is none of this name."""
    try:
        return await world.aws.iam().role(name)
    except NotFound:
        return None


async def find_profile(world: World, name: str) -> InstanceProfile | None:
    """Return an instance profile, None when there is none of this name."""
    try:
        return await world.aws.iam().instance_profile(name)
    except NotFound:
        return None
