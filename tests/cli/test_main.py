"""The command line as a whole: what it imports, how it refuses, what it exits with."""

import asyncio
import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from cli.main import COMMANDS, load_command
from spawn.bus.connection import Bus
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher

HEAVY = ("nats", "aioboto3", "botocore", "opentelemetry", "prometheus_client", "asyncio", "yaml")

LISTING = f"""
import json, sys
sys.argv = ["spawn", "--help"]
from cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code
loaded = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([code, loaded]), file=sys.stderr)
"""


def test_help_imports_no_client_and_no_loop() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stderr) == [0, []]
    assert all(f" {name} " in ran.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_line_that_the_list_of_commands_shows(name: str) -> None:
    shown = load_command(name).get_short_help_str(limit=100)
    assert shown == COMMANDS[name].line


async def test_version(spawn: Spawn, capsys: pytest.CaptureFixture[str]) -> None:
    assert await spawn("--version") == 0
    assert capsys.readouterr().out == f"spawn {version('spawn')}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["lunch"], 2, "Did you mean 'launch'?", id="unknown command"),
        pytest.param(["launch", "--sport"], 2, "No such option: --sport", id="unknown flag"),
        pytest.param(["status"], 2, "Missing argument 'ARRAY'", id="missing argument"),
        pytest.param(["launch"], 2, "give --region, or set AWS_REGION", id="no region"),
        pytest.param(["launch", "--count", "x"], 2, "'--count'", id="count is no number"),
        pytest.param(["launch", "--ttl", "4x"], 2, "--ttl: '4x' is not a", id="no duration"),
        pytest.param(["launch", "--timeout", "x"], 2, "--timeout: 'x'", id="timeout"),
        pytest.param(["launch", "--tag", "k"], 2, "--tag 'k': write it like", id="no tag"),
        pytest.param(["launch", "--user-data", "@/x"], 2, "--user-data /x: No such", id="no file"),
        pytest.param(["launch", "-f", "/x.yaml"], 2, "-f /x.yaml: No such", id="no spec file"),
        pytest.param(
            ["launch", "--region", "us-east-1", "--count", "0"], 3, "--count '0': use", id="count"
        ),
        pytest.param(
            ["launch", "--region", "us-east-1", "--request-id", "a b"],
            3,
            "--request-id 'a b': use 1 to 64",
            id="request id",
        ),
        pytest.param(
            ["launch", "--region", "us-east-1", "--request-id", ""],
            3,
            "--request-id '': use 1 to 64",
            id="empty request id",
        ),
        pytest.param(["logs", "t", "--rank", "0-99999999999"], 2, "--rank: '0-9999", id="ranks"),
        pytest.param(["logs", "t", "--rank", "5-3"], 2, "'5-3' holds no rank", id="no rank"),
        pytest.param(
            ["launch", "--region", "us-east-1", "--name", "Ä b"],
            3,
            "--job-array-name 'Ä b': use 1 to 40",
            id="name",
        ),
        pytest.param(["list"], 5, "`spawn up --sandbox`", id="no control plane"),
        pytest.param(["launch", "--region", "us-east-1"], 5, "`spawn up`", id="nowhere to launch"),
    ],
)
async def test_a_refusal_is_one_sentence_and_a_code(
    spawn: Spawn,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    assert await spawn(*arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err


async def test_a_group_without_a_command_shows_its_help(
    spawn: Spawn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("dns") == 2
    said = capsys.readouterr()
    assert "Usage: spawn dns" in said.out + said.err
    assert said.err.endswith("spawn: see `spawn dns --help`\n")


async def test_a_bus_that_is_gone_is_said_within_the_connect_timeout(
    spawn: Spawn, surroundings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    surroundings.setenv("SPAWN_NATS_URL", "nats://user:hidden@127.0.0.1:1")
    assert await spawn("list") == 5
    err = capsys.readouterr().err
    assert "nats://127.0.0.1:1 can't be reached: nothing listens there" in err
    assert "`spawn up --sandbox`" in err
    assert "hidden" not in err


async def test_a_bus_without_a_deployment_says_what_to_set(
    spawn: Spawn, bus: Bus, on_bus: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch") == 3
    assert "set SPAWN_DEPLOYMENT" in capsys.readouterr().err


async def test_arrays_are_completed_by_name(
    spawn: Spawn, launcher: FakeLauncher, surroundings: pytest.MonkeyPatch
) -> None:
    await spawn("launch", "--name", "training")
    assert await _completed(surroundings, "spawn status trai") == ["training"]


async def test_completion_is_silent_without_a_control_plane(
    surroundings: pytest.MonkeyPatch,
) -> None:
    assert await _completed(surroundings, "spawn status trai") == []


async def test_output_that_can_not_be_written_is_said_in_one_line(
    spawn: Spawn, launcher: FakeLauncher
) -> None:
    assert await spawn("launch", "--name", "web") == 0
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", f"exec {sys.executable} -m cli.main list >/dev/full"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, err) == (
        1,
        b"spawn: the output can't be written: No space left on device\n",
    )


async def _completed(surroundings: pytest.MonkeyPatch, line: str) -> list[str]:
    surroundings.setenv("_SPAWN_COMPLETE", "complete_bash")
    surroundings.setenv("COMP_WORDS", line)
    surroundings.setenv("COMP_CWORD", str(len(line.split()) - 1))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert err == b""
    return out.decode().split()
