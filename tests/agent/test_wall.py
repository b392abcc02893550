import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.orders import Assignment, Tell, read_assignment, read_tell
from agent.wall import warn, words
from spawn.bus import codec
from spawn.contracts import assignments
from spawn.contracts.launches import JobSpec
from tests.agent.launcher import an_assignment
from tests.builders import NOON

ASSIGNMENT = read_assignment(codec.encode(an_assignment(JobSpec())))
WARNING = Tell("warned", "", (), 0, until=ASSIGNMENT.lease, left_seconds=300)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file to which this machine's `wall` writes."""
    put_wall(tmp_path, f"exec cat > {tmp_path}/written", monkeypatch)
    return tmp_path / "written"


def put_wall(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "wall"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_who_is_logged_in_is_told(written: Path) -> None:
    asyncio.run(warn(ASSIGNMENT, WARNING))
    assert written.read_text() == f"{words(ASSIGNMENT, WARNING)}\n"


@pytest.mark.parametrize(
    ("assignment", "tell"),
    [
        pytest.param(None, WARNING, id="no assignment yet"),
        pytest.param(replace(ASSIGNMENT, lease="2035-01-01T00:00:00Z"), WARNING, id="its own"),
        pytest.param(ASSIGNMENT, replace(WARNING, until=None), id="no instant"),
    ],
)
def test_a_warning_of_another_lease_is_none(
    written: Path, assignment: Assignment | None, tell: Tell
) -> None:
    asyncio.run(warn(assignment, tell))
    assert not written.exists()


@pytest.mark.parametrize(
    ("action", "seconds", "says"),
    [
        ("terminate", 600, "This machine ends in 10 minutes, at "),
        ("stop", 299, "This machine is stopped in 5 minutes, at "),
        ("hibernate", 38, "This machine hibernates in 38 seconds, at "),
    ],
)
def test_it_is_said_what_happens_and_when(action: str, seconds: int, says: str) -> None:
    assignment = replace(ASSIGNMENT, lease_action=action)
    assert words(assignment, replace(WARNING, left_seconds=seconds)).startswith(says)


async def test_a_terminal_that_hangs_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_wall(tmp_path, "exec sleep 600", monkeypatch)
    await warn(ASSIGNMENT, WARNING, within=timedelta(seconds=0.2))
    assert "it takes too long" in capsys.readouterr().err


async def test_a_machine_without_the_program_says_it_on_its_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    await warn(ASSIGNMENT, WARNING)
    assert words(ASSIGNMENT, WARNING) in capsys.readouterr().err


def test_a_warning_is_read_as_it_was_written() -> None:
    told = assignments.Tell(what="warned", until=NOON, left_seconds=300)
    assert read_tell(codec.encode(told)) == replace(WARNING, until="2026-12-01T12:00:00Z")
