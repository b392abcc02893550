"""The greeter hosted in this process, on a real nats-server."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession

from spawn.clock import SystemClock
from spawn.runtime.http import Running
from spawn.runtime.run import host
from tests.fixtures.nats import NatsServer, bus, nats_server
from tests.spawn.runtime.greeter import World, service

__all__ = ["bus", "nats_server"]

CLOCK = SystemClock()
_POLL = timedelta(milliseconds=10)


@dataclass
class Process:
    """A process' worlds, its end, and what it says over HTTP."""

    run_file: Path
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    worlds: list[World] = field(default_factory=list[World])
    code: int = -1

    @property
    def world(self) -> World:
        return self.worlds[-1]

    def running(self) -> Running:
        return msgspec.json.decode(self.run_file.read_bytes(), type=Running)

    async def ask(self, path: str) -> tuple[int, str]:
        url = self.running().ready_url.removesuffix("/readyz")
        async with ClientSession() as session, session.get(url + path) as answer:
            return answer.status, await answer.text()

    async def until_ready(self, *, ready: bool = True) -> str:
        """Wait until `/readyz` says so; return its body."""
        async with asyncio.timeout(30):
            while not self.run_file.exists():
                await CLOCK.sleep(_POLL)
            while True:
                status, body = await self.ask("/readyz")
                if (status == 200) is ready:
                    return body
                await CLOCK.sleep(_POLL)


Hosting = Callable[..., AbstractAsyncContextManager[Process]]


@pytest.fixture
def hosting(nats_server: NatsServer, tmp_path: Path) -> Hosting:
    """Host the greeter for the length of a block, then stop it and keep its exit code."""

    @asynccontextmanager
    async def hosted(
        *, failing_opens: int = 0, failure: Exception | None = None, **env: str
    ) -> AsyncGenerator[Process]:
        process = Process(tmp_path / "run.json")
        variables = {
            "SPAWN_NATS_URL": nats_server.url,
            "SPAWN_RUN_FILE": str(process.run_file),
            **env,
        }
        services = (service(process.worlds, failing_opens=failing_opens, failure=failure),)

        async def work() -> None:
            process.code = await host(services, clock=CLOCK, stop=process.stop, env=variables)

        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            yield process
            process.stop.set()

    return hosted
