"""The bus with its doors, the IAM broker and the laptop cloud, all of them real."""

from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.iam_broker.service import SERVICE
from spawn.runtime.home import Home
from tests.fixtures.doors import QUICK, Doors, opened_doors
from tests.fixtures.hosting import hosted
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

    def hosting(_: Home, env: Mapping[str, str]) -> AbstractAsyncContextManager[None]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return hosted(SERVICE)

    async with opened_doors(tmp_path, sts_cloud, hosting) as doors:
        yield doors
