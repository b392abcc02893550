"""`spawn terminate`, `wait` and `gc` on a real bus."""

import asyncio
import json

import pytest

from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher, array_of

pytestmark = pytest.mark.door


async def test_terminate_waits_until_nothing_is_left(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web", "--count", "2")
    capsys.readouterr()
    assert await spawn("terminate", "web", "--yes") == 0
    err = capsys.readouterr().err
    assert "2 exited" in err
    assert err.endswith("web is terminated: nothing of it is left\n")
    (command,) = launcher.terminations
    assert command.array_id.startswith("web-")


async def test_terminate_of_what_has_ended_sends_nothing(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web")
    await spawn("terminate", "web")
    capsys.readouterr()
    assert await spawn("terminate", "web") == 0
    assert capsys.readouterr().err.endswith("is terminated already\n")
    assert len(launcher.terminations) == 1


async def test_terminate_that_takes_too_long_names_what_is_left(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web", "--count", "7")
    launcher.holds = True
    assert await spawn("terminate", "web", "--timeout", "1s") == 6
    assert (
        "7 instances left: i-00000000000000000, i-00000000000000001, i-00000000000000002,"
        " i-00000000000000003, i-00000000000000004 and 2 more"
    ) in capsys.readouterr().err


async def test_terminate_without_waiting_returns_at_once(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web")
    launcher.holds = True
    assert await spawn("terminate", "web", "--no-wait") == 0
    assert capsys.readouterr().err.endswith("web is being terminated\n")


async def test_wait_returns_when_the_array_is_ready_and_when_it_is_gone(
    spawn: Spawn, launcher: FakeLauncher
) -> None:
    await spawn("launch", "--name", "web")
    assert await spawn("wait", "web") == 0
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(spawn("wait", "web", "--for", "terminated"))
        await spawn("terminate", "web")
        assert await waiting == 0


async def test_wait_for_a_failed_array_exits_1(spawn: Spawn, launcher: FakeLauncher) -> None:
    launcher.fails = "no capacity"
    await spawn("launch", "--name", "web")
    assert await spawn("wait", "web", "--for", "ready") == 1
    assert await spawn("wait", "web", "--for", "terminated") == 0


async def test_wait_for_an_array_that_is_rejected_meanwhile_exits_1(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.holds = True
    await spawn("launch", "--name", "web", "--no-wait")
    launcher.refuses = "no such image"
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(spawn("wait", "web"))
        (launch,) = launcher.launches
        await launcher.refuse(array_of(launch))
        assert await waiting == 1
    assert "web rejected: no such image" in capsys.readouterr().err


async def test_wait_gives_up_after_its_timeout(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.holds = True
    await spawn("launch", "--name", "web", "--no-wait")
    assert await spawn("wait", "web", "--timeout", "1s") == 6
    assert "--timeout is over: web is accepted" in capsys.readouterr().err


async def test_gc_shows_findings_and_acts_unless_told_not_to(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("gc", "--dry-run") == 0
    shown = capsys.readouterr()
    assert "i-0123abcd  us-east-1  gone-abcdefghijkl  end" in shown.out
    assert shown.err == ""
    assert await spawn("gc", "--yes") == 0
    assert "1 ended, 0 adopted" in capsys.readouterr().err
    assert await spawn("gc", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["acted"] is False
