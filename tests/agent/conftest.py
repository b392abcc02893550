"""A machine on a real nats-server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.agent.machine import Machine, a_machine
from tests.fixtures.nats import NatsServer, bus, nats_server

__all__ = ["bus", "nats_server"]


@pytest.fixture
async def machine(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Machine]:
    async with a_machine(tmp_path, nats_server.url) as machine:
        yield machine
