"""`spawn launch` from flags to exit code, on a real bus."""

import asyncio
import json
import signal
import sys
from datetime import timedelta

import pytest

from spawn.bus.connection import Bus
from spawn.clock import SystemClock
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import DEPLOYMENT, FakeLauncher, array_of
from tests.fixtures.nats import NatsServer

pytestmark = pytest.mark.door


async def said(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Return once a command has written this."""
    seen = ""
    async with asyncio.timeout(20):
        while text not in seen:
            seen += capsys.readouterr().err
            await SystemClock().sleep(timedelta(milliseconds=20))


async def test_launch_ends_when_every_member_runs(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--count", "3", "--name", "web") == 0
    out, err = capsys.readouterr()
    assert out.startswith("web: 3 of 3 (on-demand t3.medium) run in us-east-1 after")
    assert "$/h unknown" in out
    assert "until 2026-12-01 20:00:00 UTC" in out
    assert out.endswith("spawn terminate web\n")
    assert "array.accepted  3 members" in err
    assert "on-demand t3.medium (us-east-1a): first" in err


async def test_json_is_one_object_on_stdout_with_calls_and_time(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--count", "2", "--name", "web", "--json") == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert [member["rank"] for member in report["members"]] == [0, 1]
    assert report["state"] == "ready"
    assert report["ready"] == report["size"] == 2
    assert report["api_calls"] == {"RunInstances": 1, "DescribeInstances": 2}
    assert report["elapsed_seconds"] > 0
    assert "spawn terminate web" in err


async def test_a_name_is_made_up_from_the_request_id(spawn: Spawn, launcher: FakeLauncher) -> None:
    assert await spawn("launch", "--request-id", "r1") == 0
    assert await spawn("launch", "--request-id", "r1") == 0
    (only,) = launcher.launches
    assert only.spec.name.count("-") == 2


async def test_the_same_request_with_another_spec_is_rejected(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--request-id", "r1", "--name", "web") == 0
    assert await spawn("launch", "--request-id", "r1", "--name", "web", "--count", "2") == 3
    assert "--count: this request made it with another" in capsys.readouterr().err


async def test_a_rejection_of_an_earlier_try_is_not_believed(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.taken = "name='web': another has it"
    assert await spawn("launch", "--request-id", "r1", "--name", "web") == 3
    assert "spawn: --job-array-name 'web': another has it" in capsys.readouterr().err
    launcher.taken = ""
    assert await spawn("launch", "--request-id", "r1", "--name", "web") == 0


async def test_an_array_that_is_rejected_after_it_was_accepted_exits_3_each_time(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.refuses = "ami='ami-00000000': us-east-1 has no such image"
    for _ in range(2):
        assert await spawn("launch", "--request-id", "r1", "--name", "web") == 3
        assert "us-east-1 has no such image" in capsys.readouterr().err
    assert len(launcher.launches) == 1


async def test_a_launch_that_failed_exits_1_with_each_pool_and_its_error(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.fails = "no pool has capacity"
    assert await spawn("launch", "--name", "web", "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["state"] == "failed"
    assert "on-demand t3.medium us-east-1a: InsufficientInstanceCapacity" in err
    assert err.endswith("spawn: web failed: no pool has capacity\n")


async def test_a_timeout_exits_6_and_says_that_the_array_goes_on(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.holds = True
    assert await spawn("launch", "--name", "web", "--timeout", "1s") == 6
    err = capsys.readouterr().err
    assert " and goes on; follow it with: spawn events web-" in err
    assert "spawn terminate web-" in err


async def test_no_wait_returns_once_the_array_is_accepted(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.holds = True
    assert await spawn("launch", "--name", "web", "--count", "4", "--no-wait") == 0
    assert "web: 4 of 4 wait to run" in capsys.readouterr().out


async def test_without_a_launcher_the_request_is_stored_and_said_to_be(
    spawn: Spawn,
    bus: Bus,
    on_bus: None,
    capsys: pytest.CaptureFixture[str],
    surroundings: pytest.MonkeyPatch,
) -> None:
    surroundings.setenv("SPAWN_DEPLOYMENT", DEPLOYMENT)
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(spawn("launch", "--name", "web", "--timeout", "30s"))
        await said(capsys, "no launcher is running: the request is stored")
        async with FakeLauncher(bus).running():
            assert await launched == 0


@pytest.mark.fault
async def test_a_launch_is_followed_across_a_restart_of_the_bus(
    spawn: Spawn, launcher: FakeLauncher, nats_server: NatsServer
) -> None:
    launcher.holds = True
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(spawn("launch", "--name", "web", "--count", "2"))
        await launcher.accepted.wait()
        await nats_server.restart()
        (launch,) = launcher.launches
        await launcher.ready(array_of(launch))
        assert await launched == 0


async def test_zero_members_suffice_for_nothing(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--name", "web", "--count", "2", "--min-count", "0") == 3
    assert "--min-count '0': use 1" in capsys.readouterr().err
    assert launcher.launches == []


async def test_dry_run_shows_the_plan_and_launches_nothing(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--name", "web", "--count", "8", "--dry-run") == 0
    out = capsys.readouterr().out
    assert "web: 8 members, 8 at least, in us-east-1" in out
    assert "1     0-7    on-demand t3.medium us-east-1a" in out
    assert "calls: 1 RunInstances" in out
    assert launcher.launches == []


async def test_dry_run_says_how_long_ec2s_rate_holds_a_large_launch_up(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--name", "web", "--count", "5000", "--dry-run") == 0
    assert "calls: 1 RunInstances, 33m20s at EC2's rate" in capsys.readouterr().out
    assert launcher.launches == []


async def test_dry_run_as_json_is_the_plan(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--name", "web", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["chunks"][0]["ranks"] == "0-0"


async def test_ctrl_c_detaches_and_says_how_to_follow_and_to_end(
    launcher: FakeLauncher, nats_server: NatsServer
) -> None:
    launcher.holds = True
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli.main",
        "launch",
        "--name",
        "web",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    said = await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, rest = await process.communicate()
    assert process.returncode == 130
    assert b"array.accepted" in said
    assert out == b""
    assert b"detached: web-" in rest
    assert b"spawn events web-" in rest
    assert b"spawn terminate web-" in rest
    assert b"Traceback" not in rest
