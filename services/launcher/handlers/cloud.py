"""How the cloud sees an array: records are silent about its silence."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import msgspec

from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.arrays import Array
from spawn.contracts.clouds import CloudReport, CloudRequest
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.ranks import format_ranks
from spawn.errors import Cause, NotFound, Outcome

_FRESH = timedelta(seconds=2)
"""How long an answer counts as one just now: many questions at once make one call."""

_PATIENCE = timedelta(seconds=4)
"""How long a call may take; who asks waits for it."""


async def on_cloud(request: Request[CloudRequest], world: World) -> CloudReport:
    """Say whether EC2 answers, and which of an array's instances it has lost sight of.

    Raises `NotFound` when there is no such array.
    """
    entry = world.fleet.array(request.body.array_id)
    if entry is None:
        raise NotFound(f"there is no array {request.body.array_id}")
    array, now = entry.value, world.clock.now()
    known = world.memory.looks.get(array.id)
    if known is None or now - known[0] >= _FRESH:
        known = (now, await _look(world, array))
        world.memory.looks[array.id] = known
    return known[1]


async def _look(world: World, array: Array) -> CloudReport:
    report = CloudReport(
        region=array.region, answers=False, seen_at=world.memory.seen.get(array.region)
    )
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            listed = await world.aws.ec2(array.region).describe_instances(
                tags={"spawn:array-id": array.id}
            )
    except TimeoutError:
        reason = f"no answer within {_PATIENCE.total_seconds():.0f} s"
        return msgspec.structs.replace(report, reason=reason)
    except Outcome as outcome:
        answers = outcome.cause is Cause.THROTTLED
        return msgspec.structs.replace(report, answers=answers, reason=outcome.message)
    seen_at = world.memory.seen[array.region] = world.clock.now()
    unlisted = _unlisted(world, array, {each.instance.id for each in listed})
    return msgspec.structs.replace(report, answers=True, seen_at=seen_at, unlisted=unlisted)


def _unlisted(world: World, array: Array, listed: Collection[InstanceId]) -> str:
    members = world.fleet.members(array.id).values()
    return format_ranks(
        each.rank
        for each in members
        # One that has only just been launched may not be listed yet.
        if each.instance.state is InstanceState.RUNNING and each.instance.id not in listed
    )
