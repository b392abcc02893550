"""Spot machines that are taken away while they work, and the successors that go on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from spawn.contracts.ids import ArrayId
from tests.fixtures.control import Plane, plane_in
from tests.fixtures.jobs import begin, finished, output, status
from tests.fixtures.runs import told_of

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.fault,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),  # machines boot twice, on a machine that may be slow
]

JOB = """echo "generation $SPAWN_GENERATION restart $SPAWN_RESTART_COUNT"
until [ -e "$SPAWN_ROOT/go" ] || [ "$SPAWN_RESTART_COUNT" = 1 ]; do sleep 0.1; done
"""
SAVE = "sleep 0.2; echo saved"
SPOT = ("--spot", "--on-interruption", "checkpoint", "--checkpoint-script", SAVE)
WITHIN = timedelta(seconds=90)
_POLL = timedelta(seconds=1)
"""Each look reads two streams from their beginning."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plane(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path_factory.mktemp("spot") / "home"):
        await plane.up()
        yield plane


async def until_noticed(plane: Plane, array_id: ArrayId, rank: int) -> None:
    async with asyncio.timeout(WITHIN.total_seconds()):
        while not (await told_of(plane, array_id)).named("notice.interruption", rank):
            await plane.clock.sleep(_POLL)


async def until_running(plane: Plane, array_id: ArrayId, count: int) -> None:
    async with asyncio.timeout(WITHIN.total_seconds()):
        while len((await told_of(plane, array_id)).runs) < count:
            await plane.clock.sleep(_POLL)


async def test_what_is_lost_is_replaced_once_though_all_services_are_killed_meanwhile(
    plane: Plane,
) -> None:
    await begin(plane, "lossy", JOB, *SPOT, count=3)
    before = await status(plane, "lossy")
    array_id = ArrayId(before["array_id"])
    await until_running(plane, array_id, 3)

    taken = await plane.run("sandbox", "interrupt", "lossy:1", "--in", "30s")
    assert taken.code == 0, taken.err
    await until_noticed(plane, array_id, 1)
    services = plane.child("services")
    plane.kill(services.process)
    await plane.restarted(services)

    await until_running(plane, array_id, 4)
    for member in before["members"]:
        if member["rank"] != 1:
            folder = plane.home.sandbox / "machines" / member["instance_id"]
            (folder / "root" / "go").touch()
    ended = await finished(plane, "lossy")
    assert ended.code == 0, ended.err

    told = await told_of(plane, array_id)
    assert len(told.named("member.replaced", 1)) == 1
    assert len(told.named("checkpoint.finished", 1)) == 1
    assert [run.generation for run in told.runs if run.rank == 1] == [0, 1]
    assert sorted(run.rank for run in told.runs) == [0, 1, 1, 2]
    after = await status(plane, "lossy")
    assert [each["generation"] for each in after["members"]] == [0, 1, 0]
    said = (await output(plane, "lossy", 1)).decode().splitlines()
    assert said[0] == "generation 0 restart 0"
    assert said[-1] == "generation 1 restart 1"
