"""The command line run in this process, against a real bus with a launcher of tests on it."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from spawn.bus.connection import Bus
from spawn.clock import SystemClock
from tests.fakes.cli_launcher import FakeLauncher
from tests.fakes.cli_machines import FakeMachines
from tests.fixtures.nats import NatsServer, bus, nats_server

__all__ = ["bus", "nats_server"]

Spawn = Callable[..., Coroutine[Any, Any, int]]


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Nothing of this machine's own control plane or AWS account is seen."""
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "SPAWN_NATS_URL", "SPAWN_NATS_CREDS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("SPAWN_DEPLOYMENT", raising=False)
    monkeypatch.setenv("SPAWN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    handlers = logging.getLogger().handlers
    yield monkeypatch
    logging.getLogger().handlers = handlers
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def spawn(surroundings: pytest.MonkeyPatch) -> Spawn:
    """Run `spawn` with these arguments in a thread of its own; return the exit code."""

    def run(arguments: tuple[str, ...]) -> int:
        surroundings.setattr(sys, "argv", ["spawn", *arguments])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    async def call(*arguments: str) -> int:
        return await asyncio.to_thread(run, arguments)

    return call


@pytest.fixture
def on_bus(surroundings: pytest.MonkeyPatch, nats_server: NatsServer) -> None:
    """The bus of the test is the one that commands find."""
    surroundings.setenv("SPAWN_NATS_URL", nats_server.url)
    surroundings.setenv("AWS_REGION", "us-east-1")


@pytest.fixture
async def launcher(bus: Bus, on_bus: None) -> AsyncIterator[FakeLauncher]:
    async with FakeLauncher(bus).running() as running:
        yield running


@pytest.fixture
async def machines(bus: Bus, launcher: FakeLauncher) -> AsyncIterator[FakeMachines]:
    async with FakeMachines(bus, launcher).running() as running:
        yield running


async def until_read(capsys: pytest.CaptureFixture[str], text: str) -> tuple[str, str]:
    """Return what a command has written, on stdout and stderr, once this is in it."""
    out, err = "", ""
    async with asyncio.timeout(20):
        while text not in out + err:
            more = capsys.readouterr()
            out, err = out + more.out, err + more.err
            await SystemClock().sleep(timedelta(milliseconds=20))
    return out, err
