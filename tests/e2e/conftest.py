"""One control plane that the tests of jobs share."""

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.fixtures.control import Plane, plane_in


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def machines_plane(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plane]:
    if sys.platform != "linux":
        pytest.skip("machines that run need Linux")
    async for plane in plane_in(tmp_path_factory.mktemp("machines") / "home"):
        await plane.up()
        yield plane
