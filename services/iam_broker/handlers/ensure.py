"""Making a grant: look, do what is missing, look again, until IAM has all of it."""

from datetime import timedelta

from services.iam_broker.apply import record, take_step, tell_ready
from services.iam_broker.handlers.boundary import ensure_boundary
from services.iam_broker.handlers.look import find_profile, find_role
from services.iam_broker.handlers.wanted import realm_of, wanted_of
from services.iam_broker.model import Wanted
from services.iam_broker.plan.grants import steps_to
from services.iam_broker.ports import World
from spawn.bus.ports import Fence, Request
from spawn.contracts.grants import Grant, GrantRequest, Role
from spawn.contracts.ids import ArrayId, is_array_id
from spawn.errors import Cause, Conflict, NotFound, Rejected, Transient

_AGAIN = timedelta(milliseconds=200)
_MOST_LOOKS = 5
_MOST_WAITS = 100
"""Times `_AGAIN`, above what making a grant takes: who asks has asked again by then."""


async def on_ensure(request: Request[GrantRequest], world: World) -> Grant:
    """Return the grant for a set of permissions, made or completed if need be.

    Raises `Rejected` for permissions that can't be granted, and `Conflict` when something of
    another's stands where the grant would.
    """
    asked = request.body
    if asked.array_id and not is_array_id(asked.array_id):
        raise Rejected(f"array_id={asked.array_id[:60]!r} is none", field="array_id")
    wanted = await wanted_of(world, asked)
    grant = wanted.grant
    async with world.memory.locks[grant.hash]:
        if asked.again or not await _is_trusted(world, grant):
            await _make(world, wanted, asked.region)
            world.memory.trust(grant.hash, world.clock.now())
    if asked.array_id:
        await _tell(world, ArrayId(asked.array_id), grant)
    return grant


def fence_key(digest: str) -> str:
    """Return what is held by whoever makes the grant of a hash, or takes it apart."""
    return f"grant.{digest}"


async def _is_trusted(world: World, grant: Grant) -> bool:
    """Say whether a grant was looked at a short while ago, and not deleted since."""
    if not world.memory.is_trusted(grant.hash, world.clock.now()):
        return False
    try:
        # Not from this replica's copy: who deletes a grant removes its record first.
        await world.stores.grants.get(grant.hash)
    except NotFound:
        return False
    return True


async def _make(world: World, wanted: Wanted, region: str) -> None:
    """Make what is missing while no other replica makes or deletes it."""
    if wanted.role is None:
        await record(world, wanted.grant)
        return
    await ensure_boundary(world, await realm_of(world, region))
    for _ in range(_MOST_WAITS):
        async with world.fences.hold(fence_key(wanted.grant.hash)) as fence:
            if fence is not None:
                await _complete(world, wanted.role, fence)
                await record(world, wanted.grant)
                return
        await world.clock.sleep(_AGAIN)
    raise _later(f"role {wanted.role.name} is being changed by another replica")


async def _complete(world: World, role: Role, fence: Fence) -> None:
    for _ in range(_MOST_LOOKS):
        found = await find_role(world, role.name)
        steps = steps_to(role, found, await find_profile(world, role.name))
        try:
            for step in steps:
                if fence.is_lost:
                    raise _later(f"another replica may change role {role.name}")
                await take_step(world, step)
        except (Conflict, NotFound):
            # IAM does not show everywhere yet what was made or removed just now.
            await world.clock.sleep(_AGAIN)
        else:
            return
    raise _later(f"role {role.name} is not complete yet")


async def _tell(world: World, array_id: ArrayId, grant: Grant) -> None:
    try:
        array = (await world.stores.arrays.get(array_id)).value
    except NotFound:
        return
    if not array.state.is_over:
        await tell_ready(world, array_id, grant)


def _later(why: str) -> Transient:
    return Transient(why, code="GrantIncomplete", cause=Cause.PROPAGATING)
