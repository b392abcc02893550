"""`spawn launch --follow`, `wait --for finished` and what `status` and `list` say of a job."""

import asyncio
import json
import signal
import sys

import pytest

from tests.cli.conftest import Spawn, until_read
from tests.fakes.cli_launcher import FakeLauncher, array_of
from tests.fakes.cli_machines import FakeMachines
from tests.fixtures.nats import NatsServer

pytestmark = pytest.mark.door

JOB = ("--name", "web", "--command", "echo $JOB_ARRAY_INDEX")
TAIL = "\n".join(f"line {number}" for number in range(20))


async def test_a_job_is_followed_to_its_end(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(spawn("launch", *JOB, "--count", "8", "--follow"))
        out, err = await until_read(capsys, "array.ready")
        array = await machines.only()
        for rank in range(8):
            await machines.machine(array, rank).print(b"rank %d of 8\n" % rank)
        await machines.finish(array, dict.fromkeys(range(8), 0))
        assert await launched == 0
    last = capsys.readouterr()
    lines = (out + last.out).splitlines()
    assert sorted(lines) == [f"web-{rank} | rank {rank} of 8" for rank in range(8)]
    assert "array.finished  succeeded" in err + last.err
    assert last.err.endswith("web succeeded: 8 of 8 exited with 0\n")


async def test_a_job_that_failed_exits_1_with_ranks_codes_and_the_end_of_the_output(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(
            spawn("launch", *JOB, "--count", "2", "--follow", "--on-complete", "none")
        )
        _, err = await until_read(capsys, "array.ready")
        await machines.finish(await machines.only(), {0: 0, 1: 3}, tail=TAIL)
        assert await launched == 1
    err += capsys.readouterr().err
    assert "/1  member.exited  exited with 3" in err
    shown = "".join(f"  line {number}\n" for number in range(10, 20))
    assert f"web-1 ended with:\n{shown}" in err
    assert err.endswith(
        "spawn: web failed on ranks 1: web-1 exited with 3; its machines run on until"
        " 2026-12-01 20:00:00 UTC, end them now with: spawn terminate web\n"
    )
    assert await spawn("wait", "web", "--for", "finished") == 1
    assert "web failed on ranks 1: web-1 exited with 3" in capsys.readouterr().err


async def test_a_refused_launch_shows_no_output_of_who_had_its_request_id(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await spawn("launch", *JOB, "--request-id", "one", "--no-wait") == 0
    array = await machines.only()
    await machines.machine(array, 0).print(b"of the first\n")
    capsys.readouterr()
    other = ("launch", *JOB, "--request-id", "one", "--count", "2")
    assert (await spawn(*other), await spawn(*other, "--follow")) == (3, 3)
    out, err = capsys.readouterr()
    assert err.count("this request made it with another") == 2
    assert "of the first" not in out + err


async def test_json_of_a_followed_launch_is_its_output_and_then_its_report(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(spawn("launch", *JOB, "--follow", "--json"))
        out, _ = await until_read(capsys, "array.ready")
        array = await machines.only()
        await machines.machine(array, 0).print(b"hello\n")
        await machines.finish(array, {0: 0})
        assert await launched == 0
    line, report = map(json.loads, (out + capsys.readouterr().out).splitlines())
    assert (line["rank"], line["text"]) == (0, "hello")
    assert (report["state"], report["succeeded"]) == ("finished", True)
    assert report["members"][0]["exit_code"] == 0


async def test_an_array_that_is_ended_meanwhile_exits_1_with_the_reason(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    launcher.holds = True
    launched_as = ("launch", *JOB, "--follow")
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(spawn(*launched_as))
        await until_read(capsys, "array.accepted")
        launcher.holds = False
        waiting = group.create_task(spawn("wait", "web", "--for", "finished"))
        await spawn("terminate", "web", "--yes")
        assert (await launched, await waiting) == (1, 1)
    assert "web is terminated" in capsys.readouterr().err


async def test_a_launch_that_failed_is_not_blamed_on_its_job(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    launcher.fails = "no pool has capacity"
    assert await spawn("launch", *JOB, "--follow") == 1
    err = capsys.readouterr().err
    assert "web is failed" in err
    assert "on ranks" not in err


async def test_the_first_lines_are_shown_while_the_array_is_made(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    launcher.holds = True
    async with asyncio.TaskGroup() as group:
        launched = group.create_task(spawn("launch", *JOB))
        _, err = await until_read(capsys, "array.accepted")
        array = await machines.only()
        await machines.machine(array, 0).print(b"".join(b"%d\n" % n for n in range(30)))
        _, more = await until_read(capsys, "more output follows")
        (launch,) = launcher.launches
        await launcher.ready(array_of(launch))
        assert await launched == 0
    out, last = capsys.readouterr()
    assert (err + more + last).count("web-0 | ") == 20
    assert "web-0 | 19\n" in err + more
    assert "spawn logs web -f" in more
    assert out.startswith("web: 1 of 1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--follow"], "--follow: there is no job to follow", id="no job"),
        pytest.param([*JOB, "--follow", "--no-wait"], "--no-wait contradict", id="no wait"),
        pytest.param([*JOB, "--keep", "--on-complete", "stop"], "--keep and --on-comp", id="keep"),
        pytest.param([*JOB, "--env", "=x"], "--env '=x': write it like", id="env"),
        pytest.param([*JOB, "--env-compat", "pbs"], "--env-compat 'pbs': use slurm", id="compat"),
        pytest.param(["--retries", "2"], "--retries: there is no --command", id="retries"),
        pytest.param([*JOB, "--max-runtime", "x"], "--max-runtime: 'x'", id="max runtime"),
    ],
)
async def test_what_contradicts_itself_is_refused(
    spawn: Spawn,
    launcher: FakeLauncher,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert await spawn("launch", *arguments) == 2
    assert message in capsys.readouterr().err
    assert launcher.launches == []


async def test_status_and_list_say_how_a_job_ended(
    spawn: Spawn,
    launcher: FakeLauncher,
    machines: FakeMachines,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await spawn("launch", *JOB, "--count", "3")
    array = await machines.only()
    await machines.exit(array, 0, 3, tail="boom\n")
    await machines.lose(array, 2)
    capsys.readouterr()
    assert await spawn("status", "web") == 0
    assert " ready (failed: ranks 0,2)" in capsys.readouterr().out
    await machines.finish(array, {1: 0})
    assert await spawn("status", "web") == 0
    out = capsys.readouterr().out
    assert f"web ({array}) finished (failed: ranks 0,2)\n" in out
    assert out.splitlines()[3].split()[-1] == "EXIT"
    assert [line.split()[-1] for line in out.splitlines()[4:7]] == ["3", "0", "-"]
    assert out.endswith("web-0 ended with:\n  boom\nweb-2: spot capacity\n")
    assert await spawn("list") == 0
    assert "finished (failed: ranks 0,2)" in capsys.readouterr().out
    assert await spawn("status", "web", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["succeeded"], report["failed_ranks"]) == (False, "0,2")
    assert report["members"][0]["tail"] == "boom"


async def test_ctrl_c_leaves_a_followed_job_alone(
    launcher: FakeLauncher, machines: FakeMachines, nats_server: NatsServer
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "launch", *JOB, "--follow"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(30):
        await launcher.accepted.wait()
        await machines.machine(await machines.only(), 0).print(b"hello\n")
        assert await process.stdout.readline() == b"web-0 | hello\n"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"spawn logs web-" in err
    assert b"spawn terminate web-" in err
    assert launcher.terminations == []
