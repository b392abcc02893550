"""What a machine boots with: its agent in S3, and the address of the bus."""

from datetime import timedelta

from services.launcher.ports import World
from spawn.contracts.arrays import Boot
from spawn.contracts.grants import API_ENSURE, Grant, GrantRequest

_URL_LIFE = timedelta(days=7)
"""The longest that a presigned URL may live
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html)."""

_FRESH = timedelta(days=1)


async def prepare_boot(world: World, region: str) -> Boot | None:
    """Publish the agent once in a region and say where it is; None when machines run nothing."""
    agent = world.agent
    if agent is None:
        return None
    now = world.clock.now()
    known = world.memory.boots.get(region)
    if known is not None and now < known[0]:
        return known[1]
    s3 = world.aws.s3(region)
    bucket = f"spawn-{world.deployment}-{await world.aws.account()}-{region}"
    key = f"agent/{agent.sha256}.pyz"
    await s3.ensure_bucket(bucket)
    await s3.put_once(bucket, key, agent.content)
    boot = Boot(
        agent_url=await s3.presigned_get(bucket, key, expires=_URL_LIFE),
        agent_sha256=agent.sha256,
        bus_url=agent.bus_url,
        bus_fingerprint=agent.bus_fingerprint,
    )
    world.memory.boots[region] = (now + _FRESH, boot)
    return boot


async def ensure_profile(world: World) -> str:
    """Return the instance profile of the deployment's empty grant."""
    grant = await world.requests.ask(API_ENSURE, GrantRequest(), Grant)
    return grant.profile
