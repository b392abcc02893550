"""`spawn checkpoint` on a real bus, and what a launch says of checkpoints."""

import json

import pytest

from cli.commands.status import explain
from cli.launch_checkpoint import cautions
from cli.reports import report_array
from spawn.contracts.checkpoints import Checkpoint, CheckpointState, OnInterruption
from spawn.contracts.events import CheckpointFinished
from spawn.contracts.grants import Permissions
from spawn.contracts.launches import LaunchSpec
from tests.builders import NOON, an_array, running
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher
from tests.fakes.cli_machines import FakeMachines

pytestmark = pytest.mark.door


async def test_how_each_has_ended_is_shown(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await spawn("launch", "--name", "web", "--count", "3")
    machines.checkpoints = {0: "", 2: "exit code 3"}
    other = CheckpointFinished(rank=1, generation=0, seconds=9.0, request_id="another")
    await launcher.tell(await machines.only(), other)
    capsys.readouterr()
    assert await spawn("checkpoint", "web") == 1
    said = capsys.readouterr()
    assert said.out == "web-0: saved in 1.2 s\n"
    assert "web-2: exit code 3" in said.err
    assert "web-2 | no space\n" in said.err


async def test_as_json_each_is_an_object(
    spawn: Spawn, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    await spawn("launch", "--name", "web", "--count", "3")
    machines.checkpoints = {1: ""}
    capsys.readouterr()
    assert await spawn("checkpoint", "web:1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "rank": 1,
        "state": "finished",
        "seconds": 1.25,
        "reason": "",
    }


async def test_a_rank_that_there_is_not(spawn: Spawn, machines: FakeMachines) -> None:
    await spawn("launch", "--name", "web", "--count", "3")
    assert await spawn("checkpoint", "web:7") == 4


SPOT = LaunchSpec(name="web", region="eu-central-1", spot=True, checkpoint_script="s3://b/s")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param(LaunchSpec(name="web"), (), id="nothing is asked for"),
        pytest.param(SPOT, ("without --checkpoint-uri",), id="saved where nobody looks"),
        pytest.param(
            LaunchSpec(name="web", checkpoint_script="x"), (), id="nobody comes after them"
        ),
        pytest.param(
            LaunchSpec(
                name="web",
                checkpoint_script="x",
                checkpoint_uri="s3://b",
                permissions=Permissions(role="r"),
            ),
            ("--iam-role r",),
            id="a role that exists",
        ),
        pytest.param(
            LaunchSpec(name="web", on_interruption=OnInterruption.HIBERNATE),
            ("--on-interruption hibernate",),
            id="hibernation",
        ),
    ],
)
def test_what_a_launch_is_warned_of(spec: LaunchSpec, said: tuple[str, ...]) -> None:
    found = cautions(spec)
    assert len(found) == len(said)
    assert all(line.startswith(begin) for line, begin in zip(found, said, strict=True))


def test_a_status_says_what_was_not_saved() -> None:
    states = (CheckpointState.FAILED, CheckpointState.WARNED, CheckpointState.FINISHED)
    members = [
        running(
            rank,
            checkpoint=Checkpoint(generation=0, state=state, at=NOON, reason="no\x1b[2J space"),
        )
        for rank, state in enumerate(states)
    ]
    report = report_array(an_array(size=4), members)
    assert [each.checkpoint for each in report.members] == [*states, None]
    assert explain(report) == [
        "training-0: its checkpoint failed: no [2J space",
        "training-1: its checkpoint fails: no [2J space",
    ]
