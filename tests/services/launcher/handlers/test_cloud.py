"""Records say nothing of a cloud that is silent: whoever asks is told."""

from datetime import timedelta

import pytest

from services.launcher.handlers.cloud import on_cloud
from services.launcher.handlers.sweep import survey_all
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.clouds import API_CLOUD, CloudReport, CloudRequest
from spawn.contracts.ids import ArrayId
from spawn.errors import Cause, NotFound, Transient
from tests.builders import ARRAY_ID, a_member, an_array, lost, running
from tests.fakes.ec2 import REGION
from tests.services.launcher.worlds import Fakes, record, record_member

SILENT = Transient("nothing listens there")


async def ask(world: World, array: ArrayId = ARRAY_ID) -> CloudReport:
    return await on_cloud(Request(body=CloudRequest(array_id=array), subject=API_CLOUD), world)


@pytest.fixture
async def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
async def world(fakes: Fakes) -> World:
    world = fakes.world()
    await record(world, an_array(region=REGION))
    return world


async def test_a_silent_cloud_is_told_with_when_it_last_answered(
    fakes: Fakes, world: World
) -> None:
    await survey_all(world, REGION, act=False)
    seen_at = fakes.clock.now()
    fakes.clock.move(timedelta(seconds=30))
    fakes.aws.ec2(REGION).fail("DescribeInstances", SILENT)
    assert await ask(world) == CloudReport(
        region=REGION, answers=False, seen_at=seen_at, reason="nothing listens there"
    )


async def test_one_that_answers_is_asked_once_for_many_questions(
    fakes: Fakes, world: World
) -> None:
    for _ in range(5):
        assert (await ask(world)).answers
    assert fakes.aws.ec2(REGION).counted["DescribeInstances"] == 1


async def test_one_that_throttles_answers(fakes: Fakes, world: World) -> None:
    fakes.aws.ec2(REGION).fail("DescribeInstances", Transient("slow", cause=Cause.THROTTLED))
    assert (await ask(world)).answers


async def test_instances_that_it_no_longer_lists_are_named(world: World) -> None:
    for member in (running(0), a_member(1), lost(2), running(3)):
        await record_member(world, member)
    assert (await ask(world)).unlisted == "0,3"


async def test_an_array_that_there_is_not_is_not_found(fakes: Fakes, world: World) -> None:
    with pytest.raises(NotFound):
        await ask(world, ArrayId("other-abcdefghijkl"))
    assert not fakes.aws.ec2(REGION).counted
