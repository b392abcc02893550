"""The IAM broker's writes: steps in IAM, grants' records and events, closed connections."""

from typing import assert_never

import msgspec

from services.iam_broker import metrics, model
from services.iam_broker.ports import World
from spawn.bus.clients import Connected
from spawn.contracts.events import Event, GrantReady, event_id
from spawn.contracts.grants import Grant
from spawn.contracts.ids import ArrayId
from spawn.errors import Conflict, NotFound
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def take_step(world: World, step: model.Steps) -> None:
    """Change IAM.

    Raises `Conflict` when another was first, `NotFound` when what is to be changed is gone.
    """
    _log.info("grant", step=type(step).__name__, role=step.name, why=step.reason)
    await _change(world, step)
    metrics.GRANT_STEPS.labels(type(step).__name__).inc()


async def _change(world: World, step: model.Steps) -> None:  # noqa: C901, PLR0912 - one arm each
    iam, name = world.aws.iam(), step.name
    match step:
        case model.CreateRole():
            await iam.create_role(step.role)
        case model.SetTrust():
            await iam.set_trust(name, step.trust)
        case model.SetBoundary():
            await iam.set_boundary(name, step.arn)
        case model.TagRole():
            await iam.tag_role(name, step.tags)
        case model.PutPolicy():
            await iam.put_policy(name, step.policy, step.document)
        case model.DeletePolicy():
            await iam.delete_policy(name, step.policy)
        case model.Attach():
            await iam.attach(name, step.arn)
        case model.Detach():
            await iam.detach(name, step.arn)
        case model.CreateProfile():
            await iam.create_instance_profile(name, path=step.path, tags=step.tags)
        case model.AddRole():
            await iam.add_role(name, name)
        case model.RemoveRole():
            await iam.remove_role(name, name)
        case model.DeleteProfile():
            await iam.delete_instance_profile(name)
        case model.DeleteRole():
            await iam.delete_role(name)
        case _:
            assert_never(step)


async def record(world: World, grant: Grant) -> None:
    """Write down that a grant is whole, and that it is needed now."""
    now = world.clock.now()
    try:
        known = await world.stores.grants.get(grant.hash)
    except NotFound:
        made = msgspec.structs.replace(grant, made_at=grant.made_at or now, used_at=now)
        try:
            await world.stores.grants.create(grant.hash, made)
        except Conflict:
            # Its record says the same: the key is the hash of all that is in it.
            return
    else:
        await note_use(world, msgspec.structs.replace(grant, made_at=known.value.made_at))


async def note_use(world: World, grant: Grant) -> None:
    """Write down that a grant is needed now, unless another has just written."""
    try:
        known = await world.stores.grants.get(grant.hash)
        used = msgspec.structs.replace(grant, used_at=world.clock.now())
        await world.stores.grants.update(grant.hash, used, known.revision)
    except (Conflict, NotFound):
        return


async def forget(world: World, digest: str) -> Grant | None:
    """Remove a grant's record, and return what it said; None when there was none.

    Raises `Conflict` when it was written just now: somebody needs it.
    """
    world.memory.distrust(digest)
    try:
        known = await world.stores.grants.get(digest)
        await world.stores.grants.delete(digest, known.revision)
    except NotFound:
        return None
    return known.value


async def tell_ready(world: World, array_id: ArrayId, grant: Grant) -> None:
    """Publish that the grant of an array is there; told again, it is the same event."""
    data = GrantReady(grant=grant.role)
    event = Event(
        id=event_id(array_id, data, grant.hash),
        array_id=array_id,
        source=f"/spawn/{world.deployment}/iam_broker",
        time=world.clock.now(),
        data=data,
    )
    await world.events.publish(event)


async def close(world: World, connected: Connected) -> None:
    """Close the connection of a machine that has ended."""
    if world.clients is not None:
        await world.clients.close(connected)
        metrics.CLOSED.inc()
        _log.info("connection closed", instance_id=connected.user, why="the instance has ended")
