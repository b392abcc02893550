from datetime import timedelta

import pytest

from services.launcher.apply.boot import ensure_profile, prepare_boot
from spawn.contracts.grants import API_ENSURE, GrantRequest
from spawn.errors import Rejected, Transient
from tests.fakes.aws import ACCOUNT, FakeS3
from tests.fakes.ec2 import REGION
from tests.services.launcher.worlds import AGENT, CONTENT, GRANT, Fakes

BUCKET = f"spawn-test-{ACCOUNT}-{REGION}"
KEY = f"agent/{AGENT.sha256}.pyz"


def s3_of(fakes: Fakes, region: str = REGION) -> FakeS3:
    return fakes.aws.s3(region)


async def test_machines_fetch_the_agent_from_a_bucket_of_the_deployment_and_region() -> None:
    fakes = Fakes()
    boot = await prepare_boot(fakes.world(), REGION)
    assert boot is not None
    assert s3_of(fakes).buckets == {BUCKET: {KEY: CONTENT}}
    assert boot.agent_url.startswith(f"https://{BUCKET}.s3.{REGION}.amazonaws.com/{KEY}?")
    assert f"X-Amz-Expires={timedelta(days=7).total_seconds():.0f}" in boot.agent_url
    assert (boot.agent_sha256, boot.bus_url, boot.bus_fingerprint) == (
        AGENT.sha256,
        AGENT.bus_url,
        AGENT.bus_fingerprint,
    )


async def test_the_agent_is_published_once_whoever_launches() -> None:
    fakes = Fakes()
    for world in (fakes.world("a"), fakes.world("b")):
        for _ in range(3):
            await prepare_boot(world, REGION)
    counted = s3_of(fakes).counted
    assert (counted["CreateBucket"], counted["PutObject"]) == (1, 1)
    # Each of the two looked once.
    assert (counted["HeadBucket"], counted["HeadObject"]) == (2, 2)


async def test_an_agent_that_somebody_deletes_is_published_again_in_time() -> None:
    fakes = Fakes()
    world = fakes.world()
    await prepare_boot(world, REGION)
    s3_of(fakes).buckets.clear()
    await fakes.clock.advance(timedelta(hours=1))
    await prepare_boot(world, REGION)
    assert s3_of(fakes).buckets == {BUCKET: {KEY: CONTENT}}


async def test_each_region_has_a_bucket_of_its_own() -> None:
    fakes = Fakes()
    world = fakes.world()
    await prepare_boot(world, REGION)
    await prepare_boot(world, "eu-west-1")
    assert set(s3_of(fakes, "eu-west-1").buckets) == {f"spawn-test-{ACCOUNT}-eu-west-1"}


async def test_a_bucket_that_another_account_has_rules_the_launch_out() -> None:
    fakes = Fakes()
    s3_of(fakes).taken.add(BUCKET)
    with pytest.raises(Rejected, match="taken"):
        await prepare_boot(fakes.world(), REGION)


async def test_without_an_agent_nothing_is_published() -> None:
    fakes = Fakes()
    assert await prepare_boot(fakes.world(agent=None), REGION) is None
    assert s3_of(fakes).counted.total() == 0


async def test_the_profile_is_that_of_the_empty_grant() -> None:
    fakes = Fakes()
    assert await ensure_profile(fakes.world()) == GRANT.profile
    assert fakes.requests.asked == [(API_ENSURE, GrantRequest())]


async def test_a_broker_that_does_not_answer_is_waited_for() -> None:
    fakes = Fakes()
    fakes.requests.answers.clear()
    with pytest.raises(Transient):
        await ensure_profile(fakes.world())
