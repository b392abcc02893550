"""What a machine boots with: its agent in S3, and the address of the bus."""

from datetime import timedelta

import msgspec

from services.launcher.plan.permissions import grant_request
from services.launcher.ports import Agent, World
from spawn.contracts.arrays import Array, Boot, Placement
from spawn.contracts.grants import API_ENSURE, Grant
from spawn.errors import Conflict, Outcome, Rejected
from spawn.permissions.implied import with_implied
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_URL_LIFE = timedelta(days=7)
"""The longest that a presigned URL may live
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html)."""

_FRESH = timedelta(hours=1)


async def equip(world: World, array: Array, placement: Placement) -> Placement:
    """Return a placement with what its machines boot with, and the profile of their role."""
    boot = await prepare_boot(world, array.region)
    if boot is None and with_implied(array.spec).is_empty:
        # Machines that run nothing prove nothing: they need no role.
        return placement
    profile = await ensure_profile(world, array)
    return msgspec.structs.replace(placement, boot=boot, instance_profile=profile)


async def prepare_boot(world: World, region: str) -> Boot | None:
    """Publish the agent once in a region and say where it is; None when machines run nothing."""
    agent = world.agent
    if agent is None:
        return None
    bucket = f"spawn-{world.deployment}-{await world.aws.account()}-{region}"
    key = f"agent/{agent.sha256}.pyz"
    await _publish(world, agent, region, bucket=bucket, key=key)
    # Signed for each array: what temporary credentials have signed ends with them.
    url = await world.aws.s3(region).presigned_get(bucket, key, expires=_URL_LIFE)
    return Boot(
        agent_url=url,
        agent_sha256=agent.sha256,
        bus_url=agent.bus_url,
        bus_fingerprint=agent.bus_fingerprint,
    )


async def renewed_boot(world: World, array: Array) -> Boot | None:
    """Return what a successor boots with: the address of its agent may have expired.

    None when there is none, or where it can't be had now: then what there was must do.
    """
    if array.placement is None or array.placement.boot is None:
        return None
    try:
        return await prepare_boot(world, array.region)
    except Outcome as outcome:
        _log.warning("the agent's address is not renewed", why=outcome.message)
        return None


async def _publish(world: World, agent: Agent, region: str, *, bucket: str, key: str) -> None:
    """Put the agent where machines fetch it, looked after once an hour."""
    now = world.clock.now()
    fresh_until = world.memory.published_agents.get(region)
    if fresh_until is not None and now < fresh_until:
        return
    s3 = world.aws.s3(region)
    try:
        await s3.ensure_bucket(bucket)
        await s3.put_once(bucket, key, agent.content)
    except Conflict as taken:
        raise Rejected(taken.message, field="SPAWN_DEPLOYMENT", code=taken.code) from taken
    world.memory.published_agents[region] = now + _FRESH


async def ensure_profile(world: World, array: Array, *, again: bool = False) -> str:
    """Return the instance profile of an array's permissions.

    `again` says that EC2 does not know the profile that was named before.
    """
    request = grant_request(array.spec, array_id=array.id, again=again)
    grant = await world.requests.ask(API_ENSURE, request, Grant)
    return grant.profile
