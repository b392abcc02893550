"""The host as a process: found by name, ended by signals."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from spawn.runtime.http import Running
from tests.fixtures.nats import NatsServer, nats_server

__all__ = ["nats_server"]

pytestmark = [pytest.mark.door]

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from spawn.runtime.run import run
from tests.spawn.runtime.greeter import service
sys.exit(run(service([])))
"""


async def start(*arguments: str, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def lines(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, object]]:
    assert process.stderr is not None
    async for line in process.stderr:
        yield msgspec.json.decode(line, type=dict[str, object])


async def until_open(process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30):
        async for line in lines(process):
            if line["event"] == "service open":
                assert line["service"] == "greeter"
                return
    raise AssertionError("the process has ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_in_order(
    nats_server: NatsServer, tmp_path: Path, number: signal.Signals
) -> None:
    run_file = tmp_path / "run.json"
    process = await start(
        "-c", PROGRAM, SPAWN_NATS_URL=nats_server.url, SPAWN_RUN_FILE=str(run_file)
    )
    await until_open(process)
    running = msgspec.json.decode(run_file.read_bytes(), type=Running)
    assert running.pid == process.pid
    assert running.name == "greeter"
    assert run_file.stat().st_mode & 0o777 == 0o600
    process.send_signal(number)
    async with asyncio.timeout(30):
        await process.communicate()
    assert process.returncode == 0


async def test_an_unknown_service_is_named_with_those_that_are_known() -> None:
    process = await start("-m", "spawn.runtime.host", "launcher", "nobody")
    async with asyncio.timeout(30):
        _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"nobody" in stderr
    assert b"launcher" in stderr


async def test_no_service_is_no_use() -> None:
    process = await start("-m", "spawn.runtime.host")
    async with asyncio.timeout(30):
        await process.communicate()
    assert process.returncode == 2


async def test_a_wrong_setting_ends_the_process_with_2_and_names_it() -> None:
    process = await start("-c", PROGRAM, SPAWN_HTTP_PORT="many")
    async with asyncio.timeout(30):
        _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"SPAWN_HTTP_PORT" in stderr
