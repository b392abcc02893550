from datetime import timedelta

import msgspec
import pytest

from services.launcher.apply.boot import ensure_profile, equip, prepare_boot
from services.launcher.ports import Agent
from spawn.contracts.arrays import Placement
from spawn.contracts.grants import API_ENSURE, GrantRequest, Permissions
from spawn.errors import Rejected, Transient
from tests.builders import an_array
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


async def test_the_profile_is_that_of_the_arrays_permissions() -> None:
    fakes = Fakes()
    permissions = Permissions(policies=("s3:ReadOnly",), documents=("{}",))
    spec = msgspec.structs.replace(an_array().spec, permissions=permissions, strict=True)
    array = an_array(spec=spec)
    assert await ensure_profile(fakes.world(), array, again=True) == GRANT.profile
    asked = GrantRequest(
        policies=("s3:ReadOnly",),
        documents=("{}",),
        region=spec.region,
        array_id=array.id,
        strict=True,
        again=True,
    )
    assert fakes.requests.asked == [(API_ENSURE, asked)]


async def test_a_broker_that_does_not_answer_is_waited_for() -> None:
    fakes = Fakes()
    fakes.requests.answers.clear()
    with pytest.raises(Transient):
        await ensure_profile(fakes.world(), an_array())


@pytest.mark.parametrize(
    ("agent", "policies", "profile"),
    [(AGENT, (), GRANT.profile), (None, ("s3:ReadOnly",), GRANT.profile), (None, (), "")],
    ids=["an agent proves itself", "a job is allowed something", "nothing runs: no role"],
)
async def test_machines_that_need_a_role_have_one(
    agent: Agent | None, policies: tuple[str, ...], profile: str
) -> None:
    fakes = Fakes()
    permissions = Permissions(policies=policies)
    array = an_array(spec=msgspec.structs.replace(an_array().spec, permissions=permissions))
    placement = Placement(image_id="ami-1", pools=(), security_group_ids=())
    equipped = await equip(fakes.world(agent=agent), array, placement)
    assert equipped.instance_profile == profile
    assert (equipped.boot is None) == (agent is None)
