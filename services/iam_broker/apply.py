"""The IAM broker's writes: steps to a grant, its record, and closed connections."""

from typing import assert_never

from services.iam_broker import metrics
from services.iam_broker.model import AddRole, CreateProfile, CreateRole, SetTrust, Steps
from services.iam_broker.ports import World
from spawn.bus.clients import Connected
from spawn.contracts.grants import Grant
from spawn.errors import Conflict
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def take_step(world: World, step: Steps) -> None:
    """Change IAM; raise `Conflict` when another was first."""
    iam, role = world.aws.iam(), step.role
    _log.info("granting", step=type(step).__name__, role=role.name, why=step.reason)
    match step:
        case CreateRole():
            await iam.create_role(role)
        case SetTrust():
            await iam.set_trust(role.name, role.trust)
        case CreateProfile():
            await iam.create_instance_profile(role.name, path=role.path, tags=role.tags)
        case AddRole():
            await iam.add_role(role.name, role.name)
        case _:
            assert_never(step)
    metrics.GRANT_STEPS.labels(type(step).__name__).inc()


async def record(world: World, grant: Grant) -> None:
    """Write a grant down, once."""
    if world.memory.grants.get(grant.hash) is not None:
        return
    try:
        await world.stores.grants.create(grant.hash, grant)
    except Conflict:
        # Its record says the same: the key is the hash of all that is in it.
        return


async def close(world: World, connected: Connected) -> None:
    """Close the connection of a machine that has ended."""
    if world.clients is not None:
        await world.clients.close(connected)
        metrics.CLOSED.inc()
        _log.info("connection closed", instance_id=connected.user, why="the instance has ended")
