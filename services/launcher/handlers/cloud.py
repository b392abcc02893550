"""Whether the cloud answers: what is asked by who looks at records, which are silent about it."""

import asyncio
from datetime import timedelta

from services.launcher.handlers.observe import regions
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.clouds import CloudReport, CloudRequest
from spawn.contracts.instances import InstanceState
from spawn.errors import Cause, NotFound, Outcome

_FRESH = timedelta(seconds=2)
"""How long an answer counts as one just now: many questions at once make one call."""

_PATIENCE = timedelta(seconds=4)
"""How long a call may take; who asks waits for it."""


async def on_cloud(request: Request[CloudRequest], world: World) -> CloudReport:
    """Say whether EC2 answers in a region, by the observer's looks or else by one of our own.

    Raises `NotFound` for a region that is not observed.
    """
    region = request.body.region
    if region not in regions(world):
        raise NotFound(f"{region!r} is not observed: no array is there")
    reason = "" if _is_fresh(world, region) else await _look(world, region)
    seen_at = world.memory.seen.get(region)
    return CloudReport(region=region, answers=not reason, seen_at=seen_at, reason=reason)


def _is_fresh(world: World, region: str) -> bool:
    seen_at = world.memory.seen.get(region)
    return seen_at is not None and world.clock.now() - seen_at < _FRESH


async def _look(world: World, region: str) -> str:
    """Make the smallest look that the observer makes; return why there was no answer."""
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            await world.aws.ec2(region).describe_instances(
                tags={"spawn:deployment": world.deployment}, states=(InstanceState.PENDING,)
            )
    except TimeoutError:
        return f"no answer within {_PATIENCE.total_seconds():.0f} s"
    except Outcome as outcome:
        if outcome.cause is not Cause.THROTTLED:
            return outcome.message
    world.memory.seen[region] = world.clock.now()
    return ""
