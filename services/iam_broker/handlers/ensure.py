"""Making a grant: look, take the next step, look again, until IAM has all of it."""

from datetime import timedelta
from typing import TypeVar

from services.iam_broker.apply import record, take_step
from services.iam_broker.model import Wanted
from services.iam_broker.plan.grants import next_step, plan_grant
from services.iam_broker.ports import World
from spawn.bus.ports import Request
from spawn.contracts.grants import Grant, GrantRequest, InstanceProfile, Role
from spawn.errors import Conflict, NotFound, Transient

T = TypeVar("T")

TRUSTED_FOR = timedelta(minutes=10)
"""How long a grant that was looked at is taken to be as it was."""

_MOST_STEPS = 12


async def on_ensure(request: Request[GrantRequest], world: World) -> Grant:
    """Return the grant for a set of permissions, made or completed if need be.

    Raises `Rejected` for permissions that can't be granted, and `Conflict` when something of
    another's stands where the grant would.
    """
    wanted = plan_grant(request.body, deployment=world.deployment)
    digest, memory = wanted.grant.hash, world.memory
    async with memory.locks[digest]:
        until = memory.checked.get(digest)
        if until is None or world.clock.now() >= until:
            await _complete(world, wanted)
            await record(world, wanted.grant)
            memory.checked[digest] = world.clock.now() + TRUSTED_FOR
    return wanted.grant


async def _complete(world: World, wanted: Wanted) -> None:
    for _ in range(_MOST_STEPS):
        role = await _role(world, wanted.role.name)
        step = next_step(wanted, role, await _profile(world, wanted.grant.profile))
        if step is None:
            return
        try:
            await take_step(world, step)
        except (Conflict, NotFound):
            # Another replica was first, or IAM does not show everywhere yet what was just made.
            await world.clock.sleep(_AGAIN)
    raise Transient(f"role {wanted.role.name} is not complete yet", code="GrantIncomplete")


_AGAIN = timedelta(milliseconds=200)


async def _role(world: World, name: str) -> Role | None:
    try:
        return await world.aws.iam().role(name)
    except NotFound:
        return None


async def _profile(world: World, name: str) -> InstanceProfile | None:
    try:
        return await world.aws.iam().instance_profile(name)
    except NotFound:
        return None
