"""Machines that are stopped and started again, by the real command on the laptop cloud."""

import pytest

from tests.fixtures.control import Plane
from tests.fixtures.jobs import begin, finished, members, output, status

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_machine_comes_back_with_its_disk_and_without_its_command(
    machines_plane: Plane,
) -> None:
    plane = machines_plane
    command = 'touch "$SPAWN_ROOT/begun"; echo begun; sleep 600'
    await begin(plane, "pause", command, "--ttl", "1h")
    (member,) = await members(plane, "pause")
    await plane.until((member.root / "begun").exists)
    refused = await plane.run("hibernate", "pause", "--yes")
    assert (refused.code, "--hibernate" in refused.err) == (3, True)
    stopped = await plane.run("stop", "pause", "--yes")
    assert stopped.code == 0, stopped.err
    array = await status(plane, "pause")
    assert (array["stopped_ranks"], array["members"][0]["power"]) == ("0", "stopped")
    assert "stopped" in (await plane.run("list")).out
    started = await plane.run("start", "pause")
    assert started.code == 0, started.err
    assert (await finished(plane, "pause")).code == 1
    array = await status(plane, "pause")
    assert (array["state"], array["members"][0]["exit_code"]) == ("finished", 143)
    assert array["members"][0]["power"] is None
    assert (member.root / "begun").exists()
    assert (await output(plane, "pause", 0)).count(b"begun") == 1
    assert (len(member.boots()), member.offs()) == (2, [])
    assert (await plane.run("terminate", "pause", "--yes")).code == 0
