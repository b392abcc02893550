"""`spawn peers` and `exec` on a real bus."""

import asyncio
import json
import signal
import sys

import pytest

from spawn.contracts.events import InstanceTerminated
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import InstanceState
from spawn.contracts.reports import ExecOutput
from tests.cli.conftest import Spawn, until_read
from tests.fakes.cli_launcher import NOON, FakeLauncher, instance_of
from tests.fakes.cli_machines import FakeMachines

pytestmark = pytest.mark.door


@pytest.fixture
async def array(
    spawn: Spawn, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> ArrayId:
    """An array of three."""
    await spawn("launch", "--name", "web", "--count", "3")
    capsys.readouterr()
    return await machines.only()


def answer(data: bytes = b"", *, stream: str = "stdout", code: int | None = None) -> ExecOutput:
    return ExecOutput(generation=0, at=NOON, rank=7, stream=stream, data=data, exit_code=code)


@pytest.mark.parametrize("arguments", [("--format", "json"), ("--json",)])
async def test_peers_as_json_are_the_peers_file(
    spawn: Spawn, array: ArrayId, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert await spawn("peers", "web", *arguments) == 0
    peers = json.loads(capsys.readouterr().out)
    assert [peer["index"] for peer in peers] == [0, 1, 2]
    assert peers[1] == {
        "index": 1,
        "instance_id": instance_of(1).id,
        "ip": "10.0.0.2",
        "dns": "",
    }


async def test_peers_on_several_pages_are_one_list(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.page_bytes = 1
    assert await spawn("peers", "web", "--json") == 0
    assert [peer["index"] for peer in json.loads(capsys.readouterr().out)] == [0, 1, 2]


async def test_peers_as_a_hostfile_and_as_variables(
    spawn: Spawn, array: ArrayId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("peers", "web", "--format", "hostfile") == 0
    assert capsys.readouterr().out == "10.0.0.1 slots=2\n10.0.0.2 slots=3\n10.0.0.3 slots=4\n"
    assert await spawn("peers", "web", "--format", "env") == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"export JOB_ARRAY_ID={array}" in lines
    assert "export JOB_ARRAY_SIZE=3" in lines
    assert "export JOB_ARRAY_HOSTS='10.0.0.1 10.0.0.2 10.0.0.3'" in lines
    assert "export MASTER_ADDR=10.0.0.1" in lines
    assert await spawn("peers", "web") == 0
    assert capsys.readouterr().out.splitlines()[0].split() == [
        "RANK",
        "INSTANCE",
        "IP",
        "DNS",
        "SLOTS",
    ]


async def test_peers_that_are_not_complete_are_shown_on_request_only(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.silent = {0}
    assert await spawn("peers", "web", "--format", "hostfile") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 of 3 members of web have said hello" in err
    assert await spawn("peers", "web", "--format", "env", "--partial") == 0
    assert "MASTER_ADDR" not in capsys.readouterr().out


async def test_peers_that_have_ended_are_no_hosts(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.ended = {1}
    assert await spawn("peers", "web", "--format", "hostfile") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["10.0.0.1 slots=2", "10.0.0.3 slots=4"]
    assert err == "ranks 1 of web have ended\n"
    machines.ended = {0, 1, 2}
    assert await spawn("peers", "web", "--format", "hostfile") == 4
    out, err = capsys.readouterr()
    assert (out, "web has no machine any more" in err) == ("", True)


async def test_exec_shows_each_stream_and_exits_0_when_all_did(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.answers = {
        0: [answer(b"up"), answer(b" 3 days\nlast"), answer(b"", code=0)],
        2: [answer(b"ok\n"), answer(b"hm\n", stream="stderr", code=0)],
    }
    assert await spawn("exec", "web:0,2", "--timeout", "2m", "--", "ls", "-l", "--json") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["web-0 | up 3 days", "web-0 | last", "web-2 | ok"]
    assert err == "web-2 | hm\n"
    (asked,) = machines.asked
    assert asked.argv == ("ls", "-l", "--json")
    assert (asked.array_id, asked.ranks, asked.timeout_seconds) == (array, (0, 2), 120)


async def test_exec_exits_1_when_one_did_not(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.answers = {
        0: [answer(code=0)],
        1: [answer(b"no\n", stream="stderr"), answer(code=3)],
        2: [answer(code=137)],
    }
    assert await spawn("exec", "web", "--", "false") == 1
    err = capsys.readouterr().err
    assert err == "web-1 | no\nspawn: web-1 exited with 3; web-2 exited with 137\n"
    assert machines.asked[0].ranks == ()


async def test_exec_as_json_is_a_line_an_object(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.answers = {1: [answer(b"a\n\xff"), answer(code=2)]}
    assert await spawn("exec", "web:1", "--json", "--", "true") == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"rank": 1, "stream": "stdout", "text": "a"},
        {"rank": 1, "stream": "stdout", "text": "\ufffd", "base64": "/w=="},
        {"rank": 1, "exit_code": 2},
    ]


async def test_exec_waits_for_no_machine_that_has_ended(
    spawn: Spawn,
    array: ArrayId,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machines.answers = {0: [answer(code=0)], 1: [answer(b"at work\n")]}
    async with asyncio.TaskGroup() as group:
        executed = group.create_task(spawn("exec", "web:0,1", "--", "sleep"))
        await until_read(capsys, "at work")
        ended = InstanceTerminated(
            rank=1, generation=0, instance=instance_of(1, InstanceState.TERMINATED)
        )
        await launcher.tell(array, ended)
        assert await executed == 1
    assert capsys.readouterr().err == "spawn: web-1 is gone: its machine has ended\n"


async def test_ctrl_c_says_that_what_was_begun_goes_on(
    array: ArrayId, machines: FakeMachines
) -> None:
    machines.answers = {0: [answer(b"at work\n")]}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "exec", "web:0", "--timeout", "2m", "--", "sleep"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"web-0 | at work\n"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, b"goes on, for 2m at most" in err) == (130, True)


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        pytest.param(["web:", "--", "ls"], (2, "name ranks behind the colon"), id="no ranks"),
        pytest.param(["web:a", "--", "ls"], (2, "'a' is not a set of ranks"), id="odd ranks"),
        pytest.param(["web:3", "--", "ls"], (4, "web has ranks 0-2, and no 3"), id="no rank"),
        pytest.param(["web", "--timeout", "2h", "--", "ls"], (2, "use 1h at most"), id="too long"),
        pytest.param(["web"], (2, "Missing argument"), id="no command"),
        pytest.param(["web:1", "--", "ls"], (3, "no machine answers there"), id="silent"),
    ],
)
async def test_what_can_t_be_run_is_said(
    spawn: Spawn,
    array: ArrayId,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    ends: tuple[int, str],
) -> None:
    machines.silent = {1}
    code, message = ends
    assert await spawn("exec", *arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
