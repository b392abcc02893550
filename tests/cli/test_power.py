"""`spawn stop`, `start` and `hibernate` on a real bus."""

import pytest

from spawn.contracts.power import PowerTo
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher

pytestmark = pytest.mark.door


@pytest.mark.parametrize(
    ("verb", "to"),
    [("stop", PowerTo.STOPPED), ("start", PowerTo.RUNNING), ("hibernate", PowerTo.HIBERNATED)],
)
async def test_it_waits_until_machines_are_what_was_asked_for(
    spawn: Spawn,
    launcher: FakeLauncher,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    to: PowerTo,
) -> None:
    await spawn("launch", "--name", "web", "--count", "3")
    capsys.readouterr()
    assert await spawn(verb, "web:0,2") == 0
    assert capsys.readouterr().err == (
        f"ranks 0,2 of web are to be {to}\nranks 0,2 of web are {to}\n"
    )
    (command,) = launcher.powers
    assert (command.to, command.ranks) == (to, "0,2")


async def test_what_is_refused_says_why(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web")
    launcher.refuses = "web is launching"
    assert await spawn("stop", "web") == 3
    assert "web is launching" in capsys.readouterr().err


async def test_what_fell_back_or_was_left_is_a_failure(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web", "--count", "3")
    launcher.settled = {"ranks": "0-1", "fell_back": "1", "left": "2", "reason": "no room"}
    capsys.readouterr()
    assert await spawn("hibernate", "web") == 1
    err = capsys.readouterr().err
    assert "ranks 0 of web are hibernated\n" in err
    assert "ranks 1 fell back to a stop" in err
    assert "ranks 2 are not hibernated: no room" in err


async def test_it_returns_once_it_is_recorded_or_when_it_takes_too_long(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web", "--count", "3")
    launcher.holds = True
    capsys.readouterr()
    assert await spawn("stop", "web", "--no-wait") == 0
    assert capsys.readouterr().err == "ranks 0-2 of web are to be stopped\n"
    assert await spawn("stop", "web", "--timeout", "1s") == 6
    assert "web is not yet stopped" in capsys.readouterr().err


async def test_ranks_that_there_are_not_are_not_asked_for(
    spawn: Spawn, launcher: FakeLauncher
) -> None:
    await spawn("launch", "--name", "web")
    assert await spawn("stop", "web:3") == 4
    assert launcher.powers == []
