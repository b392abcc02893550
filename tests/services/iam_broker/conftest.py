"""The bus with its doors, the IAM broker and the laptop cloud, all of them real."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.iam_broker.service import SERVICE
from spawn.runtime.home import Home
from spawn.runtime.run import host
from tests.fixtures.doors import CLOCK, QUICK, Doors, opened_doors
from tests.fixtures.sandbox import RunningSandbox, running_sandbox


@pytest.fixture(scope="session")
def sts_cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A laptop cloud for all tests of the doors; its STS checks signatures."""
    with running_sandbox(tmp_path_factory.mktemp("sts"), QUICK) as cloud:
        yield cloud


@pytest.fixture
async def doors(
    tmp_path: Path, sts_cloud: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Doors]:
    """The doors, with the broker in this process."""

    @asynccontextmanager
    async def hosted(_: Home, env: Mapping[str, str]) -> AsyncGenerator[None]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            hosting = group.create_task(host((SERVICE,), clock=CLOCK, stop=stop))
            try:
                yield
            finally:
                stop.set()
                assert await hosting == 0

    async with opened_doors(tmp_path, sts_cloud, hosted) as doors:
        yield doors
